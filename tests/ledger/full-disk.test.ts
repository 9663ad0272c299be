// The disk gets full and has room again, while everybody calls: refused is refused, and what was acknowledged stays.
import { rm } from "node:fs/promises";
import { expect, it } from "vitest";
import { Campaign } from "./campaign.js";
import { fill, smallDisk } from "./disk.js";
import { isLong, note, seed } from "./settings.js";

const pause = (ms: number) => new Promise((done) => setTimeout(done, ms));

it("a full disk: 503, nothing acknowledged is lost, and on it goes with room again", { timeout: 600_000 }, async () => {
  const folder = smallDisk(48);
  const run = await Campaign.begin({ seed, size: { pairs: 4, groups: 1 }, data: folder });
  for (let round = 0; round < (isLong ? 40 : 3); round++) {
    if (round > 0) await run.start();
    const over = (async () => {
      await pause(run.random.between(50, 300));
      const filler = fill(folder);
      // Many members, since a log that has started over has room of its own for a while; the same ones in each round, so
      // that the disk is as large in the last one as in the first.
      const members = Array.from({ length: 6000 }, (_, n) => `somebody-${n}`.padEnd(100, "-"));
      const put = async (n: number) =>
        (await run.server.host().put(`/api/channels/large-${n % 4}`, { name: null, members })).status;
      let n = 0;
      while ((await put(n)) !== 503) expect(n++, "the disk is full and nobody noticed").toBeLessThan(40);
      await pause(run.random.between(50, 300));
      await rm(filler);
      expect(await put(n), "there is room again").toBeLessThan(300);
      await pause(run.random.between(100, 400));
      expect((await run.server.rest(null).get("/readyz")).body.checks.database).toBe("ok");
    })();
    await run.callUntil(over);
    expect(await run.check(), `round ${round}`).toEqual([]);
  }
  await run.settle();
  expect(run.broken).toEqual([]);
  note(`a full disk, seed ${seed}: ${run.journal.count("refusal")} refusals, ${run.summary()}`);
});

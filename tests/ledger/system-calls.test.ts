// The process ends in the middle of a system call, and the disk refuses to sync: at the first, second, third … time.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, expect, it } from "vitest";
import { closeLater, startServer } from "../lib/index.js";
import { Campaign } from "./campaign.js";
import { isLong, note, seed } from "./settings.js";

const patienceMs = 3000;
let run: Campaign;

beforeAll(async () => {
  run = await Campaign.begin({ seed, size: { pairs: 4, groups: 1 }, lifetime: "file" });
  await run.callAndKill(300);
});

/** Places to strike: a few, or many in the long runs. */
const places = (few: number[], many: number, step = 1): number[] =>
  isLong ? Array.from({ length: many }, (_, n) => n * step + 1) : few;

/** The words that make strace do something to the n-th of these calls of each thread. The server stays our child. */
const inject = (calls: string, what: string, nth: number | string, file?: string): string[] => [
  ...["strace", "-D", "-f", "-qq", "-o", "/dev/null", "-e", `trace=${calls}`],
  ...(file ? ["-P", file] : []),
  ...["-e", `inject=${calls}:${what}:when=${nth}`],
];

/** Calls under an injected fault until the server ends by itself; undefined when it had to be ended. */
async function endBy(wrapper: string[]) {
  let own = true;
  const started = await run.start(wrapper);
  const late = new Promise((done) => setTimeout(done, patienceMs)).then(() => {
    own = false;
  });
  if (started) await run.callUntil(Promise.race([run.server.ended, late]));
  expect(await run.check(), wrapper.join(" ")).toEqual([]);
  return own ? run.server.ended : undefined;
}

it("SIGTERM right after the ready line is a polite end", async () => {
  await run.start(inject("write", "delay_exit=100000", "1+")); // we read the line before it gets on
  await run.server.stop(); // fails unless it ends with 0
});

const sweeps: [string, string, number[]][] = [
  ["while it writes the log", "pwrite64", places([3, 60, 200], 100, 9)],
  ["while it syncs", "fdatasync", places([1, 5, 20], 100)],
  ["while it answers", "sendto,sendmsg,write,writev", places([10, 30, 60], 100, 7)],
];
it.each(sweeps)("killed %s: nothing acknowledged is lost", { timeout: 3_600_000 }, async (when, calls, nths) => {
  let struck = 0;
  for (const nth of nths) if ((await endBy(inject(calls, "signal=KILL", nth)))?.signal === "SIGKILL") struck++;
  note(`killed ${when}: ${struck} of ${nths.length} places struck`);
  expect(struck).toBeGreaterThan(nths.length / 2);
});

it("a sync of the log fails: it ends with 74 and has lied to nobody", { timeout: 3_600_000 }, async () => {
  const nths = places([4], 20);
  let struck = 0;
  for (const nth of nths) {
    const ending = await endBy(inject("fdatasync,fsync", "error=EIO", nth, `${run.database}-wal`));
    if (ending?.code === 74) struck++;
    else expect(ending === undefined || ending.code === 2, JSON.stringify(ending)).toBe(true);
  }
  note(`a sync of the log failed: ended with 74 in ${struck} of ${nths.length} runs`);
  expect(struck).toBeGreaterThan(0);
});

// What the disk has refused once it may pretend to have written the next time: the log must not be thrown away then.
it("a sync of the file fails while the log is moved into it: it ends with 74", { timeout: 20_000 }, async () => {
  await run.start();
  await run.server.stop(); // leaves no log: the first sync of the file is that of the running server
  await run.start(inject("fdatasync,fsync", "error=EIO", 1, run.database));
  const host = run.server.host();
  const members = Array.from({ length: 8000 }, (_, n) => `somebody-${n}`.padEnd(100, "-"));
  const put = (n: number) => host.put(`/api/channels/large${n}`, { name: null, members }).catch(() => undefined);
  const acknowledged: number[] = [];
  for (let n = 0; n < 12 && (await put(n))?.status === 201; n++) acknowledged.push(n);
  expect(await run.server.ended).toEqual({ code: 74, signal: null });
  await run.start();
  for (const n of acknowledged) expect((await run.server.host().get(`/api/channels/large${n}`)).status).toBe(200);
  await run.server.kill();
  expect(await run.check()).toEqual([]);
});

it("when all is over nothing is left", { timeout: 60_000 }, async () => {
  await run.settle();
  expect(run.broken).toEqual([]);
  note(`ended in system calls, seed ${seed}: ${run.summary()}`);
});

it("killed while the tables are made: the next start makes them", { timeout: 600_000 }, async () => {
  for (const nth of places([2, 12], 60)) {
    const data = await mkdtemp(join(tmpdir(), "bellwire-ledger-"));
    closeLater(() => rm(data, { recursive: true, force: true }));
    const wrapper = inject("pwrite64,ftruncate,unlink", "signal=KILL", nth);
    const args = ["--turn-listen", "none"];
    const first = await startServer({ data, args, wrapper }).catch(() => undefined);
    await first?.kill();
    const second = await startServer({ data, args });
    expect((await second.rest(null).get("/readyz")).status, `ended at write ${nth}`).toBe(200);
    await second.kill();
  }
});

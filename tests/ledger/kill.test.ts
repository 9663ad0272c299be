// kill -9 at random moments, over and over, while everybody calls.
import { expect, it } from "vitest";
import { Campaign } from "./campaign.js";
import { cycles, note, seed } from "./settings.js";

const cyclesOfCampaign = 25;

async function campaign(number: number, nCycles: number): Promise<string> {
  const run = await Campaign.begin({ seed: seed + number });
  let torn: string[] = [];
  for (let cycle = 0; cycle < nCycles; cycle++) {
    if (cycle > 0) await run.start();
    await run.callAndKill(run.random.between(20, cycle === 0 ? 600 : 350));
    expect((await run.check()).join("\n"), `seed ${seed + number}, cycle ${cycle}`).toBe("");
    // A cycle that ends early may have nothing in that half; one of them has.
    if (torn.length === 0)
      torn = (await run.checkTornCopy()).filter((sentence) => /and lost|change is lost/.test(sentence));
  }
  await run.settle();
  expect(run.broken.join("\n"), `seed ${seed + number}, after all`).toBe("");
  expect(torn.length, "the control: half of a log is gone, and nobody noticed").toBeGreaterThan(0);
  return run.summary();
}

it(`kill -9, ${cycles} times: nothing acknowledged is lost, nothing happens twice`, {
  timeout: 7_200_000,
}, async () => {
  for (let done = 0, number = 0; done < cycles; done += cyclesOfCampaign, number++) {
    const summary = await campaign(number, Math.min(cyclesOfCampaign, cycles - done));
    note(`kill -9 × ${Math.min(cyclesOfCampaign, cycles - done)}, seed ${seed + number}: ${summary}`);
  }
});

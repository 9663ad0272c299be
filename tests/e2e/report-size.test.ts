// The report of a long call among very many: how soon its first plot is there.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, vi } from "vitest";
import { startServer, token } from "../lib/index.js";
import { closeLater } from "../lib/lifetime.js";
import { launchChromium, makeNamespace, newPerson, note } from "./lib/index.js";
import { storeHour } from "./lib/storedHour.js";

vi.setConfig({ testTimeout: 240_000, hookTimeout: 60_000 });

it("an hour of four people, out of 100,000 stored calls", async () => {
  const namespace = makeNamespace();
  const data = await mkdtemp(join(tmpdir(), "bellwire-report-"));
  closeLater(() => rm(data, { recursive: true, force: true }));
  const server = await startServer({ wrapper: namespace.wrapper, listen: `${namespace.address}:0`, data });
  const { callId, bytesPerLeg } = await storeHour(server);
  expect(bytesPerLeg).toBeLessThan(3 * 150_000); // each leg has three connections

  const browser = await launchChromium(namespace, {
    args: [`--unsafely-treat-insecure-origin-as-secure=${server.url}`],
  });
  const page = await (await newPerson(browser, { viewport: { width: 1180, height: 1000 } })).newPage();
  await page.goto(`${server.url}/console/report?call=${callId}#token=${token({ user: "alice" })}`);
  await page.getByRole("img", { name: /^Frame rate/ }).waitFor();
  const first = await page.evaluate(() => performance.getEntriesByName("plot Round trip")[0]?.startTime);
  expect(await page.getByRole("option").count()).toBe(6);
  note(`first plot after ${Math.round(first ?? Number.NaN)} ms, ${bytesPerLeg} bytes per leg and hour`);
  expect(first).toBeLessThan(1500); // bench/quality.bench.mjs holds it to the goal, on a quiet machine
});

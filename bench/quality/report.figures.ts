// How soon the report of an hour of four people is there, out of 100,000 stored calls, and what the time is made of.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { it } from "vitest";
import { launchChromium, makeNamespace, newPerson } from "../../tests/e2e/lib/index.js";
import { storeHour } from "../../tests/e2e/lib/storedHour.js";
import { startServer, token } from "../../tests/lib/index.js";
import { closeLater } from "../../tests/lib/lifetime.js";
import { figure, median, spread } from "../browser/figure.js";

const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 15);

/** Resolves when all plots are there. Nothing is asked of the page meanwhile: it would cost it time. */
const untilDrawn = (page: Page) =>
  page.evaluate(
    () =>
      new Promise<void>((done) => {
        const look = () => performance.getEntriesByName("plot Frame rate").length > 0 && done();
        new PerformanceObserver(look).observe({ entryTypes: ["mark"] });
        look();
      }),
  );

/** Moments of a page's life, in milliseconds since its address was entered. */
async function moments(page: Page): Promise<Record<string, number>> {
  return page.evaluate(() => {
    const ofKind = (kind: string) => performance.getEntriesByType(kind) as PerformanceResourceTiming[];
    const end = (part: RegExp) =>
      Math.max(
        0,
        ...ofKind("resource")
          .filter((e) => part.test(e.name))
          .map((e) => e.responseEnd),
      );
    const marks = Object.fromEntries(performance.getEntriesByType("mark").map((e) => [e.name, e.startTime]));
    const html = ofKind("navigation")[0]?.responseEnd ?? 0;
    return {
      html,
      code: end(/\.js$/),
      styles: end(/\.css$/),
      samples: end(/\/quality/),
      timeline: end(/\/timeline/),
      ...marks,
    };
  });
}

it("the report of an hour of four people", async () => {
  const namespace = makeNamespace();
  const data = await mkdtemp(join(tmpdir(), "bellwire-report-"));
  closeLater(() => rm(data, { recursive: true, force: true }));
  const server = await startServer({ wrapper: namespace.wrapper, listen: `${namespace.address}:0`, data });
  const { callId, bytesPerLeg } = await storeHour(server);
  const browser = await launchChromium(namespace, {
    args: [`--unsafely-treat-insecure-origin-as-secure=${server.url}`],
  });
  const all: Record<string, number>[] = [];
  for (let i = 0; i <= ROUNDS; i++) {
    const page = await (await newPerson(browser, { viewport: { width: 1180, height: 1000 } })).newPage();
    await page.goto(`${server.url}/console/report?call=${callId}#token=${token({ user: "alice" })}`);
    await untilDrawn(page);
    if (i > 0) all.push(await moments(page)); // the first one starts the browser's processes too
    await page.context().close();
  }
  const of = (name: string) => all.map((one) => one[name] ?? Number.NaN);
  figure("first plot of an hour of four, out of 100,000 calls", spread(of("plot Round trip")), "< 500 ms");
  const parts = Object.keys(all[0] ?? {}).map((name) => `${name} ${Math.round(median(of(name)))}`);
  figure("what it is made of: ms from the address on, medians", parts.join(", "));
  const answered: number[] = [];
  for (let i = 0; i < ROUNDS; i++) {
    const from = performance.now();
    await server.rest("alice").get(`/api/calls/${callId}/quality`);
    answered.push(performance.now() - from);
  }
  figure("all of its 21,600 samples answered and parsed, 27 columns", spread(answered));
  figure("stored per leg and hour, three connections", `${(bytesPerLeg / 1000).toFixed(0)} kB`, "< 150 kB");
});

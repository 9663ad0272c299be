// A bad call between two browsers, to a script: the way loses packets, the direct way is cut, the camera hangs, the device
// is too busy. Its report names each cause, with its evidence, when it was.
//
// A chapter of the script takes ten seconds; BELLWIRE_BAD_CALL=60000 plays it in minutes.
import type { Page } from "playwright-core";
import { expect, it, vi } from "vitest";
import { token } from "../lib/index.js";
import { newPerson, note, screenshot, wear } from "./lib/index.js";
import { hangUp, isWell, makeStage, other, pause, talk, until } from "./lib/qualityStage.js";

const CHAPTER = Number(process.env.BELLWIRE_BAD_CALL ?? 10_000);
/** Samples are taken every two seconds, and each looks back as far. */
const INEXACT_S = 5;

vi.setConfig({ testTimeout: 120_000 + 10 * CHAPTER, hookTimeout: 60_000 });

/** The camera gives no more frames, although it is on: a canvas that nobody paints takes its place. */
const hang = (page: Page) =>
  page.evaluate(() => {
    const { peers } = (window as never as { bellwireTest: { peers: RTCPeerConnection[] } }).bellwireTest;
    const sender = peers.flatMap((pc) => pc.getSenders()).find(({ track }) => track?.kind === "video");
    const [still] = document.createElement("canvas").captureStream(0).getVideoTracks();
    const given = sender?.track ?? null;
    (window as never as { wake: () => Promise<void> }).wake = async () => sender?.replaceTrack(given);
    return sender?.replaceTrack(still ?? null);
  });

const wake = (page: Page) => page.evaluate(() => (window as never as { wake: () => Promise<void> }).wake());

/** A processor that is too slow cannot be had to order from a fake camera: the browser's own statistics say that it is one,
 *  as they would, and everything behind them is real. */
const tire = (page: Page, isTired: boolean) =>
  page.evaluate((isTired) => {
    const scope = window as never as { bellwireTest: { peers: RTCPeerConnection[] }; isTired?: boolean };
    const first = scope.isTired === undefined;
    scope.isTired = isTired;
    if (!first) return;
    for (const pc of scope.bellwireTest.peers) {
      const ask = pc.getStats.bind(pc);
      pc.getStats = async () => {
        const report = new Map(await ask());
        for (const [id, entry] of report)
          if (scope.isTired && entry.type === "outbound-rtp" && entry.kind === "video")
            report.set(id, { ...entry, qualityLimitationReason: "cpu" });
        return report as never;
      };
    }
  }, isTired);

/** The report as it is looked at: in both themes, and on paper, where it is light whatever the theme. */
async function photograph(page: Page): Promise<void> {
  const background = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  await wear(page, "light");
  await screenshot(page, "bad-call-light");
  const light = await background();
  await wear(page, "dark");
  await screenshot(page, "bad-call-dark");
  expect(await background()).not.toBe(light);
  await page.emulateMedia({ colorScheme: "dark", media: "print" });
  await until("light paper", 5000, async () => (await background()) === light);
  await screenshot(page, "bad-call-print");
  await page.emulateMedia({ colorScheme: "light", media: "screen" });
}

it("a report names each cause of a bad call, with its evidence, when it was", async () => {
  const stage = await makeStage(11);
  const call = await talk(stage, "video", ["alice", "bob"]);
  const { caller: alice, callee: bob, id } = call;
  await until("pictures", 30_000, async () => (await other(bob.page))?.connectionQuality);
  const begin = Date.now();
  const at = () => Math.round((Date.now() - begin) / 1000);
  const script: Record<string, [from: number, to: number]> = {};
  const chapter = async (name: string, start: () => Promise<unknown>, end: () => Promise<unknown>) => {
    const from = at();
    await start();
    await pause(CHAPTER);
    await end();
    script[name] = [from, at()];
    await pause(9000); // longer than the gap of seven seconds that does not part a span
  };
  await pause(CHAPTER / 2);
  await chapter(
    "loss",
    () => stage.link.set({ there: { loss: 0.15 } }),
    () => stage.link.set({}),
  );
  // From here on the direct way stays cut: only the relay's port passes.
  await chapter(
    "path",
    () => stage.link.set({ udp: [stage.turnPort] }),
    async () => {},
  );
  await chapter(
    "frozen",
    () => hang(alice.page),
    () => wake(alice.page),
  );
  await chapter(
    "cpu",
    () => tire(alice.page, true),
    () => tire(alice.page, false),
  );
  const wellAtLast = await isWell(bob);
  await hangUp(call);

  const person = await newPerson(stage.browsers[0], { viewport: { width: 1180, height: 1000 } });
  const page = await person.newPage();
  await page.goto(`${stage.server.url}/console/report?call=${id}#token=${token({ user: "bob" })}`);
  await page.locator(".finding").first().waitFor();
  await photograph(page);
  const findings = await page
    .locator(".finding")
    .evaluateAll((list) =>
      list.map((one) => ({ kind: (one as HTMLElement).dataset.kind ?? "", text: (one as HTMLElement).innerText })),
    );
  note(findings.map(({ kind, text }) => `[${kind}] ${text.replaceAll("\n", " · ")}`).join("\nnote: "));
  note(`script: ${JSON.stringify(script)}; well at last: ${wellAtLast}`);
  const answered = await page.evaluate(
    async ({ id, jwt }) =>
      (await (await fetch(`/api/calls/${id}`, { headers: { authorization: `Bearer ${jwt}` } })).json()).call.answeredAt,
    { id, jwt: token({ user: "bob" }) },
  );
  /** The report counts from the answer. */
  const shift = (begin - Date.parse(answered)) / 1000;
  const seconds = (clock: string) => clock.split(":").reduce((sum, part) => 60 * sum + Number(part), 0);
  /** The finding of a kind, and that it was when the script says, up to a shift between the clocks of test and report. */
  const named = (kind: string, words: RegExp, [from, to]: [number, number]) => {
    const found = findings.filter((one) => one.kind === kind && words.test(one.text));
    expect(found, `${kind}: ${words}`).toHaveLength(1);
    const [first = 0, last = first] = [...(found[0]?.text ?? "").matchAll(/\b\d+:\d\d(?::\d\d)?\b/g)].map(([clock]) =>
      seconds(clock),
    );
    expect(Math.abs(first - shift - from)).toBeLessThanOrEqual(INEXACT_S);
    if (kind !== "path") expect(Math.abs(last - shift - to)).toBeLessThanOrEqual(INEXACT_S);
  };
  named("loss", /^bob lost 1[1-9](\.\d)? % of what alice sent.*\n+median of \d+ samples/, script.loss ?? [0, 0]);
  named("path", /^bob's media moved from the direct way to the relay over UDP/, script.path ?? [0, 0]);
  named(
    "frozen",
    /^alice's device sent no pictures although the camera was on.*\n+0 frames a second sent/,
    script.frozen ?? [0, 0],
  );
  named(
    "cpu",
    /^alice's device was too busy to encode its picture.*\n+.*limited by the processor in \d+ samples/,
    script.cpu ?? [0, 0],
  );
  expect(findings.filter(({ kind, text }) => kind === "loss" && text.startsWith("alice lost"))).toEqual([]);
});

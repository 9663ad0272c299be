// Two pages of the SDK in a call: how they get there, what they heard of it, and when pictures came.
import type { Page } from "playwright-core";
import type { Client } from "../../../packages/client/src/index.js";
import { untilMedia } from "./peers.js";

interface Window {
  bellwire: Client;
  /** What the call told, with the time of the page: "reconnecting", "reconnected", … */
  told: { what: string; at: number }[];
  /** When each remote frame came out of the decoder. */
  frames: number[];
}

/** The first calls the second, who accepts; both decode pictures. */
export async function talk([caller, callee]: [Page, Page], to: string): Promise<void> {
  await caller.evaluate(async (to) => {
    await (window as never as Window).bellwire.call({ channelId: "general", to });
  }, to);
  await callee.waitForFunction(() => (window as never as Window).bellwire.getSnapshot().incoming[0]);
  await callee.evaluate(async () => {
    const { bellwire } = window as never as Window;
    await bellwire.getCall(bellwire.getSnapshot().incoming[0]?.id ?? "")?.accept();
  });
  for (const page of [caller, callee]) {
    await untilMedia(page, (state) => state.framesDecoded >= 10 && state.audioPackets > 0, 60_000);
    await page.evaluate(listen);
  }
}

/** Runs in the page: writes down what the call tells, and each frame of the other's picture. */
function listen(): void {
  const scope = window as never as Window;
  const { current } = scope.bellwire.getSnapshot();
  const call = scope.bellwire.getCall(current?.id ?? "");
  scope.told = [];
  for (const what of ["reconnecting", "reconnected", "ended"] as const)
    call?.on(what, () => scope.told.push({ what, at: performance.now() }));
  scope.frames = [];
  const track = current?.participants[0]?.stream?.getVideoTracks()[0];
  if (!track) throw new Error("there is no picture");
  const Processor = (
    window as never as { MediaStreamTrackProcessor: new (init: object) => { readable: ReadableStream } }
  ).MediaStreamTrackProcessor;
  const reader = new Processor({ track }).readable.getReader();
  const next = async (): Promise<void> => {
    const { done, value } = await reader.read();
    if (done) return;
    value.close();
    scope.frames.push(performance.now());
    await next();
  };
  void next();
}

/** What the call has told so far. */
export function told(page: Page): Promise<string[]> {
  return page.evaluate(() => (window as never as Window).told.map(({ what }) => what));
}

/** Resolves once the call told so. */
export async function untilTold(page: Page, what: string, timeoutMs = 20_000): Promise<void> {
  await page.waitForFunction((what) => (window as never as Window).told.some((one) => one.what === what), what, {
    timeout: timeoutMs,
  });
}

/** The longest time without a frame since the page was asked to look, in milliseconds; begins to look anew. */
export function longestGap(page: Page): Promise<number> {
  return page.evaluate(() => {
    const scope = window as never as Window;
    const times = [...scope.frames, performance.now()];
    scope.frames = scope.frames.slice(-1);
    return Math.max(...times.slice(1).map((at, i) => at - (times[i] ?? at)));
  });
}

/** Resolves with the milliseconds until a frame has come that was not there when this was called. */
export async function nextFrames(page: Page, count = 5, timeoutMs = 30_000): Promise<number> {
  return page.evaluate(
    async ({ count, timeoutMs }) => {
      const { frames } = window as never as Window;
      const before = frames.length;
      const from = performance.now();
      while (frames.length < before + count) {
        if (performance.now() - from > timeoutMs) throw new Error(`no frames within ${timeoutMs} ms`);
        await new Promise((done) => setTimeout(done, 10));
      }
      return (frames[before] ?? 0) - from;
    },
    { count, timeoutMs },
  );
}

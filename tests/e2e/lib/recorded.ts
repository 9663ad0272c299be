// People in a call that is recorded: each has a voice of one pitch and a camera of one colour, in Chromium or in Firefox,
// at a page with nothing but the SDK and its recorder.
import type { Browser as Chromium, Page as ChromiumPage } from "playwright-core";
import type { Browser as Firefox } from "puppeteer-core";
import { expect } from "vitest";
import type { Client, Recording } from "../../../packages/client/src/index.js";
import type { CallRecorder, RecorderOptions, RecorderSnapshot } from "../../../packages/client/src/recording/index.js";
import { closeLater, type Server } from "../../lib/index.js";
import { newPerson } from "./browser.js";
import type { Colour } from "./decode.js";
import { newFirefoxPage } from "./firefox.js";
import { type Place, untilMedia } from "./peers.js";
import { type AnyPage, enterSdk, setChannel } from "./sdkPage.js";

export type { AnyPage };

export interface Scope {
  Bellwire: typeof import("./recordingPage.js");
  bellwire: Client;
  recorder: CallRecorder;
}

interface Part {
  hz: number;
  colour: Colour;
}

/** Who is who: the first one records. */
export const PARTS = {
  alice: { hz: 440, colour: "red" },
  bob: { hz: 1000, colour: "green" },
  carol: { hz: 1700, colour: "blue" },
} as const satisfies Record<string, Part>;

export type Who = keyof typeof PARTS;

/** Runs in the page before anything else: the microphone gives one tone, the camera one colour. */
function actAs({ hz, colour }: Part): void {
  const devices = navigator.mediaDevices;
  if (!devices) return; // the empty page before ours
  const sing = () => {
    const audio = new AudioContext();
    const tone = new OscillatorNode(audio, { frequency: hz });
    const out = audio.createMediaStreamDestination();
    tone.connect(new GainNode(audio, { gain: 0.3 })).connect(out);
    tone.start();
    void audio.resume();
    return out.stream.getAudioTracks();
  };
  const paint = () => {
    const canvas = Object.assign(document.createElement("canvas"), { width: 192, height: 108 });
    const pen = canvas.getContext("2d") as CanvasRenderingContext2D;
    // Not quite still, or nothing would be sent.
    let step = 0;
    setInterval(() => {
      pen.fillStyle = { red: "#e00000", green: "#00c000", blue: "#0000f0" }[colour];
      pen.fillRect(0, 0, 192, 108);
      pen.fillStyle = "#888";
      pen.fillRect((step++ * 4) % 192, 50, 4, 4);
    }, 100);
    return canvas.captureStream(10).getVideoTracks();
  };
  devices.getUserMedia = async (wish = {}) =>
    new MediaStream([...(wish.audio ? sing() : []), ...(wish.video ? paint() : [])]);
}

/** A fresh page of either browser for somebody; where the driver's own page is wanted, `of` has it too. */
export async function newActor(browser: Chromium | Firefox, who: Who): Promise<AnyPage> {
  const part = PARTS[who];
  if ("newContext" in browser) {
    const context = await newPerson(browser);
    await context.addInitScript(actAs, part);
    return (await context.newPage()) as unknown as AnyPage;
  }
  const page = await newFirefoxPage(browser);
  await page.evaluateOnNewDocument(actAs, part);
  closeLater(async () => {
    if (!page.isClosed()) await page.close();
  });
  return page as unknown as AnyPage;
}

/** The page as Playwright knows it. */
export const chromiumPage = (page: AnyPage): ChromiumPage => page as unknown as ChromiumPage;

/** Connects the page as that user; only alice's token lets her record. */
export function enter(
  page: AnyPage,
  server: Server,
  who: Who,
  origin = `http://localhost:${server.port}`,
): Promise<void> {
  const claims = who === "alice" ? { recorder: true } : {};
  return enterSdk(page, origin, who, { entry: "tests/e2e/lib/recordingPage.ts", claims });
}

/** Agrees to being recorded, or does not. */
export const consent = (page: AnyPage, isYes: boolean): Promise<void> =>
  page.evaluate(async (isYes) => {
    const { bellwire } = window as never as Scope;
    await bellwire.getCall(bellwire.getSnapshot().current?.id ?? "")?.consentToRecording(isYes);
  }, isYes);

export const hangUp = (page: AnyPage): Promise<void> =>
  page.evaluate(async () => {
    const { bellwire } = window as never as Scope;
    await bellwire.getCall(bellwire.getSnapshot().current?.id ?? "")?.hangUp();
  });

/** Polls, with patience for a busy machine. */
export const eventually = <T>(ask: () => Promise<T>) => expect.poll(ask, { timeout: 20_000, interval: 100 });

async function untilFlows(page: AnyPage, others: number, hasVideo: boolean): Promise<void> {
  const connected = () =>
    page.evaluate(() => {
      const { current } = (window as never as Scope).bellwire.getSnapshot();
      return current?.participants.map(({ userId, media }) => `${userId} ${media}`).filter((one) => !/ new$/.test(one));
    });
  await eventually(connected).toEqual(Array(others).fill(expect.stringMatching(/ connected$/)));
  const flows = (state: { framesDecoded: number; audioPackets: number }) =>
    state.audioPackets > 0 && (!hasVideo || state.framesDecoded >= 5);
  await untilMedia(page as unknown as Place, flows, 30_000);
}

/** Alice and bob talk, in a group that carol may join; resolves with the call's id. */
export async function gather(
  alice: AnyPage,
  bob: AnyPage,
  { type = "video" }: { type?: "audio" | "video" } = {},
): Promise<string> {
  await setChannel(alice, "general", Object.keys(PARTS));
  const id = await alice.evaluate(async (type) => {
    const { bellwire } = window as never as Scope;
    return (await bellwire.call({ channelId: "general", participants: ["bob"], mode: "group", type })).id;
  }, type);
  const rings = () => bob.evaluate(() => (window as never as Scope).bellwire.getSnapshot().incoming.length);
  await eventually(rings).toBe(1);
  await bob.evaluate((id) => (window as never as Scope).bellwire.getCall(id)?.accept(), id);
  for (const page of [alice, bob]) await untilFlows(page, 1, type === "video");
  return id;
}

/** Somebody comes later; resolves when both of the others are there for them. */
export async function joinLate(page: AnyPage, id: string): Promise<void> {
  await page.evaluate(async (id) => {
    await (window as never as Scope).bellwire.join(id, { audio: true, video: true });
  }, id);
  await untilFlows(page, 2, true);
}

/** A small picture: it is drawn and encoded by the processor, beside everybody's pages. */
const SMALL: RecorderOptions = { width: 640, height: 360, framesPerSecond: 10, videoBitsPerSecond: 400_000 };

/** Starts recording the call that the page is in. */
export function record(page: AnyPage, options: RecorderOptions = SMALL): Promise<void> {
  return page.evaluate(async (options) => {
    const scope = window as never as Scope;
    const call = scope.bellwire.getCall(scope.bellwire.getSnapshot().current?.id ?? "");
    if (!call) throw new Error("there is no call");
    scope.recorder = new scope.Bellwire.CallRecorder(scope.bellwire, call, options);
    await scope.recorder.start();
  }, options);
}

export const recorderOf = (page: AnyPage): Promise<RecorderSnapshot> =>
  page.evaluate(() => (window as never as Scope).recorder.getSnapshot());

/** Resolves with the recording's length so far, once it is longer than that. */
export async function untilRecorded(page: AnyPage, ms: number): Promise<number> {
  await eventually(async () => (await recorderOf(page)).elapsedMs).toBeGreaterThan(ms);
  return (await recorderOf(page)).elapsedMs;
}

/** A recording is as long as it was told to be: within two hundredths, and what beginning and end take on a busy machine. */
export function expectLength(seconds: number, elapsedMs: number, slackMs = 400): void {
  expect(Math.abs(seconds * 1000 - elapsedMs), `${seconds} s instead of ${elapsedMs} ms`).toBeLessThan(
    0.02 * elapsedMs + slackMs,
  );
}

export const stopRecorder = (page: AnyPage): Promise<string | null> =>
  page.evaluate(() => (window as never as Scope).recorder.stop());

/** What the page's user is told. */
export const recordingOf = (page: AnyPage) =>
  page.evaluate(() => (window as never as Scope).bellwire.getSnapshot().current?.recording);

export const recordingState = async (page: AnyPage) => (await recordingOf(page))?.state;

/** The call's recordings as the page's user sees them. */
function list(page: AnyPage, callId: string): Promise<Recording[]> {
  return page.evaluate(async (callId) => {
    const { bellwire } = window as never as Scope;
    return (await bellwire.rest.request<{ recordings: Recording[] }>(`/api/calls/${callId}/recordings`)).recordings;
  }, callId);
}

export async function whenListed(page: AnyPage, callId: string): Promise<Recording> {
  await eventually(() => list(page, callId)).toHaveLength(1);
  return (await list(page, callId))[0] as Recording;
}

export async function bytesOf(page: AnyPage, id: string): Promise<Buffer> {
  const base64 = await page.evaluate(async (id) => {
    const answer = await (window as never as Scope).bellwire.rest.send(`/api/recordings/${id}`);
    const bytes = new Uint8Array(await answer.arrayBuffer());
    let text = "";
    for (let at = 0; at < bytes.length; at += 8192) text += String.fromCharCode(...bytes.subarray(at, at + 8192));
    return btoa(text);
  }, id);
  return Buffer.from(base64, "base64");
}

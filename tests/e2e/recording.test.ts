// A call is recorded in a real browser, uploaded while it goes on, and decoded by ffmpeg; tabs close and networks go away.
import type { Browser as Chromium } from "playwright-core";
import type { Browser as Firefox } from "puppeteer-core";
import { beforeAll, describe, expect, it, vi } from "vitest";
import { type Server, startServer } from "../lib/index.js";
import { probe } from "../recording/lib/setup.js";
import { saveMedia, strengthIn } from "./lib/decode.js";
import { launchChromium, type Maker, makeNamespace, type Namespace, note, startFirefox } from "./lib/index.js";
import {
  type AnyPage,
  bytesOf,
  chromiumPage,
  consent,
  enter,
  eventually,
  expectLength,
  gather,
  newActor,
  PARTS,
  record,
  recorderOf,
  recordingOf,
  recordingState,
  type Scope,
  stopRecorder,
  untilRecorded,
  whenListed,
} from "./lib/recorded.js";

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

let namespace: Namespace;
let browsers: Record<Maker, Chromium | Firefox>;
let server: Server;

beforeAll(async () => {
  namespace = makeNamespace();
  namespace.addDeadEnd();
  browsers = { Chromium: await launchChromium(namespace), Firefox: await startFirefox(namespace, { hasSound: true }) };
});

interface Scene {
  alice: AnyPage;
  bob: AnyPage;
  callId: string;
}

async function talk(maker: Maker, args: string[] = [], type: "audio" | "video" = "video"): Promise<Scene> {
  server = await startServer({ wrapper: namespace.wrapper, args: ["--recording-min-free", "1", ...args] });
  const [alice, bob] = [await newActor(browsers[maker], "alice"), await newActor(browsers[maker], "bob")];
  await enter(alice, server, "alice");
  await enter(bob, server, "bob");
  return { alice, bob, callId: await gather(alice, bob, { type }) };
}

/** Both voices are in it, and nothing that nobody said. */
async function expectVoices(media: Buffer): Promise<void> {
  const strength = await strengthIn(await saveMedia(media));
  const voices = [PARTS.alice.hz, PARTS.bob.hz];
  note(`share of the sound: ${voices.map((hz) => `${hz} Hz ${strength(hz).toFixed(3)}`)}`);
  for (const hz of voices) expect(strength(hz)).toBeGreaterThan(0.1);
  expect(strength(700)).toBeLessThan(0.02);
}

describe("a call of two", () => {
  it("is recorded with both voices, a pause left out, and everyone is told", async () => {
    const { alice, bob, callId } = await talk("Chromium");
    await record(alice);
    await eventually(() => recordingState(bob)).toBe("started");
    await untilRecorded(alice, 2000);
    await alice.evaluate(() => (window as never as Scope).recorder.pause());
    expect((await recorderOf(alice)).state).toBe("paused");
    await new Promise((done) => setTimeout(done, 2000));
    await alice.evaluate(() => (window as never as Scope).recorder.resume());
    await untilRecorded(alice, 5000);
    // It is on the server while it goes on.
    expect((await recorderOf(alice)).sentBytes).toBeGreaterThan(0);
    const id = await stopRecorder(alice);
    await eventually(() => recordingState(bob)).toBe("none");
    const { elapsedMs, bytes, sentBytes } = await recorderOf(alice);
    expect(sentBytes).toBe(bytes);
    expect(await whenListed(bob, callId)).toMatchObject({ id, isCut: false, userId: "alice" });
    const media = await bytesOf(bob, id ?? "");
    const found = await probe(media);
    note(`recorded ${elapsedMs.toFixed(0)} ms, the file has ${found.duration} s, ${found.streams}`);
    expectLength(found.duration, elapsedMs);
    expect(found.streams.toSorted()).toEqual(["opus", expect.stringMatching(/^vp[89]$/)]);
    await expectVoices(media);
  });

  it("waits until everybody has agreed", async () => {
    const { alice, bob } = await talk("Chromium", ["--recording-policy", "consent"]);
    await record(alice);
    await eventually(() => recordingState(bob)).toBe("requested");
    expect((await recorderOf(alice)).state).toBe("waiting");
    await consent(bob, true);
    await eventually(async () => (await recorderOf(alice)).bytes).toBeGreaterThan(0);
    // Taken back: it ends for all.
    await consent(bob, false);
    await eventually(async () => (await recorderOf(alice)).state).toBe("done");
  });

  it("is recorded by nobody whose token does not allow it", async () => {
    const { alice, bob } = await talk("Chromium", [], "audio");
    const code = await bob.evaluate(async () => {
      const { Bellwire, bellwire } = window as never as Scope;
      const call = bellwire.getCall(bellwire.getSnapshot().current?.id ?? "");
      if (!call) throw new Error("there is no call");
      const recorder = new Bellwire.CallRecorder(bellwire, call);
      return recorder.start().then(
        () => null,
        () => recorder.getSnapshot().error?.code,
      );
    });
    expect(code).toBe("forbidden");
    expect(await recordingOf(alice)).toMatchObject({ state: "none" });
  });

  it("of sound alone is recorded as sound alone, in Firefox", async () => {
    const { alice, bob, callId } = await talk("Firefox", [], "audio");
    await record(alice, {});
    await untilRecorded(alice, 3500);
    const id = await stopRecorder(alice);
    const { elapsedMs } = await recorderOf(alice);
    expect(await whenListed(bob, callId)).toMatchObject({ id, mediaType: expect.stringMatching(/^audio\/webm/) });
    const media = await bytesOf(bob, id ?? "");
    const found = await probe(media);
    note(`Firefox, sound: recorded ${elapsedMs.toFixed(0)} ms, the file has ${found.duration} s, ${found.streams}`);
    expectLength(found.duration, elapsedMs);
    expect(found.streams).toEqual(["opus"]);
    await expectVoices(media);
  });

  it("is recorded as MP4 where the browser writes no WebM", async () => {
    const { alice, bob, callId } = await talk("Chromium");
    await alice.evaluate(() => {
      const isSupported = MediaRecorder.isTypeSupported.bind(MediaRecorder);
      MediaRecorder.isTypeSupported = (type) => !type.includes("webm") && isSupported(type);
    });
    await record(alice);
    await untilRecorded(alice, 3500);
    const id = await stopRecorder(alice);
    const { elapsedMs } = await recorderOf(alice);
    const told = await whenListed(bob, callId);
    expect(told).toMatchObject({ id, mediaType: expect.stringMatching(/^video\/mp4/) });
    expect(told.fileName).toMatch(/\.mp4$/);
    const found = await probe(await bytesOf(bob, id ?? ""));
    note(`MP4: recorded ${elapsedMs.toFixed(0)} ms, the file has ${found.duration} s, ${found.streams}`);
    expect(found.streams).toHaveLength(2);
    expectLength(found.duration, elapsedMs);
  });
});

describe("a tab that is closed in mid-recording", () => {
  it.each<Maker>(["Chromium", "Firefox"])("leaves a recording that plays, in %s", async (maker) => {
    const { alice, bob, callId } = await talk(maker, ["--recording-upload-expiry", "3s"]);
    await record(alice);
    await untilRecorded(alice, 4000);
    await alice.close();
    const recording = await whenListed(bob, callId);
    expect(recording.isCut).toBe(true);
    const found = await probe(await bytesOf(bob, recording.id));
    note(`${maker}, closed after 4 s: ${found.duration} s are left`);
    expect(found.duration).toBeGreaterThan(2);
  });

  it("is finished by the next page, with what waited for the network", async () => {
    const { alice, bob, callId } = await talk("Chromium");
    await record(alice);
    await eventually(async () => (await recorderOf(alice)).sentBytes).toBeGreaterThan(0);
    const context = chromiumPage(alice).context();
    await context.route("**/api/uploads/**", (route) => route.abort());
    const { sentBytes } = await recorderOf(alice);
    await eventually(async () => (await recorderOf(alice)).bytes).toBeGreaterThan(sentBytes * 2);
    const { bytes } = await recorderOf(alice);
    await alice.close();
    await context.unroute("**/api/uploads/**");
    const next = (await context.newPage()) as unknown as AnyPage;
    await enter(next, server, "alice");
    const ids = await next.evaluate(() => {
      const scope = window as never as Scope;
      return scope.Bellwire.finishUploads(scope.bellwire);
    });
    const recording = await whenListed(bob, callId);
    expect(ids).toEqual([recording.id]);
    // The last piece may not have been kept in time; all before it were.
    const media = await bytesOf(bob, recording.id);
    note(`${bytes} bytes recorded, ${sentBytes} sent before the network went; the recording has ${media.length}`);
    expect(media.length).toBeGreaterThan(sentBytes * 1.5);
    await probe(media);
  });
});

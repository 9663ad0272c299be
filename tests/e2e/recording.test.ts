// A call is recorded in a real browser, uploaded while it goes on, and decoded by ffmpeg.
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { beforeAll, describe, expect, it } from "vitest";
import type { Client, Recording } from "../../packages/client/src/index.js";
import type { CallRecorder, RecorderSnapshot } from "../../packages/client/src/recording/index.js";
import { closeLater, type Server, startServer } from "../lib/index.js";
import { probe } from "../recording/lib/setup.js";
import { launchChromium, makeNamespace, type Namespace, newPerson, note } from "./lib/index.js";
import { talk } from "./lib/sdkCall.js";
import { openSdk, setChannel } from "./lib/sdkPage.js";

interface Scope {
  Bellwire: typeof import("./lib/recordingPage.js");
  bellwire: Client;
  recorder: CallRecorder;
}

const HZ = { alice: 440, bob: 1000 };
const RATE = 8000;

let namespace: Namespace;
let browser: Browser;
let server: Server;

beforeAll(async () => {
  namespace = makeNamespace();
  browser = await launchChromium(namespace);
});

/** A context whose microphone gives one tone. */
async function person(hz: number): Promise<BrowserContext> {
  const context = await newPerson(browser, { smallVideo: true });
  await context.addInitScript((hz) => {
    if (!navigator.mediaDevices) return; // the empty page before ours
    const open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
    navigator.mediaDevices.getUserMedia = async (wish) => {
      const stream = await open(wish);
      const audio = new AudioContext();
      const tone = new OscillatorNode(audio, { frequency: hz });
      const out = audio.createMediaStreamDestination();
      tone.connect(new GainNode(audio, { gain: 0.3 })).connect(out);
      tone.start();
      for (const track of stream.getAudioTracks()) {
        stream.removeTrack(track);
        stream.addTrack(out.stream.getAudioTracks()[0] as MediaStreamTrack);
      }
      return stream;
    };
  }, hz);
  return context;
}

const openRecorder = (page: Page | BrowserContext): Promise<Page> =>
  openSdk(page, `http://localhost:${server.port}`, "alice", {
    entry: "tests/e2e/lib/recordingPage.ts",
    claims: { recorder: true },
  });

async function openCall(args: string[] = []): Promise<[Page, Page]> {
  server = await startServer({ wrapper: namespace.wrapper, args: ["--recording-min-free", "1", ...args] });
  const alice = await openRecorder(await person(HZ.alice));
  const bob = await openSdk(await person(HZ.bob), `http://localhost:${server.port}`, "bob");
  await setChannel(alice, "general", ["alice", "bob"]);
  await talk([alice, bob], "bob");
  return [alice, bob];
}

function start(page: Page): Promise<string> {
  return page.evaluate(async () => {
    const scope = window as never as Scope;
    const call = scope.bellwire.getCall(scope.bellwire.getSnapshot().current?.id ?? "");
    if (!call) throw new Error("there is no call");
    scope.recorder = new scope.Bellwire.CallRecorder(scope.bellwire, call);
    await scope.recorder.start();
    return call.id;
  });
}

const recorder = (page: Page): Promise<RecorderSnapshot> =>
  page.evaluate(() => (window as never as Scope).recorder.getSnapshot());

const recordingState = (page: Page) =>
  page.evaluate(() => (window as never as Scope).bellwire.getSnapshot().current?.recording.state);

/** The call's recordings as the page's user sees them. */
function list(page: Page, callId: string): Promise<Recording[]> {
  return page.evaluate(async (callId) => {
    const { bellwire } = window as never as Scope;
    return (await bellwire.rest.request<{ recordings: Recording[] }>(`/api/calls/${callId}/recordings`)).recordings;
  }, callId);
}

async function whenListed(page: Page, callId: string): Promise<Recording> {
  await expect.poll(() => list(page, callId), { timeout: 15_000 }).toHaveLength(1);
  return (await list(page, callId))[0] as Recording;
}

async function bytesOf(page: Page, id: string): Promise<Buffer> {
  const base64 = await page.evaluate(async (id) => {
    const answer = await (window as never as Scope).bellwire.rest.send(`/api/recordings/${id}`);
    const bytes = new Uint8Array(await answer.arrayBuffer());
    let text = "";
    for (let at = 0; at < bytes.length; at += 8192) text += String.fromCharCode(...bytes.subarray(at, at + 8192));
    return btoa(text);
  }, id);
  return Buffer.from(base64, "base64");
}

/** How strong one frequency is in the sound of a recording (Goertzel), as a share of all of it. */
async function strengthOf(media: Buffer): Promise<(hz: number) => number> {
  const folder = await mkdtemp(join(tmpdir(), "bellwire-tone-"));
  closeLater(() => rm(folder, { recursive: true, force: true }));
  const file = join(folder, "media");
  await writeFile(file, media);
  const words = ["-v", "error", "-i", file, "-vn", "-ac", "1", "-ar", `${RATE}`, "-f", "f32le", "-"];
  const { stdout } = await promisify(execFile)("ffmpeg", words, { encoding: "buffer", maxBuffer: 1 << 26 });
  const samples = new Float32Array(stdout.buffer, stdout.byteOffset, Math.floor(stdout.length / 4));
  const tenths = Math.floor(samples.length / 800);
  return (hz) => {
    let found = 0;
    let all = 0;
    for (let i = 0; i < tenths; i++) {
      const { power, energy } = goertzel(samples.subarray(i * 800, (i + 1) * 800), hz);
      found += power;
      all += energy;
    }
    return found / all;
  };
}

function goertzel(samples: Float32Array, hz: number): { power: number; energy: number } {
  const factor = 2 * Math.cos((2 * Math.PI * hz) / RATE);
  let [s1, s2, energy] = [0, 0, 0];
  for (const sample of samples) {
    [s1, s2] = [sample + factor * s1 - s2, s1];
    energy += sample * sample;
  }
  return { power: (2 * (s1 * s1 + s2 * s2 - factor * s1 * s2)) / samples.length, energy };
}

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

describe("a call of two", { timeout: 120_000 }, () => {
  it("is recorded with both voices, a pause left out, and everyone is told", async () => {
    const [alice, bob] = await openCall();
    const callId = await start(alice);
    await expect.poll(() => recordingState(bob)).toBe("started");
    await expect.poll(async () => (await recorder(alice)).elapsedMs, { timeout: 20_000 }).toBeGreaterThan(4000);
    await alice.evaluate(() => (window as never as Scope).recorder.pause());
    await sleep(3000);
    await alice.evaluate(() => (window as never as Scope).recorder.resume());
    await expect.poll(async () => (await recorder(alice)).elapsedMs, { timeout: 20_000 }).toBeGreaterThan(14_000);
    // It is on the server while it goes on.
    expect((await recorder(alice)).sentBytes).toBeGreaterThan(0);
    const id = await alice.evaluate(() => (window as never as Scope).recorder.stop());
    await expect.poll(() => recordingState(bob)).toBe("none");
    const { elapsedMs, bytes, sentBytes } = await recorder(alice);
    expect(sentBytes).toBe(bytes);
    const recording = await whenListed(bob, callId);
    expect(recording).toMatchObject({ id, isCut: false, userId: "alice" });
    const media = await bytesOf(bob, recording.id);
    const found = await probe(media);
    note(`recorded ${elapsedMs.toFixed(0)} ms, the file has ${found.duration} s, ${found.streams}`);
    expect(Math.abs(found.duration * 1000 - elapsedMs)).toBeLessThan(0.02 * elapsedMs);
    expect(found.streams.toSorted()).toEqual(["opus", expect.stringMatching(/^vp[89]$/)]);
    const strength = await strengthOf(media);
    note(`share of the sound: ${Object.values(HZ).map((hz) => `${hz} Hz ${strength(hz).toFixed(3)}`)}`);
    for (const hz of Object.values(HZ)) expect(strength(hz)).toBeGreaterThan(0.1);
    expect(strength(700)).toBeLessThan(0.02);
  });

  it("waits until everybody has agreed", async () => {
    const [alice, bob] = await openCall(["--recording-policy", "consent"]);
    await start(alice);
    await expect.poll(() => recordingState(bob)).toBe("requested");
    expect((await recorder(alice)).state).toBe("waiting");
    await bob.evaluate(async () => {
      const { bellwire } = window as never as Scope;
      await bellwire.getCall(bellwire.getSnapshot().current?.id ?? "")?.consentToRecording();
    });
    await expect.poll(async () => (await recorder(alice)).bytes, { timeout: 15_000 }).toBeGreaterThan(0);
    // Taken back: it ends for all.
    await bob.evaluate(async () => {
      const { bellwire } = window as never as Scope;
      await bellwire.getCall(bellwire.getSnapshot().current?.id ?? "")?.consentToRecording(false);
    });
    await expect.poll(async () => (await recorder(alice)).state, { timeout: 15_000 }).toBe("done");
  });
});

describe("a tab that is closed in mid-recording", { timeout: 120_000 }, () => {
  it("leaves a recording that plays", async () => {
    const [alice, bob] = await openCall(["--recording-upload-expiry", "3s"]);
    const callId = await start(alice);
    await expect.poll(async () => (await recorder(alice)).elapsedMs, { timeout: 20_000 }).toBeGreaterThan(5000);
    await alice.close();
    const recording = await whenListed(bob, callId);
    expect(recording.isCut).toBe(true);
    const found = await probe(await bytesOf(bob, recording.id));
    note(`closed after 5 s: ${found.duration} s are left`);
    expect(found.duration).toBeGreaterThan(2.5);
  });

  it("is finished by the next page, with what waited for the network", async () => {
    const [alice, bob] = await openCall();
    const callId = await start(alice);
    await expect.poll(async () => (await recorder(alice)).sentBytes, { timeout: 20_000 }).toBeGreaterThan(0);
    const context = alice.context();
    await context.route("**/api/uploads/**", (route) => route.abort());
    const { sentBytes } = await recorder(alice);
    await expect.poll(async () => (await recorder(alice)).bytes, { timeout: 20_000 }).toBeGreaterThan(sentBytes * 2);
    const { bytes } = await recorder(alice);
    await alice.close();
    await context.unroute("**/api/uploads/**");
    const next = await openRecorder(context);
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

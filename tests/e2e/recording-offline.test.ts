// The cable of who records is pulled out for twenty seconds: what is recorded waits in the browser, outside of memory, and
// the recording that the server gets in the end has no gap.
import type { Browser, Page } from "playwright-core";
import { beforeAll, expect, it, vi } from "vitest";
import { startServer } from "../lib/index.js";
import { probe } from "../recording/lib/setup.js";
import { saveMedia, strengthIn } from "./lib/decode.js";
import { launchChromium, makeHome, makeInternet, type Nat, note } from "./lib/index.js";
import {
  type AnyPage,
  bytesOf,
  chromiumPage,
  enter,
  eventually,
  expectLength,
  gather,
  newActor,
  PARTS,
  record,
  recorderOf,
  recordingState,
  type Scope,
  stopRecorder,
  untilRecorded,
  whenListed,
} from "./lib/recorded.js";

vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 });

const AWAY_MS = 20_000;
const listen = "20.77.0.1:8080";

let internet: ReturnType<typeof makeInternet>;
let home: Nat;
let browsers: Record<"alice" | "bob", Browser>;

beforeAll(async () => {
  internet = makeInternet();
  home = makeHome(internet, 1);
  home.set({ symmetric: false, allowed: "all" });
  // Chromium takes an address that is no localhost for insecure unless it is told otherwise.
  const args = [`--unsafely-treat-insecure-origin-as-secure=http://${listen}`];
  browsers = { alice: await launchChromium(home.home, { args }), bob: await launchChromium(internet, { args }) };
});

/** Bytes of the page's buffers that nobody has let go of. */
async function heldBytes(page: Page): Promise<number> {
  const session = await page.context().newCDPSession(page);
  await session.send("HeapProfiler.collectGarbage");
  const usage: { backingStorageSize?: number } = await session.send("Runtime.getHeapUsage");
  await session.detach();
  return usage.backingStorageSize ?? Number.NaN;
}

/** Why its recording waits; an error that leaves the page loses its code. */
const troubleOf = (page: AnyPage) =>
  page.evaluate(() => (window as never as Scope).recorder.getSnapshot().trouble?.code ?? null);

/** Pieces that wait in the browser's database, and their bytes. */
const waiting = (page: AnyPage): Promise<{ pieces: number; bytes: number }> =>
  page.evaluate(async () => {
    const answer = <T>(request: IDBRequest<T>) =>
      new Promise<T>((resolve, reject) => {
        request.onsuccess = () => resolve(request.result);
        request.onerror = () => reject(request.error);
      });
    const database = await answer(indexedDB.open("bellwire-recordings"));
    const all: ArrayBuffer[] = await answer(database.transaction("chunks").objectStore("chunks").getAll());
    database.close();
    return { pieces: all.length, bytes: all.reduce((sum, one) => sum + one.byteLength, 0) };
  });

/** Whose voices the recording has in the second from there on. */
async function heardAt(file: string, from: number): Promise<string[]> {
  const strength = await strengthIn(file, { from, length: 1 });
  const voices = Object.entries(PARTS).filter(([, { hz }]) => strength(hz) > 0.05);
  return voices.map(([who]) => who);
}

it("pieces wait in the browser while the network is away, and the recording is whole", async () => {
  const server = await startServer({ wrapper: internet.wrapper, listen, args: ["--recording-min-free", "1"] });
  const [alice, bob] = [await newActor(browsers.alice, "alice"), await newActor(browsers.bob, "bob")];
  await enter(alice, server, "alice", server.url);
  await enter(bob, server, "bob", server.url);
  const callId = await gather(alice, bob);
  // Sound of many bits, so that what waits is much beside all else that the page holds.
  await record(alice, { width: 640, height: 360, framesPerSecond: 10, audioBitsPerSecond: 256_000 });
  await untilRecorded(alice, 3000);
  const before = await heldBytes(chromiumPage(alice));
  const { sentBytes: sentBefore, elapsedMs: awayAt } = await recorderOf(alice);
  expect(sentBefore).toBeGreaterThan(0);

  home.unplug();
  await new Promise((done) => setTimeout(done, AWAY_MS));
  // What is sent into a cable that is not there has no answer; only some browsers know more.
  expect(await troubleOf(alice)).toMatch(/^(network|timeout)$/);
  expect((await recorderOf(alice)).state).toBe("recording");
  const kept = await waiting(alice);
  const held = (await heldBytes(chromiumPage(alice))) - before;
  note(
    `${AWAY_MS / 1000} s without a network: ${kept.pieces} pieces wait (${kept.bytes} bytes), ${held} more in memory`,
  );
  expect(kept.pieces).toBeGreaterThan(14);
  expect(held).toBeLessThan(kept.bytes / 3);
  expect((await recorderOf(alice)).sentBytes).toBeLessThan(sentBefore + kept.bytes / 5);

  home.plug();
  const back = Date.now();
  await eventually(() => troubleOf(alice)).toBeNull();
  await eventually(async () => (await waiting(alice)).pieces).toBeLessThan(3);
  note(`${Date.now() - back} ms after its return all that waited was sent`);
  // The call has found itself again too, and is still being recorded.
  await eventually(() => recordingState(bob)).toBe("started");
  await eventually(() => alice.evaluate(() => (window as never as Scope).bellwire.getSnapshot().current?.state)).toBe(
    "active",
  );
  await untilRecorded(alice, (await recorderOf(alice)).elapsedMs + 3000);
  const id = await stopRecorder(alice);
  const { elapsedMs, bytes, sentBytes } = await recorderOf(alice);
  expect(sentBytes).toBe(bytes);
  expect(await waiting(alice)).toEqual({ pieces: 0, bytes: 0 });

  expect(await whenListed(bob, callId)).toMatchObject({ id, isCut: false, fileSize: expect.any(Number) });
  const media = await bytesOf(bob, id ?? "");
  const { duration } = await probe(media);
  note(`recorded ${elapsedMs.toFixed(0)} ms, the file has ${duration} s`);
  expectLength(duration, elapsedMs, 0);
  const file = await saveMedia(media);
  expect(await heardAt(file, 1)).toEqual(["alice", "bob"]);
  // Who records is heard all the time, the others as long as there is a network.
  for (const share of [0.4, 0.9]) expect(await heardAt(file, (awayAt + share * AWAY_MS) / 1000)).toEqual(["alice"]);
  expect(await heardAt(file, elapsedMs / 1000 - 1.5)).toEqual(["alice", "bob"]);
});

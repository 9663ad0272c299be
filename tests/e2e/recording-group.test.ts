// A call of three is recorded, in Chromium and in Firefox, while one comes later and another leaves: ffmpeg finds in it who
// was there, when.
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { Browser as Chromium } from "playwright-core";
import type { Browser as Firefox } from "puppeteer-core";
import { beforeAll, expect, it, vi } from "vitest";
import { startServer } from "../lib/index.js";
import { probe } from "../recording/lib/setup.js";
import { type Colour, coloursAt, saveMedia, strengthIn } from "./lib/decode.js";
import { launchChromium, type Maker, makeNamespace, type Namespace, note, startFirefox } from "./lib/index.js";
import {
  type AnyPage,
  bytesOf,
  consent,
  enter,
  eventually,
  expectLength,
  gather,
  hangUp,
  joinLate,
  newActor,
  PARTS,
  record,
  recorderOf,
  recordingOf,
  recordingState,
  stopRecorder,
  untilRecorded,
  type Who,
  whenListed,
} from "./lib/recorded.js";

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

let namespace: Namespace;
let browsers: Record<Maker, Chromium | Firefox>;

beforeAll(async () => {
  namespace = makeNamespace();
  namespace.addDeadEnd();
  browsers = { Chromium: await launchChromium(namespace), Firefox: await startFirefox(namespace, { hasSound: true }) };
});

async function open(maker: Maker, args: string[] = []): Promise<Record<Who, AnyPage>> {
  const server = await startServer({ wrapper: namespace.wrapper, args: ["--recording-min-free", "1", ...args] });
  const people = {} as Record<Who, AnyPage>;
  for (const who of Object.keys(PARTS) as Who[]) {
    people[who] = await newActor(browsers[maker], who);
    await enter(people[who], server, who);
  }
  return people;
}

/** Decodes sound and picture from a place on, as a player does after a click on its bar. */
async function expectSeekable(file: string, second: number): Promise<void> {
  const words = [
    "-v",
    "error",
    "-ss",
    second.toFixed(3),
    "-i",
    file,
    "-vsync",
    "passthrough",
    "-enc_time_base",
    "-1",
    "-f",
    "null",
    "-",
  ];
  const { stderr } = await promisify(execFile)("ffmpeg", words);
  expect(stderr, `from ${second} s on`).toBe("");
}

/** The recording's bytes in a file; what ffprobe says of its length agrees with what was recorded. */
async function whole(page: AnyPage, id: string, elapsedMs: number, slackMs = 0): Promise<string> {
  const bytes = await bytesOf(page, id);
  const { duration, streams } = await probe(bytes);
  note(`recorded ${elapsedMs.toFixed(0)} ms, the file has ${duration} s of ${streams}, ${bytes.length} bytes`);
  expectLength(duration, elapsedMs, slackMs);
  expect(streams.toSorted()).toEqual(["opus", expect.stringMatching(/^vp[89]$/)]);
  return saveMedia(bytes);
}

/** At that second the grid has a tile for each of these, and none for anybody else; and so has the sound. */
async function expectThere(file: string, second: number, there: Who[]): Promise<void> {
  const colours = await coloursAt(file, second);
  const strength = await strengthIn(file, { from: second, length: 1 });
  const seen = (Object.entries(colours) as [Colour, number][]).map(([colour, part]) => `${colour} ${part.toFixed(2)}`);
  const heard = Object.values(PARTS).map(({ hz }) => `${hz} Hz ${strength(hz).toFixed(2)}`);
  note(`at ${second.toFixed(1)} s: ${[...seen, ...heard].join(", ")}`);
  for (const who of Object.keys(PARTS) as Who[]) {
    const { hz, colour } = PARTS[who];
    if (there.includes(who)) {
      expect(colours[colour], `${who}'s picture at ${second} s`).toBeGreaterThan(0.15);
      expect(strength(hz), `${who}'s voice at ${second} s`).toBeGreaterThan(0.05);
    } else {
      expect(colours[colour], `no picture of ${who} at ${second} s`).toBeLessThan(0.01);
      expect(strength(hz), `no voice of ${who} at ${second} s`).toBeLessThan(0.01);
    }
  }
  expect(strength(700)).toBeLessThan(0.02); // nobody's
}

it.each<Maker>(["Chromium", "Firefox"])(
  "%s records three, follows who comes and goes, and can be sought in",
  async (maker) => {
    const { alice, bob, carol } = await open(maker);
    const callId = await gather(alice, bob);
    await record(alice);
    const carolComesAt = await untilRecorded(alice, 4000);
    await joinLate(carol, callId);
    expect(await recordingOf(carol)).toMatchObject({ state: "started", userId: "alice", isOwn: false });
    const allThereAt = (await recorderOf(alice)).elapsedMs;
    const bobLeavesAt = await untilRecorded(alice, allThereAt + 4500);
    await hangUp(bob);
    await untilRecorded(alice, bobLeavesAt + 4500);
    const id = await stopRecorder(alice);
    await eventually(() => recordingState(carol)).toBe("none");
    const { elapsedMs, bytes, sentBytes } = await recorderOf(alice);
    expect(sentBytes).toBe(bytes);
    // Who has left may hear it too.
    expect(await whenListed(bob, callId)).toMatchObject({ id, isCut: false, userId: "alice" });
    const file = await whole(carol, id ?? "", elapsedMs);
    await expectThere(file, carolComesAt / 1000 - 2, ["alice", "bob"]);
    await expectThere(file, bobLeavesAt / 1000 - 2, ["alice", "bob", "carol"]);
    await expectThere(file, elapsedMs / 1000 - 2, ["alice", "carol"]);
    for (const share of [0.5, 0.95]) await expectSeekable(file, (share * elapsedMs) / 1000);
  },
);

it("holds while somebody who came later has not agreed, and ends when they refuse", async () => {
  const { alice, bob, carol } = await open("Chromium", ["--recording-policy", "consent"]);
  const callId = await gather(alice, bob);
  await record(alice);
  await eventually(() => recordingState(bob)).toBe("requested");
  await consent(bob, true);
  await untilRecorded(alice, 2000);
  await joinLate(carol, callId);
  expect(await recordingOf(carol)).toMatchObject({ state: "requested", userId: "alice", hasAgreed: false });
  expect((await recorderOf(alice)).state).toBe("held");
  const heldAt = (await recorderOf(alice)).elapsedMs;
  await new Promise((done) => setTimeout(done, 2000));
  expect((await recorderOf(alice)).elapsedMs).toBeLessThan(heldAt + 1000); // the last piece may have come after
  await consent(carol, true);
  await eventually(async () => (await recorderOf(alice)).state).toBe("recording");
  await untilRecorded(alice, heldAt + 5000);
  await consent(carol, false);
  await eventually(async () => (await recorderOf(alice)).state).toBe("done");
  const { elapsedMs, recordingId } = await recorderOf(alice);
  expect((await whenListed(bob, callId)).id).toBe(recordingId);
  const file = await whole(bob, recordingId ?? "", elapsedMs, 400);
  await expectThere(file, heldAt / 1000 - 1.5, ["alice", "bob"]);
  await expectThere(file, elapsedMs / 1000 - 2, ["alice", "bob", "carol"]);
});

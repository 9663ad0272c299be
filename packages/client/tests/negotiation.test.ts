/** Negotiation over a bad road: messages are late, out of order, doubled or lost, while both sides change their minds.
 *  In the end there is one stable connection per pair, and what one sends is what the other receives. */
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { BellwireError } from "../src/errors.js";
import { Peer } from "../src/peer/peer.js";
import type { PeerMessage } from "../src/peer/ports.js";
import { FakeConnection, fakeConnection } from "./lib/fakeConnection.js";
import { FakeTrack } from "./lib/fakeMedia.js";
import { type Random, seeded } from "./lib/random.js";

const RUNS = Number(process.env.NEGOTIATION_RUNS ?? 2000);
const CHAOS_MS = 8000;

interface Road {
  random: Random;
  isBad: boolean;
  loss: number;
}

interface Side {
  peer: Peer;
  made: number;
  errors: BellwireError[];
}

function travel(road: Road, deliver: () => void): void {
  const { random } = road;
  if (road.isBad && random() < road.loss) return;
  setTimeout(deliver, road.isBad ? random() * 400 : 5);
  if (road.isBad && random() < 0.1) setTimeout(deliver, random() * 2000);
}

/** One of a pair; `other` is asked only when something is sent. */
function makeSide(road: Road, isNewcomer: boolean, other: () => Side): Side {
  const side: Side = { peer: undefined as unknown as Peer, made: 0, errors: [] };
  const send = (message: PeerMessage) => {
    const copy = structuredClone(message);
    travel(road, () => other().peer.receive(copy));
  };
  side.peer = new Peer(
    {
      createConnection: (iceServers) => {
        side.made++;
        return fakeConnection({ iceServers });
      },
      iceServers: () => new Promise((resolve) => setTimeout(() => resolve([]), road.random() * 50)),
      send,
      isHeard: () => true,
      onState: () => {},
      onTracks: () => {},
      onRestart: () => {},
      onReplace: () => side.errors.push(new BellwireError("connection_failed")),
      onError: (error) => side.errors.push(error),
    },
    { isPolite: isNewcomer, initiates: isNewcomer, former: null },
  );
  return side;
}

function makePair(road: Road): [Side, Side] {
  const pair: Side[] = [];
  pair.push(makeSide(road, false, () => pair[1] as Side));
  pair.push(makeSide(road, true, () => pair[0] as Side));
  for (const { peer } of pair) {
    peer.setTrack("audio", new FakeTrack("audio") as unknown as MediaStreamTrack);
    peer.setTrack("camera", new FakeTrack("video") as unknown as MediaStreamTrack);
  }
  return pair as [Side, Side];
}

const screen = () => new FakeTrack("video", "screen") as unknown as MediaStreamTrack;

/** Something that a person or a network does. */
function disturb({ peer }: Side, random: Random): void {
  const what = random();
  if (what < 0.25) peer.setTrack("screen", screen());
  else if (what < 0.4) peer.setTrack("screen", null);
  else if (what < 0.6) peer.restart();
  else if (what < 0.7) random() < 0.5 ? peer.nudge() : peer.returned();
  else if (what < 0.85)
    (peer.connection as unknown as FakeConnection | null)?.lose(random() < 0.5 ? "failed" : "disconnected");
  else peer.setTrack("camera", random() < 0.5 ? null : (new FakeTrack("video") as unknown as MediaStreamTrack));
}

async function runChaos(road: Road, sides: Side[]): Promise<void> {
  const { random } = road;
  const actions = Math.floor(random() * 8);
  for (let i = 0; i < actions; i++) {
    const side = sides[Math.floor(random() * sides.length)] as Side;
    setTimeout(() => disturb(side, random), random() * CHAOS_MS);
  }
  await vi.advanceTimersByTimeAsync(CHAOS_MS + 1);
  road.isBad = false;
  await vi.advanceTimersByTimeAsync(20_000);
}

function sent(side: Side): string[] {
  const { transceivers } = side.peer.connection as unknown as FakeConnection;
  return transceivers.map((t) => `${t.mid} ${t.receiver.track.kind}`).sort();
}

function expectStable([a, b]: [Side, Side]): void {
  for (const side of [a, b]) {
    expect(side.errors).toEqual([]);
    expect(side.made).toBe(1);
    expect(side.peer.connection?.signalingState).toBe("stable");
    expect(side.peer.state).toBe("connected");
  }
  const pcs = [a, b].map((side) => side.peer.connection as unknown as FakeConnection) as [
    FakeConnection,
    FakeConnection,
  ];
  expect(pcs[0].reaches(pcs[1])).toBe(true);
  expect(pcs.map((pc) => pc.refused)).toEqual([0, 0]);
  expect(sent(a)).toEqual(sent(b));
  expectSameSlots(a, b);
  expectSameSlots(b, a);
}

/** Whatever a sends arrives at b in the slot that it was meant for. */
function expectSameSlots(a: Side, b: Side): void {
  const [from, to] = [a, b].map((side) => side.peer.connection as unknown as FakeConnection) as [
    FakeConnection,
    FakeConnection,
  ];
  for (const transceiver of from.transceivers) {
    if (!transceiver.sender.track) continue;
    expect(["sendrecv", "sendonly"]).toContain(transceiver.agreed);
    const there = to.transceivers.find((t) => t.mid === transceiver.mid)?.receiver.track as unknown as MediaStreamTrack;
    const track = transceiver.sender.track as unknown as FakeTrack;
    const slots = [b.peer.remoteTrack("audio"), b.peer.remoteTrack("camera")];
    const at = slots.indexOf(there);
    expect(at).toBe(track.kind === "audio" ? 0 : track.deviceId === "screen" ? -1 : 1);
  }
}

describe("negotiation", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => {
    for (const pc of [...FakeConnection.open]) pc.close();
    vi.useRealTimers();
  });

  it("connects on a good road, without one message too many", async () => {
    const road: Road = { random: seeded(1), isBad: false, loss: 0 };
    const pair = makePair(road);
    await vi.advanceTimersByTimeAsync(200);
    expectStable(pair);
    expect(sent(pair[0]).map((slot) => slot.split(" ")[1])).toEqual(["audio", "video"]);
    for (const { peer } of pair) peer.close();
    expect(FakeConnection.open.size).toBe(0);
  });

  it(`ends stable in ${RUNS} runs of two`, async () => {
    for (let seed = 1; seed <= RUNS; seed++) {
      const random = seeded(seed);
      const road: Road = { random, isBad: true, loss: seed % 3 === 0 ? 0.25 : 0 };
      const pair = makePair(road);
      await runChaos(road, pair);
      try {
        expectStable(pair);
      } catch (thrown) {
        throw new Error(`seed ${seed}: ${(thrown as Error).message}`, { cause: thrown });
      }
      for (const { peer } of pair) peer.close();
      vi.clearAllTimers();
    }
  }, 300_000);

  it(`ends stable in ${RUNS / 5} runs of four`, async () => {
    for (let seed = 1; seed <= RUNS / 5; seed++) {
      const random = seeded(seed + 1e6);
      const road: Road = { random, isBad: true, loss: random() < 0.5 ? 0.15 : 0 };
      const pairs: [Side, Side][] = [];
      for (let older = 0; older < 4; older++)
        for (let newer = older + 1; newer < 4; newer++) {
          await vi.advanceTimersByTimeAsync(random() * 300);
          pairs.push(makePair(road));
        }
      await runChaos(road, pairs.flat());
      try {
        for (const pair of pairs) expectStable(pair);
      } catch (thrown) {
        throw new Error(`seed ${seed}: ${(thrown as Error).message}`, { cause: thrown });
      }
      for (const { peer } of pairs.flat()) peer.close();
      vi.clearAllTimers();
    }
  }, 300_000);

  it("gives up when no answer ever comes, and says so once", async () => {
    const states: string[] = [];
    const peer = new Peer(
      {
        createConnection: (iceServers) => fakeConnection({ iceServers }),
        iceServers: async () => [],
        send: () => {},
        isHeard: () => true,
        onState: (state) => states.push(state),
        onTracks: () => {},
        onRestart: () => {},
        onReplace: () => {},
        onError: () => {},
      },
      { isPolite: true, initiates: true, former: null },
    );
    await vi.advanceTimersByTimeAsync(60_000);
    expect(states).toEqual(["connecting", "failed"]);
    peer.close();
    await vi.advanceTimersByTimeAsync(1000); // it is still looking for a way
    expect(vi.getTimerCount()).toBe(0);
  });
});

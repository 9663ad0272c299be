/** How soon a connection's level follows what its counts say: what arrives is seen by oneself, what leaves is told by the
 *  far end's browser now and then, and by its device as soon as it changes. */
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { type Measured, Meter } from "../src/quality/meter.js";

const ON = { microphone: true, camera: false, screen: false };
/** Packets of sound in a second. */
const RATE = 50;

/** A connection whose counts go on with the (faked) time; what is lost of what arrives and what is reported is to be set. */
class Counted {
  loss = 0;
  reported = { share: 0, at: 0 };
  toldAt = 0;
  readonly seen: Measured[] = [];
  readonly #counts = { received: 0, lost: 0, sent: 0 };
  #countedAt = performance.now();

  readonly meter = new Meter({ getStats: async () => this.#report() } as unknown as RTCPeerConnection, {
    isFlowing: () => true,
    sends: () => ON,
    expects: () => ON,
    toldAt: () => this.toldAt,
    onMeasured: (measured) => this.seen.push(measured),
  });

  get last(): Measured | undefined {
    return this.seen.at(-1);
  }

  report(share: number): void {
    this.reported = { share, at: performance.now() };
  }

  /** Counts up to now, at what was set until now. */
  set(loss: number): void {
    this.#count();
    this.loss = loss;
  }

  #count(): void {
    const n = ((performance.now() - this.#countedAt) / 1000) * RATE;
    this.#countedAt = performance.now();
    this.#counts.received += n * (1 - this.loss);
    this.#counts.lost += n * this.loss;
    this.#counts.sent += n;
  }

  #report(): RTCStatsReport {
    this.#count();
    const { received: packetsReceived, lost: packetsLost, sent: packetsSent } = this.#counts;
    const [timestamp, kind] = [performance.now(), "audio"];
    const samples = { totalSamplesReceived: packetsReceived * 960, concealedSamples: packetsLost * 960 };
    const entries = [
      { id: "P", timestamp, type: "candidate-pair", state: "succeeded", nominated: true, currentRoundTripTime: 0.04 },
      { id: "I", timestamp, type: "inbound-rtp", kind, packetsReceived, packetsLost, ...samples },
      { id: "O", timestamp, type: "outbound-rtp", kind, packetsSent },
      { id: "R", timestamp: this.reported.at, type: "remote-inbound-rtp", kind, fractionLost: this.reported.share },
    ];
    return new Map(entries.map((one) => [one.id, one])) as never;
  }
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);

/** Milliseconds until the level is one of these. */
async function until(counted: Counted, ...levels: (string | null)[]): Promise<number> {
  for (let ms = 0; ms <= 20_000; ms += 100) {
    if (levels.includes(counted.last?.level ?? null)) return ms;
    await pass(100);
  }
  throw new Error(`not within 20 s: ${levels}`);
}

it("keeps every second look, and those follow each other without a gap", async () => {
  const counted = new Counted();
  await pass(10_500);
  const kept = counted.seen.filter(({ isSample }) => isSample);
  expect(kept.map(({ at }) => Math.round(at - (kept[0]?.at ?? 0)))).toEqual([0, 2000, 4000, 6000, 8000]);
  expect(counted.seen).toHaveLength(9);
  counted.meter.close();
  await pass(5000);
  expect(counted.seen).toHaveLength(9);
});

// Whenever in a second it begins and ends.
it.each([0, 150, 500, 850, 990])(
  "follows what arrives within 5 s, and recovers within 5 s (%d ms after a look)",
  async (phase) => {
    const counted = new Counted();
    await pass(6000 + phase);
    expect(counted.last?.level).toBe("excellent");
    counted.set(0.15);
    expect(await until(counted, "fair", "poor")).toBeLessThan(3000);
    await pass(10_000);
    counted.set(0);
    expect(await until(counted, "excellent")).toBeLessThan(4500);
    counted.meter.close();
  },
);

it("does not take an old report of its browser for a new one, nor against the newer word of its device", async () => {
  const counted = new Counted();
  await pass(6000);
  counted.report(0.15);
  expect(await until(counted, "fair", "poor")).toBeLessThan(2500);
  const { leaves, values } = counted.last ?? {};
  expect([leaves, values?.outAudioLoss]).toEqual(["poor", 150]);
  await pass(3000);
  // Still what the level goes by, but no measurement of these seconds.
  expect([counted.last?.leaves, counted.last?.values.outAudioLoss]).toEqual(["poor", null]);
  counted.toldAt = performance.now();
  expect(await until(counted, "excellent")).toBeLessThanOrEqual(1000);
  await pass(3000);
  expect(counted.last?.leaves).toBeNull();
  counted.report(0);
  await pass(1500);
  expect([counted.last?.leaves, counted.last?.values.outAudioLoss]).toEqual(["excellent", 0]);
  counted.meter.close();
});

/** What is made of the numbers: the E-model against the standard's own values, pictures, levels, hints, batches. */
import { describe, expect, it, vi } from "vitest";
import { delayImpairment, lossImpairment, meanOpinion, rating } from "../src/quality/emodel.js";
import { type Batch, FIELDS, Flight } from "../src/quality/flight.js";
import { hintOf } from "../src/quality/hint.js";
import { better, Steady, worse } from "../src/quality/level.js";
import { sampleBetween } from "../src/quality/sample.js";
import { readTotals } from "../src/quality/totals.js";
import { videoScore } from "../src/quality/video.js";

describe("the E-model", () => {
  it("gives 93.2 and a mean opinion of 4.41 with everything at its default, as G.107 says", () => {
    expect(rating(0, 0)).toBeCloseTo(93.2, 1);
    expect(meanOpinion(93.2)).toBeCloseTo(4.41, 2);
  });

  // G.107 Annex B, table B.1: the lower limits of R and their MOS.
  it.each([
    [90, 4.34],
    [80, 4.03],
    [70, 3.6],
    [60, 3.1],
    [50, 2.58],
  ])("gives R %d the mean opinion %d", (r, mos) => expect(Math.abs(meanOpinion(r) - mos)).toBeLessThan(0.01));

  // G.113 Appendix I: G.729A with voice activity detection has Ie 11 and Bpl 19, and these values at random loss.
  it.each([
    [0, 11],
    [1, 15],
    [2, 19],
    [4, 26],
  ])("gives G.729A %d %% of loss the impairment %d", (loss, ie) =>
    expect(Math.round(lossImpairment(loss, { ie: 11, bpl: 19 }))).toBe(ie),
  );

  it("takes nothing off for a delay up to 100 ms by itself, and ever more beyond", () => {
    expect(delayImpairment(100)).toBe(0);
    expect(delayImpairment(150)).toBeGreaterThan(0);
    const ratings = [0, 50, 100, 150, 200, 300, 400, 600].map((ms) => rating(ms, 0));
    expect(ratings).toEqual([...ratings].sort((a, b) => b - a));
    expect(rating(150, 0)).toBeGreaterThan(85);
    expect(rating(400, 0)).toBeLessThan(70);
  });
});

describe("a picture", () => {
  const good = { fps: 30, frozen: 0, loss: 0, height: 720 };
  it.each([
    ["fluent and whole", {}, 80, 100],
    ["at ten frames", { fps: 10 }, 60, 70],
    ["that stood still a third of the time", { frozen: 0.33 }, 0, 60],
    ["that stands still", { fps: 0 }, 0, 1],
    ["with a tenth lost", { loss: 0.1 }, 60, 70],
    ["that is tiny", { height: 90 }, 55, 65],
    ["of which only the loss is known", { fps: null, height: null }, 100, 100],
  ])("%s", (_, change, least, most) => {
    const score = videoScore({ ...good, ...change });
    expect(score).toBeGreaterThanOrEqual(least);
    expect(score).toBeLessThanOrEqual(most);
  });
});

describe("a level", () => {
  it("follows at the second bad look, at once when it is very bad, and rises when it stays better", () => {
    const steady = new Steady();
    const take = (...scores: number[]) => scores.map((score) => steady.take(score));
    expect(take(90, 75, 90, 75, 75)).toEqual(["excellent", "excellent", "excellent", "excellent", "good"]);
    expect(take(81, 82, 81)).toEqual(["good", "good", "good"]); // within the margin
    expect(take(90, 90, 75, 90, 90, 90)).toEqual(["good", "good", "good", "good", "good", "excellent"]);
    expect(take(30)).toEqual(["poor"]);
    expect(take(90, 90, 90)).toEqual(["poor", "poor", "excellent"]);
  });

  it("is compared", () => {
    expect(worse("good", "poor")).toBe("poor");
    expect(worse(null, "good")).toBe("good");
    expect(better("good", "poor")).toBe("good");
    expect(better(null, null)).toBeNull();
  });
});

describe("a hint", () => {
  it.each([
    [{ outAudioLoss: 80, sends: 3 }, "Your upload loses 8 %: turn the camera off."],
    [{ outAudioLoss: 80, sends: 1 }, "Your upload loses 8 %: go nearer to the router, or use a cable."],
    [{ inAudioLoss: 80, outAudioLoss: 40 }, "8 % of what they send is lost: ask them to turn the camera off."],
    [{ limit: 1, sends: 2 }, "This device is too busy for your picture: close other programs."],
    [{ limit: 2, sends: 2, availableKbps: 120.4 }, "Your upload has room for 120 kbit/s: turn the camera off."],
    [{ expects: 2, inFps: 0 }, "Their picture stands still: nothing of it arrives."],
    [{ rtt: 640 }, "The way is long: an answer takes 640 ms. Leave pauses."],
  ])("%o", (values, text) => expect(hintOf(values)?.text).toBe(text));
  it("is not given where all is well", () => expect(hintOf({ rtt: 40, inAudioLoss: 2, outAudioLoss: 1 })).toBeNull());
});

/** Entries as the browsers name them. */
function report(firefox: boolean, n: number): RTCStatsReport {
  const pair = { id: "P", type: "candidate-pair", localCandidateId: "L", remoteCandidateId: "R", state: "succeeded" };
  const entries: Record<string, unknown>[] = [
    { ...pair, currentRoundTripTime: 0.08, ...(firefox ? { selected: true } : { availableOutgoingBitrate: 2e6 }) },
    { ...pair, id: "other", nominated: false, currentRoundTripTime: 9 },
    { id: "L", type: "local-candidate", candidateType: "relay", relayProtocol: "tls", protocol: "udp" },
    { id: "R", type: "remote-candidate", candidateType: "srflx", protocol: "udp" },
    {
      ...{
        id: "IA",
        type: "inbound-rtp",
        kind: "audio",
        packetsReceived: 95 * n,
        packetsLost: 5 * n,
        bytesReceived: 8000 * n,
      },
      ...{ jitter: 0.012, concealedSamples: 960 * n, silentConcealedSamples: 480 * n, totalSamplesReceived: 96000 * n },
      ...{ jitterBufferDelay: 4800 * n, jitterBufferEmittedCount: 96000 * n },
    },
    {
      id: "IV",
      type: "inbound-rtp",
      kind: "video",
      packetsReceived: 200 * n,
      packetsLost: 0,
      framesDecoded: 50 * n,
      frameHeight: 480,
      bytesReceived: 250000 * n,
    },
    { id: "OA", type: "outbound-rtp", kind: "audio", packetsSent: 100 * n, bytesSent: 8000 * n },
    {
      id: "OV",
      type: "outbound-rtp",
      kind: "video",
      packetsSent: 200 * n,
      bytesSent: 250000 * n,
      framesEncoded: 60 * n,
      frameHeight: 720,
      ...(!firefox && { qualityLimitationReason: "cpu" }),
    },
    {
      id: "RA",
      type: "remote-inbound-rtp",
      kind: "audio",
      packetsLost: 8 * n,
      jitter: 0.02,
      roundTripTime: 0.09,
      ...(!firefox && { fractionLost: 0.08 }),
    },
  ];
  if (!firefox) entries.push({ id: "T", type: "transport", selectedCandidatePairId: "P" });
  return new Map(entries.map((one) => [one.id, one])) as never;
}

describe.each([
  ["Chromium", false],
  ["Firefox", true],
])("numbers of %s", (_, firefox) => {
  it("become a sample", () => {
    const on = { microphone: true, camera: true, screen: false };
    const v = sampleBetween(readTotals(report(firefox, 1), 1000), readTotals(report(firefox, 2), 3000), on, on);
    expect(v).toMatchObject({
      rtt: 80,
      path: 5,
      inAudioLoss: 50,
      inAudioJitter: 12,
      concealed: 5,
      bufferMs: 50,
      inFps: 25,
    });
    expect(v).toMatchObject({
      outAudioLoss: 80,
      outFps: 30,
      outHeight: 720,
      inHeight: 480,
      inVideoKbps: 1000,
      sends: 3,
    });
    expect(v.limit).toBe(firefox ? null : 1);
    expect(v.availableKbps).toBe(firefox ? null : 2000);
    expect(v.audioScore).toBeLessThan(75);
  });
});

describe("the flight recorder", () => {
  const measured = (level: "excellent" | "poor") => ({
    at: performance.now(),
    values: { rtt: 41.6, path: 1 },
    level,
    hint: null,
  });

  it("waits while all is well, sends at once what is not, and keeps what was not taken", async () => {
    vi.useFakeTimers();
    const sent: Batch[] = [];
    let fails = false;
    const flight = new Flight({ send: async (batch) => (fails ? Promise.reject(new Error()) : void sent.push(batch)) });
    flight.take("leg", measured("excellent")); // the first states are news
    await vi.advanceTimersByTimeAsync(2000);
    expect(sent).toHaveLength(1);
    expect(sent[0]?.events?.map(({ type, data }) => [type, data?.state])).toEqual([
      ["quality", "excellent"],
      ["path", "direct-udp"],
    ]);
    for (let i = 0; i < 3; i++) {
      flight.take("leg", measured("excellent"));
      await vi.advanceTimersByTimeAsync(2000);
    }
    expect(sent).toHaveLength(1);
    fails = true;
    flight.take("leg", measured("poor"));
    await vi.advanceTimersByTimeAsync(2000);
    fails = false;
    flight.take("leg", measured("poor"));
    await vi.advanceTimersByTimeAsync(0);
    expect(sent[1]?.peers?.[0]?.samples).toHaveLength(5);
    expect(sent[1]?.peers?.[0]?.samples.map(([age]) => age)).toEqual([8000, 6000, 4000, 2000, 0]);
    expect(sent[1]?.peers?.[0]?.samples[0]?.[1 + FIELDS.indexOf("rtt")]).toBe(42);
    expect(sent[1]?.events?.[0]?.data).toEqual({ peer: "leg", state: "poor", from: "excellent" });
    vi.useRealTimers();
  });

  it("has the server's fields in the server's order", async () => {
    const { readFile } = await import("node:fs/promises");
    const text = await readFile(new URL("../../../server/src/codec/quality.def", import.meta.url), "utf8");
    expect(FIELDS).toEqual([...text.matchAll(/X\(\w+, "(\w+)"/g)].map(([, name]) => name));
  });
});

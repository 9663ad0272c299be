/** What is made of the numbers: the E-model against the standard's own values, pictures, levels, hints, batches. */
import { describe, expect, it, vi } from "vitest";
import { delayImpairment, lossImpairment, meanOpinion, rating } from "../src/quality/emodel.js";
import { type Batch, FIELDS, Flight } from "../src/quality/flight.js";
import { Advice, hintOf } from "../src/quality/hint.js";
import { better, Steady, worse } from "../src/quality/level.js";
import { sampleBetween } from "../src/quality/sample.js";
import { readTotals } from "../src/quality/totals.js";
import { videoScore } from "../src/quality/video.js";
import { g107 } from "./lib/g107.js";
import { seeded } from "./lib/random.js";

describe("the E-model", () => {
  it("gives 93.2 and a mean opinion of 4.41 with everything at its default, as G.107 says", () => {
    expect(rating(0, 0)).toBeCloseTo(93.2, 1);
    expect(meanOpinion(93.2)).toBeCloseTo(4.41, 2);
  });

  // What programs in the open make of the standard's defaults, to six digits.
  it("is held against the standard in full, which gives 93.206208", () => expect(g107()).toBeCloseTo(93.206208, 5));

  it.each([0, 10, 50, 100, 125, 150, 200, 250, 300, 400, 500, 600, 800])(
    "is the standard in full at a delay of %d ms, though narrowed",
    (ms) => expect(Math.abs(rating(ms, 0) - g107({ T: ms, Ta: ms, Tr: 2 * ms }))).toBeLessThan(0.01),
  );

  it.each([0, 0.5, 1, 2, 5, 10, 20])("is the standard in full at %d %% of loss", (Ppl) => {
    for (const T of [0, 150, 300])
      expect(Math.abs(rating(T, Ppl) - Math.max(0, g107({ T, Ta: T, Tr: 2 * T, Ppl, Bpl: 20 })))).toBeLessThan(0.01);
  });

  // G.107 (06/2015) equations 7-27 and 7-28 with sT = 1, mT = 100 ms: nothing, log2 = 1, log2(3), and 2 worked out by hand.
  it.each([
    [100, 0],
    [150, 0.16],
    [200, 3.04],
    [300, 14.76],
    [400, 24.07],
  ])("takes for a delay of %d ms by itself %d off", (ms, idd) => expect(delayImpairment(ms)).toBeCloseTo(idd, 2));

  // G.107 Annex B, table B.1: the lower limits of R and their MOS.
  it.each([
    [90, 4.34],
    [80, 4.03],
    [70, 3.6],
    [60, 3.1],
    [50, 2.58],
  ])("gives R %d the mean opinion %d", (r, mos) => expect(Math.abs(meanOpinion(r) - mos)).toBeLessThan(0.01));

  it("ends the scale of opinions where G.107 does", () => {
    expect([-1, 0, 100, 120].map(meanOpinion)).toEqual([1, 1, 4.5, 4.5]);
  });

  // G.113 Appendix I, random loss: G.729A with voice activity detection (Ie 11, Bpl 19; the whole numbers are its former table),
  // G.723.1 at 6.3 kbit/s with it (15, 16.1), G.711 with concealment (0, 25.1) and without any (0, 4.3).
  it.each([
    ["G.729A", 0, 11, 11, 19],
    ["G.729A", 1, 15, 11, 19],
    ["G.729A", 2, 19, 11, 19],
    ["G.729A", 4, 26, 11, 19],
    ["G.723.1", 0, 15, 15, 16.1],
    ["G.723.1", 2, 24, 15, 16.1],
    ["G.711 with concealment", 1, 4, 0, 25.1],
    ["G.711 with concealment", 2, 7, 0, 25.1],
    ["G.711 with concealment", 5, 16, 0, 25.1],
    ["G.711 without", 1, 18, 0, 4.3],
    ["G.711 without", 4, 46, 0, 4.3],
  ])("gives %s %d %% of loss the impairment %d", (_, loss, impairment, ie, bpl) =>
    expect(Math.round(lossImpairment(loss, { ie, bpl }))).toBe(impairment),
  );
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
  const take = (steady: Steady, ...scores: number[]) => scores.map((score) => steady.take(score));

  it("follows at the second bad look, at once when it is very bad, and rises at the second better one", () => {
    const steady = new Steady();
    expect(take(steady, 90, 75, 90, 75, 75)).toEqual(["excellent", "excellent", "excellent", "excellent", "good"]);
    expect(take(steady, 81, 82, 81)).toEqual(["good", "good", "good"]); // within the margin
    expect(take(steady, 90, 75, 90, 90)).toEqual(["good", "good", "good", "excellent"]);
    expect(take(steady, 30)).toEqual(["poor"]);
    expect(take(steady, 90, 90)).toEqual(["poor", "excellent"]);
  });

  it("rises later after a rise that did not last, but not from poor to excellent", () => {
    const steady = new Steady();
    take(steady, 90, 75, 75, 90, 90); // risen once
    expect(take(steady, 75, 75, 90, 90, 90, 90)).toEqual(["excellent", "good", "good", "good", "good", "excellent"]);
    expect(take(steady, 75, 75, ...Array(7).fill(90)).at(-1)).toBe("good");
    expect(steady.take(90)).toBe("excellent");
    expect(take(steady, 30, 90, 90)).toEqual(["poor", "poor", "excellent"]);
  });

  it("forgets that it wavered, in time", () => {
    const steady = new Steady();
    take(steady, 90, 75, 75, 90, 90, 75, 75, 90, 90, 90, 90, ...Array(80).fill(90));
    expect(take(steady, 75, 75, 90, 90)).toEqual(["excellent", "good", "good", "excellent"]);
  });

  // 50 packets a second, looked at over two: by chance alone some windows lose none and some lose twice the share.
  it.each([1, 2, 3, 4, 5, 7, 10, 15])("seldom wavers while %d %% are lost by chance", (percent) => {
    const chance = seeded(percent);
    const second = () => Array.from({ length: 50 }, chance).filter((x) => x < percent / 100).length;
    const steady = new Steady();
    let [before, changes, level] = [second(), 0, null as string | null];
    for (let i = 0; i < 3600; i++) {
      const now = second();
      const next = steady.take(rating(60, before + now));
      if (next !== level) changes += 1;
      [before, level] = [now, next];
    }
    expect(changes).toBeLessThan(90); // of 3600 looks
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

describe("advice", () => {
  const loss = (value: number) => hintOf({ outAudioLoss: 10 * value, sends: 3 });
  const delay = hintOf({ rtt: 640 });

  it("is given when a look says it again, and stays while reports are away", () => {
    const advice = new Advice();
    expect(advice.take(loss(8), false)).toBeNull();
    const given = advice.take(loss(9), false);
    expect(given?.text).toBe("Your upload loses 9 %: turn the camera off.");
    for (let i = 0; i < 8; i++) expect(advice.take(null, false)).toBe(given);
    expect(advice.take(null, false)).toBeNull();
  });

  it("is the same while its value moves little, and goes at once when all is well", () => {
    const advice = new Advice();
    advice.take(loss(8), false);
    const given = advice.take(loss(8), false);
    expect(advice.take(loss(11), false)).toBe(given);
    expect(advice.take(loss(20), false)?.value).toBe(20);
    expect(advice.take(loss(20), true)).toBeNull();
  });

  it("changes to another only when that comes up twice", () => {
    const advice = new Advice();
    advice.take(loss(8), false);
    const given = advice.take(loss(8), false);
    expect(advice.take(delay, false)).toBe(given);
    expect(advice.take(loss(8), false)).toBe(given);
    expect(advice.take(delay, false)).toBe(given);
    expect(advice.take(delay, false)?.code).toBe("long-delay");
  });
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
    const { values: v } = sampleBetween(
      readTotals(report(firefox, 1), 1000),
      readTotals(report(firefox, 2), 3000),
      ...([on, on] as const),
    );
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
    isSample: true,
    ...{ level, arrives: level, leaves: level },
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

  it("sends what came up during a sending right after it", async () => {
    const sent: (string | undefined)[] = [];
    let answer = () => {};
    const flight = new Flight({
      send: ({ events }) => {
        sent.push(events?.map(({ type }) => type).join());
        return new Promise<void>((resolve) => {
          answer = resolve;
        });
      },
    });
    for (const type of ["recording", "pause", "resume"]) {
      flight.note(type);
      flight.flush();
    }
    expect(sent).toEqual(["recording"]);
    answer();
    await expect.poll(() => sent).toEqual(["recording", "pause,resume"]);
    answer();
    await new Promise((done) => setTimeout(done, 10));
    expect(sent).toHaveLength(2);
  });

  it("has the server's fields in the server's order", async () => {
    const { readFile } = await import("node:fs/promises");
    const text = await readFile(new URL("../../../server/src/codec/quality.def", import.meta.url), "utf8");
    expect(FIELDS).toEqual([...text.matchAll(/X\(\w+, "(\w+)"/g)].map(([, name]) => name));
  });
});

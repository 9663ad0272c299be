/** What a report says of the numbers: spans, who is to blame, and the sentence above all. */
import { describe, expect, it } from "vitest";
import type { CallFacts, QualityAnswer } from "../src/api.js";
import { clock, makeReport } from "../src/report/model.js";
import { findingsOf, spansOf, summaryOf } from "../src/report/verdict.js";

const BEGIN = "2026-01-05T10:00:00.000Z";
const call = {
  ...{ id: "c", channelId: "x", callType: "video", mode: "direct", status: "ended", startedBy: "alice" },
  ...{ startedAt: BEGIN, answeredAt: BEGIN, endedAt: "2026-01-05T10:01:40.000Z", endReason: "hangup", endedBy: "bob" },
  duration: 100,
  participants: [
    { userId: "alice", name: "Alice", state: "left", role: "caller", connectionQuality: "good" },
    { userId: "bob", name: "Bob", state: "left", role: "callee", connectionQuality: "good" },
  ],
} satisfies CallFacts;

type Columns = Record<string, (number | null)[]>;
const column = (value: (i: number) => number) => Array.from({ length: 50 }, (_, i) => value(i));
const t = column((i) => i * 20);

function report(alice: Columns, bob: Columns) {
  const leg = (socketId: string, userId: string, other: string, peer: string, columns: Columns) => ({
    ...{ socketId, userId },
    peers: [{ socketId: peer, userId: other, start: BEGIN, t, columns }],
  });
  const legs = [leg("a", "alice", "bob", "b", alice), leg("b", "bob", "alice", "a", bob)];
  return makeReport(call, { callId: "c", step: 0, legs } satisfies QualityAnswer);
}

const fine = {
  level: column(() => 1),
  inAudioLoss: column(() => 2),
  inFps: column(() => 30),
  expects: column(() => 3),
};

describe("a report", () => {
  it("of a good call says so", () => {
    const good = report(fine, fine);
    expect(findingsOf(good, [])).toEqual([]);
    expect(summaryOf(good, [])).toMatch(/went well/);
    expect(good.connections).toHaveLength(1);
    expect(good.connections[0]?.directions.map(({ fromName, toName }) => `${fromName} to ${toName}`)).toEqual([
      "Alice to Bob",
      "Bob to Alice",
    ]);
  });

  it("tells who lost what of whom, and when", () => {
    const lossy = {
      ...fine,
      inAudioLoss: column((i) => (i >= 10 && i < 20 ? 120 : 2)),
      level: column((i) => (i >= 10 && i < 20 ? 4 : 1)),
    };
    const bad = report(fine, lossy);
    const [finding] = findingsOf(bad, []);
    expect(finding).toMatchObject({
      kind: "loss",
      from: 20,
      to: 38,
      text: "Bob lost 12 % of what Alice sent, from 00:20 to 00:38.",
    });
    expect(summaryOf(bad, findingsOf(bad, []))).toMatch(/^This call was impaired: 10 %/);
  });

  it("tells a frozen sender from a picture that was lost on the way", () => {
    const still = { ...fine, inFps: column((i) => (i >= 30 && i < 40 ? 0 : 30)) };
    const frozen = { ...fine, outFps: column((i) => (i >= 30 && i < 40 ? 0 : 30)) };
    expect(findingsOf(report(frozen, still), []).map(({ kind }) => kind)).toEqual(["frozen"]);
    expect(findingsOf(report({ ...fine, outFps: column(() => 30) }, still), []).map(({ kind }) => kind)).toEqual([
      "no-picture",
    ]);
  });

  it("takes a changed way from the timeline, and an end that nobody wanted from the call", () => {
    const entry = { seq: null, ts: "2026-01-05T10:00:30.000Z", type: "client.path", actorId: "alice" };
    const moved = { ...entry, data: { from: "direct-udp", state: "relay-tls" } };
    expect(findingsOf(report(fine, fine), [moved])[0]?.text).toBe(
      "Alice's media moved from the direct way to the relay over TLS at 00:30.",
    );
    const lost = { ...report(fine, fine), call: { ...call, endReason: "connection_lost" } };
    expect(findingsOf(lost, []).map(({ kind }) => kind)).toEqual(["end"]);
  });
});

it("spans bridge a missing sample, and one bad look is none", () => {
  const series = { t: [0, 2, 4, 6, 20, 40, 42], columns: { rtt: [9, 9, 1, 9, 9, 9, null] } };
  expect(spansOf(series, ["rtt"], (v) => v > 5)).toEqual([{ from: 0, to: 6, values: [9, 9, 9] }]);
});

it("times are written as people do", () => expect([clock(61), clock(3661)]).toEqual(["01:01", "1:01:01"]));

/** Where in a recording somebody came or left, whatever pauses it had. */
import type { Recording, TimelineEntry } from "@bellwire/client";
import { describe, expect, it } from "vitest";
import { marksOf } from "../../src/ui/recordingMarks.js";

const START = Date.parse("2026-03-01T10:00:00Z");
const at = (seconds: number) => new Date(START + seconds * 1000).toISOString();

const entry = (seconds: number, type: string, actorId: string, data: TimelineEntry["data"] = {}): TimelineEntry => ({
  ...{ seq: type.startsWith("client.") ? null : 1, ts: at(seconds), type, actorId, data },
});
const turn = (seconds: number, state: "on" | "off", ms: number, id?: string) =>
  entry(seconds, "client.recording", "alice", { state, ms, ...(id && { id }) });

/** `startedAt` is what the server reckons from the end: of no use when there were pauses. */
const recording = (id: string, durationMs: number, startedAt = at(99)) =>
  ({ id, userId: "alice", durationMs, startedAt }) as Recording;

describe("marks", () => {
  it("stand where the recording was, pauses left out", () => {
    const timeline = [
      entry(0, "participant.joined", "bob"), // before it began
      turn(10, "on", 0),
      turn(11, "on", 1000, "r1"),
      entry(14, "participant.joined", "carol"),
      turn(20, "off", 10_000),
      entry(25, "participant.left", "bob"), // in a pause: where it was halted
      turn(30, "on", 10_000, "r1"),
      entry(33, "participant.left", "carol"),
      turn(40, "off", 20_000, "r1"),
      entry(41, "participant.left", "alice"), // after its end
    ];
    expect(marksOf(timeline, recording("r1", 20_000))).toEqual([
      { at: 4, userId: "carol", kind: "joined" },
      { at: 10, userId: "bob", kind: "left" },
      { at: 13, userId: "carol", kind: "left" },
    ]);
  });

  it("are those of the right one of several recordings", () => {
    const timeline = [
      turn(0, "on", 0),
      turn(1, "on", 1000, "r1"),
      entry(2, "participant.joined", "bob"),
      turn(5, "off", 5000),
      turn(10, "on", 0),
      turn(11, "on", 1000, "r2"),
      entry(13, "participant.joined", "carol"),
      turn(20, "off", 10_000),
    ];
    expect(marksOf(timeline, recording("r1", 5000))).toEqual([{ at: 2, userId: "bob", kind: "joined" }]);
    expect(marksOf(timeline, recording("r2", 10_000))).toEqual([{ at: 3, userId: "carol", kind: "joined" }]);
  });

  it("of a recording that nobody noted are reckoned from its beginning, and none lies behind its end", () => {
    const timeline = [
      entry(2, "participant.joined", "bob"),
      entry(7, "participant.joined", "carol"),
      entry(30, "participant.left", "carol"),
    ];
    expect(marksOf(timeline, recording("r3", 10_000, at(5)))).toEqual([{ at: 2, userId: "carol", kind: "joined" }]);
  });
});

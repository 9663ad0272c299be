/** What the screens say: ends of calls, durations, moments, initials. */
import { describe, expect, it } from "vitest";
import { hueOf, initials } from "../../src/ui/Avatar.js";
import { endedText } from "../../src/ui/endedText.js";
import { daysAgo, formatDuration, formatMoment, isoDuration } from "../../src/ui/format.js";
import { englishTexts } from "../../src/ui/texts.js";

describe("endedText", () => {
  const say = (reason: string | null, direction: "incoming" | "outgoing", duration = 0) =>
    endedText(englishTexts, { reason, direction, duration, peerName: "Bob" });

  it.each([
    ["declined", "outgoing", "Bob declined"],
    ["declined", "incoming", "You declined"],
    ["no_answer", "outgoing", "No answer"],
    ["no_answer", "incoming", "You missed a call from Bob"],
    ["busy", "outgoing", "Bob is in another call"],
    ["cancelled", "outgoing", "Call cancelled"],
    ["cancelled", "incoming", "Bob hung up before the answer"],
    ["caller_lost", "incoming", "Bob lost the connection"],
    ["answered_elsewhere", "incoming", "Answered on another device"],
  ] as const)("says why a call never began: %s, %s", (reason, direction, text) => {
    expect(say(reason, direction)).toBe(text);
  });

  it("tells the talk's length after a hang-up, and the trouble when there was one", () => {
    expect(say("hangup", "outgoing", 42)).toBe("Call ended · 0:42");
    expect(say("hangup", "incoming", 0)).toBe("Call ended");
    expect(say("connection_lost", "incoming", 42)).toBe("The connection was lost");
    expect(say("left", "incoming", 42)).toBe("You left the call");
    expect(say("something_new", "incoming", 61)).toBe("Call ended · 1:01");
  });
});

describe("times", () => {
  it("writes durations as people read them", () => {
    expect([0, 9.9, 60, 3599, 3600, 86_399].map(formatDuration)).toEqual([
      "0:00",
      "0:09",
      "1:00",
      "59:59",
      "1:00:00",
      "23:59:59",
    ]);
    expect(formatDuration(-3)).toBe("0:00");
    expect(isoDuration(42.7)).toBe("PT42S");
  });

  it("counts midnights, not spans of 24 hours", () => {
    expect(daysAgo(new Date(2026, 2, 3, 23, 59), new Date(2026, 2, 4, 0, 1))).toBe(1);
    expect(daysAgo(new Date(2026, 2, 3, 0, 1), new Date(2026, 2, 3, 23, 59))).toBe(0);
  });

  it("names the day when it is not today, and the year when it is another", () => {
    const now = new Date(2026, 2, 4, 12, 0);
    expect(formatMoment(new Date(2026, 2, 4, 9, 5), now, "Yesterday")).not.toContain("2026");
    expect(formatMoment(new Date(2026, 2, 3, 9, 5), now, "Yesterday")).toBe("Yesterday");
    expect(formatMoment(new Date(2025, 11, 31, 9, 5), now, "Yesterday")).toContain("2025");
  });
});

describe("avatars", () => {
  it("takes the first letters of the first and last word, whole characters only", () => {
    expect(["Alice", "Ada King Lovelace", "  ", "𝒜da 😀x"].map(initials)).toEqual(["A", "AL", "?", "𝒜😀"]);
  });

  it("gives the same person the same hue", () => {
    expect(hueOf("alice")).toBe(hueOf("alice"));
    expect(new Set(["alice", "bob", "carol", "dave"].map(hueOf)).size).toBe(4);
  });
});

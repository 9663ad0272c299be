/** What a screen reader hears of a call that goes on. */
import type { CallSnapshot, ParticipantSnapshot } from "@bellwire/client";
import { describe, expect, it } from "vitest";
import { announcement } from "../../src/ui/announce.js";
import { otherTiles, peerOf, plainFace } from "../../src/ui/faces.js";
import { englishTexts } from "../../src/ui/texts.js";

function person(name: string, more: Partial<ParticipantSnapshot> = {}): ParticipantSnapshot {
  return {
    id: `leg-${name}`,
    userId: name.toLowerCase(),
    name,
    avatarUrl: null,
    role: "callee",
    state: "joined",
    socketId: `leg-${name}`,
    stream: null,
    screenStream: null,
    isMuted: false,
    isVideoEnabled: true,
    isScreenSharing: false,
    isSpeaking: false,
    connectionQuality: null,
    connectionHint: null,
    connectionPath: null,
    media: "connected",
    ...more,
  };
}

const NOT_RECORDED: CallSnapshot["recording"] = {
  ...{ state: "none", policy: "announce", userId: null, isOwn: false, hasAgreed: false, since: null },
};

/** Only the members that the screens look at here. */
function call(participants: ParticipantSnapshot[], more: Partial<CallSnapshot> = {}): CallSnapshot {
  return {
    id: "1",
    mode: "group",
    state: "active",
    answeredAt: 1,
    participants,
    recording: NOT_RECORDED,
    ...more,
  } as CallSnapshot;
}

const say = (before: CallSnapshot | null, after: CallSnapshot) => announcement(englishTexts, before, after, plainFace);

describe("announcement", () => {
  it("tells that the call begins, and nothing about one that was there already", () => {
    const ringing = call([person("Bob", { state: "ringing", socketId: null })], {
      answeredAt: null,
      state: "ringing-out",
    });
    expect(say(ringing, call([person("Bob")]))).toBe("The call begins");
    expect(say(null, call([person("Bob")]))).toBe("");
  });

  it("tells who comes and who goes", () => {
    const [bob, carol] = [person("Bob"), person("Carol")];
    expect(say(call([bob]), call([bob, carol]))).toBe("Carol joined");
    expect(say(call([bob, carol]), call([bob]))).toBe("Carol left");
    expect(say(call([bob, carol]), call([bob, { ...carol, state: "left", socketId: null }]))).toBe("Carol left");
  });

  it("tells of mutes, screens and interruptions, not of speaking", () => {
    const bob = person("Bob");
    const change = (more: Partial<ParticipantSnapshot>) => say(call([bob]), call([{ ...bob, ...more }]));
    expect(change({ isMuted: true })).toBe("Bob is muted");
    expect(change({ isScreenSharing: true })).toBe("Bob shares the screen");
    expect(say(call([{ ...bob, isScreenSharing: true }]), call([bob]))).toBe("Bob no longer shares");
    expect(change({ media: "reconnecting" })).toBe("The connection to Bob is interrupted");
    expect(change({ isSpeaking: true })).toBe("");
  });

  it("tells who records, who asks to, and the end of it", () => {
    const bob = person("Bob");
    const recorded = (state: "none" | "requested" | "started", isOwn = false) =>
      call([bob], { recording: { ...NOT_RECORDED, state, isOwn, userId: state === "none" ? null : bob.userId } });
    expect(say(call([bob]), recorded("started"))).toBe("Bob records this call");
    expect(say(call([bob]), recorded("requested"))).toBe("Bob asks to record this call.");
    expect(say(call([bob]), recorded("started", true))).toBe("Recording");
    expect(say(recorded("started"), recorded("none"))).toBe("This call is no longer recorded");
    expect(say(recorded("requested"), recorded("none"))).toBe("");
  });

  it("says nothing of the end, which has a screen of its own, nor across two calls", () => {
    expect(say(call([person("Bob")]), call([], { state: "ended" }))).toBe("");
    expect(say(call([person("Bob")], { id: "0" }), call([person("Carol")]))).toBe("");
  });
});

describe("faces", () => {
  it("shows only those who have a device in the call", () => {
    const tiles = otherTiles(call([person("Bob"), person("Carol", { state: "ringing", socketId: null })]), plainFace);
    expect(tiles.map(({ name }) => name)).toEqual(["Bob"]);
  });

  it("shows a shared screen only while it is shared", () => {
    const screenStream = {} as MediaStream;
    const tile = (isScreenSharing: boolean) =>
      otherTiles(call([person("Bob", { screenStream, isScreenSharing })]), plainFace)[0]?.screen;
    expect(tile(true)).toBe(screenStream);
    expect(tile(false)).toBeNull();
  });

  it("calls a group by its people, and an empty one by what it is", () => {
    const peer = (names: string[], mode = "group") =>
      peerOf(
        names.map((name) => person(name)),
        { id: "1", mode },
        plainFace,
        englishTexts,
      ).name;
    expect(peer(["Bob"])).toBe("Bob");
    expect(peer(["Bob", "Carol"])).toBe("Bob, Carol");
    expect(peer([])).toBe("Group call");
    expect(peer([], "direct")).toBe("Someone");
  });
});

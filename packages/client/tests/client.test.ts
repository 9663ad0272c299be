/** Whole calls between clients, over the server in memory. */
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type Call, type CallSnapshot, type CallState, type Client, createClient } from "../src/index.js";
import { FakeConnection } from "./lib/fakeConnection.js";
import type { FakeMedia } from "./lib/fakeMedia.js";
import { FakeServer } from "./lib/fakeServer.js";

let server: FakeServer;
let clients: Client[];

interface Person {
  client: Client;
  media: FakeMedia;
  errors: string[];
}

function person(name: string, getToken: () => string | Promise<string> = () => `token-${name}`): Person {
  const platform = server.platform();
  const client = createClient({ url: "http://fake", getToken, platform });
  const errors: string[] = [];
  client.on("error", (error) => errors.push(error.code));
  clients.push(client);
  return { client, media: platform.media, errors };
}

async function online(...names: string[]): Promise<Person[]> {
  const people = names.map((name) => person(name));
  const connected = Promise.all(people.map((p) => p.client.connect()));
  await vi.advanceTimersByTimeAsync(50);
  await connected;
  return people;
}

const pass = (ms = 300) => vi.advanceTimersByTimeAsync(ms);
const current = ({ client }: Person) => client.getSnapshot().current as CallSnapshot;
const incoming = ({ client }: Person): Call => client.getCall(client.getSnapshot().incoming[0]?.id ?? "") as Call;

function follow(call: Call): CallState[] {
  const states: CallState[] = [call.state];
  call.on("state", (state) => states.push(state));
  return states;
}

/** a calls b, b answers, media flows. */
async function connectedPair(type: "audio" | "video" = "video"): Promise<[Person, Person]> {
  const [a, b] = (await online("alice", "bob")) as [Person, Person];
  void a.client.call({ channelId: "general", to: "bob", type });
  await pass();
  void incoming(b).accept();
  await pass();
  return [a, b];
}

beforeEach(() => {
  vi.useFakeTimers();
  server = new FakeServer();
  clients = [];
});

afterEach(async () => {
  for (const client of clients) client.close();
  await pass(0);
  expect(FakeConnection.open.size).toBe(0);
  vi.useRealTimers();
});

describe("a call", () => {
  it("rings, is accepted, runs and is hung up", async () => {
    const [a, b] = (await online("alice", "bob")) as [Person, Person];
    const heard: Call[] = [];
    b.client.on("incoming", (call) => heard.push(call));
    const calling = a.client.call({ channelId: "general", to: "bob" });
    expect(current(a).state).toBe("ringing-out");
    await pass();
    const call = await calling;
    const states = follow(call);
    expect(heard).toEqual([incoming(b)]);
    expect(current(a).isRemoteRinging).toBe(true);
    expect(b.media.requests).toEqual([]);
    const answered = follow(incoming(b));
    void incoming(b).accept();
    await pass();
    expect(states).toEqual(["ringing-out", "connecting", "active"]);
    expect(answered).toEqual(["ringing-in", "connecting", "active"]);
    const [other] = current(a).participants;
    expect(other).toMatchObject({ userId: "bob", media: "connected", isMuted: false, isVideoEnabled: true });
    expect(other?.stream?.getTracks().map((t) => t.kind)).toEqual(["audio", "video"]);
    void call.hangUp();
    await pass();
    expect([current(a).endReason, current(b).endReason]).toEqual(["hangup", "hangup"]);
    expect([...a.media.live(), ...b.media.live()]).toEqual([]);
    expect([a.errors, b.errors]).toEqual([[], []]);
    a.client.dismiss(call);
    expect(a.client.getSnapshot().current).toBeNull();
  });

  it("asks for ICE servers before it connects, and reports the connection", async () => {
    await connectedPair();
    expect(server.requests.filter((r) => r.includes("ice-servers"))).toHaveLength(2);
    expect(server.log.filter((l) => l.endsWith("call.connection")).sort()).toEqual([
      "alice call.connection",
      "bob call.connection",
    ]);
    expect(server.log.filter((l) => l === "bob call.ack")).toHaveLength(1);
  });

  it("opens no camera for an audio call", async () => {
    const [a, b] = await connectedPair("audio");
    expect([...a.media.opened, ...b.media.opened].map((t) => t.kind)).toEqual(["audio", "audio"]);
    expect(
      current(a)
        .participants[0]?.stream?.getTracks()
        .map((t) => t.kind),
    ).toEqual(["audio"]);
  });

  it("is declined", async () => {
    const [a, b] = (await online("alice", "bob")) as [Person, Person];
    void a.client.call({ channelId: "general", to: "bob" });
    await pass();
    void incoming(b).decline();
    expect(b.client.getSnapshot().incoming).toEqual([]);
    await pass();
    expect(current(a)).toMatchObject({ state: "ended", endReason: "declined" });
    expect([...a.media.live(), ...b.media.opened]).toEqual([]);
  });

  it("is cancelled by the caller, even before the server has answered", async () => {
    const [a, b] = (await online("alice", "bob")) as [Person, Person];
    const calling = a.client.call({ channelId: "general", to: "bob" });
    void a.client.getCall(current(a).id)?.hangUp();
    await pass();
    await calling;
    expect(current(a)).toMatchObject({ state: "ended", endReason: "cancelled" });
    expect(b.client.getSnapshot().incoming).toEqual([]);
    expect(a.media.live()).toEqual([]);
  });

  it.each([
    ["no_answer", "no_answer"],
    ["cancelled", "cancelled"],
  ] as const)("stops ringing when it ends with %s", async (reason, expected) => {
    const [a, b] = (await online("alice", "bob")) as [Person, Person];
    void a.client.call({ channelId: "general", to: "bob" });
    await pass();
    const call = incoming(b);
    server.end(call.id, reason, null);
    await pass();
    expect(call.endReason).toBe(expected);
    expect(current(a).endReason).toBe(expected);
  });

  it("stops ringing by itself when nobody says anything more", async () => {
    const [a, b] = (await online("alice", "bob")) as [Person, Person];
    void a.client.call({ channelId: "general", to: "bob" });
    await pass();
    const call = incoming(b);
    await pass(60_000);
    expect(call.endReason).toBe("no_answer");
  });

  it("rings on several devices until one has answered", async () => {
    const [a, phone, desk] = (await online("alice", "bob", "bob")) as [Person, Person, Person];
    void a.client.call({ channelId: "general", to: "bob" });
    await pass();
    const other = incoming(desk);
    void incoming(phone).accept();
    await pass();
    expect(other.endReason).toBe("answered_elsewhere");
    expect(desk.client.getSnapshot().incoming).toEqual([]);
    expect(desk.media.opened).toEqual([]);
    expect(current(a).state).toBe("active");
  });

  it("tells who accepted too late why", async () => {
    const [a, b] = (await online("alice", "bob")) as [Person, Person];
    void a.client.call({ channelId: "general", to: "bob" });
    await pass();
    server.refuse["call.join"] = "answered_elsewhere";
    const call = incoming(b);
    const accepting = call.accept().catch((error) => error.code);
    await pass();
    expect(await accepting).toBe("answered_elsewhere");
    expect(call.endReason).toBe("answered_elsewhere");
    expect(b.media.live()).toEqual([]);
  });

  it("fails with the server's code when it cannot be made", async () => {
    const [a] = (await online("alice")) as [Person];
    server.refuse["POST /api/calls"] = "not_a_member";
    const calling = a.client.call({ channelId: "general", to: "bob" }).catch((error) => error.code);
    await pass();
    expect(await calling).toBe("not_a_member");
    expect(current(a)).toMatchObject({ state: "ended", endReason: "failed" });
    expect(current(a).error?.code).toBe("not_a_member");
    expect(a.media.live()).toEqual([]);
  });

  it("joins four people each with each", async () => {
    const people = await online("a", "b", "c", "d");
    const [first, ...others] = people as [Person, ...Person[]];
    void first.client.call({ channelId: "general", participants: ["b", "c", "d"] });
    await pass();
    for (const other of others) void incoming(other).accept();
    await pass(1000);
    for (const p of people) {
      expect(current(p).state).toBe("active");
      expect(current(p).participants.map((x) => x.media)).toEqual(["connected", "connected", "connected"]);
    }
    expect(FakeConnection.open.size).toBe(12);
    void (first.client.getCall(current(first).id) as Call).hangUp();
    await pass();
    expect(current(first).endReason).toBe("left");
    expect(FakeConnection.open.size).toBe(6);
  });
});

describe("several calls", () => {
  it("refuses a second one of one's own", async () => {
    const [a] = await connectedPair();
    const { id } = current(a);
    await expect(a.client.call({ channelId: "general", to: "carol" })).rejects.toMatchObject({ code: "caller_busy" });
    expect(current(a)).toMatchObject({ id, state: "active" });
  });

  it("leaves the one before when another is accepted", async () => {
    const [a, b] = await connectedPair();
    const [c] = (await online("carol")) as [Person];
    const first = current(a).id;
    void c.client.call({ channelId: "general", to: "bob" });
    await pass();
    expect(current(b).state).toBe("active");
    void incoming(b).accept();
    await pass();
    expect(current(b)).toMatchObject({ state: "active", startedBy: "carol" });
    expect(current(a)).toMatchObject({ id: first, state: "ended", endReason: "hangup" });
    expect(b.media.live()).toHaveLength(2);
  });

  it("takes back a call whose answer was lost", async () => {
    const [a, b] = (await online("alice", "bob")) as [Person, Person];
    server.silent.add("call.join");
    const calling = a.client.call({ channelId: "general", to: "bob" }).catch((error) => error.code);
    await pass(30_000);
    expect(await calling).toBe("timeout");
    expect(current(a)).toMatchObject({ state: "ended", endReason: "failed" });
    expect(b.client.getSnapshot().incoming).toEqual([]);
  });

  it("is entered by its id, and calls of other devices are told", async () => {
    const [a, b] = await connectedPair();
    const [desk] = (await online("bob")) as [Person];
    const { id } = current(b);
    expect(desk.client.getSnapshot().joinable).toMatchObject([{ id, startedBy: "alice" }]);
    server.end(id, "hangup", null);
    await pass();
    expect(desk.client.getSnapshot().joinable).toEqual([]);
    expect(current(a).endReason).toBe("hangup");
  });
});

describe("devices", () => {
  it("stops the camera when it is off, and asks anew when it is on", async () => {
    const [a, b] = await connectedPair();
    const call = a.client.getCall(current(a).id) as Call;
    await Promise.all([call.setCameraEnabled(false), pass()]);
    expect(a.media.live().map((t) => t.kind)).toEqual(["audio"]);
    expect(current(b).participants[0]).toMatchObject({ isVideoEnabled: false });
    expect(
      current(b)
        .participants[0]?.stream?.getTracks()
        .map((t) => t.kind),
    ).toEqual(["audio"]);
    await Promise.all([call.setCameraEnabled(true), pass()]);
    expect(a.media.live("video")).toHaveLength(1);
    expect(current(b).participants[0]).toMatchObject({ isVideoEnabled: true });
    expect(server.log.filter((l) => l === "alice call.offer")).toEqual([]); // no negotiation
  });

  it("mutes without letting go of the microphone", async () => {
    const [a, b] = await connectedPair();
    const call = a.client.getCall(current(a).id) as Call;
    await Promise.all([call.setMicrophoneEnabled(false), pass()]);
    expect(a.media.live("audio")[0]?.enabled).toBe(false);
    expect(current(a).local.isMicrophoneEnabled).toBe(false);
    expect(current(b).participants[0]?.isMuted).toBe(true);
  });

  it("goes on without a camera, and says why", async () => {
    const [a, b] = (await online("alice", "bob")) as [Person, Person];
    b.media.refused.video = "no_camera";
    void a.client.call({ channelId: "general", to: "bob" });
    await pass();
    void incoming(b).accept();
    await pass();
    expect(current(b)).toMatchObject({ state: "active", local: { isCameraEnabled: false, isMicrophoneEnabled: true } });
    expect(current(b).local.error?.code).toBe("no_camera");
    expect(current(a).participants[0]).toMatchObject({ isVideoEnabled: false, isMuted: false });
  });

  it("only receives when everything is refused", async () => {
    const [a, b] = (await online("alice", "bob")) as [Person, Person];
    Object.assign(b.media.refused, { audio: "permission_denied", video: "permission_denied" });
    void a.client.call({ channelId: "general", to: "bob" });
    await pass();
    void incoming(b).accept();
    await pass();
    expect(current(b)).toMatchObject({ state: "active", local: { isMicrophoneEnabled: false, stream: null } });
    expect(current(b).participants[0]?.stream?.getTracks()).toHaveLength(2);
    const refused = (b.client.getCall(current(b).id) as Call).setCameraEnabled(true).catch((error) => error.code);
    await pass();
    expect(await refused).toBe("permission_denied");
  });

  it("lets go of what was opened too late", async () => {
    const [a] = (await online("alice", "bob")) as [Person];
    let grant = () => {};
    a.media.prompt = new Promise((resolve) => {
      grant = resolve;
    });
    void a.client.call({ channelId: "general", to: "bob" });
    await pass();
    void (a.client.getCall(current(a).id) as Call).hangUp();
    grant();
    await pass();
    expect(a.media.opened.length).toBeGreaterThan(0);
    expect(a.media.live()).toEqual([]);
  });

  it("shares its uplink out over the people, and anew when one goes or a picture comes", async () => {
    const [a, b, c] = (await online("alice", "bob", "carol")) as [Person, Person, Person];
    void a.client.call({ channelId: "general", participants: ["bob", "carol"], mode: "group" });
    await pass();
    for (const person of [b, c]) void incoming(person).accept();
    await pass();
    const limits = () =>
      [...FakeConnection.open].map((pc) => pc.transceivers.map((t) => t.parameters.encodings[0]?.maxBitrate));
    expect(limits()).toEqual(Array(6).fill([undefined, 1_250_000]));
    void (c.client.getCall(current(c).id) as Call).hangUp();
    await pass();
    expect(limits()).toEqual(Array(2).fill([undefined, 2_500_000]));
    void (a.client.getCall(current(a).id) as Call).setScreenShareEnabled(true);
    await pass();
    expect(limits()).toContainEqual([undefined, 1_250_000, 1_250_000]);
  });

  it("shares a screen, and stops when the browser says so", async () => {
    const [a, b] = await connectedPair();
    const call = a.client.getCall(current(a).id) as Call;
    await Promise.all([call.setScreenShareEnabled(true), pass()]);
    expect(current(b).participants[0]).toMatchObject({ isScreenSharing: true });
    expect(current(b).participants[0]?.screenStream?.getTracks()).toHaveLength(1);
    a.media
      .live("video")
      .find((t) => t.deviceId === "screen")
      ?.lose();
    await pass();
    expect(current(a).local).toMatchObject({ isScreenSharing: false, screenStream: null, error: null });
    expect(current(b).participants[0]).toMatchObject({ isScreenSharing: false, screenStream: null });
  });

  it("switches the microphone in a running call, and goes on with another when one is pulled out", async () => {
    const [a] = await connectedPair("audio");
    const call = a.client.getCall(current(a).id) as Call;
    await Promise.all([a.client.devices.select("microphone", "usb"), pass()]);
    expect(a.media.live().map((t) => t.deviceId)).toEqual(["usb"]);
    await Promise.all([call.setMicrophoneEnabled(false), pass()]);
    a.media.live()[0]?.lose();
    await pass();
    expect(current(a).local.error).toBeNull();
    await Promise.all([call.setMicrophoneEnabled(true), pass()]);
    a.media.live()[0]?.lose();
    await pass();
    expect(current(a).local).toMatchObject({ isMicrophoneEnabled: true, error: null });
    expect(a.media.live()).toHaveLength(1);
    a.media.refused.audio = "no_microphone";
    a.media.live()[0]?.lose();
    await pass();
    expect(current(a).local).toMatchObject({ isMicrophoneEnabled: false });
    expect(current(a).local.error?.code).toBe("device_lost");
  });
});

describe("the connection", () => {
  it("is resumed after a loss, and the call has gone on", async () => {
    const [a, b] = await connectedPair();
    server.cut("bob");
    await pass(0);
    expect(b.client.getSnapshot().connection).toBe("reconnecting");
    expect(current(b).state).toBe("active");
    await pass(1000);
    expect(b.client.getSnapshot().connection).toBe("connected");
    expect(current(a).participants).toHaveLength(1);
    expect(current(b)).toMatchObject({ state: "active" });
    expect(FakeConnection.open.size).toBe(2);
    expect(server.sessions.size).toBe(2);
  });

  it("is asked whether it still lives as soon as the browser has lost its way", async () => {
    await connectedPair();
    const asked = () => server.log.filter((line) => line === "alice call.ack").length;
    expect(asked()).toBe(0);
    [...FakeConnection.open][0]?.lose("disconnected");
    [...FakeConnection.open][1]?.lose("disconnected");
    await pass(10);
    expect(asked()).toBe(1);
  });

  for (const [broken, whose] of [
    [[0], "the caller's"],
    [[1], "the callee's"],
    [[0, 1], "both"],
  ] as const)
    it(`gets another connection when no restart can mend it: ${whose}`, async () => {
      const [a, b] = await connectedPair();
      const before = [...FakeConnection.open];
      expect(before).toHaveLength(2);
      for (const pc of before) pc.lose("disconnected");
      for (const i of broken) before[i]?.breakDown();
      await pass(6000);
      const after = [...FakeConnection.open];
      expect(after).toHaveLength(2);
      for (const pc of after) expect(before).not.toContain(pc);
      expect((after[0] as FakeConnection).reaches(after[1] as FakeConnection)).toBe(true);
      for (const person of [a, b]) {
        const [other] = current(person).participants;
        expect([current(person).state, other?.media]).toEqual(["active", "connected"]);
        const tracks = after.flatMap((pc) => pc.transceivers.map((t) => t.receiver.track as unknown));
        const shown = other?.stream?.getTracks() ?? [];
        expect(shown).toHaveLength(2);
        for (const track of shown) expect(tracks).toContain(track);
        expect(person.errors).toEqual([]);
      }
    });

  it("learns how a call ended while it was away", async () => {
    const [a, b] = await connectedPair();
    server.cut("bob");
    await pass(50);
    void (a.client.getCall(current(a).id) as Call).hangUp();
    await pass(40);
    expect(current(b).state).toBe("active");
    await pass();
    expect(current(b)).toMatchObject({ state: "ended", endReason: "hangup", endedBy: "alice" });
  });

  it("survives a server that is away for a while", async () => {
    const [a, b] = await connectedPair();
    server.isDown = true;
    for (const name of ["alice", "bob"]) server.cut(name);
    await pass(5000);
    expect([a, b].map((p) => p.client.getSnapshot().connection)).toEqual(["reconnecting", "reconnecting"]);
    expect(current(b).state).toBe("active");
    server.isDown = false;
    for (const socket of server.waiting.splice(0)) socket.retry();
    await pass(1000);
    expect([a, b].map((p) => p.client.getSnapshot().connection)).toEqual(["connected", "connected"]);
    expect(current(b).participants).toHaveLength(1);
    expect(FakeConnection.open.size).toBe(2);
  });

  it("fails after a second refusal of the token, and can be tried again", async () => {
    const a = person("alice");
    server.refuseConnections.push("token_invalid", "token_invalid");
    const connecting = a.client.connect().catch((error) => error.code);
    await pass(5000);
    expect(await connecting).toBe("token_invalid");
    expect(a.client.getSnapshot()).toMatchObject({ connection: "failed", user: null });
    const again = a.client.connect();
    await pass();
    await again;
    expect(a.client.getSnapshot()).toMatchObject({ connection: "connected", error: null, user: { id: "alice" } });
  });

  it("asks for a fresh token when the old one has expired", async () => {
    let asked = 0;
    const a = person("alice", async () => `token-${asked++ === 0 ? "old" : "alice"}`);
    server.refuseConnections.push("token_expired");
    void a.client.connect();
    await pass(2000);
    expect(a.client.getSnapshot()).toMatchObject({ connection: "connected", user: { id: "alice" } });
  });

  it("goes on asking when the token function fails", async () => {
    let isBroken = true;
    const a = person("alice", () => {
      if (isBroken) throw new Error("offline");
      return "token-alice";
    });
    void a.client.connect().catch(() => {});
    await pass(1000);
    expect(a.client.getSnapshot().error?.code).toBe("token_failed");
    isBroken = false;
    await pass(15_000);
    expect(a.client.getSnapshot().connection).toBe("connected");
  });

  it("renews the token when told that it expires", async () => {
    const [a] = (await online("alice")) as [Person];
    server.push("alice", "auth.expiring", { expiresAt: new Date().toISOString() });
    await pass();
    expect(server.log).toContain("alice auth.refresh");
    expect(a.client.getSnapshot().connection).toBe("connected");
  });

  it("drops events that are not newer than the last of their call", async () => {
    const [a, b] = await connectedPair();
    const id = current(b).id;
    server.push("bob", "call.ended", {
      ...{
        callId: id,
        seq: 1,
        ts: "",
        status: "ended",
        reason: "hangup",
        endedBy: null,
        duration: 0,
        answeredAt: null,
        endedAt: "",
      },
    });
    await pass();
    expect(current(b).state).toBe("active");
    expect(current(a).state).toBe("active");
  });

  it("finds a call that rings when it connects", async () => {
    const [a] = (await online("alice")) as [Person];
    void a.client.call({ channelId: "general", to: "bob" });
    await pass();
    const [b] = (await online("bob")) as [Person];
    expect(incoming(b).state).toBe("ringing-in");
    void incoming(b).accept();
    await pass();
    expect(current(b).state).toBe("active");
  });

  it("lets requests fail that are never answered", async () => {
    const [a, b] = (await online("alice", "bob")) as [Person, Person];
    void a.client.call({ channelId: "general", to: "bob" });
    await pass();
    server.silent.add("call.join");
    const accepting = incoming(b)
      .accept()
      .catch((error) => error.code);
    await pass(25_000);
    expect(await accepting).toBe("timeout");
    expect(incoming(b).state).toBe("ringing-in"); // may be tried again
    expect(b.media.live()).toEqual([]);
  });
});

describe("snapshots", () => {
  it("are the same objects until something changes, and are told once per turn", async () => {
    const [a, b] = await connectedPair();
    const before = current(a);
    expect(current(a)).toBe(before);
    let told = 0;
    a.client.subscribe(() => told++);
    void (b.client.getCall(current(b).id) as Call).setMicrophoneEnabled(false);
    await pass();
    expect(told).toBe(1);
    expect(current(a)).not.toBe(before);
    expect(current(a).local).toBe(before.local);
    expect(before.participants[0]?.isMuted).toBe(false);
  });
});

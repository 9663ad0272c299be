// Namespace /webrtc as devices use it: tokens, sessions that come back, commands, relays, limits.
import { beforeAll, describe, expect, it } from "vitest";
import { connect, open, type Payload, refused, type Server, type Session, startServer, token } from "../lib/index.js";
import { Endpoint, sleep } from "./wire.js";

let server: Server;
beforeAll(async () => {
  server = await startServer({ args: ["--resume-window", "5s"], lifetime: "file" });
  await server.channel("team", ["alice", "bob", "carol"]);
});

/** What the first `sync` of a session said. */
const syncOf = (session: Session): Payload => session.events[0]?.payload ?? {};

/** Alice and Bob in an active call, each with a leg. */
async function pair(): Promise<{ alice: Session; bob: Session; callId: string; legs: [string, string] }> {
  const [alice, bob] = [await server.socket("alice"), await server.socket("bob")];
  const created = await server.rest("alice").post("/api/calls", {
    channelId: "team",
    callType: "video",
    participants: ["bob"],
  });
  const callId = (created.body as { call: { id: string } }).call.id;
  const first = await alice.ask("call.join", { callId });
  await bob.waitFor("call.incoming", (call) => call.callId === callId);
  const second = await bob.ask("call.join", { callId });
  return { alice, bob, callId, legs: [first.self.socketId, second.self.socketId] };
}

describe("who is let in", () => {
  it.each([
    ["no token", null, "token_missing"],
    ["a token of another secret", token({ secret: "another secret of more than 32 bytes" }), "token_invalid"],
    ["an expired token", token({ ttl: -1 }), "token_expired"],
    ["a token that is none", "abc", "token_invalid"],
    ["alg none", token({ header: { alg: "none" } }), "token_invalid"],
  ])("not %s", async (_, bearer, code) => {
    expect((await refused(server.url, bearer)).data.code).toBe(code);
  });
  it("nobody in another namespace", async () => {
    const { socket } = open(server.url, { user: "alice" }, { namespace: "/" });
    const error = await new Promise<Error>((done) => socket.once("connect_error", done));
    expect(error.message).toBe("Invalid namespace");
  });
  it.each([["polling"], ["websocket"], ["polling", "websocket"]])("alice by %s %s", async (...transports) => {
    const session = await connect(server.url, { user: "alice", name: "Alice" }, { io: { transports } });
    const sync = syncOf(session);
    expect(sync.user).toEqual({ id: "alice", name: "Alice", avatarUrl: null });
    expect(sync.resumeWindowMs).toBe(5000);
  });
  it("closes what never comes in", async () => {
    const strict = await startServer({ args: ["--connect-timeout", "300ms"] });
    const wire = await new Endpoint(strict.url, "/socket.io/").wire();
    wire.send("40/webrtc,{}");
    expect(await wire.next()).toContain("44/webrtc,");
    await wire.closed;
  });
});

describe("a call", () => {
  it("relays offers, answers and candidates as they came, stamped with their sender", async () => {
    const { alice, bob, callId, legs } = await pair();
    const sdp = `v=0\r\n${'a=é😀 "quoted" \\ \u2028\r\n'.repeat(100)}`;
    expect(await bob.ask("call.offer", { to: legs[0], offer: { type: "offer", sdp }, extra: [1, null] })).toEqual({
      ok: true,
    });
    const offer = await alice.waitFor("call.offer");
    expect(offer).toEqual({ from: legs[1], userId: "bob", callId, offer: { type: "offer", sdp }, extra: [1, null] });
    alice.send("call.answer", { answer: { type: "answer", sdp }, to: legs[1], from: legs[1], userId: "eve" });
    expect(await bob.waitFor("call.answer")).toEqual({
      from: legs[0],
      userId: "alice",
      callId,
      answer: { type: "answer", sdp },
    });
    for (const candidate of [{ candidate: "candidate:1", sdpMid: "0" }, null]) {
      alice.send("call.ice-candidate", { to: legs[1], candidate });
      expect((await bob.waitFor("call.ice-candidate")).candidate).toEqual(candidate);
    }
  });
  it("relays to nobody outside of it", async () => {
    const { bob, legs } = await pair();
    const carol = await server.socket("carol");
    const offer = { type: "offer", sdp: "v=0" };
    for (const to of [legs[1], bob.socket.id, "team", "", "*"]) {
      const answer = await carol.emit("call.offer", { to, offer });
      expect(answer.error.code).toMatch(/^(not_in_call|leg_not_found)$/);
    }
    for (const to of [null, {}, ["x"], 7]) {
      expect((await carol.emit("call.offer", { to, offer })).error.code).toBe("bad_field");
    }
    await bob.expectNone("call.offer");
  });
  it("refuses SDP beyond 64 KiB and events that are unknown", async () => {
    const { alice, legs } = await pair();
    const offer = { type: "offer", sdp: "x".repeat(70_000) };
    const large = await alice.emit("call.offer", { to: legs[1], offer });
    expect(large.error.code).toBe("payload_too_large");
    const unknown = await alice.socket.emitWithAck("no.such", {});
    expect(unknown.error.code).toBe("bad_event");
    const binary = await alice.socket.emitWithAck("call.mute", { callId: Buffer.from([1]) });
    expect(binary.error.code).toBe("bad_event");
    alice.send("call.mute", null);
    expect((await alice.waitFor("call.error")).code).toBe("bad_event");
  });
  it("goes on over a lost connection: same leg, nothing missed", async () => {
    const { alice, bob, callId, legs } = await pair();
    const { sessionId, resumeToken } = syncOf(bob);
    bob.cut();
    await alice.waitFor("participant.reconnecting", (event) => event.socketId === legs[1]);
    expect(await alice.ask("call.offer", { to: legs[1], offer: { type: "offer", sdp: "held" } })).toEqual({ ok: true });
    const again = await connect(
      server.url,
      { user: "bob" },
      { auth: { sessionId, resumeToken, lastSeq: { [callId]: 0 } } },
    );
    const sync = syncOf(again);
    expect(sync.sessionId).toBe(sessionId);
    expect(sync.calls[0].self.socketId).toBe(legs[1]);
    await alice.waitFor("participant.resumed", (event) => event.socketId === legs[1]);
    expect((await again.waitFor("call.offer")).offer.sdp).toBe("held");
    await again.waitFor("call.accepted", (event) => event.callId === callId);
  });
  it("is not taken over with somebody else's proof", async () => {
    const { bob } = await pair();
    const { sessionId, resumeToken } = syncOf(bob);
    const eve = await connect(server.url, { user: "carol" }, { auth: { sessionId, resumeToken } });
    expect(syncOf(eve).sessionId).not.toBe(sessionId);
  });
  it("survives a restart of the server with its legs", async () => {
    const own = await startServer();
    await own.channel("team", ["alice", "bob"]);
    const alice = await own.socket("alice");
    const { body } = await own
      .rest("alice")
      .post("/api/calls", { channelId: "team", callType: "audio", participants: ["bob"] });
    const callId = (body as { call: { id: string } }).call.id;
    const { self } = await alice.ask("call.join", { callId });
    const { sessionId, resumeToken } = syncOf(alice);
    await own.restart();
    const again = await connect(own.url, { user: "alice" }, { auth: { sessionId, resumeToken } });
    const [call] = syncOf(again).calls;
    expect([call.id, call.self.socketId]).toEqual([callId, self.socketId]);
  });
});

describe("tokens that run out", () => {
  it("are told, refused, refreshed", async () => {
    const session = await connect(server.url, { user: "alice", ttl: 2 });
    await session.waitFor("auth.expiring");
    await sleep(2100);
    const callId = "01900000-0000-7000-8000-000000000000";
    expect((await session.emit("call.ack", { callId })).error.code).toBe("token_expired");
    expect((await session.emit("auth.refresh", { token: token({ user: "bob" }) })).error.code).toBe("token_invalid");
    const refreshed = await session.ask("auth.refresh", { token: token({ user: "alice", ttl: 60 }) });
    expect(Date.parse(refreshed.expiresAt)).toBeGreaterThan(Date.now() + 50_000);
    expect((await session.emit("call.ack", { callId })).error.code).toBe("call_not_found");
  });
});

it("floods are refused, and others notice nothing", async () => {
  const [loud, calm] = [await server.socket("alice"), await server.socket("bob")];
  const answers = await Promise.all(Array.from({ length: 400 }, () => loud.socket.emitWithAck("call.ack", {})));
  const limited = answers.filter((answer) => answer.error.code === "rate_limited");
  expect(limited.length).toBeGreaterThan(100);
  expect(limited[0].error).toMatchObject({ retryable: true, retryAfterMs: expect.any(Number) });
  expect((await calm.emit("call.ack", {})).error.code).toBe("bad_field");
});

it("a stop is announced", async () => {
  const own = await startServer();
  const session = await own.socket("alice");
  const stopped = own.stop();
  expect((await session.waitFor("server.draining")).retryAfterMs).toBeGreaterThan(0);
  await stopped;
});

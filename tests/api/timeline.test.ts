// The timeline of a call in which everything happens that can: each kind of event once, in its order, by whom; and how
// long what devices measured is kept. Over both databases.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { type Session, startServer } from "../lib/index.js";
import { closeLater } from "../lib/lifetime.js";

interface Entry {
  seq: number | null;
  ts: string;
  type: string;
  actorId: string | null;
  data: Record<string, unknown>;
}

async function makeTalk(args: string[] = []) {
  const data = await mkdtemp(join(tmpdir(), "bellwire-"));
  closeLater(() => rm(data, { recursive: true, force: true }));
  const server = await startServer({ data, args });
  await server.channel("talk", ["alice", "bob"]);
  const alice = await server.socket({ user: "alice", claims: { recorder: true } });
  const bob = await server.socket("bob");
  const body = { channelId: "talk", callType: "video", participants: ["bob"] };
  const { id: callId } = (await server.rest("alice").post("/api/calls", body)).body.call;
  await bob.ask("call.ack", { callId });
  await alice.ask("call.join", { callId });
  return { server, args, alice, bob, callId };
}

it("every event of a call stands in the timeline, in order, with who did it", async () => {
  const { server, alice, bob, callId } = await makeTalk();
  const { self } = await bob.ask("call.join", { callId });
  const tells = (session: Session, type: string, data: object) =>
    session.ask("call.quality", { callId, events: [{ type, age: 0, data: { peer: self.socketId, ...data } }] });
  await tells(alice, "media", { state: "connecting" });
  await tells(alice, "media", { state: "connected" });
  await tells(alice, "path", { state: "direct-udp" });
  await alice.ask("call.connection", { callId, state: "connected" });
  await alice.ask("call.mute", { callId, isMuted: true });
  await bob.ask("call.video-toggle", { callId, isVideoEnabled: false });
  await alice.ask("call.screen-toggle", { callId, isScreenSharing: true });
  await tells(bob, "track", { slot: "microphone", state: "ended" });
  await alice.ask("call.recording-start", { callId });
  await alice.ask("call.recording-stop", { callId });
  await bob.ask("call.quality", { callId, connectionQuality: "good" });
  await bob.ask("call.quality", { callId, connectionQuality: "poor" });
  await tells(alice, "restart", {});
  await tells(alice, "limit", { state: "processor" });
  await tells(alice, "picture", { state: "frozen" });
  const sync = bob.events.find(({ event }) => event === "sync");
  const { sessionId, resumeToken } = (sync?.payload ?? {}) as Record<string, string>;
  bob.cut();
  await alice.waitFor("participant.reconnecting");
  const again = await server.socket("bob", { auth: { sessionId, resumeToken } });
  await alice.waitFor("participant.resumed");
  await again.ask("call.leave", { callId });
  await alice.waitFor("call.ended");

  const read = async () => (await server.rest("alice").get(`/api/calls/${callId}/timeline`)).body.events as Entry[];
  // What passes without a number is on the disk half a second later.
  await expect.poll(async () => (await read()).map(({ type }) => type)).toContain("participant.resumed");
  const entries = await read();
  const told = entries.map(({ type, actorId, data }) => {
    const { state, reason, isMuted, isVideoEnabled, isScreenSharing, connectionQuality } = data;
    const value = state ?? reason ?? isMuted ?? isVideoEnabled ?? isScreenSharing ?? connectionQuality;
    return [type, actorId, ...(value === undefined ? [] : [value])].join(" ");
  });
  const wanted = [
    ...["call.started alice", "call.incoming alice", "call.ringing bob", "call.accepted bob"],
    ...["client.media alice connecting", "client.media alice connected", "client.path alice direct-udp"],
    ...["participant.muted alice true", "participant.video-toggled bob false", "participant.screen-toggled alice true"],
    ...["client.track bob ended", "call.recording alice started", "call.recording alice stopped"],
    ...["participant.quality bob good", "participant.quality bob poor", "quality.degraded bob poor"],
    ...["client.restart alice", "client.limit alice processor", "client.picture alice frozen"],
    ...["participant.reconnecting bob", "participant.resumed bob", "call.ended bob hangup"],
  ];
  expect(told.filter((line) => wanted.includes(line)).sort(), told.join("\n")).toEqual([...wanted].sort());
  const at = (line: string) => told.indexOf(line);
  const order = wanted.filter((line) => !/^(client|quality)\./.test(line)).map(at);
  expect(order, told.join("\n")).toEqual([...order].sort((a, b) => a - b));
  const times = entries.map(({ ts }) => Date.parse(ts));
  expect(times).toEqual([...times].sort((a, b) => a - b));
});

it("what devices measured is forgotten after its time, and the call is not", async () => {
  const { server, args, alice, bob, callId } = await makeTalk();
  const { self } = await bob.ask("call.join", { callId });
  const peers = [{ socketId: self.socketId, samples: [[0, 1, 90, null, 40]] }];
  await alice.ask("call.quality", { callId, peers, events: [{ type: "restart", age: 0, data: {} }] });
  await bob.ask("call.leave", { callId });
  const legs = async () => (await server.host().get(`/api/calls/${callId}/quality`)).body.legs;
  const types = async () =>
    (await server.host().get(`/api/calls/${callId}/timeline`)).body.events.map((one: Entry) => one.type);
  await server.restart();
  expect(await legs()).toHaveLength(1);
  expect(await types()).toContain("client.restart");
  args.push("--quality-retention", "1s");
  await new Promise((done) => setTimeout(done, 1100));
  await server.restart();
  await expect.poll(legs, { timeout: 10_000 }).toEqual([]);
  expect(await types()).not.toContain("client.restart");
  expect(await types()).toContain("call.ended");
});

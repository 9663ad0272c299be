// The peer of the browser's figures: npm's socket.io doing for a direct call what bellwire does, so that the same page can
// call over it. No database, no rules, no timers. ICE servers come from the bellwire whose URL is the first argument.
import { randomUUID } from "node:crypto";
import { createServer } from "node:http";
import { Server } from "socket.io";

const [, , bellwire, host] = process.argv;
const calls = new Map();
const now = () => new Date().toISOString();
/** The benches' own tokens: who one is, believed. */
const userOf = (token) => JSON.parse(Buffer.from(token.split(".")[1], "base64url").toString()).sub;
const bearer = (request) => (request.headers.authorization ?? "").replace("Bearer ", "");

const marks = { isMuted: false, isVideoEnabled: false, isScreenSharing: false, connectionQuality: null };
const person = (userId, role, state) => ({
  ...{ userId, name: userId, avatarUrl: null, role, state, joinedAt: null, leftAt: null, talkSeconds: 0 },
  ...marks,
});

function create(userId, { id, channelId, callType, participants }) {
  const call = {
    ...{ id, channelId, callType, mode: "direct", status: "ringing", topology: "p2p", startedBy: userId },
    ...{ startedAt: now(), ringExpiresAt: now(), answeredAt: null, endedAt: null, duration: 0, endReason: null },
    ...{ endedBy: null, metadata: {}, seq: 1, lastSeenAt: now() },
    participants: [person(userId, "caller", "joined"), person(participants[0], "callee", "invited")],
  };
  calls.set(id, { call, legs: new Map() });
  const ring = { initiator: userId, initiatorName: userId, initiatorAvatarUrl: null, msLeft: 60_000 };
  const { mode, ringExpiresAt, metadata } = call;
  tell(call, participants, "call.incoming", {
    ...{ channelId, callType, mode, ringExpiresAt, metadata },
    ...{ ...ring, participants: [userId, ...participants] },
  });
  return call;
}

async function body(request) {
  let text = "";
  for await (const chunk of request) text += chunk;
  return text ? JSON.parse(text) : {};
}

async function answer(request) {
  const { method, url } = request;
  const headers = { authorization: `Bearer ${bearer(request)}` };
  if (url === "/api/webrtc/ice-servers") return (await fetch(`${bellwire}${url}`, { headers })).json();
  if (method === "POST" && url === "/api/calls") return { call: create(userOf(bearer(request)), await body(request)) };
  return {};
}

const http = createServer(async (request, response) => {
  const text = JSON.stringify(await answer(request));
  response.writeHead(200, { "content-type": "application/json" }).end(text);
});
const io = new Server(http, { serveClient: false, pingInterval: 10_000, pingTimeout: 5000 });
const webrtc = io.of("/webrtc");

function tell(call, users, event, payload) {
  const message = { callId: call.id, seq: ++call.seq, ts: now(), ...payload };
  for (const user of users) webrtc.to(`user:${user}`).emit(event, message);
}

webrtc.on("connection", (socket) => {
  const userId = userOf(socket.handshake.auth.token);
  socket.join(`user:${userId}`);
  socket.emit("sync", {
    ...{ sessionId: randomUUID(), resumeToken: "none", resumeWindowMs: 30_000, serverTime: now() },
    ...{ user: { id: userId, name: userId, avatarUrl: null }, calls: [] },
  });
  socket.on("call.ack", ({ callId }, ack) => {
    const { call } = calls.get(callId) ?? {};
    if (call) tell(call, [call.startedBy], "call.ringing", { userId });
    ack?.({ ok: true });
  });
  socket.on("call.join", ({ callId }, ack) => {
    const { call, legs } = calls.get(callId);
    const participants = [...legs.values()];
    const leg = { socketId: socket.id, userId, name: userId, ...marks, isVideoEnabled: true, joinedAt: now() };
    legs.set(socket.id, leg);
    for (const other of participants)
      webrtc.to(other.socketId).emit("participant.joined", { callId, seq: ++call.seq, ts: now(), ...leg });
    if (userId !== call.startedBy) {
      Object.assign(call, { status: "active", answeredAt: now() });
      const payload = { userId, name: userId, answeredAt: call.answeredAt, socketId: socket.id };
      tell(call, [call.startedBy, userId], "call.accepted", payload);
    }
    const self = { socketId: socket.id, callId, userId, sessionId: socket.id };
    socket.emit("call.participants", { callId, ts: now(), self, participants, roster: call.participants });
    ack({ ok: true, call, self, participants });
  });
  socket.on("call.leave", ({ callId }, ack) => {
    const { call } = calls.get(callId);
    const end = { status: "ended", reason: "hangup", endedBy: userId, duration: 1 };
    const people = call.participants.map((p) => p.userId);
    tell(call, people, "call.ended", { ...end, answeredAt: call.answeredAt, endedAt: now() });
    ack({ ok: true, call });
  });
  for (const event of ["call.offer", "call.answer", "call.ice-candidate"])
    socket.on(event, ({ to, ...rest }, ack) => {
      const inCall = [...calls.values()].find(({ legs }) => legs.has(socket.id) && legs.has(to));
      if (inCall) webrtc.to(to).emit(event, { ...rest, from: socket.id, userId, callId: inCall.call.id });
      ack?.({ ok: true });
    });
  for (const event of ["call.mute", "call.video-toggle", "call.screen-toggle", "call.quality", "call.connection"])
    socket.on(event, (_, ack) => ack?.({ ok: true }));
});

http.listen(0, host, () => console.log(`ready http=http://${host}:${http.address().port}`));
process.on("SIGTERM", () => process.exit(0));

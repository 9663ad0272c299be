/** As much of the server as the SDK's tests need, in memory: sessions with resume, direct and group calls, relaying.
 *  The rules themselves are tested on the real one; this one can be told to lose sockets, refuse, and keep silent. */
import type { Auth, Call, LegInfo, Participant, SyncCall } from "../../src/generated/events.js";
import type { Platform, SocketLike } from "../../src/platform.js";
import { fakeConnection } from "./fakeConnection.js";
import { FakeMedia } from "./fakeMedia.js";

type Ack = (answer: unknown) => void;

interface Session {
  id: string;
  token: string;
  userId: string;
  socket: FakeSocket | null;
}

interface FakeCall {
  data: Call;
  legs: Map<string, LegInfo & { sessionId: string }>;
}

const now = () => new Date().toISOString();
const refusal = (code: string) => ({ ok: false, error: { code, message: code, retryable: false } });

export class FakeSocket implements SocketLike {
  connected = false;
  active = false;
  readonly #server: FakeServer;
  readonly #auth: (give: (auth: Auth) => void) => void;
  readonly #listeners = new Map<string, ((...args: never[]) => void)[]>();
  #any: (event: string, ...args: unknown[]) => void = () => {};

  constructor(server: FakeServer, auth: (give: (auth: Auth) => void) => void) {
    this.#server = server;
    this.#auth = auth;
  }

  on(event: string, listener: (...args: never[]) => void): void {
    this.#listeners.set(event, [...(this.#listeners.get(event) ?? []), listener]);
  }

  onAny(listener: (event: string, ...args: unknown[]) => void): void {
    this.#any = listener;
  }

  connect(): void {
    if (this.active) return;
    this.active = true;
    this.#auth((auth) => setTimeout(() => this.active && this.#server.admit(this, auth)));
  }

  disconnect(): void {
    this.active = false;
    if (this.connected) this.#server.goodbye(this);
    this.drop();
  }

  /** The connection is lost; Socket.IO would try again by itself. */
  kick(): void {
    this.drop();
    this.retry();
  }

  retry(): void {
    if (!this.active) return;
    this.active = false;
    this.connect();
  }

  drop(): void {
    if (!this.connected) return;
    this.connected = false;
    this.tell("disconnect");
  }

  emit(event: string, payload: unknown, ack?: Ack): void {
    const copy = structuredClone(payload);
    setTimeout(
      () =>
        this.connected &&
        this.#server.receive(this, event, copy as never, (answer) =>
          setTimeout(() => this.connected && ack?.(structuredClone(answer))),
        ),
    );
  }

  /** Of Socket.IO itself. */
  tell(event: string, ...args: unknown[]): void {
    for (const listener of this.#listeners.get(event) ?? []) listener(...(args as never[]));
  }

  deliver(event: string, payload: unknown): void {
    const copy = structuredClone(payload);
    setTimeout(() => this.connected && this.#any(event, copy));
  }
}

export class FakeServer {
  readonly sessions = new Map<string, Session>();
  readonly calls = new Map<string, FakeCall>();
  /** Every event that came in: "alice call.join". */
  readonly log: string[] = [];
  readonly requests: string[] = [];
  /** Those that were given out, oldest first. */
  readonly platforms: { media: FakeMedia }[] = [];
  /** CONNECT_ERROR codes to answer the next connections with. */
  readonly refuseConnections: string[] = [];
  /** What events are answered instead of being done: {"call.join": "answered_elsewhere"}. */
  readonly refuse: Record<string, string> = {};
  /** Events and "POST /api/calls" that are never answered. */
  readonly silent = new Set<string>();
  isDown = false;
  /** Those that could not connect and would try again by themselves. */
  readonly waiting: FakeSocket[] = [];
  #next = 1;

  platform(media = new FakeMedia()): Platform & { media: FakeMedia } {
    const platform = {
      media,
      createConnection: fakeConnection,
      openSocket: (_url: string, _path: string | undefined, auth: (give: (auth: Auth) => void) => void) =>
        new FakeSocket(this, auth),
      fetch: (url: string, init: RequestInit) => this.#fetch(url, init),
      onOnline: () => () => {},
      onWake: () => () => {},
    };
    this.platforms.push(platform);
    return platform;
  }

  // ---- Sessions

  admit(socket: FakeSocket, auth: Auth): void {
    const code = this.refuseConnections.shift();
    if (this.isDown || code) {
      socket.active = !code;
      if (!code) this.waiting.push(socket);
      socket.tell("connect_error", Object.assign(new Error(code ?? "down"), code ? { data: { code } } : {}));
      return;
    }
    const old = auth.sessionId ? this.sessions.get(auth.sessionId) : undefined;
    const session = old?.token === auth.resumeToken && old ? old : this.#newSession(auth.token);
    session.socket = socket;
    socket.connected = true;
    socket.deliver("sync", this.#sync(session));
    for (const { data, legs } of this.calls.values())
      for (const leg of legs.values())
        if (leg.sessionId === session.id && old) this.#toLegs(data.id, "participant.resumed", leg, leg.socketId, false);
  }

  goodbye(socket: FakeSocket): void {
    for (const session of this.sessions.values()) {
      if (session.socket !== socket) continue;
      this.sessions.delete(session.id);
      for (const call of this.calls.values())
        for (const leg of call.legs.values()) if (leg.sessionId === session.id) this.#leaveLeg(call, leg.socketId);
    }
  }

  /** Cuts a user's connections without a goodbye. */
  cut(userId: string): void {
    for (const session of this.sessions.values()) {
      if (session.userId !== userId) continue;
      const { socket } = session;
      session.socket = null;
      socket?.drop();
      setTimeout(() => {
        socket?.retry();
      }, 100);
    }
  }

  /** A server event as it is. */
  push(userId: string, event: string, payload: object): void {
    for (const session of this.sessions.values())
      if (session.userId === userId) session.socket?.deliver(event, payload);
  }

  receive(socket: FakeSocket, event: string, payload: Record<string, never>, ack: Ack): void {
    const session = [...this.sessions.values()].find((s) => s.socket === socket);
    if (!session) return;
    this.log.push(`${session.userId} ${event}`);
    if (this.silent.has(event)) return;
    if (this.refuse[event]) return ack(refusal(this.refuse[event]));
    const call = this.calls.get(payload.callId as unknown as string);
    if (event === "call.join") return ack(call ? this.#join(call, session, payload) : refusal("call_not_found"));
    if (event === "call.leave" || event === "call.decline") {
      if (call) this.#leave(call, session.userId, event === "call.decline", session.id);
      return ack({ ok: true, call: call?.data });
    }
    if (event === "call.ack" && call)
      this.#tell(call, [call.data.startedBy], "call.ringing", { userId: session.userId });
    if (payload.to) this.#relay(session, event, payload);
    const marks: Record<string, string> = {
      "call.mute": "muted",
      "call.video-toggle": "video-toggled",
      "call.screen-toggle": "screen-toggled",
      "call.quality": "quality",
    };
    if (marks[event] && call) this.#mark(call, session, `participant.${marks[event]}`, payload);
    ack({ ok: true });
  }

  // ---- Calls

  #newSession(token: string): Session {
    const id = `session-${this.#next++}`;
    const session = { id, token: `resume-${id}`, userId: token.replace("token-", ""), socket: null };
    this.sessions.set(id, session);
    return session;
  }

  #sync(session: Session): object {
    const calls = [...this.calls.values()]
      .filter(({ data }) => data.endedAt === null && data.participants.some((p) => p.userId === session.userId))
      .map(({ data, legs }): SyncCall => {
        const leg = [...legs.values()].find((l) => l.sessionId === session.id);
        const self = leg && { socketId: leg.socketId, callId: data.id, userId: session.userId, sessionId: session.id };
        return { ...data, ...(data.status === "ringing" ? { msLeft: 30_000 } : {}), ...(self ? { self } : {}) };
      });
    const user = { id: session.userId, name: session.userId, avatarUrl: null };
    return {
      sessionId: session.id,
      resumeToken: session.token,
      resumeWindowMs: 30_000,
      serverTime: now(),
      user,
      calls,
    };
  }

  #person(userId: string, role: Participant["role"], state: Participant["state"]): Participant {
    const marks = { isMuted: false, isVideoEnabled: false, isScreenSharing: false, connectionQuality: null };
    return {
      userId,
      name: userId,
      avatarUrl: null,
      role,
      state,
      joinedAt: null,
      leftAt: null,
      talkSeconds: 0,
      relayedBytes: 0,
      ...marks,
    };
  }

  create(
    userId: string,
    body: { id?: string; channelId: string; callType: Call["callType"]; participants?: string[]; mode?: Call["mode"] },
  ): Call {
    const id = body.id ?? `call-${this.#next++}`;
    const callees = (body.participants ?? []).filter((p) => p !== userId);
    const data: Call = {
      ...{
        id,
        channelId: body.channelId,
        callType: body.callType,
        mode: body.mode ?? (callees.length === 1 ? "direct" : "group"),
      },
      ...{
        status: "ringing",
        topology: "p2p",
        startedBy: userId,
        startedAt: now(),
        ringExpiresAt: now(),
        answeredAt: null,
      },
      ...{ endedAt: null, duration: 0, endReason: null, endedBy: null, metadata: {}, seq: 1, lastSeenAt: now() },
      participants: [
        this.#person(userId, "caller", "joined"),
        ...callees.map((c) => this.#person(c, "callee", "invited")),
      ],
    };
    const call = { data, legs: new Map() };
    this.calls.set(id, call);
    const { channelId, callType, mode, metadata } = data;
    const ring = {
      initiator: userId,
      initiatorName: userId,
      initiatorAvatarUrl: null,
      ringExpiresAt: now(),
      msLeft: 30_000,
    };
    this.#tell(call, callees, "call.incoming", {
      channelId,
      callType,
      mode,
      metadata,
      ...ring,
      participants: [userId, ...callees],
    });
    return data;
  }

  #join(call: FakeCall, session: Session, marks: Record<string, never>): object {
    const { data, legs } = call;
    if (data.endedAt) return refusal("call_ended");
    let leg = [...legs.values()].find((l) => l.sessionId === session.id);
    const others = [...legs.values()]
      .filter((l) => l.sessionId !== session.id)
      .map(({ sessionId: _, ...info }) => info);
    const userId = session.userId;
    if (!leg) {
      const person = data.participants.find((p) => p.userId === userId);
      if (person?.state === "joined" && person.role === "callee" && data.mode === "direct")
        return refusal("answered_elsewhere");
      const info = {
        isMuted: Boolean(marks.isMuted),
        isVideoEnabled: Boolean(marks.isVideoEnabled),
        isScreenSharing: false,
      };
      leg = { socketId: `leg-${this.#next++}`, userId, name: userId, ...info, joinedAt: now(), sessionId: session.id };
      legs.set(leg.socketId, leg);
      if (person) person.state = "joined";
      this.#toLegs(data.id, "participant.joined", leg, leg.socketId, true);
      if (userId !== data.startedBy) this.#answer(call, leg, session);
    }
    const self = { socketId: leg.socketId, callId: data.id, userId, sessionId: session.id };
    const roster = data.participants;
    session.socket?.deliver("call.participants", { callId: data.id, ts: now(), self, participants: others, roster });
    return { ok: true, call: data, self, participants: others };
  }

  #answer(call: FakeCall, leg: LegInfo, session: Session): void {
    const { data } = call;
    data.status = "active";
    data.answeredAt ??= now();
    const { userId, socketId } = leg;
    const everyone = data.participants.map((p) => p.userId);
    this.#tell(call, everyone, "call.accepted", { userId, name: userId, answeredAt: data.answeredAt, socketId });
    for (const other of this.sessions.values())
      if (other.userId === userId && other !== session)
        other.socket?.deliver("call.answered-elsewhere", { callId: data.id, seq: ++data.seq, ts: now(), userId });
  }

  #leave(call: FakeCall, userId: string, isDecline: boolean, sessionId?: string): void {
    const { data } = call;
    if (data.endedAt) return;
    const isRinging = data.status === "ringing";
    if (data.mode === "group" && !isRinging) {
      for (const leg of call.legs.values()) if (leg.sessionId === sessionId) this.#leaveLeg(call, leg.socketId);
      return;
    }
    if (isRinging && userId === data.startedBy) this.end(data.id, "cancelled", userId);
    else this.end(data.id, isDecline && isRinging ? "declined" : "hangup", userId);
  }

  end(callId: string, reason: NonNullable<Call["endReason"]>, endedBy: string | null): void {
    const call = this.calls.get(callId) as FakeCall;
    const { data } = call;
    const wasRinging = data.status === "ringing";
    data.status = reason === "declined" ? "declined" : wasRinging ? "missed" : "ended";
    Object.assign(data, { endedAt: now(), endReason: reason, endedBy, duration: wasRinging ? 0 : 7 });
    const { status, duration, answeredAt, endedAt } = data;
    for (const { userId, role, state } of data.participants) {
      if (role === "callee" && state !== "joined" && reason === "cancelled")
        this.#tell(call, [userId], "call.cancelled", { reason, userId: endedBy });
      else if (role === "callee" && state !== "joined" && reason === "no_answer")
        this.#tell(call, [userId], "call.missed", { reason });
      else this.#tell(call, [userId], "call.ended", { status, reason, endedBy, duration, answeredAt, endedAt });
    }
    call.legs.clear();
  }

  #leaveLeg(call: FakeCall, socketId: string): void {
    const leg = call.legs.get(socketId);
    if (!leg) return;
    call.legs.delete(socketId);
    this.#toLegs(call.data.id, "participant.left", { ...leg, reason: "left" }, socketId, true);
  }

  #relay(session: Session, event: string, payload: Record<string, never>): void {
    for (const { legs } of this.calls.values()) {
      const from = [...legs.values()].find((l) => l.sessionId === session.id);
      const target = legs.get(payload.to as unknown as string);
      const { to: _, ...rest } = payload;
      if (from && target)
        this.sessions
          .get(target.sessionId)
          ?.socket?.deliver(event, { ...rest, from: from.socketId, userId: session.userId });
    }
  }

  #mark(call: FakeCall, session: Session, event: string, payload: Record<string, never>): void {
    const leg = [...call.legs.values()].find((l) => l.sessionId === session.id);
    if (leg) this.#toLegs(call.data.id, event, { ...leg, ...payload }, leg.socketId, false);
  }

  #toLegs(callId: string, event: string, leg: object, except: string, isNumbered: boolean): void {
    const call = this.calls.get(callId) as FakeCall;
    if (isNumbered) call.data.seq++;
    const { sessionId: _, joinedAt: __, ...info } = leg as LegInfo & { sessionId: string };
    const numbered = isNumbered ? { seq: call.data.seq } : {};
    for (const other of call.legs.values())
      if (other.socketId !== except)
        this.sessions.get(other.sessionId)?.socket?.deliver(event, { ...info, callId, ...numbered, ts: now() });
  }

  #tell(call: FakeCall, users: string[], event: string, payload: object): void {
    const { id: callId } = call.data;
    const seq = ++call.data.seq;
    for (const userId of new Set(users)) this.push(userId, event, { callId, seq, ts: now(), ...payload });
  }

  // ---- REST

  async #fetch(url: string, init: RequestInit): Promise<Response> {
    const { pathname } = new URL(url, "http://fake");
    const name = `${init.method ?? "GET"} ${pathname}`;
    this.requests.push(name);
    await new Promise((resolve) => setTimeout(resolve));
    if (this.isDown) throw new TypeError("fetch failed");
    if (this.silent.has(name)) return new Promise(() => {});
    const token = (init.headers as Record<string, string>).authorization ?? "";
    const user = token.replace("Bearer token-", "");
    const answer = this.refuse[name] ? null : this.#route(name, user, JSON.parse(String(init.body ?? "{}")) as never);
    if (answer) return new Response(JSON.stringify(answer), { status: 200 });
    const code = this.refuse[name] ?? "not_found";
    const problem = { type: "about:blank", title: code, status: 409, code, retryable: false };
    return new Response(JSON.stringify(problem), { status: 409 });
  }

  #route(name: string, user: string, body: never): unknown {
    if (name === "GET /api/webrtc/ice-servers") return [{ urls: "stun:192.0.2.1:3478" }];
    if (name === "POST /api/calls") return { call: this.create(user, body) };
    if (name === "GET /api/users/me/calls") {
      const done = [...this.calls.values()]
        .filter((c) => c.data.endedAt)
        .map((c) => ({ ...c.data, outcome: "completed", direction: "outgoing" }));
      return { calls: done, nextCursor: null };
    }
    const [, id = "", verb] = /^\w+ \/api\/calls\/([^/]+)\/?(\w*)$/.exec(name) ?? [];
    const call = this.calls.get(id);
    if (!call) return verb === "cancel" ? {} : null;
    if (verb) this.#leave(call, user, verb === "decline");
    return { call: call.data };
  }
}

/** The way in: one client per user and page. It holds the session with the server and knows the calls. */
import { Call } from "./call.js";
import type { CallFacts, CallPorts } from "./callPorts.js";
import { sameList } from "./callView.js";
import { Devices } from "./devices.js";
import { Emitter } from "./emitter.js";
import { BellwireError } from "./errors.js";
import { factsOfData, factsOfIncoming, factsOfOptions, rosterOfIncoming, rosterOfOptions } from "./facts.js";
import type { HistoryPage } from "./generated/api.js";
import type { ServerEvents, SyncCall, User } from "./generated/events.js";
import { IceServers } from "./ice.js";
import type { PeerMessage } from "./peer.js";
import { browserPlatform, type Platform } from "./platform.js";
import { type HistoryQuery, Requests } from "./requests.js";
import { type GetToken, Rest } from "./rest.js";
import { type ServerEvent, Signaling } from "./signaling.js";
import { Store } from "./store.js";
import type { CallOptions, CallSnapshot, ClientSnapshot, ConnectionState, JoinableCall, MediaChoice } from "./types.js";
import { uuid7 } from "./uuid.js";

export interface ClientOptions {
  /** Where bellwire answers, "https://calls.example.org"; "" is the page's own origin. */
  url: string;
  /** Asked before every connection and request, so that it may give a fresh token each time. */
  getToken: GetToken;
  /** "relay" lets media go through TURN alone. */
  iceTransportPolicy?: RTCIceTransportPolicy;
  /** For tests. */
  platform?: Platform;
}

export interface ClientEvents {
  /** Somebody calls. */
  incoming: Call;
  connection: ConnectionState;
  /** Some call has reached the history. */
  history: undefined;
  /** Trouble that nobody waits for: in the background, or in a call. */
  error: BellwireError;
}

type SignalEvent = Extract<ServerEvent, { name: "call.offer" | "call.answer" | "call.ice-candidate" }>;

/** An unanswered call that the server says nothing more about (we may be offline) stops ringing by itself. */
const RING_GRACE_MS = 5000;

export class Client extends Emitter<ClientEvents> {
  readonly devices: Devices;
  readonly #options: ClientOptions;
  readonly #platform: Platform;
  readonly #requests: Requests;
  readonly #ice: IceServers;
  readonly #signaling: Signaling;
  readonly #ports: CallPorts;
  readonly #store = new Store<ClientSnapshot>(() => this.#makeSnapshot());
  /** Those that are not over. */
  readonly #calls = new Set<Call>();
  /** Not yet known to the server. */
  readonly #unborn = new Set<Call>();
  readonly #ringTimers = new Map<Call, ReturnType<typeof setTimeout>>();
  readonly #joinable = new Map<string, JoinableCall>();
  #current: Call | null = null;
  #user: User | null = null;
  #clockAhead = 0;
  #lastIncoming: readonly CallSnapshot[] = [];
  #lastJoinable: readonly JoinableCall[] | null = null;

  constructor(options: ClientOptions) {
    super();
    this.#options = options;
    this.#platform = options.platform ?? browserPlatform();
    const rest = new Rest(options.url, options.getToken, this.#platform.fetch);
    this.#ice = new IceServers(rest, (error) => this.emit("error", error));
    this.#signaling = new Signaling({
      url: options.url,
      getToken: options.getToken,
      platform: this.#platform,
      liveCalls: () => [...this.#calls].map((call) => call.id),
    });
    this.#requests = new Requests(rest, this.#signaling);
    this.#signaling.on("event", (event) => this.#onEvent(event));
    this.#signaling.on("state", (state) => {
      this.#store.changed();
      this.emit("connection", state);
    });
    this.devices = new Devices(this.#platform.media, async (kind) => {
      await Promise.all([...this.#calls].map((call) => call.switchDevice(kind)));
    });
    this.#ports = this.#makePorts();
  }

  readonly getSnapshot = (): ClientSnapshot => this.#store.getSnapshot();
  readonly subscribe = (listener: () => void): (() => void) => this.#store.subscribe(listener);

  /** Resolves once connected. Goes on trying while the network is away; rejects on what that cannot mend. */
  connect(): Promise<void> {
    return this.#signaling.connect();
  }

  /** Calls somebody. The call is in the snapshot at once; the promise is settled when it rings, or could not be made.
   *  Rejects with caller_busy while another call goes on here. */
  async call(options: CallOptions): Promise<Call> {
    if (this.#current && isLive(this.#current))
      throw new BellwireError("caller_busy", { message: "A call goes on here." });
    const facts = factsOfOptions(options, uuid7(this.#ports.serverNow()), this.#user?.id ?? "");
    const call = this.#add(new Call(this.#ports, facts, "ringing-out"));
    call.setRoster(rosterOfOptions(options));
    this.#current = call;
    this.#unborn.add(call);
    void call.openMedia(options.media ?? {});
    void this.#ice.get(); // so that they are there when it is answered
    this.#signaling.connect().catch(() => {}); // shown as the connection's state; the call fails below
    try {
      const data = await this.#requests.create(facts.id, options, () => call.state === "ended");
      this.#unborn.delete(call);
      this.#absorb(data.id, call);
      await call.created(data);
    } catch (thrown) {
      this.#unborn.delete(call);
      const error = BellwireError.from(thrown, "internal");
      // Hung up meanwhile: the server has been told, and what the request came to does not matter.
      if (call.state !== "ended") this.#giveUp(call, error);
      throw error;
    }
    return call;
  }

  /** Enters a live call: a group call of a channel, or one's own after a reload (it is taken over from there). Any
   *  other call here is left, as it is when an incoming one is accepted. */
  async join(callId: string, media: MediaChoice = {}): Promise<Call> {
    const known = this.getCall(callId);
    if (known && known.state !== "ended") {
      if (known.state === "ringing-in") await known.accept(media);
      return known;
    }
    await this.#signaling.connect();
    const data = await this.#requests.get(callId);
    const call = this.#add(new Call(this.#ports, factsOfData(data, this.#ports.ownUserId()), "idle"));
    this.#show(call);
    this.#joinable.delete(callId);
    this.#changedJoinable();
    call.setRoster(data.participants);
    await call.enter(media, true);
    return call;
  }

  /** A call that is not over, or the one that was the current one. */
  getCall(id: string): Call | null {
    for (const call of this.#calls) if (call.id === id) return call;
    return this.#current?.id === id ? this.#current : null;
  }

  /** Puts a call that has ended out of the snapshot. */
  dismiss(call: Call): void {
    if (call !== this.#current || call.state !== "ended") return;
    this.#current = null;
    this.#store.changed();
  }

  /** Calls of the past, newest first, as this user saw them. */
  history(query: HistoryQuery = {}): Promise<HistoryPage> {
    return this.#requests.history(query, this.#ports.ownUserId());
  }

  /** Leaves every call and closes the connection; `connect` opens it again. A call that rings goes on ringing on the
   *  user's other devices. */
  disconnect(): void {
    for (const call of [...this.#calls]) call.end("left");
    this.#signaling.disconnect();
    this.#joinable.clear();
    this.#changedJoinable();
  }

  /** As disconnect, and nobody hears anything more. */
  close(): void {
    this.disconnect();
    this.#current = null;
    this.removeListeners();
    this.#store.changed();
  }

  // ---- Calls

  #add(call: Call): Call {
    this.#calls.add(call);
    this.#store.changed();
    return call;
  }

  /** Whether the server has the call is not known when its answer was lost: it shall ring nobody for us. */
  #giveUp(call: Call, error: BellwireError): void {
    call.fail(error);
    if (!error.retryable) return;
    this.#requests.leave(call.id, "cancel").catch((thrown: BellwireError) => this.emit("error", thrown));
  }

  /** The call that is shown. One is in one call at a time: the one before is left. */
  #show(call: Call): void {
    const before = this.#current;
    this.#current = call;
    if (before && before !== call && isLive(before)) void before.hangUp();
  }

  /** Both called each other at once: the call that rang here is the one that was made. */
  #absorb(id: string, maker: Call): void {
    for (const call of this.#calls) if (call !== maker && call.id === id) call.end("answered_elsewhere");
  }

  #ring(facts: CallFacts, msLeft: number): Call {
    const call = this.#add(new Call(this.#ports, facts, "ringing-in"));
    this.#ringTimers.set(
      call,
      setTimeout(() => call.state === "ringing-in" && call.end("no_answer"), msLeft + RING_GRACE_MS),
    );
    this.#ports.signaling.say("call.ack", { callId: call.id });
    void this.#ice.get(); // so that they are there when it is accepted
    return call;
  }

  #onEvent(event: ServerEvent): void {
    switch (event.name) {
      case "sync":
        return this.#onSync(event.payload);
      case "call.incoming":
        return this.#onIncoming(event.payload);
      case "call.active":
        return this.#onActive(event.payload);
      case "call.offer":
      case "call.answer":
      case "call.ice-candidate":
        return this.#onSignal(event);
      case "auth.expiring":
      case "server.draining":
        return;
      default:
        return this.#onCallEvent(event, event.payload.callId);
    }
  }

  #onCallEvent(event: ServerEvent, callId: string | undefined): void {
    if (callId === undefined) return;
    if (event.name === "call.ended" && this.#joinable.delete(callId)) this.#changedJoinable();
    for (const call of [...this.#calls]) if (call.id === callId) call.handle(event);
    // One that did not ring here, or no longer does: only the history has changed.
    if (event.name === "call.ended" || event.name === "call.missed") this.emit("history", undefined);
  }

  #onIncoming(payload: ServerEvents["call.incoming"]): void {
    if ([...this.#calls].some((call) => call.id === payload.callId)) return;
    const call = this.#ring(factsOfIncoming(payload), payload.msLeft);
    call.setRoster(rosterOfIncoming(payload, this.#ports.ownUserId()));
    this.emit("incoming", call);
  }

  #onActive({ callId, channelId, callType, startedBy }: ServerEvents["call.active"]): void {
    this.#joinable.set(callId, { id: callId, channelId, callType, mode: "group", startedBy });
    this.#changedJoinable();
  }

  #onSignal(event: SignalEvent): void {
    const { from, callId } = event.payload;
    const calls = [...this.#calls];
    const call =
      calls.find((c) => c.hasLeg(from)) ??
      calls.find((c) => (callId === undefined ? c === this.#current : c.id === callId));
    call?.receive(event.payload, messageOf(event));
  }

  #onSync({ user, serverTime, calls }: ServerEvents["sync"]): void {
    this.#user = user;
    this.#clockAhead = Date.parse(serverTime) - Date.now();
    this.#joinable.clear();
    const live = new Set(calls.map((data) => data.id));
    for (const call of [...this.#calls])
      if (!live.has(call.id) && !this.#unborn.has(call)) void this.#askHowItEnded(call);
    for (const data of calls) this.#syncCall(data, user.id);
    this.#changedJoinable();
  }

  #syncCall(data: SyncCall, userId: string): void {
    const known = [...this.#calls].find((call) => call.id === data.id);
    if (known) return known.resync(data);
    const own = data.participants.find((p) => p.userId === userId);
    if (
      own &&
      own.role !== "caller" &&
      (own.state === "invited" || own.state === "ringing") &&
      data.msLeft !== undefined
    ) {
      const call = this.#ring(factsOfData(data, userId), data.msLeft);
      call.setRoster(data.participants);
      this.emit("incoming", call);
    } else if (data.status === "active") {
      const { id, channelId, callType, mode, startedBy } = data;
      this.#joinable.set(id, { id, channelId, callType, mode, startedBy });
    }
  }

  /** It ended while we were away. */
  async #askHowItEnded(call: Call): Promise<void> {
    try {
      const data = await this.#requests.get(call.id);
      call.take(data);
      if (call.state !== "ended" && call.state !== "ringing-in") return;
      call.end("answered_elsewhere");
    } catch (thrown) {
      const error = BellwireError.from(thrown, "internal");
      if (error.code === "call_not_found") call.end("connection_lost");
      else this.emit("error", error);
    }
  }

  #makePorts(): CallPorts {
    return {
      platform: this.#platform,
      signaling: {
        request: (event, payload) => this.#signaling.request(event, payload),
        whenConnected: (timeoutMs) => this.#signaling.whenConnected(timeoutMs),
        say: (event, payload, onError) =>
          void this.#signaling.request(event, payload).catch((error: BellwireError) => onError?.(error)),
      },
      createConnection: (iceServers) => {
        const { iceTransportPolicy = "all" } = this.#options;
        return this.#platform.createConnection({ iceServers, iceTransportPolicy, bundlePolicy: "max-bundle" });
      },
      iceServers: () => this.#ice.get(),
      leave: (callId, verb) => this.#requests.leave(callId, verb),
      selectedDevice: (kind) => this.devices.selected[kind],
      ownUserId: () => this.#user?.id ?? "",
      localTime: (time) => (time === null ? null : Date.parse(time) - this.#clockAhead),
      serverNow: () => Date.now() + this.#clockAhead,
      onChange: (call) => this.#onCallChange(call),
      onEnded: (call) => this.#onEnded(call),
      onSettled: () => this.emit("history", undefined),
      onError: (error) => this.emit("error", error),
    };
  }

  #onCallChange(call: Call): void {
    if (call !== this.#current && this.#calls.has(call) && isLive(call)) this.#show(call);
    this.#store.changed();
  }

  #onEnded(call: Call): void {
    this.#calls.delete(call);
    clearTimeout(this.#ringTimers.get(call));
    this.#ringTimers.delete(call);
    this.#store.changed();
  }

  #changedJoinable(): void {
    this.#lastJoinable = null;
    this.#store.changed();
  }

  #makeSnapshot(): ClientSnapshot {
    const incoming = [...this.#calls].filter((call) => call.state === "ringing-in").map((call) => call.getSnapshot());
    this.#lastIncoming = sameList(this.#lastIncoming, incoming);
    this.#lastJoinable ??= [...this.#joinable.values()];
    return {
      connection: this.#signaling.state,
      error: this.#signaling.error,
      user: this.#user,
      current: this.#current?.getSnapshot() ?? null,
      incoming: this.#lastIncoming,
      joinable: this.#lastJoinable,
    };
  }
}

/** This device takes part in it; ringing is not yet that. */
function isLive({ state }: Call): boolean {
  return state !== "ringing-in" && state !== "ended";
}

/** Nothing is opened before `connect` or `call`. */
export function createClient(options: ClientOptions): Client {
  return new Client(options);
}

/** Without what the server added; the numbers are our own, and other clients may send none. */
function messageOf({ name, payload }: SignalEvent): PeerMessage {
  const { n, after, dropped } = payload as { n?: number; after?: number; dropped?: number };
  if (name === "call.offer") return { offer: payload.offer, n, after };
  if (name === "call.answer") return { answer: payload.answer, n, dropped };
  return { candidate: payload.candidate };
}

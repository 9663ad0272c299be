/** The way in: one client per user and page. It holds the session with the server and knows the calls. */
import { Call } from "./call/call.js";
import { factsOfData, factsOfOptions, rosterOfOptions } from "./call/facts.js";
import type { CallPorts } from "./call/ports.js";
import { CallBook, isLive } from "./callBook.js";
import { Channels } from "./channels.js";
import { Emitter } from "./emitter.js";
import { BellwireError } from "./errors.js";
import type { HistoryPage } from "./generated/api.js";
import type { ServerEvents, User } from "./generated/events.js";
import { Inbox } from "./inbox.js";
import { Devices } from "./media/devices.js";
import { DEFAULT_VIDEO_BITRATE } from "./peer/bitrate.js";
import { browserPlatform, type Platform } from "./platform.js";
import { IceServers } from "./server/ice.js";
import { type HistoryQuery, Requests } from "./server/requests.js";
import { type GetToken, Rest } from "./server/rest.js";
import { Signaling } from "./server/signaling.js";
import { Store } from "./store.js";
import type { CallOptions, ClientSnapshot, ConnectionState, MediaChoice } from "./types.js";
import { uuid7 } from "./uuid.js";

export interface ClientOptions {
  /** Where bellwire answers, "https://calls.example.org"; "" is the page's own origin. */
  url: string;
  /** Where Socket.IO is served there, as the server's option --path ("/socket.io/"). */
  path?: string;
  /** Asked before every connection and request, so that it may give a fresh token each time. */
  getToken: GetToken;
  /** STUN and TURN servers of your own, in place of those that the server names (which are renewed in time). */
  iceServers?: RTCIceServer[];
  /** For all pictures that a call sends to all its people, in bits per second (2,500,000). It is shared out anew when
   *  somebody comes or goes. */
  videoBitrate?: number;
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

export class Client extends Emitter<ClientEvents> {
  readonly devices: Devices;
  /** Requests to the server with the user's token; paths are those of the REST API. */
  readonly rest: Pick<Rest, "request" | "send" | "at">;
  readonly #options: ClientOptions;
  readonly #platform: Platform;
  readonly #requests: Requests;
  readonly #ice: IceServers;
  readonly #signaling: Signaling;
  readonly #ports: CallPorts;
  readonly #store = new Store<ClientSnapshot>(() => this.#makeSnapshot());
  readonly #book = new CallBook(() => this.#store.changed());
  readonly #channels = new Channels({
    activeCall: (channelId) => this.#requests.activeCall(channelId),
    onCall: (call) => this.#book.live(call.id) ?? this.#book.offer(call),
    onError: (error) => this.emit("error", error),
  });
  #user: User | null = null;
  #clockAhead = 0;

  constructor(options: ClientOptions) {
    super();
    const { url, path, getToken, iceServers, platform = browserPlatform() } = options;
    this.#options = options;
    this.#platform = platform;
    const rest = new Rest(url, getToken, platform.fetch);
    this.rest = rest;
    this.#ice = new IceServers(rest, {
      own: iceServers,
      onError: (error) => this.emit("error", error),
      onStale: () => {
        for (const call of this.#book.all()) call.renew();
      },
    });
    const liveCalls = () => this.#book.all().map((call) => call.id);
    this.#signaling = new Signaling({ url, path, getToken, platform, liveCalls });
    this.#requests = new Requests(rest, this.#signaling);
    this.devices = new Devices(platform.media, async (kind) => {
      await Promise.all(this.#book.all().map((call) => call.switchDevice(kind)));
    });
    this.#ports = this.#makePorts();
    const inbox = this.#makeInbox();
    this.#signaling.on("event", (event) => inbox.take(event));
    this.#signaling.on("state", (state) => {
      this.#channels.setConnected(state === "connected");
      this.#store.changed();
      this.emit("connection", state);
    });
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
    const { current } = this.#book;
    if (current && isLive(current)) throw new BellwireError("caller_busy", { message: "A call goes on here." });
    const facts = factsOfOptions(options, uuid7(this.#ports.serverNow()), this.#user?.id ?? "");
    const call = new Call(this.#ports, facts, "ringing-out");
    call.setRoster(rosterOfOptions(options));
    this.#book.expect(call);
    void call.openMedia(options.media ?? {});
    void this.#ice.get(); // so that they are there when it is answered
    this.#signaling.connect().catch(() => {}); // shown as the connection's state; the call fails below
    try {
      const data = await this.#requests.create(facts.id, options, () => call.state === "ended");
      this.#book.born(call);
      this.#absorb(data.id, call);
      await call.created(data);
    } catch (thrown) {
      this.#book.born(call);
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
    const known = await this.#joinKnown(callId, media);
    if (known) return known;
    await this.#signaling.connect();
    const data = await this.#requests.get(callId);
    // The connection may have brought it, or another join of the same call was quicker.
    const come = await this.#joinKnown(callId, media);
    if (come) return come;
    const call = this.#book.add(new Call(this.#ports, factsOfData(data, this.#ports.ownUserId()), "idle"));
    this.#book.show(call);
    this.#book.withdraw(callId);
    call.setRoster(data.participants);
    await call.enter(media, true);
    return call;
  }

  async #joinKnown(callId: string, media: MediaChoice): Promise<Call | undefined> {
    const call = this.#book.live(callId);
    if (call?.state === "ringing-in") await call.accept(media);
    return call;
  }

  /** Offers in the snapshot's `joinable` also the group call that went on in a channel before this device connected;
   *  those that begin later are offered anyway. Returns how to stop. */
  watchChannel(channelId: string): () => void {
    return this.#channels.watch(channelId);
  }

  /** A call that is not over, or the one that was the current one. */
  getCall(id: string): Call | null {
    return this.#book.get(id);
  }

  /** Puts a call that has ended out of the snapshot. */
  dismiss(call: Call): void {
    this.#book.dismiss(call);
  }

  /** Calls of the past, newest first, as this user saw them. */
  history(query: HistoryQuery = {}): Promise<HistoryPage> {
    return this.#requests.history(query, this.#ports.ownUserId());
  }

  /** Leaves every call and closes the connection; `connect` opens it again. A call that rings goes on ringing on the
   *  user's other devices. */
  disconnect(): void {
    for (const call of this.#book.all()) call.end("left");
    this.#signaling.disconnect();
    this.#ice.close();
    this.#book.withdrawAll();
  }

  /** As disconnect, and nobody hears anything more. */
  close(): void {
    this.disconnect();
    this.removeListeners();
    this.#book.dismiss();
  }

  /** Whether the server has the call is not known when its answer was lost: it shall ring nobody for us. */
  #giveUp(call: Call, error: BellwireError): void {
    call.fail(error);
    if (!error.retryable) return;
    this.#requests.leave(call.id, "cancel").catch((thrown: BellwireError) => this.emit("error", thrown));
  }

  /** Both called each other at once: the call that rang here is the one that was made. */
  #absorb(id: string, maker: Call): void {
    for (const call of this.#book.all()) if (call !== maker && call.id === id) call.end("answered_elsewhere");
  }

  #makeInbox(): Inbox {
    return new Inbox({
      book: this.#book,
      call: this.#ports,
      onIncoming: (call) => this.emit("incoming", call),
      onSync: (sync) => this.#onSync(sync),
      onHistory: () => this.emit("history", undefined),
      fetchCall: (callId) => this.#requests.get(callId),
    });
  }

  #onSync({ user, serverTime }: ServerEvents["sync"]): void {
    this.#user = user;
    this.#clockAhead = Date.parse(serverTime) - Date.now();
  }

  #makePorts(): CallPorts {
    return {
      platform: this.#platform,
      signaling: {
        request: (event, payload) => this.#signaling.request(event, payload),
        isConnected: () => this.#signaling.state === "connected",
        check: (callId) => this.#signaling.check(callId),
        whenConnected: (timeoutMs) => this.#signaling.whenConnected(timeoutMs),
        say: (event, payload, onError) =>
          void this.#signaling.request(event, payload).catch((error: BellwireError) => onError?.(error)),
      },
      createConnection: (iceServers) => {
        const { iceTransportPolicy = "all" } = this.#options;
        return this.#platform.createConnection({ iceServers, iceTransportPolicy, bundlePolicy: "max-bundle" });
      },
      iceServers: () => this.#ice.get(),
      videoBitrate: this.#options.videoBitrate ?? DEFAULT_VIDEO_BITRATE,
      leave: (callId, verb) => this.#requests.leave(callId, verb),
      keepQuality: (callId, body) => this.#requests.keepQuality(callId, body),
      selectedDevice: (kind) => this.devices.selected[kind],
      ownUserId: () => this.#user?.id ?? "",
      localTime: (time) => (time === null ? null : Date.parse(time) - this.#clockAhead),
      serverNow: () => Date.now() + this.#clockAhead,
      onChange: (call) => this.#book.changed(call),
      onEnded: (call) => this.#book.ended(call),
      onSettled: () => this.emit("history", undefined),
      onError: (error) => this.emit("error", error),
    };
  }

  #makeSnapshot(): ClientSnapshot {
    const { state: connection, error } = this.#signaling;
    return { connection, error, user: this.#user, ...this.#book.snapshot() };
  }
}

/** Nothing is opened before `connect` or `call`. */
export function createClient(options: ClientOptions): Client {
  return new Client(options);
}

/** The socket: one session with the server, resumed after a loss, with typed requests and events. */
import { Emitter } from "../emitter.js";
import { BellwireError, isErrorCode } from "../errors.js";
import type { Acks, Auth, ClientEvents, ConnectError, ServerEvents } from "../generated/events.js";
import type { Platform, SocketLike } from "../platform.js";
import type { ConnectionState } from "../types.js";
import { type GetToken, tokenFrom } from "./rest.js";
import { SeqFilter } from "./seq.js";

/** A server event with its name, so that a switch over the name knows the payload. */
export type ServerEvent = { [E in keyof ServerEvents]: { name: E; payload: ServerEvents[E] } }[keyof ServerEvents];

/** What an ack adds, once it is known to be no refusal. */
export type Answer<E extends keyof Acks> = Extract<Acks[E], { ok: true }>;

interface SignalingEvents {
  /** The state or the error has changed. */
  state: ConnectionState;
  event: ServerEvent;
}

interface Options {
  url: string;
  path: string | undefined;
  getToken: GetToken;
  platform: Platform;
  /** The calls whose numbers the server should know. */
  liveCalls: () => Iterable<string>;
}

const REQUEST_TIMEOUT_MS = 8000;
const RETRY_MIN_MS = 500;
const RETRY_MAX_MS = 10_000;

/** A socket that does not answer within this is replaced. */
const CHECK_MS = 1000;
/** For a check outside of any call: the refusal is an answer too. */
const NO_CALL = "00000000-0000-7000-8000-000000000000";

/** A fresh token may mend these; a second refusal in a row is final. */
const TOKEN_CODES: ReadonlySet<string> = new Set(["token_expired", "token_invalid", "token_missing"]);

export class Signaling extends Emitter<SignalingEvents> {
  readonly #options: Options;
  readonly #seq = new SeqFilter();
  readonly #pending = new Set<(error: BellwireError) => void>();
  #socket: SocketLike | null = null;
  #session: Pick<Auth, "sessionId" | "resumeToken"> = {};
  #state: ConnectionState = "idle";
  #error: BellwireError | null = null;
  #retryTimer: ReturnType<typeof setTimeout> | undefined;
  #retries = 0;
  #tokenRefusals = 0;
  #stopListening: (() => void) | null = null;
  #checkTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: Options) {
    super();
    this.#options = options;
  }

  get state(): ConnectionState {
    return this.#state;
  }

  get error(): BellwireError | null {
    return this.#error;
  }

  /** Resolves once connected; goes on trying until then, and rejects only on what trying again cannot mend. */
  connect(): Promise<void> {
    if (this.#state === "idle" || this.#state === "failed") this.#begin();
    return this.whenConnected();
  }

  /** Resolves at the next connection, rejects when it failed, was closed, or takes too long. */
  whenConnected(timeoutMs?: number): Promise<void> {
    if (this.#state === "connected") return Promise.resolve();
    if (this.#state === "idle") return Promise.reject(new BellwireError("not_connected"));
    return new Promise((resolve, reject) => {
      const timer =
        timeoutMs === undefined
          ? undefined
          : setTimeout(() => settle(new BellwireError("timeout", { retryable: true })), timeoutMs);
      const settle = (error: BellwireError | null) => {
        clearTimeout(timer);
        off();
        error ? reject(error) : resolve();
      };
      const off = this.on("state", (state) => {
        if (state === "connected") settle(null);
        else if (state === "failed") settle(this.#error ?? new BellwireError("not_connected"));
        else if (state === "idle") settle(new BellwireError("closed"));
      });
    });
  }

  disconnect(): void {
    if (this.#state === "idle") return;
    clearTimeout(this.#retryTimer);
    this.#stopListening?.();
    this.#stopListening = null;
    const socket = this.#socket;
    this.#socket = null;
    this.#session = {};
    this.#rejectPending(new BellwireError("closed"));
    this.#setState("idle", null);
    socket?.disconnect();
  }

  /** Asks and waits for the ack. Rejects with the server's code, or not_connected, timeout. */
  request<E extends keyof ClientEvents>(event: E, payload: ClientEvents[E]): Promise<Answer<E>> {
    const socket = this.#socket;
    if (!socket?.connected) return Promise.reject(new BellwireError("not_connected", { retryable: true }));
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => fail(new BellwireError("timeout", { message: `${event}: no answer`, retryable: true })),
        REQUEST_TIMEOUT_MS,
      );
      const done = () => {
        clearTimeout(timer);
        this.#pending.delete(fail);
      };
      const fail = (error: BellwireError) => {
        done();
        reject(error);
      };
      this.#pending.add(fail);
      socket.emit(event, payload, (ack: unknown) => {
        done();
        isOk<Answer<E>>(ack) ? resolve(ack) : reject(refusalOf(ack));
      });
    });
  }

  /** Something else says that the network may have changed: a socket that no longer answers is replaced at once, long
   *  before its own heartbeats would tell. */
  check(callId = NO_CALL): void {
    const socket = this.#socket;
    if (!socket?.connected || this.#checkTimer !== undefined) return;
    const done = () => {
      clearTimeout(this.#checkTimer);
      this.#checkTimer = undefined;
    };
    this.#checkTimer = setTimeout(() => {
      done();
      if (this.#socket === socket && socket.connected) socket.kick();
    }, CHECK_MS);
    // Any answer will do; saying that this device rings changes nothing where it does not.
    socket.emit("call.ack", { callId }, done);
  }

  #begin(): void {
    this.#tokenRefusals = 0;
    this.#retries = 0;
    this.#setState("connecting", null);
    const { platform, url, path } = this.#options;
    const auth = (give: (auth: Auth) => void) => this.#giveAuth(socket, give);
    const socket = platform.openSocket(`${url.replace(/\/+$/, "")}/webrtc`, path, auth);
    this.#socket = socket;
    // Everything that a socket which was replaced or closed still says is not for us.
    const mine =
      <A extends unknown[]>(handler: (...args: A) => void) =>
      (...args: A) => {
        if (this.#socket === socket) handler.apply(this, args);
      };
    socket.on("disconnect", mine(() => this.#onDisconnect(socket)) as never);
    socket.on(
      "connect_error",
      mine((error: Error & Partial<ConnectError>) => this.#onConnectError(socket, error)) as never,
    );
    socket.onAny(mine((name: string, payload: unknown) => this.#onEvent(name, payload)));
    const stops = [platform.onOnline(() => this.#onOnline()), platform.onWake(() => this.#onWake())];
    this.#stopListening = () => {
      for (const stop of stops) stop();
      clearTimeout(this.#checkTimer);
      this.#checkTimer = undefined;
    };
    socket.connect();
  }

  #giveAuth(socket: SocketLike, give: (auth: Auth) => void): void {
    tokenFrom(this.#options.getToken).then(
      (token) =>
        this.#socket === socket && give({ token, ...this.#session, lastSeq: this.#seq.of(this.#options.liveCalls()) }),
      (error: BellwireError) => this.#socket === socket && this.#retry(socket, error),
    );
  }

  #onConnectError(socket: SocketLike, error: Error & Partial<ConnectError>): void {
    const code = error.data?.code;
    if (!isErrorCode(code)) {
      // The transport failed; Socket.IO tries again by itself.
      const cause = new BellwireError("network", { message: error.message, retryable: true, cause: error });
      if (socket.active) this.#setState(this.#tryingState(), cause);
      else this.#retry(socket, cause);
      return;
    }
    const refusal = new BellwireError(code, { message: error.message, retryAfterMs: error.data?.retryAfterMs });
    const mayTry = TOKEN_CODES.has(code) ? ++this.#tokenRefusals < 2 : refusal.retryable;
    if (mayTry) this.#retry(socket, refusal);
    else this.#fail(socket, refusal);
  }

  /** Tries again after a while, longer each time. */
  #retry(socket: SocketLike, error: BellwireError): void {
    this.#setState(this.#tryingState(), error);
    socket.disconnect();
    const backoff = Math.min(RETRY_MAX_MS, RETRY_MIN_MS * 2 ** this.#retries++);
    clearTimeout(this.#retryTimer);
    this.#retryTimer = setTimeout(
      () => socket.connect(),
      (error.retryAfterMs ?? 0) + backoff * (0.5 + Math.random() / 2),
    );
  }

  #fail(socket: SocketLike, error: BellwireError): void {
    this.#socket = null;
    this.#stopListening?.();
    this.#stopListening = null;
    this.#rejectPending(error);
    this.#setState("failed", error);
    socket.disconnect();
  }

  #onDisconnect(socket: SocketLike): void {
    const error = new BellwireError("not_connected", { message: "The connection was lost.", retryable: true });
    this.#rejectPending(error);
    if (this.#state !== "connected") return; // our own retry is under way
    this.#setState("reconnecting", error);
    // When the server closed it, Socket.IO leaves it closed.
    if (!socket.active) this.#retry(socket, error);
  }

  /** The old connection is most likely dead even if nobody has noticed: a new one shows at once. */
  #onOnline(): void {
    clearTimeout(this.#retryTimer);
    if (this.#socket?.connected) this.#socket.kick();
    else this.#socket?.connect();
  }

  /** Nobody knows how long the machine slept, and what became of the connection. */
  #onWake(): void {
    if (this.#socket?.connected) this.check();
    else this.#onOnline();
  }

  #onEvent(name: string, payload: unknown): void {
    if (typeof payload !== "object" || payload === null) return;
    const { callId, seq } = payload as { callId?: string; seq?: number };
    if (!this.#seq.isNew(callId, seq)) return;
    const event = { name, payload } as ServerEvent;
    if (event.name === "sync") this.#onSync(event.payload);
    if (event.name === "auth.expiring") this.#refresh();
    this.emit("event", event);
    if (event.name === "sync") this.#setState("connected", null);
  }

  #onSync({ sessionId, resumeToken }: ServerEvents["sync"]): void {
    this.#session = { sessionId, resumeToken };
    this.#retries = 0;
    this.#tokenRefusals = 0;
  }

  #refresh(): void {
    tokenFrom(this.#options.getToken)
      .then((token) => this.request("auth.refresh", { token }))
      // Without a fresh token the server closes the connection, and the next attempt asks for one again.
      .catch((thrown: unknown) => this.#setState(this.#state, BellwireError.from(thrown, "token_failed")));
  }

  #tryingState(): ConnectionState {
    return this.#session.sessionId ? "reconnecting" : "connecting";
  }

  #rejectPending(error: BellwireError): void {
    for (const fail of [...this.#pending]) fail(error);
  }

  #setState(state: ConnectionState, error: BellwireError | null): void {
    if (this.#state === state && this.#error === error) return;
    this.#state = state;
    this.#error = error;
    this.emit("state", state);
  }
}

function isOk<T extends { ok: true }>(ack: unknown): ack is T {
  return typeof ack === "object" && ack !== null && (ack as { ok?: unknown }).ok === true;
}

function refusalOf(ack: unknown): BellwireError {
  const error = (
    ack as {
      error?: { code?: unknown; message?: string; field?: string; retryable?: boolean; retryAfterMs?: number };
    } | null
  )?.error;
  return new BellwireError(isErrorCode(error?.code) ? error.code : "bad_answer", error);
}

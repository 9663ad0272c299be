// A user's device: the official socket.io-client in namespace /webrtc, with every event and ack held against the contract.
import { io, type ManagerOptions, type Socket, type SocketOptions } from "socket.io-client";
import { checkAck, checkDefinition, checkEvent } from "./contract.js";
import { closeLater } from "./lifetime.js";
import { type TokenOptions, token } from "./token.js";

// biome-ignore lint/suspicious/noExplicitAny: tests look into payloads whose shape the contract has checked.
export type Payload = any;
export interface Heard {
  event: string;
  payload: Payload;
  at: number;
}
export interface SessionOptions {
  /** More members of `auth`: sessionId, resumeToken, lastSeq. */
  auth?: Record<string, unknown>;
  io?: Partial<ManagerOptions & SocketOptions>;
  namespace?: string;
  lifetime?: "test" | "file";
}

const patienceMs = 5000;

export class Session {
  /** Everything heard, in order; what `waitFor` has taken stays here too. */
  readonly events: Heard[] = [];
  private readonly pending: Heard[] = [];
  private readonly waiting = new Set<() => void>();
  private readonly deviations: Error[] = [];

  constructor(readonly socket: Socket) {
    socket.onAny((event: string, payload: unknown, ...more: unknown[]) => this.hear(event, payload, more));
  }

  private hear(event: string, payload: unknown, more: unknown[]): void {
    try {
      checkEvent(event, payload);
      if (more.length) throw new Error(`${event} came with ${more.length + 1} arguments`);
    } catch (error) {
      this.deviations.push(error as Error);
    }
    const heard = { event, payload, at: performance.now() };
    this.events.push(heard);
    this.pending.push(heard);
    for (const wake of [...this.waiting]) wake();
  }

  /** The oldest event of that name that was not taken yet (and matches); waits for it if need be. */
  waitFor(event: string, match: (payload: Payload) => boolean = () => true, timeoutMs = patienceMs): Promise<Payload> {
    return new Promise((done, fail) => {
      const look = () => {
        if (this.deviations.length) return finish(() => fail(this.deviations[0]));
        const index = this.pending.findIndex((heard) => heard.event === event && match(heard.payload));
        if (index >= 0) finish(() => done(this.pending.splice(index, 1)[0]?.payload));
      };
      const finish = (act: () => void) => {
        clearTimeout(timer);
        this.waiting.delete(look);
        act();
      };
      const timer = setTimeout(
        () => finish(() => fail(new Error(`no ${event} within ${timeoutMs} ms; heard: ${this.names().join(", ")}`))),
        timeoutMs,
      );
      this.waiting.add(look);
      look();
    });
  }

  /** Fails when an event of that name is there or comes within the time. */
  async expectNone(event: string, ms = 200, match: (payload: Payload) => boolean = () => true): Promise<void> {
    await new Promise((done) => setTimeout(done, ms));
    const heard = this.pending.find((one) => one.event === event && match(one.payload));
    if (heard) throw new Error(`${event} came: ${JSON.stringify(heard.payload)}`);
  }

  names(): string[] {
    return this.events.map(({ event }) => event);
  }

  /** Sends an event and waits for its ack, which must follow the contract. */
  async emit(event: string, payload: unknown, timeoutMs = patienceMs): Promise<Payload> {
    const answer = await this.socket.timeout(timeoutMs).emitWithAck(event, payload);
    checkAck(event, answer);
    return answer;
  }

  /** Like `emit`, and fails unless the answer is ok. */
  async ask(event: string, payload: unknown): Promise<Payload> {
    const answer = await this.emit(event, payload);
    if (!answer.ok) throw new Error(`${event} was refused: ${JSON.stringify(answer.error)}`);
    return answer;
  }

  /** Sends without asking for an ack. */
  send(event: string, payload: unknown): void {
    this.socket.emit(event, payload);
  }

  /** Ends the connection the hard way, as a lost network would: no DISCONNECT packet. */
  cut(): void {
    this.socket.io.engine.close();
  }

  close(): void {
    this.socket.disconnect();
    if (this.deviations.length) throw this.deviations[0];
  }
}

/** Opens a socket without waiting for anything. */
export function open(url: string, user: TokenOptions | string | null, options: SessionOptions = {}): Session {
  const bearer = user === null ? undefined : typeof user === "string" ? user : token(user);
  const socket = io(url + (options.namespace ?? "/webrtc"), {
    auth: { token: bearer, ...options.auth },
    forceNew: true,
    reconnection: false,
    ...options.io,
  });
  const session = new Session(socket);
  closeLater(() => session.close(), options.lifetime);
  return session;
}

/** Opens a socket and resolves once it is connected and has heard its `sync`. */
export async function connect(url: string, user: TokenOptions, options: SessionOptions = {}): Promise<Session> {
  const session = open(url, user, options);
  await new Promise<void>((done, fail) => {
    session.socket.once("connect", done);
    session.socket.once("connect_error", fail);
  });
  await session.waitFor("sync");
  return session;
}

/** Opens a socket that must be refused; resolves with the refusal, which must follow the contract. */
export async function refused(url: string, bearer: string | null, options: SessionOptions = {}): Promise<Payload> {
  const session = open(url, bearer, options);
  const error = await new Promise<Error & { data?: unknown }>((done, fail) => {
    session.socket.once("connect", () => fail(new Error("the connection was not refused")));
    session.socket.once("connect_error", done);
  });
  const refusal = { message: error.message, data: error.data };
  checkDefinition("ConnectError", refusal);
  return refusal;
}

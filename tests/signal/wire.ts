// Engine.IO without a client library: polls and WebSockets as a test wants them.
import { once } from "node:events";
import { request } from "node:http";
import { text } from "node:stream/consumers";
import { rawHttp } from "../lib/index.js";

export const sleep = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));

export interface Handshake {
  sid: string;
  upgrades: string[];
  pingInterval: number;
  pingTimeout: number;
  maxPayload: number;
}

export const separator = "\x1e";

/** One Engine.IO endpoint of a server, such as "/socket.io/". */
export class Endpoint {
  constructor(
    readonly url: string,
    readonly path: string,
  ) {}

  request(query: string, init?: RequestInit): Promise<Response> {
    return fetch(`${this.url}${this.path}?${query}`, init);
  }

  socket(query: string): Wire {
    return new Wire(`${this.url.replace("http", "ws")}${this.path}?${query}`);
  }

  /** A new session on polling. */
  async poller(): Promise<Poller> {
    const answer = await this.request("EIO=4&transport=polling");
    return new Poller(this, JSON.parse((await answer.text()).slice(1)) as Handshake);
  }

  /** A new session on a WebSocket, its handshake read. */
  async wire(): Promise<Wire> {
    const wire = this.socket("EIO=4&transport=websocket");
    const opened = await wire.next();
    wire.handshake = JSON.parse(String(opened).slice(1)) as Handshake;
    return wire;
  }
}

export class Poller {
  readonly query: string;

  constructor(
    readonly endpoint: Endpoint,
    readonly handshake: Handshake,
  ) {
    this.query = `EIO=4&transport=polling&sid=${handshake.sid}`;
  }

  poll(init?: RequestInit): Promise<Response> {
    return this.endpoint.request(this.query, init);
  }

  async text(): Promise<string> {
    return (await this.poll()).text();
  }

  /** Begins a poll, and waits until the server has it: what was asked afterwards has been answered. */
  async begin(): Promise<{ answer: Promise<{ status: number | undefined; text: string }>; abort: () => void }> {
    const { url, path } = this.endpoint;
    const asked = request(`${url}${path}?${this.query}`, { agent: false });
    const answer = once(asked, "response").then(async ([got]) => ({ status: got.statusCode, text: await text(got) }));
    answer.catch(() => {});
    asked.on("error", () => {}).end();
    await once(asked, "finish");
    await (await fetch(`${url}/healthz`)).text();
    return { answer, abort: () => asked.destroy() };
  }

  post(body: string): Promise<Response> {
    return this.endpoint.request(this.query, { method: "POST", body });
  }

  /** A WebSocket that asks to take this session over. */
  probe(): Wire {
    return this.endpoint.socket(`EIO=4&transport=websocket&sid=${this.handshake.sid}`);
  }
}

type Message = string | Uint8Array<ArrayBuffer>;

/** A WebSocket whose messages can be awaited one by one; pings of Engine.IO are only noted. */
export class Wire {
  handshake?: Handshake;
  readonly ws: WebSocket;
  readonly opened: Promise<void>;
  readonly closed: Promise<number>;
  /** When each message came, pings too. */
  readonly times: number[] = [];
  private readonly queue: Message[] = [];
  private waiting: ((message: Message) => void) | undefined;

  constructor(url: string) {
    this.ws = new WebSocket(url);
    this.ws.binaryType = "arraybuffer";
    this.opened = new Promise((done, fail) => {
      this.ws.addEventListener("open", () => done());
      this.ws.addEventListener("error", () => fail(new Error("refused")));
    });
    this.opened.catch(() => {});
    this.closed = new Promise((done) => this.ws.addEventListener("close", ({ code }) => done(code)));
    this.ws.addEventListener("message", ({ data }) =>
      this.take(typeof data === "string" ? data : new Uint8Array(data)),
    );
  }

  private take(message: Message): void {
    this.times.push(performance.now());
    if (message === "2") return;
    if (this.waiting) this.waiting(message);
    else this.queue.push(message);
    this.waiting = undefined;
  }

  next(timeoutMs = 10_000): Promise<Message> {
    const first = this.queue.shift();
    if (first !== undefined) return Promise.resolve(first);
    return new Promise((done, fail) => {
      const timer = setTimeout(() => fail(new Error("no message")), timeoutMs);
      this.waiting = (message) => {
        clearTimeout(timer);
        done(message);
      };
    });
  }

  send(...messages: Message[]): void {
    for (const message of messages) this.ws.send(message);
  }
}

/** The status that a WebSocket's handshake is answered with. */
export async function handshakeStatus(port: number, target: string, headers: string[] = []): Promise<number> {
  const fields = [
    `GET ${target} HTTP/1.1`,
    `Host: 127.0.0.1:${port}`,
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    ...headers,
  ];
  const { statuses } = await rawHttp(port, `${fields.join("\r\n")}\r\n\r\n`, { answers: 1 });
  return statuses[0] ?? 0;
}

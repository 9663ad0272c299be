// People with devices who write everything down: what they ask over REST and sockets, and what they hear.
import { io } from "socket.io-client";
import { Rest, Session, token } from "../lib/index.js";
import type { Journal } from "./journal.js";

const lastWords = new Set(["call.ended", "call.cancelled", "call.missed"]);
const patienceMs = 5000;

/** One device of a user. It keeps its place over lost connections and restarts, as the SDK does. */
export class Device {
  private session: Session | undefined;
  private resume: { sessionId?: string; resumeToken?: string } = {};
  private readonly lastSeq = new Map<string, number>();
  /** The calls that it was in when it connected last. */
  private inCalls: string[] = [];

  constructor(
    private readonly journal: Journal,
    readonly user: string,
    readonly name: string,
    private readonly bearer: string,
  ) {}

  get connected(): boolean {
    return this.session?.socket.connected ?? false;
  }

  /** Connects, or comes back; false when the server could not be reached. */
  async open(url: string): Promise<boolean> {
    const auth = { token: this.bearer, ...this.resume, lastSeq: Object.fromEntries(this.lastSeq) };
    const socket = io(`${url}/webrtc`, { auth, forceNew: true, reconnection: false, transports: ["websocket"] });
    const session = new Session(socket);
    this.session = session;
    this.journal.present.add(this.name);
    socket.onAny((event: string, payload) => this.hear(event, payload));
    try {
      this.resume = await Promise.race([
        session.waitFor("sync", () => true, patienceMs),
        new Promise<never>((_, fail) => {
          socket.once("connect_error", fail);
          socket.once("disconnect", () => fail(new Error("disconnected")));
        }),
      ]).then(({ sessionId, resumeToken, calls }) => {
        this.inCalls = calls.filter((call: { self?: unknown }) => call.self).map((call: { id: string }) => call.id);
        return { sessionId, resumeToken };
      });
      return true;
    } catch {
      return false;
    }
  }

  private hear(event: string, payload: { callId?: string; seq?: number }): void {
    this.journal.event(this.user, this.name, event, payload);
    if (!payload?.callId || !payload.seq) return;
    if (lastWords.has(event)) this.lastSeq.delete(payload.callId);
    else this.lastSeq.set(payload.callId, payload.seq);
  }

  /** Asks over the socket; undefined when no answer came. */
  async ask(event: string, payload: object) {
    if (!this.session || !this.connected) return undefined;
    try {
      const answer = await this.session.emit(event, payload, patienceMs);
      this.journal.answer(this.user, this.name, event, answer.ok, answer.ok ? answer : answer.error);
      return answer;
    } catch (error) {
      if ((error as Error).name === "ContractError") throw error;
      return undefined;
    }
  }

  /** Leaves whatever it was in when it connected. */
  async hangUp(): Promise<void> {
    for (const callId of this.inCalls) await this.ask("call.leave", { callId });
  }

  /** Gone for good: nobody expects it to hear anything any more. */
  vanish(): void {
    this.journal.present.delete(this.name);
    this.close();
  }

  /** Loses the connection as a network would. */
  cut(): void {
    this.session?.cut();
  }

  close(): void {
    this.session?.close();
  }
}

export class Person {
  readonly devices: Device[];
  private rest: Rest;
  private readonly bearer: string;

  constructor(
    private readonly journal: Journal,
    readonly id: string,
    nDevices: number,
  ) {
    this.bearer = token({ user: id });
    this.rest = new Rest("", this.bearer);
    this.devices = Array.from({ length: nDevices }, (_, n) => new Device(journal, id, `${id}/${n}`, this.bearer));
  }

  /** Connects every device that is not. */
  async open(url: string): Promise<void> {
    this.rest = new Rest(url, this.bearer);
    await Promise.all(this.devices.map((device) => device.connected || device.open(url)));
  }

  /** Asks over REST; undefined when no answer came. */
  async post(path: string, body?: object, headers: Record<string, string> = {}) {
    try {
      const answer = await this.rest.post(path, body, { headers });
      const what = `POST ${path.split("/").length > 4 ? path.split("/").at(-1) : "create"}`;
      this.journal.answer(this.id, "", what, answer.status < 300, answer.body);
      return answer;
    } catch (error) {
      if ((error as Error).name === "ContractError") throw error;
      return undefined;
    }
  }

  close(): void {
    for (const device of this.devices) device.close();
  }
}

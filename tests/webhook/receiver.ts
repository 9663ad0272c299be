// The host's backend: takes webhooks over real HTTP, checks their signatures, and fails as it is told.
import { createHmac, timingSafeEqual } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { closeLater, freePort } from "../lib/index.js";

export const secret = "a-webhook-secret-of-the-tests-longer-than-32-bytes";

export interface HostEvent {
  id: string;
  type: string;
  callId: string;
  seq: number;
  ts: string;
  actorId: string | null;
  userId: string | null;
  data: Record<string, unknown>;
}
/** What to do with an event: a status to answer, or "hang" for no answer at all. */
type Behaviour = (event: HostEvent, nth: number) => number | "hang";

async function read(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return Buffer.concat(parts).toString();
}

export class Receiver {
  /** Events that were answered with 200, in the order of their coming. */
  readonly taken: HostEvent[] = [];
  /** All attempts, by the event's id. */
  readonly attempts = new Map<string, number>();
  readonly wrong: string[] = [];
  behaviour: Behaviour = () => 200;
  private server: Server | undefined;

  private constructor(readonly port: number) {}

  static async start(): Promise<Receiver> {
    const receiver = new Receiver(await freePort());
    await receiver.open();
    closeLater(() => receiver.close());
    return receiver;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}/hook`;
  }

  open(): Promise<void> {
    this.server = createServer((request, response) => {
      this.take(request, response).catch((error) => this.wrong.push(String(error)));
    });
    return new Promise((done) => this.server?.listen(this.port, "127.0.0.1", done));
  }

  async close(): Promise<void> {
    this.server?.closeAllConnections();
    this.server?.close();
    this.server = undefined;
  }

  private check({ headers, method, url }: IncomingMessage, body: string): void {
    const timestamp = String(headers["webhook-timestamp"]);
    const signed = `${headers["webhook-id"]}.${timestamp}.${body}`;
    const expected = `v1,${createHmac("sha256", secret).update(signed).digest("base64")}`;
    const given = String(headers["webhook-signature"]);
    if (given.length !== expected.length || !timingSafeEqual(Buffer.from(given), Buffer.from(expected)))
      this.wrong.push(`signature ${given} instead of ${expected}`);
    if (Math.abs(Date.now() / 1000 - Number(timestamp)) > 60) this.wrong.push(`timestamp ${timestamp}`);
    if (method !== "POST" || url !== "/hook") this.wrong.push(`${method} ${url}`);
    if (headers["content-type"] !== "application/json") this.wrong.push(`type ${headers["content-type"]}`);
  }

  private async take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await read(request);
    this.check(request, body);
    const event: HostEvent = JSON.parse(body);
    if (event.id !== request.headers["webhook-id"]) this.wrong.push(`id ${event.id}`);
    const nth = (this.attempts.get(event.id) ?? 0) + 1;
    this.attempts.set(event.id, nth);
    const answer = this.behaviour(event, nth);
    if (answer === "hang") return;
    if (answer === 200) this.taken.push(event);
    response.writeHead(answer, answer === 302 ? { location: "/elsewhere" } : {}).end("thanks");
  }

  /** Waits until the condition holds. */
  async until(condition: () => boolean, what: string, timeoutMs = 20_000): Promise<void> {
    const from = Date.now();
    while (!condition()) {
      if (Date.now() - from > timeoutMs) throw new Error(`${what}: not after ${timeoutMs} ms; ${this.story()}`);
      await new Promise((done) => setTimeout(done, 10));
    }
  }

  types(callId: string): string[] {
    return this.taken.filter((event) => event.callId === callId).map((event) => event.type);
  }

  /** What is wrong with the order in which events came for the first time. */
  disorder(): string[] {
    const seen = new Set<string>();
    const last = new Map<string, number>();
    const found: string[] = [];
    for (const { id, callId, seq } of this.taken) {
      if (seen.has(id)) continue;
      seen.add(id);
      if (seq <= (last.get(callId) ?? 0)) found.push(`call ${callId}: seq ${seq} after ${last.get(callId)}`);
      last.set(callId, seq);
    }
    return found;
  }

  private story(): string {
    return `${this.taken.length} taken, ${this.attempts.size} seen; ${this.wrong.join("; ")}`;
  }
}

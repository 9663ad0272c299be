// A TCP proxy that a test puts between the server and its database: it can be slow, refuse, go silent, or cut a
// connection, or hold back what it answers, right after a certain word went through.
import { createConnection, createServer, type Server, type Socket } from "node:net";
import { closeLater } from "./lifetime.js";

export class TcpProxy {
  port = 0;
  /** Milliseconds by which each piece is late, one way. */
  delayMs = 0;
  /** Cuts both sides as soon as bytes that hold this have been handed on; says how often it has. */
  cutAfter: Buffer | null = null;
  cuts = 0;
  /** Answers to a connection that sent bytes that hold this come `holdMs` later. */
  holdAfter: Buffer | null = null;
  holdMs = 0;
  private readonly pairs = new Set<[Socket, Socket]>();
  private readonly server: Server;

  private constructor(private readonly target: number) {
    this.server = createServer((from) => this.take(from));
  }

  static async open(target: number): Promise<TcpProxy> {
    const proxy = new TcpProxy(target);
    await new Promise<void>((done) => proxy.server.listen(0, "127.0.0.1", done));
    proxy.port = (proxy.server.address() as { port: number }).port;
    closeLater(() => proxy.close());
    return proxy;
  }

  /** Every connection there is, cut at once. */
  cutAll(): void {
    for (const [a, b] of this.pairs) {
      a.destroy();
      b.destroy();
    }
  }

  private take(from: Socket): void {
    const to = createConnection({ port: this.target, host: "127.0.0.1" });
    const pair: [Socket, Socket] = [from, to];
    this.pairs.add(pair);
    const end = () => {
      from.destroy();
      to.destroy();
      this.pairs.delete(pair);
    };
    for (const socket of pair) socket.on("error", end).on("close", end);
    let heldUntil = 0;
    from.on("data", (bytes) => {
      if (this.holdAfter && bytes.includes(this.holdAfter)) heldUntil = Date.now() + this.holdMs;
      this.pass(bytes, to, end);
    });
    to.on("data", (bytes) => {
      const delay = Math.max(this.delayMs, heldUntil - Date.now());
      setTimeout(() => from.writable && from.write(bytes), delay);
    });
  }

  private pass(bytes: Buffer, to: Socket, end: () => void): void {
    const cut = this.cutAfter !== null && bytes.includes(this.cutAfter);
    setTimeout(() => {
      if (!to.writable) return;
      to.write(bytes, () => {
        if (!cut) return;
        this.cuts++;
        end(); // what the database answers is never heard
      });
    }, this.delayMs);
  }

  private close(): void {
    this.cutAll();
    this.server.close();
  }
}

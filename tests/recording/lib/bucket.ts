// A bucket that a test can hurt: S3rver behind a gateway that fails, cuts and goes away when told, and that knows what
// S3rver does not: listing and giving up uploads in parts.
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import S3rver from "@20minutes/s3rver";
import { closeLater, freePort } from "../../lib/index.js";

/** What is done to a request instead of passing it on. */
export type Fault = "refuse" | "cut" | "error in the body";

export class Bucket {
  /** Asked before each request; a fault is done to it. */
  fault: (step: string) => Fault | undefined = () => undefined;
  /** What was asked for, in order: "begin", "part 1", "finish", "abort", "list", "GET", "DELETE". */
  readonly steps: string[] = [];
  /** Uploads in parts that were begun and neither finished nor given up, with their keys. */
  readonly begun = new Map<string, string>();
  private readonly directory = mkdtempSync(join(tmpdir(), "bellwire-s3-"));
  private readonly sockets = new Set<Socket>();
  private server: Server | undefined;

  private constructor(
    readonly port: number,
    private readonly inner: number,
  ) {}

  static async start(): Promise<Bucket> {
    const bucket = new Bucket(await freePort(), await freePort());
    const s3 = new S3rver({
      port: bucket.inner,
      address: "127.0.0.1",
      silent: true,
      directory: bucket.directory,
      configureBuckets: [{ name: "calls", configs: [] }],
    });
    await s3.run();
    await bucket.up();
    closeLater(async () => {
      await bucket.down();
      await s3.close();
      rmSync(bucket.directory, { recursive: true, force: true });
    });
    return bucket;
  }

  /** What makes a server use it. */
  get options(): { args: string[]; env: Record<string, string> } {
    const place = ["--s3-endpoint", `http://127.0.0.1:${this.port}`, "--s3-bucket", "calls", "--s3-key-id", "S3RVER"];
    return { args: [...place, "--recording-upload-expiry", "2s"], env: { BELLWIRE_S3_SECRET: "S3RVER" } };
  }

  async up(): Promise<void> {
    const server = createServer((ask, answer) => this.take(ask, answer));
    server.on("connection", (socket) => {
      this.sockets.add(socket);
      socket.on("close", () => this.sockets.delete(socket));
    });
    await new Promise<void>((done) => server.listen(this.port, "127.0.0.1", done));
    this.server = server;
  }

  async down(): Promise<void> {
    const { server } = this;
    this.server = undefined;
    for (const socket of this.sockets) socket.destroy();
    if (server) await new Promise((done) => server.close(done));
  }

  private static stepOf(ask: IncomingMessage, query: URLSearchParams): string {
    if (query.has("partNumber")) return `part ${query.get("partNumber")}`;
    if (query.has("uploads")) return ask.method === "GET" ? "list" : "begin";
    if (query.has("uploadId")) return ask.method === "DELETE" ? "abort" : "finish";
    return ask.method ?? "";
  }

  private take(ask: IncomingMessage, answer: ServerResponse): void {
    const url = new URL(ask.url ?? "/", "http://bucket");
    const step = Bucket.stepOf(ask, url.searchParams);
    const id = url.searchParams.get("uploadId") ?? "";
    this.steps.push(step);
    const fault = this.fault(step);
    const signed = ask.headers.authorization?.startsWith("AWS4-HMAC-SHA256 Credential=S3RVER/");
    if (!signed) return void answer.writeHead(403).end();
    if (fault === "cut") ask.once("data", () => ask.socket.resetAndDestroy());
    else if (fault === "refuse") ask.resume().on("end", () => answer.writeHead(503).end());
    else if (fault)
      ask.resume().on("end", () => answer.writeHead(200).end("<Error><Code>InternalError</Code></Error>"));
    else if (step === "list") answer.writeHead(200).end(this.list());
    else if (step === "abort") answer.writeHead(this.begun.delete(id) ? 204 : 404).end();
    else this.pass(ask, answer, step, id);
  }

  private pass(ask: IncomingMessage, answer: ServerResponse, step: string, id: string): void {
    const { method, url: path, headers } = ask;
    const onward = request({ port: this.inner, host: "127.0.0.1", method, path, headers }, (heard) => {
      const pieces: Buffer[] = [];
      heard.on("data", (piece) => pieces.push(piece));
      heard.on("end", () => {
        const body = Buffer.concat(pieces);
        const begun = /<UploadId>([^<]+)</.exec(body.toString("latin1"))?.[1];
        if (step === "begin" && begun) this.begun.set(begun, (path ?? "").split(/[/?]/)[2] ?? "");
        if (step === "finish" && heard.statusCode === 200) this.begun.delete(id);
        answer.writeHead(heard.statusCode ?? 500, heard.headers).end(body);
      });
    });
    onward.on("error", () => answer.destroy());
    ask.pipe(onward);
  }

  private list(): string {
    const uploads = [...this.begun].map(
      ([id, key]) => `<Upload><Key>${key}</Key><UploadId>${id}</UploadId><Initiator/></Upload>`,
    );
    return `<?xml version="1.0"?><ListMultipartUploadsResult>${uploads.join("")}</ListMultipartUploadsResult>`;
  }
}

// Bytes as no client library would send them.
import { createServer, connect as open, type Socket } from "node:net";

export interface RawAnswer {
  text: string;
  bytes: Buffer;
  /** The statuses of all answers in the bytes, in order. */
  statuses: number[];
  /** True when the server closed the connection; false when the time was over first. */
  closed: boolean;
}

/**
 * Sends bytes (in the given pieces, each in a segment of its own) and collects what comes until the server closes, the
 * time is over, or so many answers have begun.
 */
export async function rawHttp(
  port: number,
  bytes: string | Buffer | (string | Buffer)[],
  { host = "127.0.0.1", timeoutMs = 10_000, pauseMs = 5, answers = Number.POSITIVE_INFINITY } = {},
): Promise<RawAnswer> {
  const socket = open({ port, host, noDelay: true });
  const chunks: Buffer[] = [];
  const ended = new Promise<boolean>((done) => {
    const timer = setTimeout(() => done(false), timeoutMs);
    socket.on("data", (chunk) => {
      chunks.push(chunk);
      if (answers === Number.POSITIVE_INFINITY || statusesIn(Buffer.concat(chunks)).length < answers) return;
      clearTimeout(timer);
      done(false);
    });
    socket.on("error", () => {});
    socket.on("close", () => {
      clearTimeout(timer);
      done(true);
    });
  });
  await new Promise<void>((done, fail) => socket.once("connect", done).once("error", fail));
  for (const piece of Array.isArray(bytes) ? bytes : [bytes]) {
    socket.write(typeof piece === "string" ? Buffer.from(piece, "latin1") : piece);
    if (Array.isArray(bytes)) await new Promise((done) => setTimeout(done, pauseMs));
  }
  const closed = await ended;
  destroy(socket);
  const all = Buffer.concat(chunks);
  return { text: all.toString("latin1"), bytes: all, statuses: statusesIn(all), closed };
}

function statusesIn(bytes: Buffer): number[] {
  return [...bytes.toString("latin1").matchAll(/HTTP\/1\.[01] (\d{3}) /g)].map((match) => Number(match[1]));
}

function destroy(socket: Socket): void {
  socket.removeAllListeners("data");
  socket.destroy();
}

/** Listens and stops again: whether nobody else does. */
function isFree(port: number, host: string): Promise<boolean> {
  return new Promise((done) => {
    const server = createServer().once("error", () => done(false));
    server.listen(port, host, () => server.close(() => done(true)));
  });
}

/**
 * A port that was free a moment ago, below those that Linux gives to whoever asks for any (32768 and up): so it is still
 * free when a server comes back to it after a while.
 */
export async function freePort(host = "127.0.0.1"): Promise<number> {
  for (;;) {
    const port = 12_000 + Math.floor(Math.random() * 20_000);
    if (await isFree(port, host)) return port;
  }
}

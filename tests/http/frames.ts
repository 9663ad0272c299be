// A WebSocket whose every byte is the test's: frames as no library would send them, and what the server sends back.
import { randomBytes } from "node:crypto";
import { connect, type Socket } from "node:net";
import { closeLater } from "../lib/index.js";

export const continuation = 0x0;
export const text = 0x1;
export const binary = 0x2;
export const close = 0x8;
export const ping = 0x9;
export const pong = 0xa;

export interface FrameOptions {
  fin?: boolean;
  /** The three reserved bits, as a number of 0 to 7. */
  rsv?: number;
  mask?: Buffer | null;
  /** Which form the length is written in; by default the shortest. */
  form?: 7 | 16 | 64;
  /** What the header says, when that is not the payload's length. */
  says?: bigint;
}

function lengthField(length: bigint, form: 7 | 16 | 64): Buffer {
  if (form === 7) return Buffer.from([Number(length)]);
  const field = Buffer.alloc(form === 16 ? 3 : 9);
  field[0] = form === 16 ? 126 : 127;
  if (form === 16) field.writeUInt16BE(Number(length), 1);
  else field.writeBigUInt64BE(length, 1);
  return field;
}

export function frame(opcode: number, payload: string | Buffer = "", options: FrameOptions = {}): Buffer {
  const { fin = true, rsv = 0, mask = randomBytes(4) } = options;
  const bytes = Buffer.from(payload);
  const length = options.says ?? BigInt(bytes.length);
  const field = lengthField(length, options.form ?? (length < 126n ? 7 : length < 65_536n ? 16 : 64));
  if (mask) field[0] = (field[0] ?? 0) | 0x80;
  const masked = mask ? bytes.map((byte, i) => byte ^ (mask[i % 4] ?? 0)) : bytes;
  return Buffer.concat([Buffer.from([(fin ? 0x80 : 0) | (rsv << 4) | opcode]), field, mask ?? Buffer.alloc(0), masked]);
}

/** The payload of a close frame. */
export function farewell(code: number, reason: string | Buffer = ""): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(code);
  return Buffer.concat([bytes, Buffer.from(reason)]);
}

export interface Received {
  opcode: number;
  payload: Buffer;
}

/** What one connection heard: whole frames, and whether it has ended. */
export class RawWebSocket {
  readonly frames: Received[] = [];
  ended = false;
  private bytes = Buffer.alloc(0);
  private wake = () => {};

  private constructor(private readonly socket: Socket) {}

  static async open(port: number, target: string): Promise<RawWebSocket> {
    const socket = connect({ port, host: "127.0.0.1", noDelay: true });
    const ws = new RawWebSocket(socket);
    closeLater(() => socket.destroy());
    socket.on("error", () => {});
    socket.on("data", (chunk: Buffer) => ws.take(chunk));
    socket.on("close", () => {
      ws.ended = true;
      ws.wake();
    });
    const fields = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n";
    socket.write(`GET ${target} HTTP/1.1\r\nHost: a\r\n${fields}Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`);
    await ws.until(() => ws.bytes.includes("\r\n\r\n"));
    const head = ws.bytes.subarray(0, ws.bytes.indexOf("\r\n\r\n")).toString();
    if (!head.startsWith("HTTP/1.1 101")) throw new Error(head);
    ws.bytes = ws.bytes.subarray(ws.bytes.indexOf("\r\n\r\n") + 4);
    ws.take = ws.takeFrames;
    ws.takeFrames(Buffer.alloc(0));
    return ws;
  }

  /** Sends pieces, each in a segment of its own as far as TCP allows. */
  async send(...pieces: Buffer[]): Promise<void> {
    for (const piece of pieces) {
      if (this.socket.destroyed) return;
      this.socket.write(piece);
      if (pieces.length > 1) await new Promise((done) => setImmediate(done));
    }
  }

  async until(done: () => boolean, timeoutMs = 3000): Promise<void> {
    const end = performance.now() + timeoutMs;
    while (!done()) {
      const left = end - performance.now();
      if (left <= 0) throw new Error(`nothing more came; heard ${JSON.stringify(this.summary())}`);
      await new Promise<void>((woken) => {
        const timer = setTimeout(woken, left);
        this.wake = () => {
          clearTimeout(timer);
          woken();
        };
      });
    }
  }

  summary(): string[] {
    return this.frames.map(({ opcode, payload }) => `${opcode}:${payload.toString("latin1").slice(0, 40)}`);
  }

  private take = (chunk: Buffer): void => {
    this.bytes = Buffer.concat([this.bytes, chunk]);
    this.wake();
  };

  private takeFrames = (chunk: Buffer): void => {
    this.bytes = Buffer.concat([this.bytes, chunk]);
    for (let next = this.cutFrame(); next; next = this.cutFrame()) this.frames.push(next);
    this.wake();
  };

  private cutFrame(): Received | undefined {
    const all = this.bytes;
    const short = (all[1] ?? 0) & 0x7f;
    const head = short < 126 ? 2 : short === 126 ? 4 : 10;
    if (all.length < head) return undefined;
    const length = short < 126 ? short : short === 126 ? all.readUInt16BE(2) : Number(all.readBigUInt64BE(2));
    if (all.length < head + length) return undefined;
    if (((all[0] ?? 0) & 0xf0) !== 0x80 || (all[1] ?? 0) & 0x80) throw new Error("a frame that no server may send");
    this.bytes = all.subarray(head + length);
    return { opcode: (all[0] ?? 0) & 0x0f, payload: all.subarray(head, head + length) };
  }
}

// A small STUN and TURN client (RFC 8489, RFC 8656) that can also say what no honest client would.
import { createHash, createHmac, randomBytes } from "node:crypto";
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { isIPv4 } from "node:net";

export const turnSecret = "a-secret-of-tests-that-is-long-enough";

export const method = { binding: 1, allocate: 3, refresh: 4, send: 6, permit: 8, channel: 9 };
export const type = {
  username: 0x06,
  integrity: 0x08,
  error: 0x09,
  channel: 0x0c,
  lifetime: 0x0d,
  peer: 0x12,
  data: 0x13,
  realm: 0x14,
  nonce: 0x15,
  relayed: 0x16,
  transport: 0x19,
  dontFragment: 0x1a,
  mapped: 0x20,
  moreFamilies: 0x8000,
};

const cookie = Buffer.from([0x21, 0x12, 0xa4, 0x42]);

export interface Message {
  class: number;
  method: number;
  attrs: Map<number, Buffer>;
  code: number;
  length: number;
}

const u16 = (n: number) => Buffer.from([n >> 8, n & 255]);

export function attr(kind: number, value: Buffer | string): Buffer {
  const bytes = Buffer.from(value as Buffer);
  return Buffer.concat([u16(kind), u16(bytes.length), bytes, Buffer.alloc(-bytes.length & 3)]);
}

export function message(what: number, attrs: Buffer[], kind = 0, id: Buffer = randomBytes(12)): Buffer {
  const body = Buffer.concat(attrs);
  const first = ((what & 0xf80) << 2) | ((what & 0x70) << 1) | (what & 15) | ((kind & 2) << 7) | ((kind & 1) << 4);
  return Buffer.concat([u16(first), u16(body.length), cookie, id, body]);
}

export function parse(bytes: Buffer): Message {
  const first = bytes.readUInt16BE(0);
  const attrs = new Map<number, Buffer>();
  for (let at = 20; at < bytes.length; ) {
    const size = bytes.readUInt16BE(at + 2);
    const kind = bytes.readUInt16BE(at);
    if (!attrs.has(kind)) attrs.set(kind, bytes.subarray(at + 4, at + 4 + size));
    at += 4 + size + (-size & 3);
  }
  const error = attrs.get(type.error);
  return {
    class: ((first >> 7) & 2) | ((first >> 4) & 1),
    method: ((first >> 2) & 0xf80) | ((first >> 1) & 0x70) | (first & 15),
    attrs,
    code: error ? (error[2] ?? 0) * 100 + (error[3] ?? 0) : 0,
    length: bytes.length,
  };
}

/** The 16 bytes of an IPv6 address in any spelling. */
function ipv6Bytes(text: string): Buffer {
  const v4 = /^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(text);
  if (v4) {
    const [a = 0, b = 0, c = 0, d = 0] = v4.slice(2).map(Number);
    return ipv6Bytes(`${v4[1]}${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`);
  }
  const [left = "", right] = text.split("::");
  const words = (part: string) => (part ? part.split(":").map((word) => Number.parseInt(word, 16)) : []);
  const head = words(left);
  const tail = right === undefined ? [] : words(right);
  const zeros = new Array<number>(8 - head.length - tail.length).fill(0);
  return Buffer.concat([...head, ...zeros, ...tail].map(u16));
}

export function peer(ip: string, port: number, id: Buffer): Buffer {
  const bytes = isIPv4(ip) ? Buffer.from(ip.split(".").map(Number)) : ipv6Bytes(ip);
  const mask = Buffer.concat([cookie, id]);
  const hidden = bytes.map((byte, i) => byte ^ (mask[i] ?? 0));
  return attr(type.peer, Buffer.concat([Buffer.from([0, isIPv4(ip) ? 1 : 2]), u16(port ^ 0x2112), hidden]));
}

export const udpTransport = attr(type.transport, Buffer.from([17, 0, 0, 0]));

export function credentials(user: string, expires = Math.floor(Date.now() / 1000) + 600, secret = turnSecret) {
  const username = `${expires}:${user}`;
  return { username, password: createHmac("sha1", secret).update(username).digest("base64") };
}

export class TurnClient {
  nonce: Buffer = Buffer.alloc(0);
  realm: Buffer = Buffer.alloc(0);
  relayedPort = 0;
  heard: Buffer[] = [];
  private constructor(
    readonly socket: Socket,
    readonly server: { address: string; port: number },
    readonly login: { username: string; password: string },
  ) {
    socket.on("message", (bytes) => this.heard.push(bytes));
  }

  static async open(server: string, user = "ann", login = credentials(user), bind = "127.0.0.1"): Promise<TurnClient> {
    const [address = "", port = ""] = server.split(":");
    const socket = createSocket("udp4");
    socket.bind(0, bind);
    await once(socket, "listening");
    return new TurnClient(socket, { address, port: Number(port) }, login);
  }

  close(): void {
    this.socket.close();
  }

  send(bytes: Buffer): void {
    this.socket.send(bytes, this.server.port, this.server.address);
  }

  /** The next datagram from the server; null when none comes in time. */
  async next(timeoutMs = 2000): Promise<Buffer | null> {
    const until = Date.now() + timeoutMs;
    while (this.heard.length === 0) {
      const left = until - Date.now();
      if (left <= 0) return null;
      await Promise.race([once(this.socket, "message"), new Promise((done) => setTimeout(done, left))]);
    }
    return this.heard.shift() ?? null;
  }

  async ask(bytes: Buffer): Promise<Message> {
    this.send(bytes);
    const answer = await this.next();
    if (!answer) throw new Error("no answer");
    return parse(answer);
  }

  signed(what: number, attrs: Buffer[], id: Buffer = randomBytes(12)): Buffer {
    const key = createHash("md5").update(`${this.login.username}:${this.realm}:${this.login.password}`).digest();
    const named = [
      attr(type.username, this.login.username),
      attr(type.realm, this.realm),
      attr(type.nonce, this.nonce),
    ];
    const plain = message(what, [...attrs, ...named], 0, id);
    plain.writeUInt16BE(plain.length - 20 + 24, 2);
    return Buffer.concat([plain, attr(type.integrity, createHmac("sha1", key).update(plain).digest())]);
  }

  async request(what: number, attrs: Buffer[] = [], id?: Buffer): Promise<Message> {
    const answer = await this.ask(this.signed(what, attrs, id));
    if (answer.code === 438 || answer.code === 401)
      this.nonce = Buffer.from(answer.attrs.get(type.nonce) ?? this.nonce);
    return answer;
  }

  async allocate(more: Buffer[] = []): Promise<Message> {
    const first = await this.ask(message(method.allocate, [udpTransport, ...more]));
    this.nonce = first.attrs.get(type.nonce) ?? this.nonce;
    this.realm = first.attrs.get(type.realm) ?? this.realm;
    const answer = await this.request(method.allocate, [udpTransport, ...more]);
    const relayed = answer.attrs.get(type.relayed);
    this.relayedPort = relayed ? relayed.readUInt16BE(2) ^ 0x2112 : 0;
    return answer;
  }

  permit(ip: string, port = 9): Promise<Message> {
    const id = randomBytes(12);
    return this.request(method.permit, [peer(ip, port, id)], id);
  }

  bindChannel(ip: string, port: number, number = 0x4000): Promise<Message> {
    const id = randomBytes(12);
    return this.request(
      method.channel,
      [attr(type.channel, Buffer.concat([u16(number), u16(0)])), peer(ip, port, id)],
      id,
    );
  }

  sendTo(ip: string, port: number, data: string, more: Buffer[] = []): void {
    const id = randomBytes(12);
    this.send(message(method.send, [peer(ip, port, id), attr(type.data, data), ...more], 1, id));
  }

  sendChannel(number: number, data: string): void {
    this.send(Buffer.concat([u16(number), u16(data.length), Buffer.from(data)]));
  }
}

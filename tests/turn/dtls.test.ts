// DTLS before anybody has proven an address: a cookie, and nothing kept.
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { get } from "node:https";
import { text } from "node:stream/consumers";
import { beforeAll, expect, test } from "vitest";
import { makeCertificate } from "../lib/certificates.js";
import { type Server, startServer } from "../lib/index.js";
import { TurnClient, turnSecret } from "./stun.js";

let server: Server;
let ca: string;

beforeAll(async () => {
  const certificate = makeCertificate(["calls.test"], "file");
  ca = certificate.pem;
  const relay = ["--turn-workers", "1", "--turn-allow-loopback"];
  server = await startServer({
    args: [...relay, ...certificate.args],
    env: { BELLWIRE_TURN_SECRET: turnSecret },
    lifetime: "file",
  });
});

const number = (value: number, bytes: number) => {
  const out = Buffer.alloc(bytes);
  out.writeUIntBE(value, 0, bytes);
  return out;
};
const counted = (value: Buffer, bytes: number) => Buffer.concat([number(value.length, bytes), value]);

/** A ClientHello (RFC 6347 §4.2.1) in a record and handshake message of its own. */
function clientHello(random: Buffer, cookie: Buffer, serial: number): Buffer {
  const version = number(0xfefd, 2);
  const suites = counted(Buffer.concat([number(0xc02b, 2), number(0xc02f, 2)]), 2);
  const groups = Buffer.concat([number(10, 2), counted(counted(number(23, 2), 2), 2)]);
  const signatures = Buffer.concat([number(13, 2), counted(counted(number(0x0403, 2), 2), 2)]);
  const extensions = counted(Buffer.concat([groups, signatures]), 2);
  const none = counted(Buffer.alloc(0), 1);
  const body = Buffer.concat([
    version,
    random,
    none,
    counted(cookie, 1),
    suites,
    counted(Buffer.alloc(1), 1),
    extensions,
  ]);
  const size = number(body.length, 3);
  const handshake = Buffer.concat([number(1, 1), size, number(serial, 2), number(0, 3), size, body]);
  return Buffer.concat([number(22, 1), version, number(0, 2), number(serial, 6), counted(handshake, 2)]);
}

const kindOf = (datagram: Buffer | null) => datagram?.[13];
const verifyRequest = 3;
const serverHello = 2;

async function say(client: TurnClient, hello: Buffer): Promise<Buffer> {
  client.send(hello);
  return (await client.next()) ?? Buffer.alloc(0);
}

async function streams(): Promise<number> {
  const [answer] = (await once(get(`${server.url}/metrics`, { ca }), "response")) as [IncomingMessage];
  return Number(/^bellwire_turn_streams (\d+)/m.exec(await text(answer))?.[1] ?? Number.NaN);
}

test("a stranger gets a cookie, smaller than what was sent, and only its owner can use it", async () => {
  const [ann, bob] = [await TurnClient.open(server.ready.turn ?? ""), await TurnClient.open(server.ready.turn ?? "")];
  const random = randomBytes(32);
  const hello = clientHello(random, Buffer.alloc(0), 0);
  const answer = await say(ann, hello);
  expect(kindOf(answer)).toBe(verifyRequest);
  expect(answer.length).toBeLessThanOrEqual(hello.length);
  const cookie = answer.subarray(28, 28 + (answer[27] ?? 0));
  expect(cookie.length).toBe(16);
  expect(kindOf(await say(ann, clientHello(random, randomBytes(16), 1)))).toBe(verifyRequest);
  expect(kindOf(await say(bob, clientHello(random, cookie, 1)))).toBe(verifyRequest);
  for (let i = 0; i < 100; i++) await say(bob, clientHello(randomBytes(32), Buffer.alloc(0), 0));
  expect(await streams()).toBe(0);
  expect(kindOf(await say(ann, clientHello(random, cookie, 1)))).toBe(serverHello);
  expect(await streams()).toBe(1);
  for (const one of [ann, bob]) one.close();
});

// The relay of the real binary, seen by a client of ours: what it gives, what it refuses, what it does not say.
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { connect } from "node:net";
import { beforeAll, expect, test } from "vitest";
import { type Server, startServer } from "../lib/index.js";
import { attr, credentials, message, method, parse, TurnClient, turnSecret, type, udpTransport } from "./stun.js";

let server: Server;
let turn: string;
const env = { BELLWIRE_TURN_SECRET: turnSecret };

beforeAll(async () => {
  server = await startServer({
    args: ["--turn-allow-loopback", "--turn-workers", "2", "--turn-max-allocations-per-user", "12"],
    env,
    lifetime: "file",
  });
  turn = server.ready.turn ?? "";
});

async function peerSocket() {
  const socket = createSocket("udp4");
  const heard: { text: string; port: number }[] = [];
  socket.on("message", (bytes, from) => heard.push({ text: bytes.toString(), port: from.port }));
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  return { socket, heard, port: socket.address().port };
}

const soon = (ms = 100) => new Promise((done) => setTimeout(done, ms));

test("a binding answer holds the address and nothing else", async () => {
  const client = await TurnClient.open(turn);
  const answer = await client.ask(message(method.binding, []));
  expect(answer.length).toBe(32);
  const mapped = answer.attrs.get(type.mapped);
  expect((mapped?.readUInt16BE(2) ?? 0) ^ 0x2112).toBe(client.socket.address().port);
  client.close();
});

test("packets go through by indication and by channel, both ways", async () => {
  const client = await TurnClient.open(turn);
  const other = await peerSocket();
  expect((await client.allocate()).code).toBe(0);
  expect((await client.permit("127.0.0.1", other.port)).code).toBe(0);
  client.sendTo("127.0.0.1", other.port, "hello");
  await soon();
  expect(other.heard).toEqual([{ text: "hello", port: client.relayedPort }]);
  other.socket.send("hey", client.relayedPort, "127.0.0.1");
  const indication = parse((await client.next()) ?? Buffer.alloc(20));
  expect(indication.method).toBe(7);
  expect(indication.attrs.get(type.data)?.toString()).toBe("hey");
  expect((await client.bindChannel("127.0.0.1", other.port)).code).toBe(0);
  client.sendChannel(0x4000, "by channel");
  other.socket.send("back", client.relayedPort, "127.0.0.1");
  expect((await client.next())?.toString("latin1")).toBe("\x40\x00\x00\x04back");
  await soon();
  expect(other.heard[1]?.text).toBe("by channel");
  expect((await client.request(method.refresh, [attr(type.lifetime, Buffer.alloc(4))])).code).toBe(0);
  expect((await client.request(method.refresh)).code).toBe(437);
  other.socket.close();
  client.close();
});

test("bursts of equal packets arrive whole and in their order, both ways", async () => {
  const client = await TurnClient.open(turn);
  const other = await peerSocket();
  await client.allocate();
  await client.bindChannel("127.0.0.1", other.port);
  const packets = Array.from({ length: 300 }, (_, i) => `${i}`.padEnd(i % 10 === 9 ? 700 : 1200, "."));
  for (const [i, packet] of packets.entries()) {
    client.sendChannel(0x4000, packet);
    other.socket.send(packet, client.relayedPort, "127.0.0.1");
    if (i % 30 === 29) await soon(5);
  }
  await soon(300);
  expect(other.heard.map((one) => one.text)).toEqual(packets);
  expect(client.heard.map((bytes) => bytes.subarray(4).toString())).toEqual(packets);
  other.socket.close();
  client.close();
});

test("who is not permitted is not heard", async () => {
  const client = await TurnClient.open(turn);
  const [friend, stranger] = [await peerSocket(), await peerSocket()];
  await client.allocate();
  stranger.socket.send("psst", client.relayedPort, "127.0.0.1");
  expect(await client.next(200)).toBeNull();
  client.sendTo("127.0.0.1", friend.port, "too early");
  await soon();
  expect(friend.heard).toEqual([]);
  for (const one of [friend, stranger]) one.socket.close();
  client.close();
});

test("credentials: expired, edited, of another secret, replayed nonce", async () => {
  const now = Math.floor(Date.now() / 1000);
  for (const login of [
    credentials("ann", now - 10),
    { ...credentials("ann"), username: `${now + 9999}:ann` },
    credentials("ann", now + 600, "another secret"),
  ]) {
    const client = await TurnClient.open(turn, "ann", login);
    expect((await client.allocate()).code).toBe(401);
    client.close();
  }
  const [ann, bob] = [await TurnClient.open(turn), await TurnClient.open(turn, "bob")];
  await ann.allocate();
  [bob.nonce, bob.realm] = [ann.nonce, ann.realm];
  expect((await bob.request(method.refresh)).code).toBe(438);
  for (const one of [ann, bob]) one.close();
});

test("one user's quota leaves others served", async () => {
  const greedy: TurnClient[] = [];
  const codes: number[] = [];
  for (let i = 0; i < 14; i++) {
    const client = await TurnClient.open(turn, "greedy");
    codes.push((await client.allocate()).code);
    greedy.push(client);
  }
  expect(codes).toEqual([...new Array(12).fill(0), 486, 486]);
  const modest = await TurnClient.open(turn, "modest");
  expect((await modest.allocate()).code).toBe(0);
  for (const one of [...greedy, modest]) one.close();
});

test("over TCP, a byte at a time; a slow stranger is put out", async () => {
  const [host = "", port = "0"] = turn.split(":");
  const socket = connect(Number(port), host);
  const heard: Buffer[] = [];
  socket.on("data", (bytes) => heard.push(bytes));
  socket.setNoDelay(true);
  for (const byte of message(method.allocate, [udpTransport])) {
    socket.write(Buffer.from([byte]));
    await soon(2);
  }
  await soon();
  expect(parse(Buffer.concat(heard)).code).toBe(401);
  const junk = connect(Number(port), host);
  const closed = new Promise((done) => junk.once("close", done));
  junk.on("error", () => {});
  junk.write("GET / HTTP/1.1\r\n\r\n");
  await closed;
  const silent = connect(Number(port), host);
  const from = Date.now();
  silent.on("data", () => {}).on("error", () => {});
  await new Promise((done) => silent.once("close", done));
  expect(Date.now() - from).toBeLessThan(12_000);
  socket.destroy();
}, 20_000);

test("a million packets from strangers leave memory where it was, and answers are few", async () => {
  const public_ = await startServer({ env, args: ["--turn-workers", "1"] });
  const [host = "", port = "0"] = (public_.ready.turn ?? "").split(":");
  const memory = () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${public_.pid}/status`, "utf8"))?.[1]);
  const allocate = message(method.allocate, [udpTransport]);
  const kinds = [allocate, message(method.refresh, []), message(method.binding, []), message(method.permit, [])];
  const sockets: Socket[] = [];
  let answered = 0;
  for (let i = 0; i < 100; i++) {
    const socket = createSocket("udp4");
    socket.bind(0, `127.${i + 1}.7.7`);
    await once(socket, "listening");
    socket.on("message", (bytes) => {
      if (bytes.length > 32) answered++;
      expect(bytes.length).toBeLessThanOrEqual(allocate.length * 2.8);
    });
    sockets.push(socket);
  }
  const flood = async (n: number) => {
    for (let i = 0; i < n; i += 100) {
      for (const socket of sockets) socket.send(kinds[(i / 100) % 4] ?? allocate, Number(port), host);
      if (i % 1000 === 0) await new Promise(setImmediate);
    }
  };
  await flood(50_000);
  const before = memory();
  const from = Date.now();
  answered = 0;
  await flood(1_000_000);
  await soon();
  expect(memory() - before).toBeLessThan(1024);
  expect(answered).toBeLessThanOrEqual(100 * (10 * ((Date.now() - from) / 1000 + 1) + 10));
  const client = await TurnClient.open(`${host}:${port}`);
  expect((await client.allocate()).code).toBe(0);
  for (const one of sockets) one.close();
  client.close();
}, 120_000);

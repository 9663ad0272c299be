// No peer that a relay must not reach, by any way: in a namespace where every address leads to a trap.
import { execFileSync, spawn } from "node:child_process";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { closeLater, type Server, startServer } from "../lib/index.js";
import { attr, TurnClient, turnSecret, type } from "./stun.js";

const forbidden = [
  ..."0.0.0.0 0.1.2.3 10.0.0.1 10.255.255.254 100.64.0.1 100.127.255.254 127.0.0.1 127.1.2.3".split(" "),
  ..."169.254.1.1 169.254.169.254 172.16.0.1 172.31.255.254 192.0.0.1 192.0.0.192 192.0.2.1".split(" "),
  ..."192.88.99.1 192.168.0.1 192.168.255.254 198.18.0.1 198.19.255.254 198.51.100.1 203.0.113.1".split(" "),
  ..."224.0.0.1 239.255.255.250 240.0.0.1 254.1.1.1 255.255.255.254 255.255.255.255".split(" "),
  ...":: ::1 ::7f00:1 ::a00:1 ::808:808 ::ffff:127.0.0.1 ::ffff:10.0.0.1 ::ffff:169.254.169.254".split(" "),
  ..."::ffff:8.8.8.8 ::ffff:0:127.0.0.1 ::ffff:0:8.8.8.8 64:ff9b::127.0.0.1 64:ff9b::a9fe:a9fe".split(" "),
  ..."64:ff9b::8.8.8.8 64:ff9b:1::1 64:ff9b:1:ffff::7f00:1 100::1 2001::1 2001:0:7f00:1::80ff:fffe".split(" "),
  ..."2001:20::1 2001:db8::1 2002:7f00:1::1 2002:808:808::1 3fff::1 5f00::1 fc00::1 fd00:ec2::254".split(" "),
  ..."fe80::1 fec0::1 ff02::1 ff0e::1".split(" "),
];
const name = `bw-turn-${process.pid}`;
const host = "10.77.0.1";
const here = "10.77.0.2";
const isRoot = process.getuid?.() === 0;
const ip = (...words: string[]) => execFileSync("ip", words, { stdio: ["ignore", "pipe", "pipe"] });
const inside = (...words: string[]) => ip("netns", "exec", name, ...words);
const soon = (ms: number) => new Promise((done) => setTimeout(done, ms));

let server: Server;
let trap: ReturnType<typeof spawn>;
let trapped = "";

beforeAll(async () => {
  if (!isRoot) return;
  ip("netns", "add", name);
  ip("link", "add", "bwt0", "type", "veth", "peer", "name", "bwt1", "netns", name);
  ip("addr", "add", `${here}/30`, "dev", "bwt0");
  ip("link", "set", "bwt0", "up");
  inside("ip", "addr", "add", `${host}/30`, "dev", "bwt1");
  inside("ip", "addr", "add", "2606:4700:77::1/128", "dev", "bwt1", "nodad");
  for (const link of ["lo", "bwt1"]) inside("ip", "link", "set", link, "up");
  inside("ip", "route", "add", "local", "0.0.0.0/0", "dev", "lo");
  inside("ip", "-6", "route", "add", "local", "::/0", "dev", "lo");
  server = await startServer({
    wrapper: ["ip", "netns", "exec", name],
    listen: `${host}:0`,
    args: ["--turn-listen", "[2606:4700:77::1]:0", "--turn-listen", `${host}:0`],
    env: { BELLWIRE_TURN_SECRET: turnSecret },
    lifetime: "file",
  });
  trap = spawn("ip", ["netns", "exec", name, process.execPath, join(import.meta.dirname, "trap.mjs")]);
  closeLater(() => void trap.kill(), "file");
  trap.stdout?.on("data", (text) => {
    trapped += text;
  });
  while (!trapped.includes("ready")) await soon(20);
}, 30_000);

afterAll(() => {
  if (!isRoot) return;
  try {
    ip("link", "del", "bwt0");
  } finally {
    ip("netns", "del", name);
  }
});

async function bothFamilies(): Promise<TurnClient> {
  const client = await TurnClient.open(server.ready.turn ?? "", "ann", undefined, here);
  const answer = await client.allocate([attr(type.moreFamilies, Buffer.from([2, 0, 0, 0]))]);
  expect(answer.code).toBe(0);
  return client;
}

test.runIf(isRoot)(
  "59 forbidden peers by four ways: 403, and silence",
  async () => {
    const client = await bothFamilies();
    expect(forbidden.length).toBe(59);
    for (const address of forbidden) {
      expect([address, (await client.permit(address)).code]).toEqual([address, 403]);
      expect([address, (await client.bindChannel(address, 9)).code]).toEqual([address, 403]);
      client.sendTo(address, 9, `to ${address}`);
      client.sendChannel(0x4000, `to ${address}`);
      trap.stdin?.write(`${address} ${host} ${client.relayedPort}\n`);
    }
    await soon(500);
    expect(trapped).not.toContain("heard");
    expect(client.heard).toEqual([]);
    // The trap works: what may be reached is heard there, and its answer here.
    expect((await client.permit("8.8.8.8")).code).toBe(0);
    client.sendTo("8.8.8.8", 9, "to a friend");
    await soon(100);
    expect(trapped).toContain("heard to a friend");
    trap.stdin?.write(`8.8.8.8 ${host} ${client.relayedPort}\n`);
    expect((await client.next())?.toString("latin1")).toContain("from 8.8.8.8");
    client.close();
  },
  30_000,
);

test.runIf(isRoot)("an address that the host gets later is shut at once", async () => {
  const client = await bothFamilies();
  expect((await client.bindChannel("8.8.4.4", 9)).code).toBe(0);
  client.sendChannel(0x4000, "before");
  await soon(100);
  expect(trapped).toContain("heard before");
  inside("ip", "addr", "add", "8.8.4.4/32", "dev", "bwt1");
  await soon(200);
  client.sendChannel(0x4000, "after");
  await soon(100);
  expect(trapped).not.toContain("heard after");
  expect((await client.permit("8.8.4.4")).code).toBe(403);
  client.close();
});

test.runIf(isRoot)("two clients of one server meet at its relay ports, and only there", async () => {
  const [ann, bob] = [await bothFamilies(), await bothFamilies()];
  expect((await ann.permit(host, bob.relayedPort)).code).toBe(0);
  expect((await bob.bindChannel(host, ann.relayedPort)).code).toBe(0);
  ann.sendTo(host, bob.relayedPort, "over two relays");
  expect((await bob.next())?.toString("latin1")).toContain("over two relays");
  expect((await ann.permit(host, 9)).code).toBe(403);
  expect((await ann.bindChannel(host, server.port)).code).toBe(403);
  ann.sendTo(host, 9, "to ourselves");
  await soon(100);
  expect(trapped).not.toContain("heard to ourselves");
  for (const one of [ann, bob]) one.close();
});

test.runIf(isRoot)("what must not be fragmented is not, and the rest is", async () => {
  const client = await bothFamilies();
  inside("ip", "link", "set", "lo", "mtu", "1500");
  const big = "x".repeat(1800);
  const whole = [attr(type.dontFragment, "")];
  for (const peer of ["8.8.8.8", "2001:4860:4860::8888"]) {
    expect((await client.permit(peer)).code).toBe(0);
    client.sendTo(peer, 9, `whole ${peer} ${big}`, whole);
    client.sendTo(peer, 9, `small ${peer}`, whole);
    client.sendTo(peer, 9, `parts ${peer} ${big}`);
    await expect.poll(() => trapped).toContain(`heard parts ${peer} ${big}`);
    expect(trapped).toContain(`heard small ${peer}`);
    expect(trapped).not.toContain(`heard whole ${peer}`);
  }
  client.close();
});

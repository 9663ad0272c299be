// coturn's clients, from Debian, against our relay.
import { beforeAll, expect, test } from "vitest";
import { makeCertificate } from "../lib/certificates.js";
import { closeLater, freePort, Program, type Server, startServer } from "../lib/index.js";
import { turnSecret } from "./stun.js";

let server: Server;
let host = "";
let port = "";
let peerPort = 0;

function start(): Promise<Server> {
  const env = { BELLWIRE_TURN_SECRET: turnSecret };
  const many = ["--turn-max-allocations-per-user", "2000", "--turn-rate-per-user", "0"];
  const certificate = makeCertificate(["localhost"], "file").args;
  const args = ["--turn-allow-loopback", "--turn-workers", "2", ...many, ...certificate];
  return startServer({ args, env, lifetime: "file" });
}

beforeAll(async () => {
  server = await start();
  [host = "", port = ""] = (server.ready.turn ?? "").split(":");
  peerPort = await freePort();
  const peer = new Program("turnutils_peer", ["-L", "127.0.0.1", "-p", `${peerPort}`]);
  closeLater(() => peer.kill(), "file");
});

/**
 * Clients that echo through a peer. Each draws the numbers of its channels by lot; one that draws a number twice is rightly
 * refused (400) and gives up: then all draw again.
 */
async function run(args: string[], at = port, clients = 4, packets = 20): Promise<string> {
  for (let tries = 1; ; tries++) {
    const said = await runOnce(args, at, clients, packets);
    if (tries === 3 || !said.includes("channel bind: error 400")) return said;
  }
}

async function runOnce(args: string[], at: string, clients: number, packets: number): Promise<string> {
  const load = ["-c", "-m", `${clients}`, "-n", `${packets}`, "-l", "200", "-e", "127.0.0.1", "-r", `${peerPort}`];
  const user = ["-u", `u${Math.random().toString(36).slice(2)}`, "-W", turnSecret];
  const client = new Program("turnutils_uclient", [...args, ...load, ...user, "-p", at, host]);
  await client.ended;
  return client.output();
}

test("turnutils_stunclient learns its address", async () => {
  const client = new Program("turnutils_stunclient", ["-p", port, host]);
  await client.ended;
  expect(client.output()).toContain("UDP reflexive addr: 127.0.0.1:");
});

test.concurrent.each([
  ["udp, channels", []],
  ["udp, indications", ["-s"]],
  ["tcp, channels", ["-t"]],
  ["tcp, indications", ["-t", "-s"]],
  ["tls, channels", ["-t", "-S"]],
  ["dtls, channels", ["-S"]],
] as [string, string[]][])(
  "turnutils_uclient over %s loses nothing",
  async (_, args) => {
    expect(await run(args)).toMatch(/Total lost packets 0 /);
  },
  60_000,
);

test.concurrent("turnutils_uclient over tls on the port of HTTPS loses nothing", async () => {
  expect(await run(["-t", "-S"], `${server.port}`)).toMatch(/Total lost packets 0 /);
}, 60_000);

// A server of their own each: ports that earlier clients left come again, and with them their 5-tuples.
test.concurrent.each([
  ["udp", []],
  ["tcp", ["-t"]],
  ["tls", ["-t", "-S"]],
  ["dtls", ["-S"]],
] as [string, string[]][])(
  "200 clients at once over %s lose nothing",
  async (_, args) => {
    const crowded = await start();
    const said = await run(args, (crowded.ready.turn ?? "").split(":")[1], 200, 25);
    expect(said).toMatch(/tot_send_msgs=5000, tot_recv_msgs=5000/);
    expect(said).toMatch(/Total lost packets 0 /);
  },
  120_000,
);

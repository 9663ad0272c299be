// Other people's ICE and TURN clients, forced to relay, from a home behind a NAT: what browsers are not.
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { makeHome, makeInternet, type Nat } from "../e2e/lib/nat.js";
import { type Certificate, makeCertificate } from "../lib/certificates.js";
import { closeLater, Program, startServer } from "../lib/index.js";
import { credentials, turnSecret } from "./stun.js";

const isRoot = process.getuid?.() === 0;
const script = (name: string) => join(import.meta.dirname, "interop", name);
const host = "20.77.0.1";
let nat: Nat;
let certificate: Certificate;
let nice = "";

/** libnice has no binding that could receive: a program in C, built here. */
function buildNice(): string {
  const folder = mkdtempSync(join(tmpdir(), "bellwire-nice-"));
  closeLater(async () => rmSync(folder, { recursive: true, force: true }), "file");
  const flags = execFileSync("pkg-config", ["--cflags", "--libs", "nice"], { encoding: "utf8" }).trim().split(/\s+/);
  const program = join(folder, "nice_relay");
  execFileSync("cc", ["-Wall", "-o", program, script("nice_relay.c"), ...flags]);
  return program;
}

beforeAll(async () => {
  if (!isRoot) return;
  const internet = makeInternet();
  nat = makeHome(internet, 1);
  nat.set({ symmetric: true, allowed: "all" });
  nice = buildNice();
  certificate = makeCertificate(["calls.test", host], "file");
  await startServer({
    wrapper: internet.wrapper,
    listen: `${internet.address}:443`,
    args: ["--turn-listen", `${internet.address}:3478`, ...certificate.args],
    env: { BELLWIRE_TURN_SECRET: turnSecret },
    lifetime: "file",
  });
});

/** A program at home that trusts our certificate. */
function start(words: string[]): Program {
  const [command, ...rest] = nat.home.wrapper;
  const trust = { SSL_CERT_FILE: certificate.certFile, NODE_EXTRA_CA_CERTS: certificate.certFile };
  return new Program(command, [...rest, ...words], { ...process.env, ...trust });
}

/** What clients are told of the relay: TLS is on the port of HTTPS. */
async function where(transport: string): Promise<string[]> {
  if (transport !== "tls by a tunnel") return [host, transport === "tls" ? "443" : "3478", transport];
  const tunnel = start([process.execPath, script("tunnel.mjs"), host, "443"]);
  closeLater(() => tunnel.kill());
  await expect.poll(() => tunnel.stdout).toMatch(/^\d+\n/);
  return ["127.0.0.1", tunnel.stdout.trim(), "tcp"];
}

/** What a client at home prints. */
async function atHome(words: string[], transport: string): Promise<string> {
  const { username, password } = credentials(`u${Math.random().toString(36).slice(2)}`);
  const client = start([...words, ...(await where(transport)), username, password]);
  await client.ended;
  return client.output();
}

// Two have no TLS that a test could meet: libnice plays a recorded handshake that no TLS server answers (its gnutls only
// makes hashes), and libwebrtc inside @roamhq/wrtc trusts the authorities compiled into it and nothing else.
const clients: [name: string, transports: string[], words: () => string[]][] = [
  ["aioice", ["udp", "tcp", "tls"], () => ["/usr/bin/python3", script("aioice_relay.py")]],
  ["libnice", ["udp", "tcp", "tls by a tunnel"], () => [nice]],
  ["werift", ["udp", "tcp", "tls"], () => [process.execPath, script("peers.mjs"), "werift"]],
  ["@roamhq/wrtc", ["udp", "tcp", "tls by a tunnel"], () => [process.execPath, script("peers.mjs"), "@roamhq/wrtc"]],
];

describe.runIf(isRoot)("forced to relay", () => {
  for (const [name, transports, words] of clients)
    test.each(transports)(
      `${name} over %s`,
      async (transport) => expect(await atHome(words(), transport)).toMatch(/echoed over relay$/m),
      40_000,
    );
});

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

/** What a client at home prints; TLS goes to the port of HTTPS. */
async function atHome(words: string[], transport: string): Promise<string> {
  const { username, password } = credentials(`u${Math.random().toString(36).slice(2)}`);
  const port = transport === "tls" ? "443" : "3478";
  const [command, ...rest] = nat.home.wrapper;
  const client = new Program(command, [...rest, ...words, host, port, transport, username, password], {
    ...process.env,
    SSL_CERT_FILE: certificate.certFile,
    NODE_EXTRA_CA_CERTS: certificate.certFile,
  });
  await client.ended;
  return client.output();
}

const clients: [name: string, transports: string[], words: () => string[]][] = [
  ["aioice", ["udp", "tcp", "tls"], () => ["/usr/bin/python3", script("aioice_relay.py")]],
  ["libnice", ["udp", "tcp"], () => [nice]],
  ["werift", ["udp", "tcp", "tls"], () => [process.execPath, script("peers.mjs"), "werift"]],
  ["@roamhq/wrtc", ["udp", "tcp"], () => [process.execPath, script("peers.mjs"), "@roamhq/wrtc"]],
];

describe.runIf(isRoot)("forced to relay", () => {
  for (const [name, transports, words] of clients)
    test.each(transports)(
      `${name} over %s`,
      async (transport) => expect(await atHome(words(), transport)).toMatch(/echoed over relay$/m),
      40_000,
    );
});

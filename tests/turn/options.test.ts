// What operators set of the relay: bounds, refused peers, secrets and certificates that change while it runs, and where
// its traffic is counted.
import { createSocket } from "node:dgram";
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect as tlsConnect } from "node:tls";
import { expect, test } from "vitest";
import { makeCertificate } from "../lib/certificates.js";
import { binary, closeLater, Program, type Server, startServer } from "../lib/index.js";
import { attr, credentials, method, TurnClient, turnSecret, type } from "./stun.js";

const env = { BELLWIRE_TURN_SECRET: turnSecret };
const start = (...args: string[]) =>
  startServer({ env, args: ["--turn-allow-loopback", "--turn-workers", "1", ...args] });
const soon = (ms: number) => new Promise((done) => setTimeout(done, ms));

async function allocated(server: Server, user = "ann", login = credentials(user)): Promise<TurnClient> {
  const client = await TurnClient.open(server.ready.turn ?? "", user, login);
  closeLater(async () => client.close());
  expect((await client.allocate()).code).toBe(0);
  return client;
}

async function codeOf(server: Server, user: string, secret = turnSecret): Promise<number> {
  const client = await TurnClient.open(server.ready.turn ?? "", user, credentials(user, undefined, secret));
  const { code } = await client.allocate();
  client.close();
  return code;
}

const free = (client: TurnClient) => client.request(method.refresh, [attr(type.lifetime, Buffer.alloc(4))]);

test("allocations: so many for a user (486), so many for all (508), and room again when one ends", async () => {
  const server = await start("--turn-max-allocations", "3", "--turn-max-allocations-per-user", "2");
  const ann = [await allocated(server), await allocated(server)];
  expect(await codeOf(server, "ann")).toBe(486);
  await allocated(server, "bob");
  expect(await codeOf(server, "carol")).toBe(508);
  for (const one of ann) await free(one);
  await allocated(server, "carol");
});

test("permissions and channels of an allocation", async () => {
  const server = await start("--turn-max-permissions", "2", "--turn-max-channels", "1");
  const client = await allocated(server);
  expect((await client.bindChannel("127.0.0.1", 9)).code).toBe(0);
  expect((await client.bindChannel("127.0.0.1", 10, 0x4001)).code).toBe(508);
  expect((await client.permit("127.0.0.2")).code).toBe(0);
  expect((await client.permit("127.0.0.3")).code).toBe(508);
});

test("one user taking all ports leaves others served", async () => {
  const server = await start("--turn-relay-ports", "61000-61003", "--turn-max-allocations-per-user", "3");
  for (let i = 0; i < 3; i++) await allocated(server, "greedy");
  expect(await codeOf(server, "greedy")).toBe(486);
  await allocated(server, "modest");
  expect(await codeOf(server, "late")).toBe(508);
});

test.each([
  ["an allocation", ["--turn-rate-per-allocation", "20000"]],
  ["a user", ["--turn-rate-per-allocation", "0", "--turn-rate-per-user", "20000"]],
  ["the server", ["--turn-rate-per-allocation", "0", "--turn-rate-per-user", "0", "--turn-rate", "20000"]],
])("bytes a second of %s", async (_, args) => {
  const server = await start(...args);
  const ann = await allocated(server);
  const peer = createSocket("udp4");
  closeLater(async () => peer.close());
  let heard = 0;
  peer.on("message", () => heard++);
  await new Promise<void>((done) => peer.bind(0, "127.0.0.1", done));
  await ann.bindChannel("127.0.0.1", peer.address().port);
  for (let i = 0; i < 200; i++) ann.sendChannel(0x4000, "x".repeat(1000));
  await expect.poll(() => heard).toBeGreaterThan(2);
  await soon(300);
  expect(heard).toBeLessThan(60);
  expect((await server.host().get("/metrics")).body).toMatch(/turn_refused_total\{reason="rate"\} [1-9]/);
});

test("refusals a second to one source", async () => {
  const [few, many] = [await start("--turn-refusals-per-second", "2"), await start("--turn-refusals-per-second", "0")];
  // On loopback whoever is this machine is spared, so that only a server without that grace shows the bound.
  const strict = await startServer({ env, args: ["--turn-workers", "1", "--turn-refusals-per-second", "2"] });
  for (const [server, most] of [
    [few, 50],
    [many, 50],
    [strict, 4],
  ] as const) {
    const client = await TurnClient.open(server.ready.turn ?? "");
    for (let i = 0; i < 50; i++) client.send(client.signed(method.allocate, []));
    await soon(300);
    if (most === 50) expect(client.heard.length).toBe(50);
    else expect(client.heard.length).toBeLessThanOrEqual(most);
    client.close();
  }
});

test("denied peers: a range, an address, one port, whatever else is allowed", async () => {
  const deny = ["127.7.0.0/16", "127.8.0.1", "127.0.0.1:5432"].flatMap((net) => ["--turn-deny", net]);
  const hook = ["--webhook-url", "http://127.0.0.1:8765/calls", "--webhook-allow-private"];
  const server = await startServer({
    env: { ...env, BELLWIRE_WEBHOOK_SECRET: "w".repeat(40) },
    args: ["--turn-allow-loopback", ...deny, "--trust-proxy", "127.9.9.9", ...hook],
  });
  const client = await allocated(server);
  for (const [ip, port, code] of [
    ["127.7.1.1", 9, 403],
    ["127.8.0.1", 9, 403],
    ["127.8.0.2", 9, 0],
    ["127.0.0.1", 5432, 403],
    ["127.0.0.1", 5433, 0],
    ["127.0.0.1", 8765, 403],
    ["127.9.9.9", 10, 0],
  ] as const)
    expect([ip, port, (await client.bindChannel(ip, port, 0x4000 + port)).code]).toEqual([ip, port, code]);
});

test("--turn-allow opens one range and no other", async () => {
  const server = await startServer({ env, args: ["--turn-workers", "1", "--turn-allow", "198.51.100.0/24"] });
  const client = await allocated(server);
  expect((await client.permit("198.51.100.7")).code).toBe(0);
  expect((await client.permit("203.0.113.7")).code).toBe(403);
});

test("--turn-lan opens private ranges, and nothing else that is special", async () => {
  const [shut, open] = [await startServer({ env }), await startServer({ env, args: ["--turn-lan"] })];
  const codes = async (server: Server) => {
    const client = await allocated(server);
    const answers = [];
    for (const ip of ["10.1.2.3", "172.16.0.9", "192.168.1.1", "169.254.169.254", "127.0.0.1", "8.8.8.8"])
      answers.push((await client.permit(ip)).code);
    return answers;
  };
  expect(await codes(shut)).toEqual([403, 403, 403, 403, 403, 0]);
  expect(await codes(open)).toEqual([0, 0, 0, 403, 403, 0]);
});

test("--turn-external: clients are told the public address, and meet there", async () => {
  const server = await start("--turn-external", "198.51.100.9/127.0.0.1", "--turn-realm", "home");
  const [ann, bob] = [await TurnClient.open(server.ready.turn ?? ""), await TurnClient.open(server.ready.turn ?? "")];
  const told = (await ann.allocate()).attrs.get(type.relayed)?.subarray(4, 8);
  expect(told?.map((byte, i) => byte ^ ([0x21, 0x12, 0xa4, 0x42][i] ?? 0))).toEqual(Buffer.from([198, 51, 100, 9]));
  expect(ann.realm.toString()).toBe("home");
  await bob.allocate();
  expect((await ann.bindChannel("198.51.100.9", bob.relayedPort)).code).toBe(0);
  expect((await bob.bindChannel("198.51.100.9", ann.relayedPort)).code).toBe(0);
  ann.sendChannel(0x4000, "by the public address");
  expect((await bob.next())?.subarray(4).toString()).toBe("by the public address");
  for (const one of [ann, bob]) one.close();
});

test.each([
  ["--turn-deny", "10.0.0.1/8"],
  ["--turn-deny", "10.0.0.0/33"],
  ["--turn-allow", "example.org"],
  ["--turn-max-permissions", "5000"],
  ["--turn-max-allocations", "0"],
  ["--turn-previous-secret-file", "/does/not/exist"],
])("%s %s stops the start in words", async (option, value) => {
  const program = new Program(binary, ["serve", option, value, "--listen", "127.0.0.1:0"], {
    ...process.env,
    BELLWIRE_SECRET: "x".repeat(40),
  });
  expect((await program.ended).code).not.toBe(0);
  expect(program.stderr).toMatch(/--turn-|cannot read/);
});

test("secrets: the previous one is still accepted, and both change on SIGHUP", async () => {
  const dir = mkdtempSync(join(tmpdir(), "bellwire-secret-"));
  closeLater(async () => rmSync(dir, { recursive: true, force: true }));
  const file = join(dir, "secret");
  const [first, second, third, stranger] = ["first", "second", "third", "never"].map((one) => one.padEnd(40, "-"));
  writeFileSync(file, `${second}\n`);
  const server = await startServer({
    args: ["--turn-allow-loopback", "--turn-secret-file", file],
    env: { BELLWIRE_TURN_PREVIOUS_SECRET: first ?? "" },
  });
  expect(await codeOf(server, "a", first)).toBe(0);
  expect(await codeOf(server, "b", second)).toBe(0);
  expect(await codeOf(server, "c", stranger)).toBe(401);
  const rotating = await startServer({ args: ["--turn-allow-loopback", "--turn-secret-file", file] });
  writeFileSync(file, `${third}\n`);
  process.kill(rotating.pid, "SIGHUP");
  await expect.poll(() => codeOf(rotating, "d", third)).toBe(0);
  expect(await codeOf(rotating, "e", second)).toBe(0);
  expect(await codeOf(rotating, "f", first)).toBe(401);
  const { body } = await rotating.rest("alice").get("/api/webrtc/ice-servers");
  const own = body.find((one: { username?: string }) => one.username);
  const expires = Number(own.username.split(":")[0]);
  expect(own).toMatchObject({ credential: credentials("alice", expires, third).password });
  writeFileSync(file, "short");
  process.kill(rotating.pid, "SIGHUP");
  await expect.poll(() => rotating.stderr).toContain("secrets stay as they were");
  expect(await codeOf(rotating, "g", third)).toBe(0);
});

test("the relay's own port shows the new certificate after SIGHUP", async () => {
  const [old, fresh] = [makeCertificate(["old.example"]), makeCertificate(["new.example"])];
  const server = await start(...old.args);
  const [host = "", port = ""] = (server.ready.turn ?? "").split(":");
  const shown = () =>
    new Promise<string>((done, fail) => {
      const socket = tlsConnect({ host, port: Number(port), rejectUnauthorized: false }, () => {
        done(`${socket.getPeerCertificate().subject.CN}`);
        socket.destroy();
      });
      socket.on("error", fail);
    });
  expect(await shown()).toBe("old.example");
  copyFileSync(fresh.certFile, old.certFile);
  copyFileSync(fresh.keyFile, old.keyFile);
  process.kill(server.pid, "SIGHUP");
  await expect.poll(shown).toBe("new.example");
});

test("a call's record and /metrics know what was relayed", async () => {
  const server = await start();
  await server.channel("room", ["alice", "bob"]);
  const [alice, bob] = [await server.socket("alice"), await server.socket("bob")];
  const made = await server.rest("alice").post("/api/calls", { channelId: "room", callType: "audio" });
  const id = made.body.call.id as string;
  await bob.waitFor("call.incoming");
  await bob.ask("call.join", { callId: id });
  const [a, b] = [await allocated(server, "alice"), await allocated(server, "bob")];
  await a.bindChannel("127.0.0.1", b.relayedPort);
  await b.bindChannel("127.0.0.1", a.relayedPort);
  const relayed = async (user: string) => {
    const { body } = await server.host().get(`/api/calls/${id}`);
    return body.call.participants.find((one: { userId: string }) => one.userId === user)?.relayedBytes;
  };
  a.sendChannel(0x4000, "x".repeat(700));
  // Soon after the first traffic, so that the call is known …
  await expect.poll(() => relayed("alice"), { timeout: 5000 }).toBe(700);
  await expect.poll(() => relayed("bob"), { timeout: 5000 }).toBe(700);
  b.sendChannel(0x4000, "y".repeat(50));
  await soon(50);
  await bob.ask("call.leave", { callId: id });
  await alice.waitFor("call.ended");
  // … and the rest when the allocation ends, which is after the call.
  for (const one of [a, b]) await free(one);
  await expect.poll(() => relayed("alice")).toBe(750);
  const metrics = (await server.host().get("/metrics")).body;
  expect(metrics).toMatch(/bellwire_turn_relayed_bytes_total\{transport="udp",to="peer"\} 750/);
  expect(metrics).toMatch(/bellwire_turn_allocations_made_total\{transport="udp"\} 2/);
  expect(metrics).not.toContain("alice");
  // What is under way when the server stops is counted too.
  const again = await server.rest("alice").post("/api/calls", { channelId: "room", callType: "audio" });
  const [c, d] = [await allocated(server, "alice"), await allocated(server, "bob")];
  await c.bindChannel("127.0.0.1", d.relayedPort);
  await d.bindChannel("127.0.0.1", c.relayedPort);
  c.sendChannel(0x4000, "z".repeat(321));
  await soon(50);
  await server.restart();
  const { body } = await server.host().get(`/api/calls/${again.body.call.id}`);
  expect(body.call.participants.map((one: { relayedBytes: number }) => one.relayedBytes)).toEqual([321, 321]);
});

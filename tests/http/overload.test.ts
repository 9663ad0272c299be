// Limits of connections and descriptors, proxies, and what /metrics tells of it.
import { once } from "node:events";
import { request } from "node:http";
import { connect, type Socket } from "node:net";
import { expect, it } from "vitest";
import { closeLater, makeCertificate, rawHttp, type Server, startServer, token } from "../lib/index.js";

const sleep = (ms: number) => new Promise((done) => setTimeout(done, ms));

async function hold(port: number, bytes: string | Buffer = ""): Promise<Socket> {
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => {});
  closeLater(() => socket.destroy());
  await once(socket, "connect");
  if (bytes.length) socket.write(bytes);
  return socket;
}

const health = "GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
const served = async (port: number, timeoutMs?: number) =>
  (await rawHttp(port, health, { timeoutMs, answers: 1 })).statuses[0] === 200;

async function metrics(server: Server, headers: Record<string, string> = {}): Promise<Map<string, number>> {
  const answer = await fetch(`${server.url}/metrics`, { headers });
  expect(answer.status).toBe(200);
  expect(answer.headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
  const lines = (await answer.text()).trim().split("\n");
  const values = new Map<string, number>();
  for (const line of lines) {
    expect(line).toMatch(/^(# (HELP|TYPE) bellwire_\w+ .+|bellwire_\w+(\{\w+="[\w.+]+"(,\w+="\w+")*\})? \d+(\.\d+)?)$/);
    if (!line.startsWith("#")) values.set(line.split(" ")[0] ?? "", Number(line.split(" ")[1]));
  }
  return values;
}

it("metrics count what happens", async () => {
  const server = await startServer({ args: ["--turn-listen", "127.0.0.1:0"] });
  const before = await metrics(server);
  await server.host().put("/api/channels/c", { name: null, members: ["alice", "bob"] });
  const alice = await server.socket("alice");
  await server.rest().post("/api/calls", { to: "bob", media: "audio" });
  await fetch(`${server.url}/nothing`);
  const after = await metrics(server);
  const grown = (name: string) => (after.get(`bellwire_${name}`) ?? Number.NaN) - (before.get(`bellwire_${name}`) ?? 0);
  expect(grown("websockets")).toBe(1);
  expect(grown("sessions")).toBe(1);
  expect(grown('responses_total{class="1xx"}')).toBe(1);
  expect(grown('responses_total{class="2xx"}')).toBeGreaterThan(1);
  expect(grown('responses_total{class="4xx"}')).toBeGreaterThanOrEqual(1);
  expect(grown('responses_total{class="5xx"}')).toBe(0);
  expect(grown("connections_accepted_total")).toBeGreaterThan(0);
  expect(grown("received_bytes_total")).toBeGreaterThan(500);
  expect(grown("sent_bytes_total")).toBeGreaterThan(500);
  expect(after.get('bellwire_turn_allocations{transport="udp"}')).toBe(0);
  expect(after.get('bellwire_store_waiting{lane="write"}')).toBe(0);
  expect(after.get("bellwire_loop_lag_seconds")).toBeLessThan(0.2);
  alice.socket.disconnect();
});

it("metrics are for this machine, and for the host", async () => {
  const server = await startServer();
  const status = async (headers: Record<string, string>) =>
    new Promise<number>((done, fail) => {
      const asking = request({ port: server.port, host: "127.0.0.1", path: "/metrics", headers }, (answer) => {
        answer.resume();
        done(answer.statusCode ?? 0);
      });
      asking.on("error", fail).end();
    });
  const bearer = (text: string) => ({ authorization: `Bearer ${text}` });
  expect(await status({})).toBe(200);
  expect(await status({ host: "calls.example" })).toBe(401);
  expect(await status({ "x-forwarded-for": "127.0.0.1" })).toBe(401);
  expect(await status({ ...bearer(token({ user: "alice" })), host: "calls.example" })).toBe(403);
  expect(await status(bearer(token({ user: "alice" })))).toBe(403);
  expect(await status({ ...bearer(token({ user: "h", scope: "server" })), host: "calls.example" })).toBe(200);
});

it("a loop that is held up is logged and counted", async () => {
  const server = await startServer();
  process.kill(server.pid, "SIGSTOP");
  await sleep(600);
  process.kill(server.pid, "SIGCONT");
  const stalls = async () => (await metrics(server)).get("bellwire_loop_stalls_total");
  await expect.poll(stalls, { timeout: 10_000 }).toBeGreaterThan(0);
  const values = await metrics(server);
  expect(values.get("bellwire_loop_lag_max_seconds")).toBeGreaterThan(0.4);
  expect(server.stderr).toMatch(/the loop was held up.* ms=\d{3}/);
});

it("near the limit of descriptors accepting stops, and goes on when there is room", async () => {
  const server = await startServer({ wrapper: ["prlimit", "--nofile=96"] });
  const held: Socket[] = [];
  for (let i = 0; i < 90; i++) held.push(await hold(server.port));
  expect(await served(server.port, 700)).toBe(false);
  expect(server.stderr).toContain("descriptors run short");
  expect(server.stderr).not.toContain("no descriptors left");
  for (const socket of held) socket.destroy();
  expect(await served(server.port)).toBe(true);
  expect((await metrics(server)).get("bellwire_accept_pauses_total")).toBeGreaterThan(0);
});

it("one address has no more connections than it may", async () => {
  const server = await startServer({ args: ["--max-connections-per-address", "3"] });
  const held = [await hold(server.port), await hold(server.port), await hold(server.port)];
  const fourth = await rawHttp(server.port, health);
  expect(fourth).toMatchObject({ statuses: [], closed: true });
  held[0]?.destroy();
  await expect.poll(() => served(server.port), { timeout: 10_000 }).toBe(true);
});

const header = (source: string, port = 4711): Buffer => {
  const bytes = Buffer.from("0d0a0d0a000d0a515549540a2111000c00000000c633640112670050", "hex");
  source.split(".").forEach((part, i) => {
    bytes[16 + i] = Number(part);
  });
  bytes.writeUInt16BE(port, 24);
  return bytes;
};

it("a proxy's header names the client, also before TLS", async () => {
  const limits = ["--max-connections-per-address", "2"];
  const proxies = ["--trust-proxy", "127.0.0.0/8", "--proxy-protocol"];
  const server = await startServer({ args: [...limits, ...proxies] });
  const ask = async (bytes: Buffer, more = "") =>
    (await rawHttp(server.port, Buffer.concat([bytes, Buffer.from(health.replace("\r\n\r\n", `\r\n${more}\r\n`))])))
      .statuses;
  expect(await ask(header("192.0.2.1"))).toEqual([200]);
  expect(await ask(Buffer.alloc(0))).toEqual([]);
  await hold(server.port, header("192.0.2.1"));
  await hold(server.port, header("192.0.2.1"));
  await expect.poll(() => ask(header("192.0.2.1")), { timeout: 10_000 }).toEqual([]);
  expect(await ask(header("192.0.2.2"))).toEqual([200]);

  const secure = await startServer({ args: [...proxies, ...makeCertificate(["a"]).args] });
  const socket = await hold(secure.port, header("192.0.2.1"));
  const { connect: secureConnect } = await import("node:tls");
  const inner = secureConnect({ socket, rejectUnauthorized: false });
  await once(inner, "secureConnect");
  inner.write(health);
  expect(String((await once(inner, "data"))[0])).toContain("200 OK");
});

it("what a proxy may say, nobody else may", async () => {
  const strict = await startServer();
  const trusting = await startServer({ args: ["--trust-proxy", "127.0.0.1"] });
  const ask = async (server: Server, proto: string) => {
    const fields = `Host: a\r\nOrigin: http://a\r\nX-Forwarded-Proto: ${proto}\r\nConnection: close\r\n`;
    const upgrade = "Access-Control-Request-Method: POST\r\n";
    return (await rawHttp(server.port, `OPTIONS /api/calls HTTP/1.1\r\n${fields}${upgrade}\r\n`)).statuses[0];
  };
  // A page that came without TLS is another origin for a server that is reached by TLS.
  expect(await ask(strict, "https")).toBe(204);
  expect(await ask(trusting, "https")).toBe(403);
  expect(await ask(trusting, "http")).toBe(204);
});

it("who speaks PROXY without being trusted has made a bad request", async () => {
  const server = await startServer({ args: ["--trust-proxy", "10.0.0.0/8", "--proxy-protocol"] });
  expect((await rawHttp(server.port, header("192.0.2.1"))).statuses).toEqual([400]);
  expect(await served(server.port)).toBe(true);
});

// Peers that are slow, many or silent: the others notice nothing, and memory stays where it was.
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { afterEach, expect, test } from "vitest";
import { rawHttp, startServer } from "../lib/index.js";

const sockets: Socket[] = [];

afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
});

/** A peer that sends some bytes and then nothing. */
function silent(port: number, bytes: string): Promise<Socket> {
  return new Promise((done, fail) => {
    const socket = connect(port, "127.0.0.1", () => {
      if (bytes) socket.write(bytes);
      done(socket);
    });
    socket.on("error", fail);
    socket.pause();
    sockets.push(socket);
  });
}

const residentKb = (pid: number) => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]);

test("five hundred half requests disturb nobody", async () => {
  const server = await startServer();
  const before = residentKb(server.pid);
  const half = `POST /api/calls HTTP/1.1\r\nHost: a\r\nX: ${"a".repeat(8000)}`;
  for (let i = 0; i < 500; i++) await silent(server.port, half);
  const from = performance.now();
  expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
  // A sanitizer's own time and memory are another matter.
  if (process.env.BELLWIRE_SANITIZED) return;
  expect(performance.now() - from).toBeLessThan(500);
  expect(residentKb(server.pid) - before).toBeLessThan(16_000);
});

test("with as many connections as allowed, the next one waits for a place", async () => {
  const server = await startServer({ args: ["--max-connections", "16"] });
  for (let i = 0; i < 16; i++) await silent(server.port, "");
  const waiting = rawHttp(server.port, "GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", {
    timeoutMs: 5000,
  });
  await new Promise((done) => setTimeout(done, 300));
  sockets.shift()?.destroy();
  expect((await waiting).statuses).toEqual([200]);
});

test("half a request is told off in time, and a stop does not wait for the idle", async () => {
  const server = await startServer();
  const answer = await rawHttp(server.port, "GET /healthz HTTP/1.1\r\nHo", { timeoutMs: 14_000 });
  expect(answer.statuses).toEqual([408]);
  await silent(server.port, "");
  const from = performance.now();
  await server.stop();
  expect(performance.now() - from).toBeLessThan(2000);
});

test("a WebSocket that takes nothing is closed, and memory stays within its queue", async () => {
  const server = await startServer({ args: ["--protocol-echo"] });
  const socket = await silent(
    server.port,
    "GET /engine.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
      "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
  );
  const before = residentKb(server.pid);
  const text = Buffer.concat([Buffer.from("4"), Buffer.alloc(60_000, "x")]);
  const frame = Buffer.concat([Buffer.from([0x81, 0xfe, text.length >> 8, text.length & 255, 0, 0, 0, 0]), text]);
  let broken = false;
  socket.on("close", () => {
    broken = true;
  });
  let most = 0;
  // It is paused: what is echoed fills the sockets, then the server's queue.
  for (let i = 0; i < 2000 && !broken; i++) {
    if (!socket.write(frame)) await Promise.race([once(socket, "drain"), once(socket, "close")]).catch(() => {});
    most = Math.max(most, residentKb(server.pid) - before);
  }
  expect(broken).toBe(true);
  await expect.poll(() => server.stderr).toContain("closed a slow consumer");
  if (!process.env.BELLWIRE_SANITIZED) expect(most).toBeLessThan(16_000);
  expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
});

// The official client with each choice of transports, unmodified, against the echo handlers.
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { io, type ManagerOptions, type Socket, type SocketOptions } from "socket.io-client";
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { binary, closeLater, type Server, secret, startServer } from "../lib/index.js";
import { sleep } from "./wire.js";

// Many heartbeats, and time to answer each even on a busy machine.
const args = ["--protocol-echo", "--ping-interval", "300ms", "--ping-timeout", "10s"];
let server: Server;
beforeAll(async () => {
  server = await startServer({ args, lifetime: "file" });
});

const sockets: Socket[] = [];
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.disconnect();
});

function open(namespace: string, options: Partial<ManagerOptions & SocketOptions> = {}): Socket {
  const socket = io(server.url + namespace, { forceNew: true, ...options });
  sockets.push(socket);
  return socket;
}

const heard = <T = unknown>(socket: Socket, event: string): Promise<T> =>
  new Promise((done) => socket.once(event, done));
const transportOf = (socket: Socket): string => socket.io.engine.transport.name;

describe.each([
  ["by default", {}, "websocket"],
  ["polling alone", { transports: ["polling"] }, "polling"],
  ["WebSocket alone", { transports: ["websocket"] }, "websocket"],
])("transports: %s", (_, options, transport) => {
  it("connects, and ends up on the right one", async () => {
    const socket = open("/", options);
    await heard(socket, "connect");
    if (transportOf(socket) !== transport) await new Promise((done) => socket.io.engine.once("upgrade", done));
    expect(transportOf(socket)).toBe(transport);
    expect(socket.id).toMatch(/^[\w-]{20}$/);
  });
  it("sends the auth payload", async () => {
    const socket = open("/custom", { ...options, auth: { token: "abc" } });
    expect(await heard(socket, "auth")).toEqual({ token: "abc" });
  });
  it("gets events back in order, across the upgrade", async () => {
    const socket = open("/", options);
    const got: number[] = [];
    socket.on("message-back", (n: number) => got.push(n));
    for (let n = 0; n < 200; n++) {
      socket.emit("message", n);
      if (n % 10 === 0) await sleep(3);
    }
    await expect.poll(() => got.length, { timeout: 10_000 }).toBe(200);
    expect(got).toEqual(Array.from({ length: 200 }, (_, n) => n));
  });
  it("gets acks, with text and binary arguments", async () => {
    const socket = open("/", options);
    expect(await socket.emitWithAck("message-with-ack", "é😀", { a: [1, null] })).toBe("é😀");
    const bytes = await socket.emitWithAck("message-with-ack", Buffer.from([1, 2, 3]));
    expect(Buffer.from(bytes)).toEqual(Buffer.from([1, 2, 3]));
  });
  it("runs two namespaces over one connection, and leaves one", async () => {
    const first = open("/", options);
    const second = first.io.socket("/custom", {});
    sockets.push(second.connect());
    await Promise.all([heard(first, "connect"), heard(second, "connect")]);
    first.disconnect();
    second.emit("message", "still here");
    expect(await heard(second, "message-back")).toBe("still here");
  });
  it("is told about unknown namespaces", async () => {
    const socket = open("/nowhere", options);
    expect((await heard<Error>(socket, "connect_error")).message).toBe("Invalid namespace");
  });
  it("stays connected over many heartbeats", async () => {
    const socket = open("/", options);
    await heard(socket, "connect");
    const id = socket.id;
    let pings = 0;
    socket.io.on("ping", () => pings++);
    await expect.poll(() => pings, { timeout: 10_000 }).toBeGreaterThanOrEqual(4);
    expect([socket.connected, socket.id]).toEqual([true, id]);
  });
  it("reconnects by itself when the connection is cut", async () => {
    const socket = open("/", { ...options, reconnectionDelay: 20 });
    await heard(socket, "connect");
    const id = socket.id;
    socket.io.engine.close();
    await heard(socket, "connect");
    expect(socket.id).not.toBe(id);
    expect(await socket.emitWithAck("message-with-ack", 1)).toBe(1);
  });
  it("carries a large message whole", async () => {
    const socket = open("/", options);
    const large = "x".repeat(900_000);
    expect(await socket.emitWithAck("message-with-ack", large)).toBe(large);
  });
});

it("another path serves as well, and the default one no more", async () => {
  const own = await startServer({ args: [...args, "--path", "/calls/wire/"] });
  const socket = io(own.url, { forceNew: true, path: "/calls/wire/" });
  sockets.push(socket);
  expect(await socket.emitWithAck("message-with-ack", "here")).toBe("here");
  expect((await fetch(`${own.url}/socket.io/?EIO=4&transport=polling`)).status).toBe(404);
});

it.each(["socket.io", "/x", "/", "//x/", "/api/x/", "/console/", "/../x/", "/a b/", `/${"x".repeat(64)}/`])(
  "%j is no path for it",
  async (path) => {
    const data = mkdtempSync(join(tmpdir(), "bellwire-"));
    closeLater(() => rmSync(data, { recursive: true }));
    const args = ["serve", "--listen", "127.0.0.1:0", "--turn-listen", "none", "--data", data, "--path", path];
    const ended = await promisify(execFile)(binary, args, { env: { ...process.env, BELLWIRE_SECRET: secret } }).then(
      () => ({ code: 0, stderr: "" }),
      (error: { code: number; stderr: string }) => error,
    );
    expect(ended).toMatchObject({ code: 2, stderr: expect.stringContaining("is not a path such as") });
  },
);

it("clients come back after a restart of the server", async () => {
  const own = await startServer({ args });
  const socket = io(own.url, { forceNew: true, reconnectionDelay: 50 });
  sockets.push(socket);
  await heard(socket, "connect");
  await own.restart();
  await heard(socket, "connect");
  expect(await socket.emitWithAck("message-with-ack", "back")).toBe("back");
});

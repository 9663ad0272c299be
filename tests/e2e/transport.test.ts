// The official client in Chromium with each choice of transports, unmodified, against the echo handlers, over http and https.
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Browser, Page } from "playwright-core";
import type { ManagerOptions, Socket } from "socket.io-client";
import { beforeAll, describe, expect, it, vi } from "vitest";
import { makeCertificate, type Server, startServer } from "../lib/index.js";
import { closeLater } from "../lib/lifetime.js";
import { launchChromium, makeNamespace, type Namespace, newPerson } from "./lib/index.js";

vi.setConfig({ testTimeout: 60_000 });

interface Window {
  io: (url: string, options: Partial<ManagerOptions>) => Socket;
  socket: Socket;
}

let namespace: Namespace;
let browser: Browser;
let web: string;

beforeAll(async () => {
  namespace = makeNamespace();
  browser = await launchChromium(namespace, { args: ["--ignore-certificate-errors"] });
  web = mkdtempSync(join(tmpdir(), "bellwire-transport-"));
  closeLater(async () => rmSync(web, { recursive: true, force: true }), "file");
  const client = dirname(createRequire(import.meta.url).resolve("socket.io-client/package.json"));
  copyFileSync(join(client, "dist/socket.io.min.js"), join(web, "client.js"));
  writeFileSync(join(web, "index.html"), "<!doctype html><title>transport</title><script src=client.js></script>");
});

/** Connects; answers with the transport it began on, and the one that it is on after the upgrade, if one is due. */
const connect = (page: Page, transports: string[]) =>
  page.evaluate(async (transports) => {
    const w = window as unknown as Window;
    w.socket = w.io("/", { transports, reconnectionDelay: 50, reconnectionDelayMax: 200 });
    const { socket } = w;
    await new Promise<void>((done) => socket.once("connect", () => done()));
    const first = socket.io.engine.transport.name;
    if (transports.length > 1 && first === "polling")
      await new Promise((done) => socket.io.engine.once("upgrade", done));
    return [first, socket.io.engine.transport.name];
  }, transports);

/** Events, text and binary, with acks; and one that nobody answers. */
const talk = (page: Page) =>
  page.evaluate(async () => {
    const { socket } = window as unknown as Window;
    const back: number[] = [];
    socket.on("message-back", (n: number) => back.push(n));
    for (let n = 0; n < 50; n++) socket.emit("message", n);
    const text = await socket.timeout(5000).emitWithAck("message-with-ack", "é😀");
    const bytes = await socket.timeout(5000).emitWithAck("message-with-ack", new Uint8Array([1, 2, 3]));
    const silence = await socket
      .timeout(300)
      .emitWithAck("nobody-answers")
      .catch((error: Error) => error.message);
    return { back, text, bytes: [...new Uint8Array(bytes)], silence };
  });

const again = (page: Page) =>
  page.evaluate(async () => {
    const { socket } = window as unknown as Window;
    const before = socket.id;
    if (socket.connected) await new Promise((done) => socket.once("disconnect", done));
    if (!socket.connected) await new Promise<void>((done) => socket.once("connect", () => done()));
    return { isNew: socket.id !== before, text: await socket.timeout(5000).emitWithAck("message-with-ack", "back") };
  });

describe.each(["http", "https"])("over %s", (scheme) => {
  it.each([
    ["polling alone", ["polling"], ["polling", "polling"]],
    ["WebSocket alone", ["websocket"], ["websocket", "websocket"]],
    ["with an upgrade", ["polling", "websocket"], ["polling", "websocket"]],
  ])("%s: connects, talks, and comes back after a restart", async (_, transports, expected) => {
    const tls = scheme === "https" ? makeCertificate([namespace.address]).args : [];
    const args = ["--protocol-echo", "--web", web, ...tls];
    const server: Server = await startServer({ wrapper: namespace.wrapper, listen: `${namespace.address}:8080`, args });
    const page = await (await newPerson(browser, { ignoreHTTPSErrors: true })).newPage();
    await page.goto(`${scheme}://${namespace.address}:8080/`);
    expect(await connect(page, transports)).toEqual(expected);
    const said = await talk(page);
    expect(said.back).toEqual(Array.from({ length: 50 }, (_, n) => n));
    expect([said.text, said.bytes]).toEqual(["é😀", [1, 2, 3]]);
    expect(said.silence).toBe("operation has timed out");
    const back = again(page);
    await server.restart();
    expect(await back).toEqual({ isNew: true, text: "back" });
  });
});

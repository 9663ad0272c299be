// protocol/README.md is enough: devices that know nothing of our SDK call each other, and the SDK.
import { fileURLToPath } from "node:url";
import type { Browser, Page } from "playwright-core";
import { beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import type { Client } from "../../packages/client/src/index.js";
import { type Server, startServer, token } from "../lib/index.js";
import { closeLater } from "../lib/lifetime.js";
import { Program } from "../lib/process.js";
import { launchChromium, makeNamespace, moreFrames, type Namespace, newPerson, untilMedia } from "./lib/index.js";
import { openSdk, setChannel } from "./lib/sdkPage.js";

vi.setConfig({ testTimeout: 90_000 });

interface Window {
  bellwire: Client;
}

let namespace: Namespace;
let browser: Browser;
let server: Server;
/** Of the SDK; the host's backend speaks through it too. */
let page: Page;

beforeAll(async () => {
  namespace = makeNamespace();
  // Cameras are for secure pages; an address that is no localhost has to be called one.
  const args = [`--unsafely-treat-insecure-origin-as-secure=http://${namespace.address}:8080`];
  browser = await launchChromium(namespace, { args });
});

beforeEach(async () => {
  // On the namespace's cable: libraries take no loopback addresses for candidates.
  server = await startServer({ wrapper: namespace.wrapper, listen: `${namespace.address}:8080` });
  const { origin } = new URL(server.url);
  page = await openSdk(await newPerson(browser, { smallVideo: true }), origin, "sdk");
  await setChannel(page, "general", ["sdk", "alice", "bob"]);
});

type Library = "wrtc" | "werift" | "data";

async function start(library: Library, user: string, callee?: string): Promise<Program> {
  const script = fileURLToPath(new URL("lib/plainPeer.mjs", import.meta.url));
  const own = [process.execPath, script, library, server.url, token({ user, name: user }), ...(callee ? [callee] : [])];
  const [command, ...words] = namespace.wrapper;
  const program = new Program(command, [...words, ...own]);
  closeLater(async () => void (await program.stop()));
  await told(program, /^online$/m);
  return program;
}

const told = (program: Program, line: RegExp) => program.until(() => line.exec(program.stdout), String(line), 30_000);

/** So much sound and so many pictures (or their packets) have arrived. */
function media(program: Program, least: number): Promise<unknown> {
  const enough = () =>
    [...program.stdout.matchAll(/^media audio (\d+) video (\d+)$/gm)].find(
      ([, audio, video]) => Number(audio) >= least && Number(video) >= least,
    );
  return program.until(enough, `${least} of sound and picture`, 40_000);
}

describe("two devices without the SDK", () => {
  it("exchange sound and pictures, with @roamhq/wrtc at both ends", async () => {
    const bob = await start("wrtc", "bob");
    const alice = await start("wrtc", "alice", "bob");
    await told(bob, /^ringing$/m);
    for (const program of [alice, bob]) await told(program, /^connected$/m);
    for (const program of [alice, bob]) await media(program, 20);
    alice.write("\n");
    for (const program of [alice, bob]) await told(program, /^ended hangup$/m);
  });

  it("exchange sound and pictures, with werift at one end", async () => {
    const bob = await start("werift", "bob");
    const alice = await start("wrtc", "alice", "bob");
    for (const program of [alice, bob]) await told(program, /^connected$/m);
    for (const program of [alice, bob]) await media(program, 20);
    bob.write("\n");
    for (const program of [alice, bob]) await told(program, /^ended hangup$/m);
  });

  it("exchange data alone", async () => {
    const bob = await start("data", "bob");
    const alice = await start("data", "alice", "bob");
    for (const program of [alice, bob]) await told(program, /^message hello from /m);
  });
});

describe("a device without the SDK, and the SDK in Chromium", () => {
  const active = () =>
    page.waitForFunction(() => (window as never as Window).bellwire.getSnapshot().current?.state === "active");

  it.each(["wrtc", "werift"] as const)("are called by the SDK, with %s", async (library) => {
    const bob = await start(library, "bob");
    await page.evaluate(async () => {
      await (window as never as Window).bellwire.call({ channelId: "general", to: "bob" });
    });
    await active();
    await media(bob, 20);
    await untilMedia(page, (state) => state.framesDecoded >= 10 && state.audioPackets > 10, 30_000);
    await moreFrames(page);
    bob.write("\n");
    await page.waitForFunction(
      () => (window as never as Window).bellwire.getSnapshot().current?.endReason === "hangup",
    );
  });

  it.each(["wrtc", "werift"] as const)("call the SDK, with %s", async (library) => {
    await page.evaluate(() => (window as never as Window).bellwire.on("incoming", (call) => void call.accept()));
    const alice = await start(library, "alice", "sdk");
    await active();
    await media(alice, 20);
    await untilMedia(page, (state) => state.framesDecoded >= 10 && state.audioPackets > 10, 30_000);
    await page.evaluate(async () => {
      const { bellwire } = window as never as Window;
      await bellwire.getCall(bellwire.getSnapshot().current?.id ?? "")?.hangUp();
    });
    await told(alice, /^ended hangup$/m);
    expect(alice.stderr).toBe("");
  });
});

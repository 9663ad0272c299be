// Calls that heal: addresses that change, cables that are pulled, machines that sleep, a server that dies.
import type { Browser, Page } from "playwright-core";
import { beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import type { Client } from "../../packages/client/src/index.js";
import { type Server, startServer } from "../lib/index.js";
import { launchChromium, makeHome, makeInternet, mediaState, type Nat, newPerson, note } from "./lib/index.js";
import { ip } from "./lib/namespace.js";
import { longestGap, nextFrames, talk, told, untilTold } from "./lib/sdkCall.js";
import { openSdk, setChannel } from "./lib/sdkPage.js";

vi.setConfig({ testTimeout: 180_000, hookTimeout: 90_000 });

interface Window {
  bellwire: Client;
  bellwireTest: { peers: RTCPeerConnection[] };
}

let internet: ReturnType<typeof makeInternet>;
let nats: [Nat, Nat];
let browsers: [Browser, Browser];
let server: Server;
let pages: [Page, Page];
let calls = 0;

beforeAll(async () => {
  internet = makeInternet();
  nats = [makeHome(internet, 1), makeHome(internet, 2)];
  // Chromium takes an address that is no localhost for insecure unless it is told otherwise.
  const args = [`--unsafely-treat-insecure-origin-as-secure=${origin}`];
  browsers = [await launchChromium(nats[0].home, { args }), await launchChromium(nats[1].home, { args })];
});

beforeEach(() => {
  for (const nat of nats) nat.set({ symmetric: false, allowed: "all" });
});

const origin = "http://20.77.0.1:8080";

/** Alice and bob, each at home, with pictures from both sides. */
async function call({ args = [] as string[], relayOnly = false } = {}): Promise<void> {
  server = await startServer({
    wrapper: internet.wrapper,
    listen: "20.77.0.1:8080",
    args: ["--turn-listen", "20.77.0.1:3478", ...args],
  });
  const names: [string, string] = [`alice${++calls}`, `bob${calls}`];
  const open = async (browser: Browser, user: string) =>
    openSdk(await newPerson(browser, { relayOnly, smallVideo: true }), server.url, user);
  pages = [await open(browsers[0], names[0]), await open(browsers[1], names[1])];
  await setChannel(pages[0], "general", names);
  await talk(pages, names[1]);
}

const state = (page: Page) => page.evaluate(() => (window as never as Window).bellwire.getSnapshot().current?.state);

/** Both see each other, in the same call, with one connection. */
async function isWell(): Promise<void> {
  for (const page of pages) {
    await nextFrames(page);
    await page.waitForFunction(
      () => {
        const { connection, current } = (window as never as Window).bellwire.getSnapshot();
        return connection === "connected" && current?.state === "active";
      },
      undefined,
      { timeout: 30_000 },
    );
    expect((await mediaState(page)).open).toBe(1);
    expect(await told(page)).not.toContain("ended");
  }
}

const round = (ms: number[]) => ms.map((one) => `${Math.round(one)} ms`).join(" and ");

describe("a call", () => {
  it("finds a new way within five seconds when an address has changed", async () => {
    await call();
    const all: number[] = [];
    for (const host of [3, 4, 5]) {
      nats[0].move(host);
      // What still travelled is seen first; then nothing comes until the new way is found.
      await new Promise((done) => setTimeout(done, 300));
      const ms = (await Promise.all(pages.map((page) => nextFrames(page)))).map((one) => one + 300);
      note(`address changed, until frames again: ${round(ms)}`);
      all.push(...ms);
      await isWell();
    }
    // A decoder that missed much may wait for a whole picture of its own accord, so not each single one counts.
    expect(all.sort((a, b) => a - b)[all.length / 2]).toBeLessThan(5000);
    expect(all.at(-1)).toBeLessThan(10_000);
    expect((await Promise.all(pages.map(told))).flat()).toEqual(
      expect.arrayContaining(["reconnecting", "reconnected"]),
    );
  });

  it("survives thirty seconds without a network", async () => {
    await call();
    nats[0].unplug();
    for (const page of pages) await untilTold(page, "reconnecting", 10_000);
    await new Promise((done) => setTimeout(done, 30_000));
    for (const page of pages) expect(await state(page)).toBe("reconnecting");
    nats[0].plug();
    const ms = await Promise.all(pages.map((page) => nextFrames(page)));
    note(`thirty seconds without a network, from its return until frames again: ${round(ms)}`);
    for (const page of pages) await untilTold(page, "reconnected");
    await isWell();
  });

  it("goes on after one machine has slept", async () => {
    await call();
    const pids = ip("netns", "pids", nats[0].home.name).split("\n").filter(Boolean).map(Number);
    for (const pid of pids) process.kill(pid, "SIGSTOP");
    await untilTold(pages[1], "reconnecting", 15_000);
    await new Promise((done) => setTimeout(done, 20_000));
    for (const pid of pids) process.kill(pid, "SIGCONT");
    const ms = await Promise.all(pages.map((page) => nextFrames(page)));
    note(`slept for twenty seconds, from waking until frames again: ${round(ms)}`);
    await untilTold(pages[1], "reconnected");
    await isWell();
  });

  /** How much longer the longest time without a frame is while the server dies than while nothing happens. */
  async function gapBeyondNormal(): Promise<number> {
    await Promise.all(pages.map(longestGap));
    await new Promise((done) => setTimeout(done, 6000));
    const normal = await Promise.all(pages.map(longestGap));
    await server.kill();
    await new Promise((done) => setTimeout(done, 2000));
    await server.restart();
    for (const page of pages)
      await page.waitForFunction(() => (window as never as Window).bellwire.getSnapshot().connection === "connected");
    await new Promise((done) => setTimeout(done, 2000));
    const gaps = await Promise.all(pages.map(longestGap));
    note(`server killed and started again: longest gap between frames ${round(gaps)}, without that ${round(normal)}`);
    return Math.max(...gaps.map((gap, i) => gap - (normal[i] ?? 0)));
  }

  it("shows no gap when the server is killed and started again", async () => {
    await call();
    // A machine that is busy with other things makes gaps of its own; one that the server makes would be there each time.
    let beyond = Number.POSITIVE_INFINITY;
    for (let tries = 0; tries < 3 && beyond >= 100; tries++) beyond = Math.min(beyond, await gapBeyondNormal());
    expect(beyond).toBeLessThan(100);
    await isWell();
    for (const page of pages) expect(await told(page)).toEqual([]);
  });

  it("renews its credentials while pictures go on over the relay", async () => {
    await call({ args: ["--turn-ttl", "60s"], relayOnly: true });
    const usernames = (page: Page) =>
      page.evaluate(() => {
        const [peer] = (window as never as Window).bellwireTest.peers;
        return peer?.getConfiguration().iceServers?.flatMap(({ username }) => username ?? []);
      });
    const before = await Promise.all(pages.map(usernames));
    for (const page of pages) expect((await mediaState(page)).localTypes).toEqual(["relay"]);
    await Promise.all(pages.map(longestGap));
    await new Promise((done) => setTimeout(done, 50_000));
    const after = await Promise.all(pages.map(usernames));
    after.forEach((names, i) => {
      expect(names).not.toEqual(before[i]);
    });
    note(`credentials renewed over the relay: longest gap ${round(await Promise.all(pages.map(longestGap)))}`);
    for (const page of pages) expect((await mediaState(page)).localTypes).toEqual(["relay"]);
    await isWell();
    for (const page of pages) expect(await told(page)).toEqual([]);
  });

  it("goes over the relay by TCP when the direct way is closed in mid-call", async () => {
    await call();
    for (const page of pages) expect((await mediaState(page)).localTypes).not.toContain("relay");
    nats[0].set({ symmetric: true, allowed: "tcp" });
    await new Promise((done) => setTimeout(done, 300));
    const ms = await Promise.all(pages.map((page) => nextFrames(page)));
    note(`UDP closed in mid-call, until frames again: ${round(ms)}`);
    expect((await mediaState(pages[0])).localTypes).toEqual(["relay"]);
    await isWell();
  });
});

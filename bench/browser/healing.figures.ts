// How long pictures are away when an address changes, and when the server dies.

import type { Page } from "playwright-core";
import { beforeAll, it } from "vitest";
import type { Client } from "../../packages/client/src/index.js";
import { launchChromium, makeHome, makeInternet, type Nat, newPerson } from "../../tests/e2e/lib/index.js";
import { longestGap, nextFrames, talk } from "../../tests/e2e/lib/sdkCall.js";
import { openSdk, setChannel } from "../../tests/e2e/lib/sdkPage.js";
import { type Server, startServer } from "../../tests/lib/index.js";
import { figure, spread } from "./figure.js";

const ORIGIN = "20.77.0.1:8080";
const MOVES = 6;
const KILLS = 4;
const SECOND = 1000;

let server: Server;
let nats: [Nat, Nat];
let pages: [Page, Page];

const sleep = (ms: number) => new Promise((done) => setTimeout(done, ms));

beforeAll(async () => {
  const internet = makeInternet();
  nats = [makeHome(internet, 1), makeHome(internet, 2)];
  for (const nat of nats) nat.set({ symmetric: false, allowed: "all" });
  const args = ["--turn-listen", "20.77.0.1:3478"];
  server = await startServer({ wrapper: internet.wrapper, listen: ORIGIN, args, lifetime: "file" });
  const flags = [`--unsafely-treat-insecure-origin-as-secure=http://${ORIGIN}`];
  const browsers = [
    await launchChromium(nats[0].home, { args: flags }),
    await launchChromium(nats[1].home, { args: flags }),
  ] as const;
  const open = async (which: 0 | 1, user: string) =>
    openSdk(await newPerson(browsers[which], { smallVideo: true }, "file"), server.url, user);
  pages = [await open(0, "alice"), await open(1, "bob")];
  await setChannel(pages[0], "general", ["alice", "bob"]);
  await talk(pages, "bob");
});

const isConnected = (page: Page) =>
  page.waitForFunction(() => {
    const { bellwire } = window as never as { bellwire: Client };
    const { connection, current } = bellwire.getSnapshot();
    return connection === "connected" && current?.state === "active";
  });

it("an address that changes", async () => {
  const all: number[] = [];
  for (let move = 0; move < MOVES; move++) {
    nats[0].move(3 + move);
    await sleep(300);
    const ms = await Promise.all(pages.map((page) => nextFrames(page)));
    all.push(Math.max(...ms) + 300);
    await Promise.all(pages.map(isConnected));
    await sleep(3 * SECOND);
  }
  figure("address changed to frames again, the slower side", spread(all), "< 5 s");
});

it("a server that is killed", async () => {
  const [normal, killed]: [number[], number[]] = [[], []];
  for (let kill = 0; kill < KILLS; kill++) {
    await Promise.all(pages.map(longestGap));
    await sleep(6 * SECOND);
    normal.push(Math.max(...(await Promise.all(pages.map(longestGap)))));
    await server.kill();
    await sleep(2 * SECOND);
    await server.restart();
    await Promise.all(pages.map(isConnected));
    await sleep(2 * SECOND);
    killed.push(Math.max(...(await Promise.all(pages.map(longestGap)))));
  }
  const beyond = killed.map((gap, i) => Math.round(gap - (normal[i] ?? 0)));
  figure("longest gap between decoded frames, nothing happens", spread(normal));
  figure("the same while the server is killed and started again", spread(killed));
  figure("beyond normal, each time", beyond.map((ms) => `${ms} ms`).join(", "), "< 100 ms");
});

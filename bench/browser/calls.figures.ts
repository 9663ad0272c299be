// How soon two pages in Chromium see each other, over bellwire and over npm's socket.io, directly and over the relay.
import { fileURLToPath } from "node:url";
import type { Browser, Page } from "playwright-core";
import { beforeAll, it } from "vitest";
import type { Client } from "../../packages/client/src/index.js";
import { launchChromium, makeNamespace, type Namespace, newPerson } from "../../tests/e2e/lib/index.js";
import { openSdk, setChannel } from "../../tests/e2e/lib/sdkPage.js";
import { type Server, startServer } from "../../tests/lib/index.js";
import { closeLater } from "../../tests/lib/lifetime.js";
import { Program } from "../../tests/lib/process.js";
import { figure, median, spread } from "./figure.js";

interface Window {
  bellwire: Client;
  bellwireTest: { peers: RTCPeerConnection[] };
}

const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 15);

let namespace: Namespace;
let browser: Browser;
let server: Server;

beforeAll(async () => {
  namespace = makeNamespace();
  server = await startServer({ wrapper: namespace.wrapper, listen: "127.0.0.1:0", lifetime: "file" });
  browser = await launchChromium(namespace);
});

type Pair = [Page, Page];

async function open(origin: string, relayOnly: boolean): Promise<Pair> {
  const page = async (user: string) => openSdk(await newPerson(browser, { relayOnly, smallVideo: true }), origin, user);
  const pair: Pair = [await page("alice"), await page("bob")];
  await setChannel(pair[0], "general", ["alice", "bob"]);
  return pair;
}

/** One call; from bob's click to the first frame of alice that he decoded. */
async function once([alice, bob]: Pair): Promise<number> {
  await alice.evaluate(async () => {
    await (window as never as Window).bellwire.call({ channelId: "general", to: "bob" });
  });
  await bob.waitForFunction(() => (window as never as Window).bellwire.getSnapshot().incoming[0]);
  await alice.waitForFunction(() => (window as never as Window).bellwire.getSnapshot().current?.local.stream);
  const ms = await bob.evaluate(async () => {
    const { bellwire, bellwireTest } = window as never as Window;
    bellwireTest.peers.length = 0;
    const call = bellwire.getCall(bellwire.getSnapshot().incoming[0]?.id ?? "");
    const from = performance.now();
    void call?.accept();
    while (performance.now() - from < 20_000) {
      const [peer] = bellwireTest.peers;
      for (const entry of (await peer?.getStats())?.values() ?? [])
        if (entry.type === "inbound-rtp" && entry.kind === "video" && entry.framesDecoded > 0)
          return performance.now() - from;
      await new Promise((done) => setTimeout(done, 5));
    }
    throw new Error("no frame within 20 s");
  });
  await bob.evaluate(async () => {
    const { bellwire } = window as never as Window;
    await bellwire.getCall(bellwire.getSnapshot().current?.id ?? "")?.hangUp();
  });
  for (const page of [alice, bob])
    await page.waitForFunction(() => (window as never as Window).bellwire.getSnapshot().current?.state === "ended");
  return ms;
}

async function startPeer(): Promise<string> {
  const script = fileURLToPath(new URL("peer.mjs", import.meta.url));
  const [command, ...words] = namespace.wrapper;
  const peer = new Program(command, [...words, process.execPath, script, server.url, "127.0.0.1"]);
  closeLater(async () => void (await peer.stop()));
  return peer.until(() => /^ready http=(\S+)/m.exec(peer.stdout)?.[1], "ready line");
}

it("direct, beside npm's socket.io", async () => {
  const own = await open(server.url, false);
  const other = await open(await startPeer(), false);
  const [ours, theirs]: [number[], number[]] = [[], []];
  for (const pair of [own, other]) await once(pair); // what is loaded once
  for (let round = 0; round < ROUNDS; round++) {
    ours.push(await once(own));
    theirs.push(await once(other));
  }
  figure("accept clicked to first remote frame, direct", `${spread(ours)}`, "median < 500 ms");
  figure("the same page signalling through npm's socket.io", `${spread(theirs)}`);
  figure("ratio of the medians", (median(ours) / median(theirs)).toFixed(2), "≤ 1.15");
});

it("relay only", async () => {
  const pair = await open(server.url, true);
  await once(pair);
  const ours: number[] = [];
  for (let round = 0; round < ROUNDS; round++) ours.push(await once(pair));
  figure("accept clicked to first remote frame, relay only", `${spread(ours)}`, "median < 800 ms");
});

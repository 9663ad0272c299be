// A hundred calls in one page leave nothing behind: no connection, no track, no socket, no memory.

import type { CDPSession, Page } from "playwright-core";
import { expect, it } from "vitest";
import type { Client } from "../../packages/client/src/index.js";
import { startServer } from "../lib/index.js";
import { launchChromium, makeNamespace, newPerson, note } from "./lib/index.js";
import { openSdk, setChannel } from "./lib/sdkPage.js";

interface Window {
  bellwire: Client;
  bellwireTest: { peers: unknown[]; tracks: unknown[] };
}

const CALLS = 100;
/** What a call may leave in the heap; a connection that stays is many times as much. */
const BYTES_PER_CALL = 5000;
/** The browser ends a closed connection's last tasks in its own time, and collects it after them. */
const SETTLE_MS = 30_000;

/** Objects of a kind that are still reachable. */
async function alive(cdp: CDPSession, kind: string): Promise<number> {
  const prototype = await cdp.send("Runtime.evaluate", { expression: `${kind}.prototype`, objectGroup: "leak" });
  const { objects } = await cdp.send("Runtime.queryObjects", {
    prototypeObjectId: prototype.result.objectId ?? "",
    objectGroup: "leak",
  });
  const length = await cdp.send("Runtime.callFunctionOn", {
    objectId: objects.objectId ?? "",
    functionDeclaration: "function() { return this.length; }",
    returnByValue: true,
  });
  await cdp.send("Runtime.releaseObjectGroup", { objectGroup: "leak" });
  return length.result.value as number;
}

const KINDS = ["RTCPeerConnection", "MediaStreamTrack", "MediaStream", "WebSocket", "AbortController"] as const;

interface Held {
  counts: Record<string, number>;
  heap: number;
}

async function held(page: Page, cdp: CDPSession): Promise<Held> {
  // The tests' own list of what was made must not hold it.
  await page.evaluate(() => {
    const { peers, tracks } = (window as never as Window).bellwireTest;
    peers.length = 0;
    tracks.length = 0;
    const { bellwire } = window as never as Window;
    const last = bellwire.getCall(bellwire.getSnapshot().current?.id ?? "");
    if (last) bellwire.dismiss(last);
  });
  await new Promise((done) => setTimeout(done, 1000));
  for (let i = 0; i < 3; i++) await cdp.send("HeapProfiler.collectGarbage");
  const counts: Record<string, number> = {};
  for (const kind of KINDS) counts[kind] = await alive(cdp, kind);
  return { counts, heap: (await cdp.send("Runtime.getHeapUsage")).usedSize };
}

/** Calls, waits until sound or pictures flow, and hangs up, so many times. */
function call(page: Page, count: number): Promise<void> {
  return page.evaluate(async (count) => {
    const { bellwire } = window as never as Window;
    for (let i = 0; i < count; i++) {
      const call = await bellwire.call({ channelId: "general", to: "bob", type: i % 10 ? "audio" : "video" });
      const until = async (state: string) => {
        for (let waited = 0; call.state !== state; waited += 10) {
          if (waited > 20_000) throw new Error(`call ${i} is ${call.state}, not ${state}`);
          await new Promise((done) => setTimeout(done, 10));
        }
      };
      await until("active");
      await call.hangUp();
      await until("ended");
    }
  }, count);
}

it(`leaves nothing behind after ${CALLS} calls`, { timeout: 180_000 }, async () => {
  const namespace = makeNamespace("test");
  const server = await startServer({ wrapper: namespace.wrapper, args: ["--rings-per-minute", "0"] });
  const browser = await launchChromium(namespace, { lifetime: "test" });
  const open = async (user: string) =>
    openSdk(await newPerson(browser, { smallVideo: true }), `http://localhost:${server.port}`, user);
  const [alice, bob] = [await open("alice"), await open("bob")];
  await setChannel(alice, "general", ["alice", "bob"]);
  await bob.evaluate(() => (window as never as Window).bellwire.on("incoming", (call) => void call.accept()));
  const sessions = await Promise.all([alice, bob].map((page) => page.context().newCDPSession(page)));
  const look = () => Promise.all([alice, bob].map((page, i) => held(page, sessions[i] as CDPSession)));
  /** What is left when no more goes: no connection, and of the rest no more than there was before. */
  const settled = async (before: Held[] = []) => {
    const until = performance.now() + SETTLE_MS;
    const isLeft = ({ counts }: Held, i: number) =>
      counts.RTCPeerConnection !== 0 ||
      KINDS.some((kind) => (counts[kind] ?? 0) > (before[i]?.counts[kind] ?? Number.POSITIVE_INFINITY));
    let found = await look();
    while (found.some(isLeft) && performance.now() < until) found = await look();
    return found;
  };

  await call(alice, 10); // what is made once and kept
  const before = await settled();
  const from = performance.now();
  await call(alice, CALLS);
  const perCall = (performance.now() - from) / CALLS;
  const after = await settled(before);
  const grown = after.map(({ heap }, i) => Math.round((heap - (before[i]?.heap ?? 0)) / CALLS));
  note(`${CALLS} calls in one page, ${Math.round(perCall)} ms each: heap grew by ${grown.join(" and ")} bytes a call`);
  after.forEach(({ counts }, i) => {
    expect(counts).toMatchObject({ RTCPeerConnection: 0, WebSocket: 1 });
    // Fewer is fine: the browser's own garbage of the first ones may have taken until now.
    for (const kind of KINDS) expect(counts[kind], kind).toBeLessThanOrEqual(before[i]?.counts[kind] ?? 0);
  });
  for (const bytes of grown) expect(bytes).toBeLessThan(BYTES_PER_CALL);
});

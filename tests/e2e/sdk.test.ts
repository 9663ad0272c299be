// The SDK alone, in a real browser and against the real server: what a call lives through.

import type { Browser, Page } from "playwright-core";
import { beforeAll, describe, expect, it } from "vitest";
import type { CallSnapshot, Client, ClientSnapshot } from "../../packages/client/src/index.js";
import { type Server, startServer } from "../lib/index.js";
import {
  launchChromium,
  makeNamespace,
  mediaState,
  moreFrames,
  type Namespace,
  newPerson,
  note,
  untilMedia,
} from "./lib/index.js";
import { openSdk, setChannel } from "./lib/sdkPage.js";

let namespace: Namespace;
let browser: Browser;
let server: Server;

beforeAll(async () => {
  namespace = makeNamespace();
  browser = await launchChromium(namespace);
});

async function open(...users: string[]): Promise<Page[]> {
  server = await startServer({ wrapper: namespace.wrapper });
  const pages: Page[] = [];
  for (const user of users) pages.push(await openSdk(await newPerson(browser), origin(), user));
  await setChannel(pages[0] as Page, "general", [...new Set(users)]);
  return pages;
}

const origin = () => `http://localhost:${server.port}`;

/** The client's snapshot without what cannot travel; streams become the kinds of their tracks. */
function snapshot(page: Page): Promise<ClientSnapshot> {
  return page.evaluate(() => {
    const { bellwire } = window as never as { bellwire: Client };
    const plain = (_: string, value: unknown) => {
      if (value instanceof MediaStream) return value.getTracks().map((track) => track.kind);
      return value instanceof Error ? { code: (value as never as { code: string }).code } : value;
    };
    return JSON.parse(JSON.stringify(bellwire.getSnapshot(), plain));
  });
}

async function until<T>(
  page: Page,
  what: string,
  pick: (s: ClientSnapshot) => T | undefined | null | false,
): Promise<T> {
  const end = Date.now() + 15_000;
  for (;;) {
    const now = await snapshot(page);
    const found = pick(now);
    if (found) return found;
    if (Date.now() > end) throw new Error(`${what}: not within 15 s; at the end: ${JSON.stringify(now, null, 1)}`);
    await new Promise((done) => setTimeout(done, 30));
  }
}

const inState = (page: Page, state: string): Promise<CallSnapshot> =>
  until(page, state, (s) => s.current?.state === state && s.current);

function call(page: Page, options: Parameters<Client["call"]>[0]): Promise<void> {
  return page.evaluate(
    async (options) => void (await (window as never as { bellwire: Client }).bellwire.call(options)),
    options,
  );
}

async function accept(page: Page): Promise<void> {
  await until(page, "ringing", (s) => s.incoming[0]);
  await page.evaluate(async () => {
    const { bellwire } = window as never as { bellwire: Client };
    await bellwire.getCall(bellwire.getSnapshot().incoming[0]?.id ?? "")?.accept();
  });
}

type Verb = "hangUp" | "setMicrophoneEnabled" | "setCameraEnabled" | "setScreenShareEnabled";

function act(page: Page, verb: Verb, on = true): Promise<void> {
  return page.evaluate(
    async ({ verb, on }) => {
      const { bellwire } = window as never as { bellwire: Client };
      await bellwire.getCall(bellwire.getSnapshot().current?.id ?? "")?.[verb](on);
    },
    { verb, on },
  );
}

async function videoCall(): Promise<[Page, Page]> {
  const [alice, bob] = (await open("alice", "bob")) as [Page, Page];
  await call(alice, { channelId: "general", to: "bob" });
  await accept(bob);
  for (const page of [alice, bob]) await inState(page, "active");
  for (const page of [alice, bob]) await moreFrames(page);
  return [alice, bob];
}

interface Watched {
  bellwireTest: { peers: RTCPeerConnection[] };
}

/** As the SDK does when the way through the network is lost. */
function restart(page: Page): Promise<void> {
  return page.evaluate(() => (window as never as Watched).bellwireTest.peers[0]?.restartIce());
}

/** The name of the present ICE generation. */
function fragmentOf(page: Page): Promise<string | undefined> {
  return page.evaluate(() => {
    const [peer] = (window as never as Watched).bellwireTest.peers;
    return /a=ice-ufrag:(\S+)/.exec(peer?.currentLocalDescription?.sdp ?? "")?.[1];
  });
}

const other = (s: ClientSnapshot) => s.current?.participants.find((p) => p.socketId);

describe("the SDK", () => {
  it("begins with sound, adds a picture and a screen, and takes them away", async () => {
    const [alice, bob] = (await open("alice", "bob")) as [Page, Page];
    await call(alice, { channelId: "general", to: "bob", type: "audio" });
    await accept(bob);
    await inState(bob, "active");
    await untilMedia(bob, (state) => state.audioPackets > 10);
    expect((await mediaState(alice)).liveTracks).toBe(1);
    await act(alice, "setCameraEnabled");
    await until(
      bob,
      "picture",
      (s) => other(s)?.isVideoEnabled && (other(s)?.stream as unknown as string[] | null | undefined)?.length === 2,
    );
    await moreFrames(bob);
    await act(alice, "setScreenShareEnabled");
    await until(bob, "screen", (s) => other(s)?.screenStream);
    await moreFrames(bob);
    await act(alice, "setScreenShareEnabled", false);
    await act(alice, "setCameraEnabled", false);
    await until(bob, "no picture", (s) => other(s)?.isVideoEnabled === false && other(s)?.screenStream === null);
    await act(alice, "setMicrophoneEnabled", false);
    await until(bob, "muted", (s) => other(s)?.isMuted);
    expect((await mediaState(alice)).liveTracks).toBe(1);
    await act(bob, "hangUp");
    expect((await inState(alice, "ended")).endReason).toBe("hangup");
    for (const page of [alice, bob]) expect(await mediaState(page)).toMatchObject({ open: 0, liveTracks: 0 });
  });

  it("goes on through a kill of the server, and resumes", async () => {
    const [alice, bob] = await videoCall();
    await server.kill();
    await until(bob, "lost", (s) => s.connection === "reconnecting");
    await moreFrames(bob, 20);
    expect((await snapshot(bob)).current?.state).toBe("active");
    await server.restart();
    for (const page of [alice, bob]) await until(page, "resumed", (s) => s.connection === "connected");
    await act(alice, "setMicrophoneEnabled", false);
    await until(bob, "muted", (s) => other(s)?.isMuted);
    await moreFrames(alice);
    expect((await mediaState(bob)).open).toBe(1);
    await act(alice, "hangUp");
    expect((await inState(bob, "ended")).endReason).toBe("hangup");
  }, 60_000);

  it("enters a call again after a reload", async () => {
    const [alice, bob] = await videoCall();
    await openSdk(bob, origin(), "bob");
    const { id } = await until(bob, "joinable", (s) => s.joinable[0]);
    await bob.evaluate(async (id) => void (await (window as never as { bellwire: Client }).bellwire.join(id)), id);
    for (const page of [alice, bob]) await inState(page, "active");
    for (const page of [alice, bob]) await moreFrames(page);
    expect((await snapshot(alice)).current?.participants).toHaveLength(1);
  }, 60_000);

  it("negotiates from both sides at once, and finds new ways meanwhile", async () => {
    const [alice, bob] = await videoCall();
    const fragments = () => Promise.all([alice, bob].map(fragmentOf));
    const before = await fragments();
    for (let round = 0; round < 3; round++) {
      await Promise.all([
        restart(alice),
        restart(bob),
        act(alice, "setScreenShareEnabled", round % 2 === 0),
        act(bob, "setScreenShareEnabled", round % 2 === 0),
      ]);
    }
    for (const page of [alice, bob]) {
      await until(page, "screen", (s) => other(s)?.screenStream && s.current?.local.isScreenSharing);
      await moreFrames(page, 20);
      expect((await mediaState(page)).open).toBe(1);
    }
    const after = await fragments();
    expect(after.some((fragment) => before.includes(fragment))).toBe(false);
  }, 60_000);

  it("leaves nothing behind after ten calls", async () => {
    const [alice, bob] = (await open("alice", "bob")) as [Page, Page];
    for (let i = 0; i < 10; i++) {
      await call(alice, { channelId: "general", to: "bob", type: "audio" });
      await accept(bob);
      await inState(alice, "active");
      await act(i % 2 ? alice : bob, "hangUp");
      for (const page of [alice, bob]) await inState(page, "ended");
    }
    for (const page of [alice, bob]) expect(await mediaState(page)).toMatchObject({ open: 0, liveTracks: 0 });
  }, 60_000);

  it("rings on two devices until one answers", async () => {
    const [alice, phone, desk] = (await open("alice", "bob", "bob")) as [Page, Page, Page];
    await call(alice, { channelId: "general", to: "bob", type: "audio" });
    await until(desk, "ringing", (s) => s.incoming[0]);
    await accept(phone);
    await until(desk, "quiet", (s) => s.incoming.length === 0);
    await inState(alice, "active");
    expect((await snapshot(desk)).current).toBeNull();
    await act(alice, "hangUp");
    await inState(phone, "ended");
  });

  it("connects three people in a group", async () => {
    const pages = await open("alice", "bob", "carol");
    const [alice, ...others] = pages as [Page, ...Page[]];
    await call(alice, { channelId: "general", participants: ["bob", "carol"], type: "audio" });
    for (const page of others) await accept(page);
    for (const page of pages)
      await until(page, "all", (s) => s.current?.participants.filter((p) => p.media === "connected").length === 2);
    await act(alice, "hangUp");
    expect((await snapshot(alice)).current?.endReason).toBe("left");
    await until(others[0] as Page, "two", (s) => s.current?.participants.filter((p) => p.socketId).length === 1);
  }, 60_000);

  it("tells how long the first picture took", async () => {
    const [, bob] = await videoCall();
    const { timings } = await until(bob, "first frame", (s) => (s.current?.timings.firstFrame ? s.current : null));
    note(`SDK, accept to first decoded frame: ${Math.round((timings.firstFrame ?? 0) - (timings.accepted ?? 0))} ms`);
  });
});

// The /compat entry points in real browsers: code that was written for the old names holds a call.

import type { Browser, Page } from "playwright-core";
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type Server, startServer, token } from "../lib/index.js";
import { launchChromium, makeNamespace, moreFrames, type Namespace, newPerson, untilMedia } from "./lib/index.js";
import { bundle, setChannel } from "./lib/sdkPage.js";

type Compat = typeof import("./lib/compatPage.js");

interface Window {
  Compat: Compat;
  client: InstanceType<Compat["WebRTCClient"]>;
  recorder: InstanceType<Compat["CallRecordingService"]>;
  /** The events that were heard, oldest first. */
  heard: [string, unknown][];
  mounted: ReturnType<Compat["mount"]>;
}

let namespace: Namespace;
let browser: Browser;
let server: Server;
let pages: [Page, Page];

beforeAll(async () => {
  namespace = makeNamespace();
  browser = await launchChromium(namespace);
});

beforeEach(async () => {
  server = await startServer({ wrapper: namespace.wrapper });
  pages = [await open(), await open()];
  await setChannel(pages[0], "general", ["alice", "bob"]);
});

const origin = () => `http://localhost:${server.port}`;

async function open(): Promise<Page> {
  const page = await (await newPerson(browser)).newPage();
  await page.goto(`${origin()}/healthz`);
  await page.addScriptTag({ content: await bundle("tests/e2e/lib/compatPage.tsx", "Compat") });
  return page;
}

/** As the old application did: the call is made over REST, and its id given to both. */
function createCall(page: Page): Promise<string> {
  return page.evaluate(
    async (jwt) => {
      const headers = { authorization: `Bearer ${jwt}`, "content-type": "application/json" };
      const body = JSON.stringify({ channelId: "general", callType: "video", participants: ["bob"] });
      return (await (await fetch("/api/calls", { method: "POST", headers, body })).json()).call.id;
    },
    token({ user: "alice", name: "alice" }),
  );
}

/** A WebRTCClient in the page, with all its events written down, in the call. */
function start(page: Page, user: string, callId: string): Promise<void> {
  return page.evaluate(
    async ({ wsUrl, jwt, callId, user }) => {
      const scope = window as never as Window;
      scope.heard = [];
      const client = new scope.Compat.WebRTCClient(wsUrl, jwt);
      scope.client = client;
      client.on("localStream", (stream) => scope.heard.push(["localStream", stream]));
      client.on("remoteStream", (remote) => scope.heard.push(["remoteStream", remote]));
      client.on("connectionStateChange", (change) => scope.heard.push(["connectionStateChange", change.state]));
      client.on("ended", (reason) => scope.heard.push(["ended", reason]));
      client.on("error", (error) => scope.heard.push(["error", error.code]));
      await client.initialize([]);
      await client.startCall(callId, user, true);
    },
    {
      wsUrl: `ws://localhost:${server.port}/webrtc`,
      jwt: token({ user, name: user, claims: { recorder: true } }),
      callId,
      user,
    },
  );
}

async function heard(page: Page, name: string, value?: string): Promise<void> {
  await page.waitForFunction(
    ({ name, value }) =>
      (window as never as Window).heard.some(([n, v]) => n === name && (value === undefined || v === value)),
    { name, value },
  );
}

describe("WebRTCClient", () => {
  it("holds a call between two pages", { timeout: 60_000 }, async () => {
    const [alice, bob] = pages;
    const callId = await createCall(alice);
    await start(alice, "alice", callId);
    await heard(alice, "localStream");
    await start(bob, "bob", callId);
    for (const page of pages) {
      await heard(page, "remoteStream");
      await heard(page, "connectionStateChange", "connected");
      await untilMedia(page, (state) => state.framesDecoded >= 10 && state.audioPackets > 0);
    }
    const kinds = await bob.evaluate(() => {
      const { heard } = window as never as Window;
      const remotes = heard.filter(([name]) => name === "remoteStream").map(([, value]) => value);
      const last = remotes.at(-1) as { socketId: string; stream: MediaStream };
      return [typeof last.socketId, ...last.stream.getTracks().map((track) => track.kind)];
    });
    expect(kinds).toEqual(["string", "audio", "video"]);

    await alice.evaluate(() => (window as never as Window).client.toggleMute(true));
    const other = (page: Page, mark: "isMuted" | "isVideoEnabled", on: boolean) =>
      page.waitForFunction(
        ({ mark, on }) => {
          const { client } = window as never as Window;
          return client.client?.getSnapshot().current?.participants[0]?.[mark] === on;
        },
        { mark, on },
      );
    await other(bob, "isMuted", true);
    await alice.evaluate(() => (window as never as Window).client.toggleVideo(false));
    await other(bob, "isVideoEnabled", false);
    await untilMedia(alice, (state) => state.liveTracks === 1);
    await alice.evaluate(() => (window as never as Window).client.toggleVideo(true));
    await moreFrames(bob);

    await alice.evaluate((callId) => (window as never as Window).client.endCall(callId), callId);
    await heard(bob, "ended", "hangup");
    await heard(bob, "connectionStateChange", "closed");
    for (const page of pages) await untilMedia(page, (state) => state.open === 0 && state.liveTracks === 0, 5000);
    expect(await alice.evaluate(() => (window as never as Window).heard.filter(([name]) => name === "error"))).toEqual(
      [],
    );
  });

  it("records what it hears and sees, and uploads it", { timeout: 60_000 }, async () => {
    const [alice, bob] = pages;
    const callId = await createCall(alice);
    await start(alice, "alice", callId);
    await start(bob, "bob", callId);
    await moreFrames(bob);
    const answer = await bob.evaluate(async (callId) => {
      const { Compat, heard } = window as never as Window;
      const remote = heard.filter(([name]) => name === "remoteStream").at(-1)?.[1] as { stream: MediaStream };
      // Chromium takes remote sound only from where it is played.
      const player = Object.assign(document.createElement("video"), { srcObject: remote.stream, muted: true });
      await player.play();
      const recorder = new Compat.CallRecordingService();
      await recorder.startRecording(remote.stream);
      await new Promise((done) => setTimeout(done, 2500));
      const blob = await recorder.stopRecording();
      const video = document.createElement("video");
      video.src = URL.createObjectURL(blob);
      await new Promise((done, fail) => {
        video.onloadeddata = done;
        video.onerror = () =>
          fail(new Error(`the recording cannot be played: ${blob.size} ${blob.type} ${video.error?.message}`));
      });
      const { recording } = (await recorder.uploadRecording(callId, blob)) as { recording: { id: string } };
      return { id: recording.id, size: blob.size, width: video.videoWidth, type: blob.type };
    }, callId);
    expect(answer.width).toBeGreaterThan(0);
    expect(answer.type).toContain("video/webm");
    const stored = await bob.evaluate(
      async ({ id, jwt }) => {
        const response = await fetch(`/api/recordings/${id}`, { headers: { authorization: `Bearer ${jwt}` } });
        const blob = await response.blob();
        const video = document.createElement("video");
        video.src = URL.createObjectURL(blob);
        await new Promise((done) => {
          video.onloadeddata = done;
          video.onerror = done;
        });
        return { status: response.status, size: blob.size, width: video.videoWidth };
      },
      { id: answer.id, jwt: token({ user: "bob", name: "bob" }) },
    );
    expect(stored).toMatchObject({ status: 200, width: answer.width });
    expect(stored.size).toBeGreaterThanOrEqual(answer.size); // the server adds what makes it seekable
  });
});

describe("useCall", () => {
  it("holds a call between two pages under StrictMode", { timeout: 60_000 }, async () => {
    const [alice, bob] = pages;
    const callId = await createCall(alice);
    for (const [page, user] of [
      [alice, "alice"],
      [bob, "bob"],
    ] as const)
      await page.evaluate(
        ({ jwt, callId }) => {
          const scope = window as never as Window;
          scope.mounted = scope.Compat.mount(jwt, callId);
        },
        { jwt: token({ user, name: user }), callId },
      );
    for (const page of pages) {
      await page.locator("main[data-state=active]").waitFor();
      await page.locator("video[data-socket=own]").waitFor();
      expect(await page.locator("video:not([data-socket=own])").count()).toBe(1);
      await moreFrames(page);
    }
    const button = (page: Page, name: string) => page.getByRole("button", { name, exact: true });
    await button(alice, "Mute").click();
    await button(alice, "Unmute").waitFor();
    await bob.waitForFunction(
      () => (window as never as Window).mounted.client.getSnapshot().current?.participants[0]?.isMuted,
    );
    await button(alice, "Camera off").click();
    await button(alice, "Camera on").click();
    await moreFrames(bob);
    // Taking the page away leaves the call.
    await bob.evaluate(() => (window as never as Window).mounted.unmount());
    await alice.locator("main[data-state=ended]").waitFor();
    for (const page of pages) await untilMedia(page, (state) => state.open === 0 && state.liveTracks === 0, 5000);
    expect(await alice.locator("video:not([data-socket=own])").count()).toBe(0);
  });
});

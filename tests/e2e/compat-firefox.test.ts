// The /compat entry points in Firefox, in a call with Chromium.
import type { Page } from "playwright-core";
import { beforeAll, expect, it, vi } from "vitest";
import { type Server, startServer, token } from "../lib/index.js";
import {
  launchChromium,
  launchFirefox,
  makeNamespace,
  moreFrames,
  newPerson,
  type Place,
  untilMedia,
} from "./lib/index.js";
import { bundle, setChannel } from "./lib/sdkPage.js";

vi.setConfig({ testTimeout: 90_000, hookTimeout: 120_000 });

type Compat = typeof import("./lib/compatPage.js");

interface Window {
  Compat: Compat;
  client: InstanceType<Compat["WebRTCClient"]>;
  ended: string[];
  size: number;
  mounted: ReturnType<Compat["mount"]>;
}

let server: Server;
let firefox: Page;
let chromium: Page;

beforeAll(async () => {
  const namespace = makeNamespace();
  namespace.addDeadEnd();
  server = await startServer({ wrapper: namespace.wrapper, lifetime: "file" });
  firefox = (await launchFirefox(namespace)) as never as Page;
  chromium = await (await newPerson(await launchChromium(namespace), { smallVideo: true }, "file")).newPage();
});

async function open(): Promise<void> {
  for (const page of [firefox, chromium]) {
    await page.goto(`http://localhost:${server.port}/healthz`);
    await page.addScriptTag({ content: await bundle("tests/e2e/lib/compatPage.tsx", "Compat") });
  }
  await setChannel(chromium, "general", ["fay", "cora"]);
}

/** As the old application did: the call is made over REST. */
function createCall(): Promise<string> {
  return chromium.evaluate(
    async (jwt) => {
      const headers = { authorization: `Bearer ${jwt}`, "content-type": "application/json" };
      const body = JSON.stringify({ channelId: "general", callType: "video", participants: ["cora"] });
      return (await (await fetch("/api/calls", { method: "POST", headers, body })).json()).call.id;
    },
    token({ user: "fay", name: "fay" }),
  );
}

const flows = (page: Page) =>
  untilMedia(page as Place, (state) => state.framesDecoded >= 10 && state.audioPackets > 0, 30_000);
const nothingIsOpen = (page: Page) =>
  untilMedia(page as Place, (state) => state.open === 0 && state.liveTracks === 0, 5000);

it("WebRTCClient holds a call, and CallRecordingService records it", async () => {
  await open();
  const callId = await createCall();
  for (const [page, user] of [
    [firefox, "fay"],
    [chromium, "cora"],
  ] as const)
    await page.evaluate(
      async ({ jwt, callId, user }) => {
        const scope = window as never as Window;
        scope.ended = [];
        scope.client = new scope.Compat.WebRTCClient(`ws://${location.host}/webrtc`, jwt);
        scope.client.on("ended", (reason) => scope.ended.push(reason));
        scope.client.on("remoteStream", async ({ stream }) => {
          if (scope.size !== undefined || stream.getTracks().length < 2) return;
          scope.size = 0;
          const recorder = new scope.Compat.CallRecordingService();
          await recorder.startRecording(stream);
          await new Promise((done) => setTimeout(done, 2000));
          scope.size = (await recorder.stopRecording()).size;
        });
        await scope.client.initialize([]);
        await scope.client.startCall(callId, user, true);
      },
      { jwt: token({ user, name: user, claims: { recorder: true } }), callId, user },
    );
  for (const page of [firefox, chromium]) await flows(page);
  await expect
    .poll(() => firefox.evaluate(() => (window as never as Window).size), { timeout: 15_000 })
    .toBeGreaterThan(1000);

  await firefox.evaluate(() => (window as never as Window).client.toggleVideo(false));
  await untilMedia(firefox as Place, (state) => state.liveTracks === 1);
  await firefox.evaluate(() => (window as never as Window).client.toggleVideo(true));
  await moreFrames(chromium as Place);
  await firefox.evaluate(() => (window as never as Window).client.toggleMute(true));
  await chromium.waitForFunction(
    () => (window as never as Window).client.client?.getSnapshot().current?.participants[0]?.isMuted,
  );
  await firefox.evaluate((callId) => (window as never as Window).client.endCall(callId), callId);
  await chromium.waitForFunction(() => (window as never as Window).ended[0] === "hangup");
  for (const page of [firefox, chromium]) await nothingIsOpen(page);
});

it("useCall holds a call under StrictMode", async () => {
  await open();
  const callId = await createCall();
  for (const [page, user] of [
    [firefox, "fay"],
    [chromium, "cora"],
  ] as const)
    await page.evaluate(
      ({ jwt, callId }) => {
        const scope = window as never as Window;
        scope.mounted = scope.Compat.mount(jwt, callId);
      },
      { jwt: token({ user, name: user }), callId },
    );
  const click = (name: string) =>
    firefox.evaluate((name) => {
      const button = [...document.querySelectorAll("button")].find(({ textContent }) => textContent === name);
      if (!button) throw new Error(`no button "${name}"`);
      button.click();
    }, name);
  const videos = (page: Page) => page.evaluate(() => document.querySelectorAll("video").length);
  const state = (page: Page) => page.evaluate(() => document.querySelector("main")?.dataset.state);
  for (const page of [firefox, chromium]) {
    await flows(page);
    await expect.poll(() => state(page)).toBe("active");
    await expect.poll(() => videos(page)).toBe(2);
  }
  await click("Mute");
  await chromium.waitForFunction(
    () => (window as never as Window).mounted.client.getSnapshot().current?.participants[0]?.isMuted,
  );
  await click("End");
  for (const page of [firefox, chromium]) {
    await expect.poll(() => state(page)).toBe("ended");
    await nothingIsOpen(page);
  }
});

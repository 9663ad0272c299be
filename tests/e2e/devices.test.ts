// Devices in a running call: none at all, refused, switched, pulled out.
import type { Browser, Page } from "playwright-core";
import { beforeAll, describe, expect, it, vi } from "vitest";
import type { Client } from "../../packages/client/src/index.js";
import { startServer } from "../lib/index.js";
import { launchChromium, makeNamespace, mediaState, type Namespace, newPerson, untilMedia } from "./lib/index.js";
import { moreFrames } from "./lib/peers.js";
import { openSdk, setChannel } from "./lib/sdkPage.js";

vi.setConfig({ testTimeout: 90_000 });

interface Window {
  bellwire: Client;
  bellwireTest: { tracks: MediaStreamTrack[] };
}

let namespace: Namespace;
let browser: Browser;

beforeAll(async () => {
  namespace = makeNamespace();
  // The second of Chromium's fake cameras measures depth, and no codec takes that.
  const args = ["--use-fake-device-for-media-stream=device-count=3"];
  browser = await launchChromium(namespace, { args });
});

/** Alice with everything, bob in a browser of the test's choice. */
async function open(bobs: Browser = browser): Promise<[Page, Page]> {
  const server = await startServer({ wrapper: namespace.wrapper });
  const page = async (where: Browser, user: string) =>
    openSdk(await newPerson(where, { smallVideo: true }), `http://localhost:${server.port}`, user);
  const pages: [Page, Page] = [await page(browser, "alice"), await page(bobs, "bob")];
  await setChannel(pages[0], "general", ["alice", "bob"]);
  return pages;
}

async function talk([alice, bob]: [Page, Page]): Promise<void> {
  await alice.evaluate(async () => {
    await (window as never as Window).bellwire.call({ channelId: "general", to: "bob" });
  });
  await bob.waitForFunction(() => (window as never as Window).bellwire.getSnapshot().incoming[0]);
  await bob.evaluate(async () => {
    const { bellwire } = window as never as Window;
    await bellwire.getCall(bellwire.getSnapshot().incoming[0]?.id ?? "")?.accept();
  });
  await moreFrames(bob);
}

const local = (page: Page) =>
  page.evaluate(() => {
    const { current } = (window as never as Window).bellwire.getSnapshot();
    const { isMicrophoneEnabled, isCameraEnabled, error, stream } = current?.local ?? {};
    const devices = stream?.getTracks().map((track) => track.getSettings().deviceId);
    return { state: current?.state, isMicrophoneEnabled, isCameraEnabled, error: error?.code, devices };
  });

/** What a switch rejects with; undefined if it does not. */
const refusal = (page: Page, what: "setMicrophoneEnabled" | "setCameraEnabled") =>
  page.evaluate(async (what) => {
    const { bellwire } = window as never as Window;
    const call = bellwire.getCall(bellwire.getSnapshot().current?.id ?? "");
    return call?.[what](true).then(
      () => undefined,
      (error: { code: string }) => error.code,
    );
  }, what);

describe("a call", () => {
  it("only receives where there is no device", async () => {
    const bare = await launchChromium(namespace, { lifetime: "test", without: ["--use-fake-device-for-media-stream"] });
    const pages = await open(bare);
    await talk(pages);
    await untilMedia(pages[1], (state) => state.audioPackets > 10);
    expect(await local(pages[1])).toMatchObject({
      state: "active",
      isMicrophoneEnabled: false,
      isCameraEnabled: false,
    });
    expect(await refusal(pages[1], "setMicrophoneEnabled")).toBe("no_microphone");
    expect(await refusal(pages[1], "setCameraEnabled")).toBe("no_camera");
    expect((await local(pages[0])).state).toBe("active");
  });

  it("only receives where the user refuses", async () => {
    const args = ["--deny-permission-prompts"];
    const without = ["--use-fake-ui-for-media-stream"];
    const shy = await launchChromium(namespace, { lifetime: "test", args, without });
    const pages = await open(shy);
    await pages[1].context().clearPermissions();
    await talk(pages);
    expect(await local(pages[1])).toMatchObject({ state: "active", error: "permission_denied" });
    expect(await refusal(pages[1], "setCameraEnabled")).toBe("permission_denied");
    await moreFrames(pages[1]);
  });

  it("switches to another camera while it runs", async () => {
    const pages = await open();
    const [alice, bob] = pages;
    await talk(pages);
    const cameras = await alice.evaluate(async () => {
      const { devices } = (window as never as Window).bellwire;
      await devices.refresh();
      return devices.getSnapshot().cameras.map(({ deviceId }) => deviceId);
    });
    const before = (await local(alice)).devices ?? [];
    const other = cameras[2] ?? "";
    expect(before).not.toContain(other);
    await alice.evaluate((id) => (window as never as Window).bellwire.devices.select("camera", id), other);
    expect((await local(alice)).devices).toContain(other);
    await moreFrames(bob);
    expect((await mediaState(alice)).liveTracks).toBe(2);
  });

  it("goes on with another microphone, and without a picture, when devices are pulled out", async () => {
    const pages = await open();
    const [alice, bob] = pages;
    await talk(pages);
    /** What the browser does when a device goes. */
    const lose = (kind: string) =>
      alice.evaluate((kind) => {
        const { tracks } = (window as never as Window).bellwireTest;
        const track = tracks.find((one) => one.kind === kind && one.readyState === "live");
        track?.stop();
        track?.dispatchEvent(new Event("ended"));
      }, kind);
    await lose("audio");
    await alice.waitForFunction(() => (window as never as Window).bellwireTest.tracks.length > 2);
    expect(await local(alice)).toMatchObject({ isMicrophoneEnabled: true, isCameraEnabled: true });
    const { audioPackets } = await mediaState(bob);
    await untilMedia(bob, (state) => state.audioPackets > audioPackets + 20);
    await lose("video");
    await alice.waitForFunction(
      () => !(window as never as Window).bellwire.getSnapshot().current?.local.isCameraEnabled,
    );
    expect((await local(alice)).error).toBe("device_lost");
    await bob.waitForFunction(
      () => !(window as never as Window).bellwire.getSnapshot().current?.participants[0]?.isVideoEnabled,
    );
    expect(await refusal(alice, "setCameraEnabled")).toBeUndefined();
    await moreFrames(bob);
  });
});

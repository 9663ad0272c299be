// As many people as one call holds, each connected with each, in a browser of this machine; and one too many.
import type { Page } from "playwright-core";
import { expect, it } from "vitest";
import type { Client } from "../../packages/client/src/index.js";
import { startServer } from "../lib/index.js";
import { launchChromium, makeNamespace, mediaState, newPerson, note, untilMedia } from "./lib/index.js";
import { openSdk, setChannel } from "./lib/sdkPage.js";

interface Window {
  bellwire: Client;
  bellwireTest: { peers: RTCPeerConnection[] };
}

/** --max-joined without being set. */
const PEOPLE = 8;
const USERS = Array.from({ length: PEOPLE + 1 }, (_, i) => `person${i}`);

const join = (page: Page, id: string) =>
  page.evaluate(
    (id) =>
      (window as never as Window).bellwire.join(id, { audio: true, video: false }).then(
        () => "joined",
        (error: { code: string; message: string }) => `${error.code}: ${error.message}`,
      ),
    id,
  );

/** How far each other device is. */
const connected = (page: Page) =>
  page.evaluate(() =>
    (window as never as Window).bellwire.getSnapshot().current?.participants.map(({ media }) => media),
  );

/** What each connection of a page may send of its camera, in bits per second. */
const videoLimits = (page: Page) =>
  page.evaluate(() =>
    (window as never as Window).bellwireTest.peers
      .filter((pc) => pc.connectionState === "connected")
      .map((pc) => pc.getSenders().find(({ track }) => track?.kind === "video"))
      .map((sender) => sender?.getParameters().encodings[0]?.maxBitrate ?? 0),
  );

it(`${PEOPLE} people hear each other, one shows a picture to all, a ninth is refused`, {
  timeout: 240_000,
}, async () => {
  const namespace = makeNamespace("test");
  const server = await startServer({ wrapper: namespace.wrapper });
  const browser = await launchChromium(namespace, { lifetime: "test" });
  const pages: Page[] = [];
  for (const user of USERS)
    pages.push(await openSdk(await newPerson(browser, { smallVideo: true }), `http://localhost:${server.port}`, user));
  const [first, ninth] = [pages[0] as Page, pages[PEOPLE] as Page];
  const inside = pages.slice(0, PEOPLE);
  await setChannel(first, "general", USERS);

  const id = await first.evaluate(
    async (to) => {
      const { bellwire } = window as never as Window;
      const call = await bellwire.call({ channelId: "general", participants: to, mode: "group", type: "audio" });
      return call.id;
    },
    USERS.slice(1, PEOPLE),
  );
  const from = performance.now();
  for (const page of inside.slice(1)) expect(await join(page, id)).toBe("joined");
  for (const page of inside) {
    await untilMedia(page, ({ open, audioPackets }) => open === PEOPLE - 1 && audioPackets > 0, 60_000);
    await expect.poll(() => connected(page), { timeout: 60_000 }).toEqual(Array(PEOPLE - 1).fill("connected"));
  }
  note(`${PEOPLE} people in one call, each connected with each: ${Math.round(performance.now() - from)} ms`);

  // Sound comes from everybody, not only from somebody.
  const silent = await Promise.all(
    inside.map((page) =>
      page.evaluate(async () => {
        const peers = (window as never as Window).bellwireTest.peers.filter((pc) => pc.connectionState === "connected");
        const heard = async (pc: RTCPeerConnection) => {
          for (let waited = 0; waited < 10_000; waited += 100) {
            for (const one of (await pc.getStats()).values())
              if (one.type === "inbound-rtp" && one.kind === "audio" && one.packetsReceived > 10) return true;
            await new Promise((done) => setTimeout(done, 100));
          }
          return false;
        };
        return (await Promise.all(peers.map(heard))).filter((isHeard) => !isHeard).length;
      }),
    ),
  );
  expect(silent).toEqual(inside.map(() => 0));

  // One picture is sent seven times, through one uplink.
  await first.evaluate(async (id) => (window as never as Window).bellwire.getCall(id)?.setCameraEnabled(true), id);
  for (const page of inside.slice(1)) await untilMedia(page, ({ framesDecoded }) => framesDecoded > 0, 60_000);
  await expect.poll(() => videoLimits(first)).toEqual(Array(PEOPLE - 1).fill(Math.floor(2_500_000 / (PEOPLE - 1))));

  expect(await join(ninth, id)).toMatch(/^call_full: .{10}/);
  expect(await mediaState(ninth)).toMatchObject({ open: 0, liveTracks: 0 });
  for (const page of inside) expect((await mediaState(page)).open).toBe(PEOPLE - 1);

  // There is room again, and more for each.
  await (inside[1] as Page).evaluate((id) => (window as never as Window).bellwire.getCall(id)?.hangUp(), id);
  await expect.poll(() => videoLimits(first)).toHaveLength(PEOPLE - 2);
  expect(await join(ninth, id)).toBe("joined");
  await untilMedia(ninth, ({ open, framesDecoded }) => open === PEOPLE - 1 && framesDecoded > 0, 60_000);
});

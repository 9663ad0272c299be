// The harness by itself, without bellwire: two browsers in a namespace, directly and over coturn. When this fails, look
// at the machine; when only call.test.ts fails, look at bellwire.
import type { Browser, Page } from "playwright-core";
import { beforeAll, describe, expect, it } from "vitest";
import {
  launchChromium,
  makeNamespace,
  type Namespace,
  newPerson,
  note,
  startCoturn,
  turnCredential,
  untilMedia,
} from "./lib/index.js";

let namespace: Namespace;
let browser: Browser;

beforeAll(async () => {
  namespace = makeNamespace();
  browser = await launchChromium(namespace);
});

/** An empty page of an origin that may use the camera. */
async function emptyPage(relayOnly: boolean): Promise<Page> {
  const person = await newPerson(browser, { relayOnly });
  await person.route("http://localhost/**", (route) => route.fulfill({ contentType: "text/html", body: "<p>here" }));
  const page = await person.newPage();
  await page.goto("http://localhost/");
  return page;
}

/** Makes a connection with the fake camera and takes the other side's description; answers with its own, complete. */
function describePeer(page: Page, iceServers: RTCIceServer[], remote: RTCSessionDescriptionInit | null) {
  return page.evaluate(
    async ({ iceServers, remote }) => {
      const peer = new RTCPeerConnection({ iceServers });
      const media = await navigator.mediaDevices.getUserMedia({ audio: true, video: { width: 320, height: 240 } });
      for (const track of media.getTracks()) peer.addTrack(track, media);
      if (remote) await peer.setRemoteDescription(remote);
      await peer.setLocalDescription();
      if (peer.iceGatheringState !== "complete")
        await new Promise<void>((done) => {
          peer.onicegatheringstatechange = () => peer.iceGatheringState === "complete" && done();
        });
      return peer.localDescription?.toJSON() as RTCSessionDescriptionInit;
    },
    { iceServers, remote },
  );
}

async function call(relayOnly: boolean, iceServers: RTCIceServer[]): Promise<[Page, Page]> {
  const [alice, bob] = [await emptyPage(relayOnly), await emptyPage(relayOnly)];
  const offer = await describePeer(alice, iceServers, null);
  const answer = await describePeer(bob, iceServers, offer);
  await alice.evaluate((answer) => {
    const { peers } = (window as unknown as { bellwireTest: { peers: RTCPeerConnection[] } }).bellwireTest;
    return peers[0]?.setRemoteDescription(answer);
  }, answer);
  return [alice, bob];
}

async function bothDecode(pages: Page[], type: string): Promise<void> {
  for (const page of pages) {
    const { state } = await untilMedia(page, ({ framesDecoded }) => framesDecoded >= 5);
    expect(state.localTypes).toEqual([type]);
    expect(state.audioPackets).toBeGreaterThan(0);
  }
}

describe("two browsers in a namespace", () => {
  it("see each other directly", async () => {
    const from = performance.now();
    await bothDecode(await call(false, []), "host");
    note(`bare browsers, direct: ${Math.round(performance.now() - from)} ms with opening both pages`);
  });
  it("see each other over coturn with a time-limited credential", async () => {
    const coturn = await startCoturn(namespace);
    await bothDecode(await call(true, [{ urls: coturn.url, ...turnCredential("alice") }]), "relay");
    expect(coturn.log()).toMatch(/ALLOCATE processed, success/);
  });
  it("cannot reach anything outside", async () => {
    const page = await emptyPage(false);
    const outcome = await page.evaluate(() => fetch("http://192.0.2.1/", { mode: "no-cors" }).then(String, String));
    expect(outcome).toContain("Failed to fetch");
  });
});

// Calls between homes behind NATs, over bellwire's own relay wherever nothing else gets through.
import type { Browser, Page } from "playwright-core";
import { beforeAll, describe, expect, it, vi } from "vitest";
import type { Client } from "../../packages/client/src/index.js";
import { makeCertificate, type Server, startServer } from "../lib/index.js";
import {
  launchChromium,
  makeHome,
  makeInternet,
  moreFrames,
  type Nat,
  type NatRules,
  newPerson,
  note,
  untilMedia,
} from "./lib/index.js";
import { openSdk, setChannel } from "./lib/sdkPage.js";

// Two browsers, and ways to wait for that lead nowhere, on a machine that may be busy.
vi.setConfig({ testTimeout: 90_000, hookTimeout: 90_000 });

interface Window {
  bellwire: Client;
  bellwireTest: { peers: RTCPeerConnection[] };
}

let server: Server;
let calls = 0;
let nats: [Nat, Nat];
let browsers: [Browser, Browser];

beforeAll(async () => {
  const internet = makeInternet();
  nats = [makeHome(internet, 1), makeHome(internet, 2)];
  server = await startServer({
    wrapper: internet.wrapper,
    listen: `${internet.address}:443`,
    args: ["--turn-listen", `${internet.address}:3478`, ...makeCertificate(["calls.test"], "file").args],
    lifetime: "file",
  });
  const args = ["--ignore-certificate-errors"];
  browsers = [await launchChromium(nats[0].home, { args }), await launchChromium(nats[1].home, { args })];
});

/** Alice and bob, each at home behind a NAT with these rules; new people each time, whom no earlier call keeps busy. */
async function atHome(alicesRules: NatRules, bobsRules: NatRules): Promise<[Page, Page]> {
  nats[0].set(alicesRules);
  nats[1].set(bobsRules);
  const open = async (browser: Browser, user: string) =>
    openSdk(await newPerson(browser, { ignoreHTTPSErrors: true }), server.url, user);
  const [alice, bob] = [`alice${++calls}`, `bob${calls}`];
  const pages: [Page, Page] = [await open(browsers[0], alice), await open(browsers[1], bob)];
  await setChannel(pages[0], "general", [alice, bob]);
  return pages;
}

/** Alice calls, bob accepts, both decode pictures and hear sound. Resolves with bob's time to the first frame. */
async function talk([alice, bob]: [Page, Page]): Promise<number> {
  const to = `bob${calls}`;
  await alice.evaluate(async (to) => {
    await (window as never as Window).bellwire.call({ channelId: "general", to });
  }, to);
  await bob.waitForFunction(() => (window as never as Window).bellwire.getSnapshot().incoming[0]);
  await bob.evaluate(async () => {
    const { bellwire } = window as never as Window;
    await bellwire.getCall(bellwire.getSnapshot().incoming[0]?.id ?? "")?.accept();
  });
  for (const page of [alice, bob])
    await untilMedia(page, (state) => state.framesDecoded >= 10 && state.audioPackets > 0, 30_000);
  for (const page of [alice, bob]) await moreFrames(page);
  return bob.evaluate(() => {
    const { timings } = (window as never as Window).bellwire.getSnapshot().current ?? {};
    return (timings?.firstFrame ?? 0) - (timings?.accepted ?? 0);
  });
}

/** Bob hangs up; nothing stays open at either end. */
async function hangUp(pages: [Page, Page]): Promise<void> {
  await pages[1].evaluate(async () => {
    const { bellwire } = window as never as Window;
    await bellwire.getCall(bellwire.getSnapshot().current?.id ?? "")?.hangUp();
  });
  for (const page of pages) await untilMedia(page, (state) => state.open === 0 && state.liveTracks === 0, 5000);
}

interface Path {
  local: string;
  remote: string;
  /** How the browser reaches its relay: "udp", "tcp", "tls"; null when its own end is no relayed one. */
  over: string | null;
}

/** The pair of candidates that a page's call uses. */
function pathOf(page: Page): Promise<Path> {
  return page.evaluate(async () => {
    for (const peer of (window as never as Window).bellwireTest.peers) {
      const stats = await peer.getStats();
      for (const entry of stats.values()) {
        const pair = entry.type === "transport" && stats.get(entry.selectedCandidatePairId);
        if (!pair) continue;
        const local = stats.get(pair.localCandidateId);
        const remote = stats.get(pair.remoteCandidateId);
        return { local: local.candidateType, remote: remote.candidateType, over: local.relayProtocol ?? null };
      }
    }
    throw new Error("no pair is selected");
  });
}

/** A whole call; resolves with both ends' paths. */
async function call(title: string, alicesRules: NatRules, bobsRules: NatRules): Promise<[Path, Path]> {
  const pages = await atHome(alicesRules, bobsRules);
  const ms = await talk(pages);
  const paths: [Path, Path] = [await pathOf(pages[0]), await pathOf(pages[1])];
  const told = paths.map(({ local, remote, over }) => `${local}${over ? ` by ${over}` : ""} to ${remote}`);
  note(`${title}, accept to first decoded frame: ${Math.round(ms)} ms (${told.join("; ")})`);
  await hangUp(pages);
  return paths;
}

const ordinary: NatRules = { symmetric: false, allowed: "all" };
const symmetric: NatRules = { symmetric: true, allowed: "all" };

/** True when one end at least is an address of the relay. */
const relayed = ({ local, remote }: Path) => local === "relay" || remote === "relay";

describe("a call between two homes", () => {
  it("goes directly through ordinary NATs, with the server's STUN", async () => {
    const paths = await call("ordinary NATs", ordinary, ordinary);
    expect(paths.map(relayed)).toEqual([false, false]);
  });

  it("goes over the server's relay when both NATs are symmetric", async () => {
    const paths = await call("symmetric NATs", symmetric, symmetric);
    expect(paths.map(relayed)).toEqual([true, true]);
  });

  it("goes over TCP to the relay where UDP is blocked", async () => {
    const [alices] = await call("UDP blocked at one end", { symmetric: true, allowed: "tcp" }, symmetric);
    expect(alices).toMatchObject({ local: "relay", over: "tcp" });
  });

  it("goes over TLS to the HTTPS port where both may go nowhere else", async () => {
    const office: NatRules = { symmetric: true, allowed: 443 };
    const paths = await call("only port 443 at both ends", office, office);
    for (const path of paths) expect(path).toEqual({ local: "relay", remote: "relay", over: "tls" });
  });
});

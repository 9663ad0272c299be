// The demo between two makes of browser: alice in Chromium, bob in Firefox, each calling the other.
import type { Browser, Page } from "playwright-core";
import type { ElementHandle } from "puppeteer-core";
import { beforeAll, describe, expect, it, vi } from "vitest";
import { closeLater, type Server, startServer } from "../lib/index.js";
import {
  type FirefoxPage,
  launchChromium,
  launchFirefox,
  makeNamespace,
  mediaState,
  moreFrames,
  newPerson,
  note,
  untilMedia,
} from "./lib/index.js";

// Whole calls with a browser that takes seconds to start, on a machine that may be busy.
vi.setConfig({ testTimeout: 90_000, hookTimeout: 120_000 });

let server: Server;
let chromium: Browser;
let bob: FirefoxPage;

beforeAll(async () => {
  const namespace = makeNamespace();
  namespace.addDeadEnd();
  server = await startServer({ command: "dev", wrapper: namespace.wrapper, lifetime: "file" });
  chromium = await launchChromium(namespace);
  bob = await launchFirefox(namespace);
});

const origin = () => `http://localhost:${server.port}`;
const inChromium = (page: Page, name: string) => page.getByRole("button", { name, exact: true });
const soon = { polling: 50, timeout: 15_000 };

/** Clicks the button with this name in Firefox, as soon as it is there. */
async function clickInFirefox(name: string): Promise<void> {
  const find = (name: string) => {
    const named = (button: Element) => (button.getAttribute("aria-label") ?? button.textContent)?.trim() === name;
    return [...document.querySelectorAll("button")].find((button) => named(button) && button.checkVisibility());
  };
  const button = (await bob.waitForFunction(find, soon, name)).asElement() as ElementHandle<Element> | null;
  await button?.click();
}

const firefoxShows = (text: string) =>
  bob.waitForFunction((text) => document.body.innerText.includes(text), soon, text);

/** Both at the demo and online; an error in Firefox's page fails the test. */
async function open(): Promise<Page> {
  const errors: unknown[] = [];
  const take = (error: unknown) => errors.push(error);
  bob.on("pageerror", take);
  closeLater(async () => {
    bob.off("pageerror", take);
    await bob.goto("about:blank");
    expect(errors).toEqual([]);
  });
  const alice = await (await newPerson(chromium)).newPage();
  await alice.goto(`${origin()}/?user=alice`);
  await bob.goto(`${origin()}/?user=bob`);
  await alice.getByText("Online").waitFor();
  await firefoxShows("Online");
  return alice;
}

/** Both decode pictures and hear sound, and go on to. */
async function bothDecode(alice: Page, caller: string): Promise<void> {
  const from = performance.now();
  for (const page of [alice, bob])
    await untilMedia(page, (state) => state.framesDecoded >= 10 && state.audioPackets > 0);
  note(`${caller} calls, accept to ten decoded frames on both sides: ${Math.round(performance.now() - from)} ms`);
  for (const page of [alice, bob]) await moreFrames(page);
  expect((await mediaState(alice)).localTypes).toEqual(["host"]);
}

/** Nothing stays open on either side. */
async function bothClosed(alice: Page): Promise<void> {
  for (const page of [alice, bob]) await untilMedia(page, (state) => state.open === 0 && state.liveTracks === 0, 5000);
}

describe("Chromium and Firefox", () => {
  it("talk when Chromium calls and hangs up", async () => {
    const alice = await open();
    await inChromium(alice, "Call Bob").click();
    await clickInFirefox("Accept with video");
    await bothDecode(alice, "Chromium");
    await inChromium(alice, "Hang up").click();
    await firefoxShows("Call ended");
    await bothClosed(alice);
  });

  it("talk when Firefox calls and hangs up", async () => {
    const alice = await open();
    await clickInFirefox("Call Alice");
    await inChromium(alice, "Accept with video").click();
    await bothDecode(alice, "Firefox");
    await clickInFirefox("Hang up");
    await alice.getByText(/^Call ended/).waitFor();
    await bothClosed(alice);
  });
});

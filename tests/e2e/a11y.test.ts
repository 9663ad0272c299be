// The demo's screens against WCAG 2.2 AA as far as axe can tell, in both themes, on a desktop and on a phone; and a
// whole call by keyboard alone.
import type { Browser, Page } from "playwright-core";
import { beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { type Server, startServer } from "../lib/index.js";
import { sticksOut, violations } from "./lib/axe.js";
import {
  launchChromium,
  makeNamespace,
  type Namespace,
  newPerson,
  paintScreen,
  screenshot,
  untilMedia,
} from "./lib/index.js";

// Whole calls, on a machine that may be busy.
vi.setConfig({ testTimeout: 90_000 });

let namespace: Namespace;
let server: Server;
let browser: Browser;

beforeAll(async () => {
  namespace = makeNamespace();
  browser = await launchChromium(namespace);
});

// Its own for each test: a call that one leaves behind must not make somebody busy in the next.
beforeEach(async () => {
  server = await startServer({ command: "dev", wrapper: namespace.wrapper });
});

interface Look {
  theme: "light" | "dark";
  width: number;
  height: number;
}

async function open(user: string, { theme, width, height }: Look, isRefused = false): Promise<Page> {
  const person = await newPerson(browser, {
    ...{ colorScheme: theme, viewport: { width, height } },
    ...{ reducedMotion: "reduce", smallVideo: true },
  });
  await person.addInitScript(paintScreen);
  if (isRefused) await person.addInitScript(refuseDevices);
  const page = await person.newPage();
  await page.goto(`${server.url}/?user=${user}`);
  await page.getByText("Online").waitFor();
  return page;
}

/** Runs in the page: as after a "no" to the browser's question. */
function refuseDevices() {
  const devices = navigator.mediaDevices;
  if (devices) devices.getUserMedia = () => Promise.reject(new DOMException("refused", "NotAllowedError"));
}

const button = (page: Page, name: string) => page.getByRole("button", { name, exact: true });

describe.each<Look>([
  { theme: "light", width: 1280, height: 800 },
  { theme: "dark", width: 1280, height: 800 },
  { theme: "light", width: 360, height: 740 },
  { theme: "dark", width: 360, height: 740 },
])("$theme, $width × $height", (look) => {
  const nameOf = (screen: string) => `a11y-${screen}-${look.theme}-${look.width}`;

  async function inspect(page: Page, screen: string) {
    await screenshot(page, nameOf(screen));
    expect(await violations(page), screen).toEqual([]);
    expect(await sticksOut(page), `${screen}: nothing sticks out sideways`).toEqual([]);
  }

  it("has no barrier that axe knows, from the first screen to the end of a call", async () => {
    const [alice, bob] = [await open("alice", look), await open("bob", look)];
    await inspect(alice, "home");

    await button(alice, "Call Bob").click();
    await bob.getByRole("alertdialog", { name: "Alice" }).waitFor();
    await alice.getByText("Ringing").waitFor();
    await inspect(alice, "outgoing");
    await inspect(bob, "incoming");

    await button(bob, "Accept with video").click();
    await untilMedia(alice, ({ framesDecoded }) => framesDecoded > 0);
    await button(bob, "Mute").click();
    await alice.getByRole("img", { name: "Muted" }).waitFor();
    await inspect(alice, "call");
    await button(alice, "Devices").click();
    await alice.getByRole("dialog", { name: "Devices" }).getByLabel("Microphone", { exact: true }).waitFor();
    await inspect(alice, "devices");
    await alice.keyboard.press("Escape");
    await alice.getByRole("dialog", { name: "Devices" }).waitFor({ state: "hidden" });

    await button(alice, "Hang up").click();
    await bob.getByText(/^Call ended/).waitFor();
    await inspect(bob, "ended");
    await button(bob, "Close").click();
    await bob.getByText("Talked").first().waitFor();
    await inspect(bob, "history");
    await button(bob, "Missed").click();
    await bob.getByText("No missed calls").waitFor();
    await inspect(bob, "history-none-missed");
  });

  it("has none either in a group: picking people, looking before joining, speaker, a shared screen, an invitation", async () => {
    const [alice, bob, carol] = [await open("alice", look), await open("bob", look), await open("carol", look)];
    await button(alice, "Group call").click();
    await inspect(alice, "pick");
    await button(alice, "Call 3 people").click();
    await bob.getByText("Incoming group call").waitFor();
    await inspect(bob, "incoming-group");
    await button(bob, "Accept with video").click();
    await button(carol, "Accept with video").click();
    await alice.getByRole("figure").nth(2).waitFor();
    await inspect(alice, "group");
    await button(alice, "Show who speaks large").click();
    await inspect(alice, "speaker");
    await button(alice, "Show everyone in a grid").click();

    await button(carol, "Share screen").click();
    await alice.getByRole("figure", { name: "Carol shares the screen" }).waitFor();
    await inspect(alice, "screen");
    await inspect(carol, "sharing");
    await button(alice, "Invite people").click();
    await inspect(alice, "invite");
    const invitation = await alice.getByRole("link", { name: "Open tab as Dave" }).getAttribute("href");
    await button(alice, "Done").click();

    await bob.goto(`${server.url}${invitation?.replace("dave", "bob")}`);
    await button(bob, "Join").waitFor();
    await bob.getByRole("meter", { name: "Microphone level" }).waitFor();
    await inspect(bob, "lobby");
    await button(bob, "Cancel").click();
    for (const page of [carol, alice]) await button(page, "Hang up").click();
  });

  it("has none where camera and microphone are refused", async () => {
    const alice = await open("alice", look, true);
    await button(alice, "Check camera and microphone").click();
    await alice.getByText(/may not use your microphone or camera/).waitFor();
    await inspect(alice, "refused");
  });
});

describe("two panes", () => {
  it("have no barrier either, nor has the way to more people", async () => {
    const person = await newPerson(browser, { viewport: { width: 1280, height: 800 } });
    const page = await person.newPage();
    await page.goto(server.url);
    for (const name of ["Alice", "Bob"])
      await page.frameLocator(`iframe[title="${name}"]`).getByText("Online").waitFor();
    // Two documents may each have their list of people and of calls; the panes' titles tell them apart.
    const except = ["landmark-unique"];
    expect(await violations(page, except)).toEqual([]);
    await button(page, "Add people").click();
    expect(await violations(page, except)).toEqual([]);
  });
});

describe("two panes on a phone", () => {
  it("are shown one at a time, tell who rings, and have room for all buttons", async () => {
    const person = await newPerson(browser, { viewport: { width: 360, height: 740 } });
    const page = await person.newPage();
    await page.goto(server.url);
    const pane = async (name: string) => {
      const frame = await (await page.locator(`iframe[title="${name}"]`).elementHandle())?.contentFrame();
      if (!frame) throw new Error(`no pane of ${name}`);
      await frame.getByText("Online").waitFor();
      return frame;
    };
    const [alice, bob] = [await pane("Alice"), await pane("Bob")];
    await alice.getByRole("button", { name: "Call Bob", exact: true }).click();
    await page.getByRole("button", { name: "Bob rings" }).click();
    await screenshot(page, "a11y-panes-360-ringing");
    expect(await violations(page, ["landmark-unique"])).toEqual([]);
    await bob.getByRole("button", { name: "Accept with video", exact: true }).click();
    await bob.getByRole("timer").waitFor();
    expect(await sticksOut(bob)).toEqual([]);
    await page.getByRole("button", { name: "Alice in call" }).click();
    await alice.getByRole("timer").waitFor();
    for (const place of [alice, page]) expect(await sticksOut(place)).toEqual([]);
    await screenshot(page, "a11y-panes-360");
    await page.getByRole("button", { name: "Bob in call" }).click();
    await bob.getByRole("button", { name: "Hang up", exact: true }).click();
    await page.getByRole("button", { name: "Alice" }).click();
    await alice.getByText(/^Call ended/).waitFor();
  });
});

describe("by keyboard alone", () => {
  const look: Look = { theme: "light", width: 1280, height: 800 };

  /** Past the time in which keys still belong to what one was typing. */
  const settle = (page: Page) => page.waitForTimeout(700);

  it("rings, accepts with Enter, mutes with M, turns the camera off with V, hangs up", async () => {
    const [alice, bob] = [await open("alice", look), await open("bob", look)];
    await button(alice, "Call Bob").focus();
    await alice.keyboard.press("Enter");
    await bob.getByRole("alertdialog").waitFor();
    await settle(bob);
    await bob.keyboard.press("Enter");
    await untilMedia(bob, ({ framesDecoded }) => framesDecoded > 0);

    await bob.keyboard.press("m");
    await button(bob, "Unmute").waitFor();
    await alice.getByRole("img", { name: "Muted" }).waitFor();
    await bob.keyboard.press("v");
    await button(bob, "Turn camera on").waitFor();
    await alice.getByRole("img", { name: "Camera off" }).waitFor();

    await button(bob, "Hang up").focus();
    await bob.keyboard.press("Enter");
    await alice.getByText(/^Call ended/).waitFor();
  });

  it("declines with Escape, but not in the moment in which the call comes in", async () => {
    const [alice, bob] = [await open("alice", look), await open("bob", look)];
    // Pressed by the page itself, in the moment in which the dialog is there: a test on a busy machine is slower.
    const early = bob.evaluate(async () => {
      const dialog = () => document.querySelector('[role="alertdialog"]');
      while (!dialog()) await new Promise(requestAnimationFrame);
      dialog()?.dispatchEvent(new KeyboardEvent("keydown", { key: "Escape", bubbles: true, cancelable: true }));
    });
    await button(alice, "Audio call Bob").click();
    await bob.getByRole("alertdialog").waitFor();
    await early;
    await settle(bob);
    expect(await bob.getByRole("alertdialog").count()).toBe(1);
    await bob.keyboard.press("Escape");
    await alice.getByText("Bob declined").waitFor();

    // What called has the focus again once the call is put away.
    await alice.keyboard.press("Escape");
    await expect
      .poll(() => alice.evaluate(() => document.activeElement?.getAttribute("aria-label")))
      .toBe("Audio call Bob");
  });
});

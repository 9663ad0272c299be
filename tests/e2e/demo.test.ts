// What the demo shows when things are not as usual: refused devices, a busy callee, a reload, a server that is away.
import type { Browser, BrowserContext, Frame, Page } from "playwright-core";
import { beforeAll, expect, it, vi } from "vitest";
import { type Server, startServer } from "../lib/index.js";
import {
  launchChromium,
  makeNamespace,
  mediaState,
  moreFrames,
  newPerson,
  paintScreen,
  screenshot,
  untilMedia,
} from "./lib/index.js";

// Whole calls, on a machine that may be busy.
vi.setConfig({ testTimeout: 90_000 });

let browser: Browser;
let server: Server;

beforeAll(async () => {
  const namespace = makeNamespace();
  // As in a browser that nobody configured: no sound before a click.
  browser = await launchChromium(namespace, { args: ["--autoplay-policy=document-user-activation-required"] });
  server = await startServer({ command: "dev", wrapper: namespace.wrapper, lifetime: "file" });
});

const button = (place: Page | Frame, name: string) => place.getByRole("button", { name, exact: true });

async function open(user: string, prepare?: (person: BrowserContext) => Promise<unknown>): Promise<Page> {
  const person = await newPerson(browser, { viewport: { width: 1280, height: 800 } });
  await prepare?.(person);
  const page = await person.newPage();
  await page.goto(`${server.url}/?user=${user}`);
  await page.getByText("Online").waitFor();
  return page;
}

async function talk(alice: Page, bob: Page): Promise<void> {
  await button(alice, "Call Bob").click();
  await button(bob, "Accept with video").click();
  await alice.getByRole("timer").waitFor();
  await bob.getByRole("timer").waitFor();
}

async function hangUp(alice: Page, bob: Page): Promise<void> {
  await button(alice, "Hang up").click();
  await bob.getByText(/^Call ended/).waitFor();
}

/** Makes getUserMedia fail with this error when the request has one of these kinds. */
const refuse = (error: string, kinds: string[]) => (person: BrowserContext) =>
  person.addInitScript(
    ({ error, kinds }) => {
      const devices = navigator.mediaDevices;
      if (!devices) return; // the empty page before the first
      const ask = devices.getUserMedia.bind(devices);
      devices.getUserMedia = async (wanted: MediaStreamConstraints = {}) => {
        if (kinds.some((kind) => wanted[kind as "audio" | "video"])) throw new DOMException("refused", error);
        return ask(wanted);
      };
    },
    { error, kinds },
  );

/** The states of the contexts that make the sound of ringing, as a page made them. */
const watchSound = (person: BrowserContext) =>
  person.addInitScript(() => {
    const Original = window.AudioContext;
    const made: AudioContext[] = [];
    Object.assign(window, { soundsOfTest: made });
    window.AudioContext = class extends Original {
      constructor() {
        super();
        made.push(this);
      }
    };
  });

const soundsOf = (place: Frame) =>
  place.evaluate(() =>
    (window as unknown as { soundsOfTest: AudioContext[] }).soundsOfTest
      .map(({ state }) => state)
      .filter((s) => s !== "closed"),
  );

it("rings aloud in the pane of the callee, after a click in the caller's", async () => {
  const person = await newPerson(browser, { viewport: { width: 1280, height: 800 } });
  await watchSound(person);
  const page = await person.newPage();
  await page.goto(server.url);
  const pane = async (name: string) => {
    const frame = await (await page.locator(`iframe[title="${name}"]`).elementHandle())?.contentFrame();
    if (!frame) throw new Error(`no pane of ${name}`);
    await frame.getByText("Online").waitFor();
    return frame;
  };
  const [alice, bob] = [await pane("Alice"), await pane("Bob")];
  await button(alice, "Audio call Bob").click();
  await bob.getByRole("alertdialog").waitFor();
  await expect.poll(() => soundsOf(bob)).toEqual(["running"]);
  await button(bob, "Accept").click();
  await expect.poll(() => soundsOf(bob)).toEqual([]);

  // One microphone and two loudspeakers in a room: nothing is played until somebody wants to hear it.
  await bob.getByRole("timer").waitFor();
  const muted = () => bob.locator('[data-participant="alice"] video').evaluate((v) => (v as HTMLVideoElement).muted);
  expect(await muted()).toBe(true);
  await button(bob, "Turn sound on").click();
  expect(await muted()).toBe(false);
  await button(bob, "Hang up").click();
  await alice.getByText(/^Call ended/).waitFor();
});

it("goes on without camera and microphone when they are refused", async () => {
  const [alice, bob] = [await open("alice"), await open("bob", refuse("NotAllowedError", ["audio", "video"]))];
  await talk(alice, bob);
  await bob.getByText(/may not use your microphone or camera/).waitFor();
  await untilMedia(bob, ({ framesDecoded }) => framesDecoded > 0);
  const marks = alice.locator('[data-participant="bob"]');
  await marks.getByRole("img", { name: "Muted" }).waitFor();
  await marks.getByRole("img", { name: "Camera off" }).waitFor();
  await screenshot(bob, "demo-refused");
  await button(bob, "Dismiss").click();
  expect(await bob.getByText(/may not use your microphone/).count()).toBe(0);
  await hangUp(alice, bob);
});

it("goes on with sound alone when there is no camera", async () => {
  const [alice, bob] = [await open("alice", refuse("NotFoundError", ["video"])), await open("bob")];
  await talk(alice, bob);
  await alice.getByText(/No camera was found/).waitFor();
  await untilMedia(bob, ({ audioPackets }) => audioPackets > 0);
  await button(alice, "Mute").waitFor();
  await button(alice, "Turn camera on").waitFor();
  await hangUp(alice, bob);
});

it("says who is busy, and lists what was missed", async () => {
  const [alice, bob, carol] = [await open("alice"), await open("bob"), await open("carol")];
  await talk(alice, bob);
  await button(carol, "Call Bob").click();
  await carol.getByText("Bob is in another call").waitFor();
  await bob.getByText("Missed").first().waitFor();
  await hangUp(alice, bob);
  await button(bob, "Call back Carol").first().waitFor();
});

it("says why a call cannot be made", async () => {
  const erin = await open("erin");
  await button(erin, "Call Bob").click();
  await erin.getByText(/you are not a member of it/).waitFor();
  await button(erin, "Close").click();
  await button(erin, "Call Bob").waitFor();
});

it("calls everyone, and goes on when one of them leaves", async () => {
  const [alice, bob, carol] = [await open("alice"), await open("bob"), await open("carol")];
  await button(alice, "Group call").click();
  await alice.getByRole("checkbox", { name: "Dave" }).uncheck();
  await button(alice, "Call 2 people").click();
  for (const page of [bob, carol]) {
    await page.getByText("Incoming group call").waitFor();
    await button(page, "Accept with video").click();
  }
  for (const page of [alice, bob, carol]) {
    await page.getByRole("figure").nth(2).waitFor();
    await untilMedia(page, ({ open, framesDecoded }) => open === 2 && framesDecoded > 0);
  }
  await screenshot(alice, "demo-group");
  await button(bob, "Hang up").click();
  await bob.getByText("You left the call").waitFor();
  await untilMedia(alice, ({ open }) => open === 1);
  await moreFrames(alice);
  for (const page of [carol, alice]) await button(page, "Hang up").click();
});

it("returns to the call after a reload", async () => {
  const [alice, bob] = [await open("alice"), await open("bob")];
  await talk(alice, bob);
  await untilMedia(alice, ({ framesDecoded }) => framesDecoded > 0);
  await bob.reload();
  await alice.getByText("Reconnecting…").waitFor();
  await button(bob, "Return").click();
  await bob.getByRole("timer").waitFor();
  await moreFrames(bob);
  await moreFrames(alice);
  await hangUp(alice, bob);
});

it("shows a shared screen beside the people", async () => {
  const [alice, bob] = [await open("alice", (person) => person.addInitScript(paintScreen)), await open("bob")];
  await talk(alice, bob);
  await button(alice, "Share screen").click();
  const screen = bob.getByRole("figure", { name: "Alice shares the screen" });
  await screen.waitFor();
  const width = () => screen.locator("video").evaluate((v) => (v as HTMLVideoElement).videoWidth);
  await expect.poll(width, { timeout: 5000 }).toBeGreaterThan(0);
  await screenshot(bob, "demo-screen");
  await button(alice, "Stop sharing").click();
  await screen.waitFor({ state: "detached" });
  await hangUp(alice, bob);
});

it("says that the server is away, keeps talking, and tells when it is back", async () => {
  const [alice, bob] = [await open("alice"), await open("bob")];
  await talk(alice, bob);
  await untilMedia(alice, ({ framesDecoded }) => framesDecoded > 0);
  await server.kill();
  await alice.getByText(/Your call goes on while we reconnect/).waitFor();
  await moreFrames(alice, 20);
  await screenshot(alice, "demo-away");
  await server.restart();
  await alice.getByText(/Your call goes on while we reconnect/).waitFor({ state: "detached" });
  await moreFrames(alice, 20);
  await hangUp(alice, bob);
  expect((await mediaState(alice)).open).toBe(0);
});

it("asks for a token where the server hands out none", async () => {
  const person = await newPerson(browser);
  const page = await person.newPage();
  await page.goto(server.url);
  const { token } = await page.evaluate(async () => (await fetch("/api/dev/token?user=carol")).json());
  await page.route("**/api/dev/token*", (route) => route.fulfill({ status: 404, json: {} }));
  await page.goto(server.url);
  await page.getByLabel("Token").fill("nonsense");
  await button(page, "Sign in").click();
  await page.getByText(/This is not a token/).waitFor();
  await page.getByLabel("Token").fill(token);
  await button(page, "Sign in").click();
  await page.getByText("Online").waitFor();
  expect(await page.getByRole("heading", { level: 1 }).textContent()).toBe("Carol");

  // A link to another device holds the token where no server's log sees it.
  await page.goto(`${server.url}/?from=link#token=${token}`);
  await page.getByText("Online").waitFor();
});

it("finds a server that has Socket.IO at another path, and so does the page of checks", async () => {
  const namespace = makeNamespace();
  const own = await startServer({ command: "dev", args: ["--path", "/calls/wire/"], wrapper: namespace.wrapper });
  const page = await (await newPerson(await launchChromium(namespace))).newPage();
  await page.goto(`${own.url}/?user=alice`);
  await page.getByText("Online").waitFor();
  await page.goto(`${own.url}/check?user=alice`);
  await button(page, "Begin").click();
  await page.getByText("WebSockets pass.").waitFor({ timeout: 60_000 });
});

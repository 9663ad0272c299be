// The demo: one records, with picture or without, the others are asked and see it, also who comes later; afterwards it plays
// in the history, with marks of who came and went.
import type { Browser, Page } from "playwright-core";
import { beforeAll, beforeEach, expect, it, vi } from "vitest";
import { type Server, startServer } from "../lib/index.js";
import { sticksOut, violations } from "./lib/axe.js";
import { launchChromium, makeNamespace, type Namespace, newPerson, screenshot, wear } from "./lib/index.js";

vi.setConfig({ testTimeout: 120_000 });

const PATIENCE = { timeout: 20_000 };

let namespace: Namespace;
let browser: Browser;
let server: Server;

beforeAll(async () => {
  namespace = makeNamespace();
  browser = await launchChromium(namespace);
});

beforeEach(async () => {
  const args = ["--recording-min-free", "1", "--recording-policy", "consent"];
  server = await startServer({ command: "dev", wrapper: namespace.wrapper, args });
});

const button = (page: Page, name: string) => page.getByRole("button", { name, exact: true });
const badge = (page: Page) => page.locator(".bw-recording");

async function open(user: string): Promise<Page> {
  const person = await newPerson(browser, { smallVideo: true, viewport: { width: 1280, height: 800 } });
  const page = await person.newPage();
  page.setDefaultTimeout(PATIENCE.timeout);
  await page.goto(`${server.url}/?user=${user}`);
  await page.getByText("Online").waitFor();
  return page;
}

const CONTROLS = ".bw-recordings :is(button, a, input, video)";

/** Large and small, in both themes. */
async function inspectChoice(page: Page): Promise<void> {
  for (const [colorScheme, width] of [
    ["dark", 360],
    ["light", 1280],
  ] as const) {
    await page.setViewportSize({ width, height: 800 });
    await wear(page, colorScheme);
    await screenshot(page, `recording-choice-${colorScheme}-${width}`);
    expect(await violations(page), `${colorScheme}, ${width}`).toEqual([]);
  }
}

const focused = (page: Page) =>
  page.evaluate(() => document.activeElement?.ariaLabel || document.activeElement?.textContent);

const timeIn = (page: Page) =>
  page.locator(".bw-player video").evaluate((video) => (video as HTMLVideoElement).currentTime);

/** In both themes, on a desk and on a phone. */
async function inspectPlayer(page: Page, what = "player"): Promise<void> {
  for (const colorScheme of ["light", "dark"] as const)
    for (const width of [1280, 360]) {
      await page.setViewportSize({ width, height: 800 });
      await wear(page, colorScheme);
      await page.locator(".bw-player").scrollIntoViewIfNeeded();
      await screenshot(page, `recording-${what}-${colorScheme}-${width}`);
      expect(await violations(page), `${colorScheme}, ${width}`).toEqual([]);
      expect(await sticksOut(page, CONTROLS), `${colorScheme}, ${width}`).toEqual([]);
    }
}

it("asks all, also who comes later, shows, and plays with marks", async () => {
  const [alice, bob, carol] = [await open("alice"), await open("bob"), await open("carol")];
  await button(alice, "Group call").click();
  await button(alice, "Call 3 people").click();
  await button(bob, "Accept with video").click();
  for (const page of [alice, bob]) await page.getByRole("timer").waitFor();
  await button(alice, "Record this call").click();
  await inspectChoice(alice);
  await button(alice, "Sound and picture").click();
  await bob.getByRole("alertdialog", { name: "Alice asks to record this call." }).waitFor();
  await screenshot(bob, "recording-consent");
  await button(bob, "Agree").click();
  for (const page of [alice, bob]) await expect.poll(() => badge(page).innerText(), PATIENCE).toMatch(/^Recording/);
  await expect.poll(() => badge(alice).innerText(), PATIENCE).toMatch(/0:0[4-9].*kB|0:0[4-9].*MB/s);
  await screenshot(alice, "recording");

  await button(carol, "Accept with video").click();
  for (const page of [alice, carol])
    await expect.poll(() => badge(page).innerText(), PATIENCE).toMatch(/^Waiting for consent/);
  await screenshot(carol, "recording-late");
  await button(carol, "Agree").click();
  for (const page of [alice, carol]) await expect.poll(() => badge(page).innerText(), PATIENCE).toMatch(/^Recording/);
  await expect.poll(() => badge(alice).innerText(), PATIENCE).toMatch(/0:(0[89]|1\d)/);
  await button(bob, "Hang up").click();
  await expect.poll(() => badge(alice).innerText(), PATIENCE).toMatch(/0:(1[3-9]|2\d)/);
  await button(alice, "Stop recording").click();
  await expect.poll(() => badge(carol).count(), PATIENCE).toBe(0);
  for (const page of [carol, alice]) await button(page, "Hang up").click();
  await button(alice, "Close").click();

  await alice.getByText("Recordings").first().click();
  const player = alice.getByRole("group", { name: "Recording" });
  const marks = player.getByRole("list", { name: "Who joined and left" }).getByRole("button");
  await expect
    .poll(() => marks.allInnerTexts(), PATIENCE)
    .toEqual([expect.stringMatching(/^0:0\d\s+Carol joined$/), expect.stringMatching(/^0:(0[7-9]|1\d)\s+Bob left$/)]);
  await inspectPlayer(alice);

  // By keyboard alone.
  const seek = player.getByRole("slider", { name: "Place in the recording" });
  await seek.focus();
  await alice.keyboard.press("ArrowRight");
  await expect.poll(() => timeIn(alice), PATIENCE).toBe(5);
  await expect.poll(() => seek.getAttribute("aria-valuetext")).toMatch(/^0:05 of 0:\d\d$/);
  await button(alice, "Play").press("Enter");
  await expect.poll(() => timeIn(alice), PATIENCE).toBeGreaterThan(5.5);
  await button(alice, "Pause").press("Enter");
  await marks.nth(1).press("Enter");
  const [minutes = 0, seconds = 0] = (await marks.nth(1).locator("time").innerText()).split(":").map(Number);
  await expect.poll(async () => Math.floor(await timeIn(alice))).toBe(minutes * 60 + seconds);

  // Who made it may take it away, after a second question.
  await button(alice, "Delete…").click();
  await expect.poll(() => focused(alice)).toBe("Keep");
  await button(alice, "Delete").click();
  await alice.getByText("This call was not recorded.").waitFor();
});

it("records the sound of a video call alone, by keyboard", async () => {
  const [alice, bob] = [await open("alice"), await open("bob")];
  await button(alice, "Call Bob").click();
  await button(bob, "Accept with video").click();
  for (const page of [alice, bob]) await page.getByRole("timer").waitFor();
  await button(alice, "Record this call").press("Enter");
  await expect.poll(() => focused(alice)).toBe("Sound and picture");
  await alice.keyboard.press("Tab");
  expect(await focused(alice)).toBe("Sound only");
  await alice.keyboard.press("Enter");
  await expect.poll(() => focused(alice)).toBe("Stop recording");
  await button(bob, "Agree").click();
  await expect.poll(() => badge(alice).innerText(), PATIENCE).toMatch(/0:0[3-9].*kB/s);
  await button(alice, "Stop recording").press("Enter");
  await expect.poll(() => badge(bob).count(), PATIENCE).toBe(0);
  await button(alice, "Hang up").click();
  await button(alice, "Close").click();
  await alice.getByText("Recordings").first().click();
  const player = alice.getByRole("group", { name: "Recording" });
  await player.locator("audio").waitFor({ state: "attached" });
  expect(await player.locator("video").count()).toBe(0);
  await inspectPlayer(alice, "sound");
  await button(alice, "Play").press("Enter");
  const at = () => player.locator("audio").evaluate((audio) => (audio as HTMLAudioElement).currentTime);
  await expect.poll(at, PATIENCE).toBeGreaterThan(0.5);
});

// The demo: one records, the other is asked and sees it; afterwards it plays in the history.
import type { Browser, Page } from "playwright-core";
import { beforeAll, expect, it } from "vitest";
import { type Server, startServer } from "../lib/index.js";
import { launchChromium, makeNamespace, newPerson, screenshot } from "./lib/index.js";

let browser: Browser;
let server: Server;

beforeAll(async () => {
  const namespace = makeNamespace();
  browser = await launchChromium(namespace);
  const args = ["--recording-min-free", "1", "--recording-policy", "consent"];
  server = await startServer({ command: "dev", wrapper: namespace.wrapper, lifetime: "file", args });
});

const button = (page: Page, name: string) => page.getByRole("button", { name, exact: true });
const badge = (page: Page) => page.locator(".bw-recording");

async function open(user: string): Promise<Page> {
  const person = await newPerson(browser, { smallVideo: true, viewport: { width: 1280, height: 800 } });
  const page = await person.newPage();
  await page.goto(`${server.url}/?user=${user}`);
  await page.getByText("Online").waitFor();
  return page;
}

it("asks, shows, and plays", { timeout: 90_000 }, async () => {
  const alice = await open("alice");
  const bob = await open("bob");
  await button(alice, "Call Bob").click();
  await button(bob, "Accept with video").click();
  for (const page of [alice, bob]) await page.getByRole("timer").waitFor();
  await button(alice, "Record this call").click();
  await bob.getByRole("alertdialog", { name: "Alice asks to record this call." }).waitFor();
  await screenshot(bob, "recording-consent");
  await button(bob, "Agree").click();
  for (const page of [alice, bob]) await expect.poll(() => badge(page).innerText()).toMatch(/^Recording/);
  await expect.poll(() => badge(alice).innerText(), { timeout: 20_000 }).toMatch(/0:0[4-9].*kB|0:0[4-9].*MB/s);
  await screenshot(alice, "recording");
  await button(alice, "Stop recording").click();
  await expect.poll(() => badge(bob).count()).toBe(0);
  await button(alice, "Hang up").click();
  await bob.getByText(/^Call ended/).waitFor();
  await button(bob, "Close").click();
  await bob.getByText("Recordings").first().click();
  const player = bob.locator("video[controls]").first();
  await player.evaluate((video) => (video as HTMLVideoElement).play());
  await expect.poll(() => player.evaluate((v) => (v as HTMLVideoElement).currentTime)).toBeGreaterThan(0.5);
  await screenshot(bob, "recording-history");
});

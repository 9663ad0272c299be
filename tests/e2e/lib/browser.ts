// Debian's Chromium inside a namespace, with a fake camera and microphone; its pages tell what their connections do.
import { mkdirSync } from "node:fs";
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Browser, type BrowserContext, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { closeLater } from "../../lib/lifetime.js";
import type { Namespace } from "./namespace.js";
import { watchPeers } from "./peers.js";

const flags = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--disable-dev-shm-usage",
  "--use-fake-device-for-media-stream",
  "--use-fake-ui-for-media-stream",
  "--autoplay-policy=no-user-gesture-required",
  "--disable-features=WebRtcHideLocalIpsWithMdns",
  "--mute-audio",
];

export interface LaunchOptions {
  args?: string[];
  /** Flags that it shall not have. */
  without?: string[];
  lifetime?: "test" | "file";
}

export async function launchChromium(
  namespace: Namespace,
  { args = [], without = [], lifetime = "file" }: LaunchOptions = {},
): Promise<Browser> {
  const folder = await mkdtemp(join(tmpdir(), "bellwire-chromium-"));
  closeLater(() => rm(folder, { recursive: true, force: true }), lifetime);
  const wrapper = join(folder, "chromium");
  await writeFile(wrapper, `#!/bin/sh\nexec ${namespace.wrapper.join(" ")} /usr/bin/chromium "$@"\n`);
  await chmod(wrapper, 0o755);
  const browser = await chromium.launch({
    executablePath: wrapper,
    args: [...flags.filter((flag) => !without.includes(flag)), ...args],
    chromiumSandbox: false,
  });
  closeLater(() => browser.close(), lifetime);
  return browser;
}

export interface PersonOptions extends BrowserContextOptions {
  /** Lets media pass over TURN only. */
  relayOnly?: boolean;
  /** The camera gives 320 × 240 at 15 frames a second, which costs little. */
  smallVideo?: boolean;
}

/** What was thrown, and where: an error of the browser's own, as of an import that fails, has an empty stack. */
function wordsOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return `thrown: ${JSON.stringify(thrown)}`;
  const { message, stack } = thrown;
  return stack?.includes(message) ? stack : `${thrown}\n${stack ?? ""}`.trimEnd();
}

/** A browser of one's own: a context with camera and microphone allowed. Errors in its pages fail the test. */
export async function newPerson(
  browser: Browser,
  options: PersonOptions = {},
  lifetime: "test" | "file" = "test",
): Promise<BrowserContext> {
  const { relayOnly = false, smallVideo = false, ...rest } = options;
  const context = await browser.newContext({ permissions: ["camera", "microphone"], ...rest });
  const errors: string[] = [];
  context.on("weberror", (error) => errors.push(wordsOf(error.error())));
  closeLater(async () => {
    await context.close();
    if (errors.length) throw new Error(`errors in the page:\n${errors.join("\n")}`);
  }, lifetime);
  await context.addInitScript(watchPeers, { relayOnly, smallVideo });
  return context;
}

/** The browser's theme becomes that one; resolves when the page has followed, which it does with its next picture. */
export async function wear(page: Page, theme: "light" | "dark"): Promise<void> {
  await page.emulateMedia({ colorScheme: theme });
  await page.waitForFunction((theme) => document.documentElement.dataset.bwTheme === theme, theme);
  await page.evaluate(async () => {
    const fades = document.getAnimations().filter((one) => one instanceof CSSTransition);
    await Promise.allSettled(fades.map(({ finished }) => finished));
  });
}

/** Keeps a picture in the folder that BELLWIRE_SCREENSHOTS names; without it nothing is taken. */
export async function screenshot(page: Page, name: string, fullPage = false): Promise<void> {
  const folder = process.env.BELLWIRE_SCREENSHOTS;
  if (!folder) return;
  mkdirSync(folder, { recursive: true });
  // Fades are finished first, so that the picture shows what a person sees.
  await page.screenshot({ path: join(folder, `${name}.png`), animations: "disabled", fullPage });
}

/** Tells a figure; `make test` shows lines that begin so. */
export function note(text: string): void {
  process.stdout.write(`note: ${text}\n`);
}

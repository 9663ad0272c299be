// The page that users open before they ask for help: it finds devices, the server and the relay, in Chromium and in
// Firefox, and says how to mend what is not there.
import type { Browser, Page } from "playwright-core";
import { beforeAll, expect, it, vi } from "vitest";
import { type Server, startServer } from "../lib/index.js";
import { sticksOut, violations } from "./lib/axe.js";
import {
  type FirefoxPage,
  launchChromium,
  launchFirefox,
  makeNamespace,
  type Namespace,
  newPerson,
  note,
  screenshot,
} from "./lib/index.js";

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

let namespace: Namespace;
let server: Server;
let browser: Browser;
let origin: string;

beforeAll(async () => {
  namespace = makeNamespace();
  namespace.addDeadEnd();
  server = await startServer({ command: "dev", wrapper: namespace.wrapper, lifetime: "file" });
  origin = `http://localhost:${server.port}`;
  browser = await launchChromium(namespace);
});

const begin = (page: Page) => page.getByRole("button", { name: "Begin" }).click();
const copyButton = (page: Page) => page.getByRole("button", { name: "Copy for a support ticket" });
const lines = async (page: Page) => (await page.locator(".check").allInnerTexts()).join("\n");

/** Loss and delay of each way, as measured. */
const MEASURED = /Connected in \d+ ms; of 100 packets \d+ were lost; there and back \d+ ms, at worst \d+ ms/;

it("finds devices and the relay, and gives a verdict to copy, in both themes and on a phone", async () => {
  const looks = [
    ["light", 1180],
    ["dark", 1180],
    ["light", 390],
    ["dark", 390],
  ] as const;
  for (const [theme, width] of looks) {
    const person = await newPerson(browser, { colorScheme: theme, viewport: { width, height: 1000 } });
    await person.grantPermissions(["camera", "microphone", "clipboard-read", "clipboard-write"], { origin });
    const page = await person.newPage();
    await page.goto(`${origin}/check?user=alice`);
    await begin(page);
    await copyButton(page).waitFor({ timeout: 60_000 });
    const found = await lines(page);
    expect(found).toMatch(/Camera[\s\S]*pictures a second/);
    expect(found).toMatch(/Microphone\s+(Good:)?\s*It hears something: at most \d+ %/);
    expect(found).toMatch(/WebSockets pass/);
    for (const way of ["UDP", "TCP"])
      expect(found).toMatch(new RegExp(`Relay over ${way}\\s+\\S+\\s+${MEASURED.source}`));
    await page.getByRole("button", { name: "I hear it" }).click();
    expect(await violations(page)).toEqual([]);
    expect(await sticksOut(page)).toEqual([]);
    await screenshot(page, `check-${theme}-${width}`);
    await copyButton(page).click();
    await page.getByRole("button", { name: "Copied" }).waitFor();
    const ticket = await page.evaluate(() => navigator.clipboard.readText());
    expect(ticket).toMatch(/^(Everything is fine|Calls will work)/);
    expect(ticket).toMatch(/\[good\] Speakers: The tone was heard\./);
    expect(ticket).toMatch(MEASURED);
    if (theme === "light" && width > 1000)
      note(
        ticket
          .split("\n")
          .filter((line) => MEASURED.test(line))
          .join(" / "),
      );
  }
});

it("names what is not there: devices, and any way through", async () => {
  const poor = await startServer({ command: "dev", wrapper: namespace.wrapper, args: ["--turn-listen", "none"] });
  const bare = await launchChromium(namespace, { without: ["--use-fake-device-for-media-stream"], lifetime: "test" });
  const page = await (await newPerson(bare)).newPage();
  await page.goto(`http://localhost:${poor.port}/check?user=alice`);
  await begin(page);
  await copyButton(page).waitFor({ timeout: 60_000 });
  const found = await lines(page);
  for (const device of ["Camera", "Microphone"])
    expect(found).toMatch(new RegExp(`${device}\\s+Does not work:\\s*There is none on this device: plug one in`));
  for (const way of ["UDP", "TCP", "TLS"])
    expect(found).toMatch(new RegExp(`Relay over ${way}\\s+Look at this:\\s*The server offers none`));
  expect(await page.locator(".check-verdict").innerText()).toBe("Neither camera nor microphone can be used.");
});

it("says so when the server is not there", async () => {
  const gone = await startServer({ command: "dev", wrapper: namespace.wrapper });
  const page = await (await newPerson(browser)).newPage();
  await page.goto(`http://localhost:${gone.port}/check?user=alice`);
  await gone.stop();
  await begin(page);
  await copyButton(page).waitFor({ timeout: 60_000 });
  expect(await lines(page)).toMatch(/Server\s+Does not work:\s*The server does not answer: is this device online\?/);
  expect(await page.locator(".check-verdict").innerText()).toBe("Calls will not work here.");
});

it("finds the same in Firefox", async () => {
  const page: FirefoxPage = await launchFirefox(namespace, { lifetime: "test" });
  await page.goto(`${origin}/check?user=bob`);
  const click = (name: string) =>
    page.evaluate((name) => {
      const buttons = [...document.querySelectorAll("button")];
      buttons.find((button) => button.textContent === name)?.click();
    }, name);
  await page.waitForFunction(() => [...document.querySelectorAll("button")].some((one) => one.textContent === "Begin"));
  await click("Begin");
  await page.waitForFunction(() => document.querySelector(".check-verdict") !== null, {
    timeout: 90_000,
    polling: 250,
  });
  const found = await page.evaluate(() => document.querySelector(".checks")?.textContent ?? "");
  note(`Firefox: ${found.match(new RegExp(MEASURED, "g"))?.join(" / ")}`);
  expect(found).toMatch(/Camera.*pictures a second/);
  expect(found).toMatch(/Microphone.*It hears something/);
  for (const way of ["UDP", "TCP"]) expect(found).toMatch(new RegExp(`Relay over ${way}\\S*\\s*${MEASURED.source}`));
});

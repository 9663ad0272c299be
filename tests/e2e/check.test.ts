// The page that users open before they ask for help: it finds devices, the server and the relay, and says how to mend
// what is not there.
import type { Browser, Page } from "playwright-core";
import { beforeAll, expect, it, vi } from "vitest";
import { type Server, startServer } from "../lib/index.js";
import { sticksOut, violations } from "./lib/axe.js";
import { MEASURED } from "./lib/check.js";
import { launchChromium, makeNamespace, type Namespace, newPerson, note, screenshot, wear } from "./lib/index.js";

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

const beginButton = (page: Page) => page.getByRole("button", { name: "Begin" });
const begin = (page: Page) => beginButton(page).click();
const copyButton = (page: Page) => page.getByRole("button", { name: "Copy for a support ticket" });
/** The page with its findings, in both themes, on a desk and on a phone. */
async function inspect(page: Page): Promise<void> {
  for (const theme of ["light", "dark"] as const)
    for (const width of [1180, 360]) {
      await page.setViewportSize({ width, height: 1000 });
      await wear(page, theme);
      expect(await violations(page), `${theme}, ${width}`).toEqual([]);
      expect(await sticksOut(page), `${theme}, ${width}`).toEqual([]);
      await screenshot(page, `check-${theme}-${width}`);
    }
}

const lines = async (page: Page) => (await page.locator(".check").allInnerTexts()).join("\n");

it("finds devices and the relay, and gives a verdict to copy", async () => {
  const person = await newPerson(browser, { viewport: { width: 1180, height: 1000 } });
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
  await inspect(page);
  await copyButton(page).click();
  await page.getByRole("button", { name: "Copied" }).waitFor();
  const ticket = await page.evaluate(() => navigator.clipboard.readText());
  expect(ticket).toMatch(/^(Everything is fine|Calls will work)/);
  expect(ticket).toMatch(/\[good\] Speakers: The tone was heard\./);
  const measured = ticket.split("\n").filter((line) => MEASURED.test(line));
  expect(measured).toHaveLength(2);
  note(measured.join(" / "));
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
  expect(await page.locator(".check-verdict").innerText()).toBe("Calls may find no way: no relay could be reached.");
});

it("says so when the server is not there", async () => {
  const gone = await startServer({ command: "dev", wrapper: namespace.wrapper });
  const page = await (await newPerson(browser)).newPage();
  await page.goto(`http://localhost:${gone.port}/check?user=alice`);
  await beginButton(page).waitFor(); // the page loads its parts one after another
  await gone.stop();
  await begin(page);
  await copyButton(page).waitFor({ timeout: 60_000 });
  expect(await lines(page)).toMatch(/Server\s+Does not work:\s*The server does not answer: is this device online\?/);
  expect(await page.locator(".check-verdict").innerText()).toBe("Calls will not work here.");
});

it("says so too when the server goes while the page loads, and comes when it is there again", async () => {
  const page = await (await newPerson(browser)).newPage();
  await page.route("**/console/assets/main-*.js", (route) => route.abort());
  await page.goto(`${origin}/check?user=alice`);
  await page.getByRole("alert").getByText("This page did not load whole").waitFor();
  expect(await violations(page)).toEqual([]);
  await screenshot(page, "check-missing");
  await page.unroute("**/console/assets/main-*.js");
  await page.getByRole("button", { name: "Try again" }).click();
  await beginButton(page).waitFor();
});

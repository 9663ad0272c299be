// A group call that goes on before one opens the page: offered at the top, joined by way of the devices.
import type { Page } from "playwright-core";
import { expect, it, vi } from "vitest";
import { startServer } from "../lib/index.js";
import { launchChromium, makeNamespace, newPerson, screenshot, untilMedia } from "./lib/index.js";

vi.setConfig({ testTimeout: 90_000 });

const button = (page: Page, name: string) => page.getByRole("button", { name, exact: true });
const OFFER = "A group call goes on.";

it("the demo offers a group call to those who come late, and no longer when it is over", async () => {
  const namespace = makeNamespace("test");
  const browser = await launchChromium(namespace, { lifetime: "test" });
  const server = await startServer({ command: "dev", wrapper: namespace.wrapper });
  const open = async (user: string) => {
    const page = await (
      await newPerson(browser, { smallVideo: true, viewport: { width: 1280, height: 800 } })
    ).newPage();
    await page.goto(`${server.url}/?user=${user}`);
    await page.getByText("Online").waitFor();
    return page;
  };
  const [alice, bob] = [await open("alice"), await open("bob")];
  await button(alice, "Group call").click();
  for (const name of ["Carol", "Dave"]) await alice.getByRole("checkbox", { name }).uncheck();
  await button(alice, "Call 1 person").click();
  await button(bob, "Accept with video").click();
  await bob.getByRole("timer").waitFor();

  const [carol, dave] = [await open("carol"), await open("dave")];
  for (const page of [carol, dave]) await page.getByText(OFFER).waitFor();
  await screenshot(carol, "demo-late");
  await button(carol, "Join").click();
  await carol.getByText("A group call is going on.").waitFor();
  await button(carol, "Join").last().click();
  for (const page of [alice, bob, carol])
    await untilMedia(page, ({ open, framesDecoded }) => open === 2 && framesDecoded > 0);
  for (const page of [alice, bob, carol]) await button(page, "Hang up").click();
  await dave.getByText(OFFER).waitFor({ state: "detached" });
  expect(await button(dave, "Join").count()).toBe(0);
});

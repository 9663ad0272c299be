// The page /check in Firefox: it finds what it finds in Chromium.
import { expect, it, vi } from "vitest";
import { makeSignedCertificate } from "../lib/certificates.js";
import { startServer, token } from "../lib/index.js";
import { MEASURED } from "./lib/check.js";
import { launchFirefox, makeNamespace, note } from "./lib/index.js";

vi.setConfig({ testTimeout: 180_000, hookTimeout: 120_000 });

it("devices, server and relay", async () => {
  const namespace = makeNamespace();
  namespace.addDeadEnd();
  const { authority, args } = makeSignedCertificate("calls.test", "file");
  const listen = `${namespace.address}:0`;
  const server = await startServer({
    ...{ wrapper: namespace.wrapper, listen, lifetime: "file" },
    args: [...args, "--turn-listen", listen, "--turn-lan"],
  });
  const page = await launchFirefox(namespace, { authority: authority.certFile, everyName: namespace.address });
  await page.goto(`https://calls.test:${server.port}/check#token=${token({ user: "bob" })}`);
  const click = (name: string) =>
    page.evaluate((name) => {
      const buttons = [...document.querySelectorAll("button")];
      buttons.find((button) => button.textContent === name)?.click();
    }, name);
  await page.waitForFunction(() => [...document.querySelectorAll("button")].some((one) => one.textContent === "Begin"));
  await click("Begin");
  const read = () => page.evaluate(() => document.querySelector(".checks")?.textContent ?? "");
  const isOver = () => page.evaluate(() => document.querySelector(".check-verdict") !== null);
  for (let tries = 0; tries < 90 && !(await isOver()); tries++) await new Promise((done) => setTimeout(done, 1000));
  const found = await read();
  note(`Firefox: ${found.match(new RegExp(MEASURED, "g"))?.join(" / ")}`);
  expect(found).toMatch(/Camera.*pictures a second/);
  expect(found).toMatch(/Microphone.*(It hears something|how loud it is cannot be told)/); // there may be no sound card
  for (const way of ["UDP", "TCP", "TLS"])
    expect(found).toMatch(new RegExp(`Relay over ${way}\\S*\\s*${MEASURED.source}`));
});

// The first page that a newcomer copies, run as it is printed.
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "vite";
import { expect, it } from "vitest";
import { startServer } from "../lib/index.js";
import { closeLater } from "../lib/lifetime.js";
import { launchChromium, makeNamespace, moreFrames, newPerson } from "./lib/index.js";

const at = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));

/** The blocks of a page by the name of the file that stands above them. */
async function files(page: string): Promise<Record<string, string>> {
  const text = await readFile(at(page), "utf8");
  const blocks = text.matchAll(/^`([\w.]+)`:\n\n```\w+\n([\s\S]*?)^```$/gm);
  return Object.fromEntries([...blocks].map(([, name, code]) => [name, code]));
}

it("docs/guide/hello.md holds a call in ten lines", { timeout: 60_000 }, async () => {
  const folder = await mkdtemp(join(tmpdir(), "bellwire-hello-"));
  closeLater(() => rm(folder, { recursive: true, force: true }));
  const printed = await files("docs/guide/hello.md");
  expect(Object.keys(printed)).toEqual(["index.html", "hello.js"]);
  expect(printed["hello.js"]?.trim().split("\n")).toHaveLength(10);
  await mkdir(folder, { recursive: true });
  for (const [name, code] of Object.entries(printed)) await writeFile(join(folder, name), code);
  // What npm would have installed.
  const alias = [
    { find: "@bellwire/client", replacement: at("packages/client/src/index.ts") },
    { find: "socket.io-client", replacement: at("node_modules/socket.io-client") },
  ];
  await build({
    configFile: false,
    logLevel: "error",
    root: folder,
    resolve: { alias },
    build: { target: "es2022", outDir: "dist" },
  });

  const namespace = makeNamespace("test");
  const server = await startServer({
    command: "dev",
    wrapper: namespace.wrapper,
    args: ["--web", join(folder, "dist")],
  });
  const browser = await launchChromium(namespace, { lifetime: "test" });
  const open = async (hash: string) => {
    const page = await (await newPerson(browser, { smallVideo: true })).newPage();
    page.on("dialog", (dialog) => void dialog.accept());
    await page.goto(`http://localhost:${server.port}/${hash}`);
    return page;
  };
  const [alice, bob] = [await open("#alice"), await open("#bob")];
  await bob.waitForTimeout(500);
  await alice.getByRole("button", { name: "Call" }).click();
  for (const page of [alice, bob]) {
    await page.waitForFunction(() => (document.querySelector("video")?.videoWidth ?? 0) > 0, undefined, {
      timeout: 20_000,
    });
    await moreFrames(page);
  }
});

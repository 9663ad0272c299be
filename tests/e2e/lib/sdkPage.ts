// A page with nothing but the SDK on it: window.bellwire is a client, and tests drive it by hand.
import { fileURLToPath } from "node:url";
import type { BrowserContext, Page } from "playwright-core";
import { build } from "vite";
import { token } from "../../lib/index.js";

const scripts = new Map<string, Promise<string>>();

/** A file of the repository, with all that it imports, as one classic script; what it exports is `window[name]`. */
export function bundle(path: string, name: string): Promise<string> {
  const known = scripts.get(path) ?? makeBundle(path, name);
  scripts.set(path, known);
  return known;
}

async function makeBundle(path: string, name: string): Promise<string> {
  const at = (file: string) => fileURLToPath(new URL(`../../../${file}`, import.meta.url));
  const lib = { entry: at(path), formats: ["iife" as const], name };
  const client = [
    { find: "@bellwire/client/compat", replacement: at("packages/client/src/compat/index.ts") },
    { find: "@bellwire/client/recording", replacement: at("packages/client/src/recording/index.ts") },
    { find: "@bellwire/client", replacement: at("packages/client/src/index.ts") },
  ];
  const result = await build({
    configFile: false,
    logLevel: "error",
    oxc: { jsx: { runtime: "automatic", development: false } },
    define: { "process.env.NODE_ENV": '"production"' },
    resolve: { alias: client },
    build: { write: false, lib },
  });
  const [first] = Array.isArray(result) ? result : [result];
  const [chunk] = first && "output" in first ? first.output : [];
  if (!chunk || !("code" in chunk)) throw new Error(`${path} could not be built`);
  return chunk.code;
}

export interface SdkOptions {
  /** What is loaded: the SDK's core, or something that has it and more. */
  entry?: string;
  claims?: Record<string, unknown>;
}

/** What the drivers of both browsers call a page. */
export interface AnyPage {
  goto(url: string): Promise<unknown>;
  addScriptTag(script: { content: string }): Promise<unknown>;
  evaluate<T, A = undefined>(ask: (argument: A) => T | Promise<T>, argument?: A): Promise<T>;
  close(): Promise<void>;
}

/** A page of the server's origin, connected as the user. Open again after a reload with the same page. */
export async function openSdk(
  context: BrowserContext | Page,
  origin: string,
  user: string,
  options: SdkOptions = {},
): Promise<Page> {
  const page = "newPage" in context ? await context.newPage() : context;
  await enterSdk(page as unknown as AnyPage, origin, user, options);
  return page;
}

/** As openSdk, in a page of either browser. */
export async function enterSdk(
  page: AnyPage,
  origin: string,
  user: string,
  { entry = "packages/client/src/index.ts", claims = {} }: SdkOptions = {},
): Promise<void> {
  await page.goto(`${origin}/healthz`);
  await page.addScriptTag({ content: await bundle(entry, "Bellwire") });
  await page.evaluate(
    async ({ origin, jwt }) => {
      const scope = window as never as {
        Bellwire: typeof import("../../../packages/client/src/index.js");
        bellwire: unknown;
      };
      const client = scope.Bellwire.createClient({ url: origin, getToken: () => jwt });
      scope.bellwire = client;
      await client.connect();
    },
    { origin, jwt: token({ user, name: user, claims }) },
  );
}

/** As the host's backend; by way of a page, since the server is out of the tests' own reach. */
export async function setChannel(page: AnyPage | Page, id: string, members: string[]): Promise<void> {
  const jwt = token({ user: "host", scope: "server" });
  const status = await (page as AnyPage).evaluate(
    async ({ id, members, jwt }) => {
      const headers = { authorization: `Bearer ${jwt}`, "content-type": "application/json" };
      return (await fetch(`/api/channels/${id}`, { method: "PUT", headers, body: JSON.stringify({ members }) })).status;
    },
    { id, members, jwt },
  );
  if (status >= 300) throw new Error(`channel ${id}: ${status}`);
}

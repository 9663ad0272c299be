// A planned stop, as browsers see it: they are told, the call goes on without the server, and with the next one again.
import { beforeAll, expect, it } from "vitest";
import type { Client } from "../../packages/client/src/index.js";
import { startServer } from "../lib/index.js";
import { launchChromium, makeNamespace, mediaState, moreFrames, type Namespace, newPerson, note } from "./lib/index.js";
import { openSdk, setChannel } from "./lib/sdkPage.js";

type Browser = Awaited<ReturnType<typeof launchChromium>>;
type Page = Awaited<ReturnType<typeof openSdk>>;
interface Window {
  bellwire: Client;
}

let namespace: Namespace;
let browser: Browser;

beforeAll(async () => {
  namespace = makeNamespace();
  browser = await launchChromium(namespace);
});

/** A person's page, and the notices of a stop that came over its sockets. */
async function open(origin: string, user: string): Promise<{ page: Page; notices: string[] }> {
  const person = await newPerson(browser);
  const notices: string[] = [];
  person.on("page", (page) => {
    page.on("websocket", (socket) => {
      socket.on("framereceived", ({ payload }) => {
        if (String(payload).includes("server.draining")) notices.push(String(payload));
      });
    });
  });
  return { page: await openSdk(person, origin, user), notices };
}

const is = (page: Page, connection: string) =>
  page.waitForFunction(
    (connection) => (window as never as Window).bellwire.getSnapshot().connection === connection,
    connection,
  );
const isActive = (page: Page) =>
  page.waitForFunction(() => (window as never as Window).bellwire.getSnapshot().current?.state === "active");

it("a stop is announced, bounded in time, and takes no picture away", { timeout: 90_000 }, async () => {
  const server = await startServer({ wrapper: namespace.wrapper });
  const origin = `http://localhost:${server.port}`;
  const alice = await open(origin, "alice");
  const bob = await open(origin, "bob");
  await setChannel(alice.page, "general", ["alice", "bob"]);
  await alice.page.evaluate(
    async () => void (await (window as never as Window).bellwire.call({ channelId: "general", to: "bob" })),
  );
  await bob.page.waitForFunction(() => (window as never as Window).bellwire.getSnapshot().incoming.length > 0);
  await bob.page.evaluate(async () => {
    const { bellwire } = window as never as Window;
    await bellwire.getCall(bellwire.getSnapshot().incoming[0]?.id ?? "")?.accept();
  });
  for (const { page } of [alice, bob]) await isActive(page);
  for (const { page } of [alice, bob]) await moreFrames(page);

  const from = performance.now();
  await server.stop();
  const stopMs = performance.now() - from;
  for (const { notices } of [alice, bob]) {
    expect(notices).toHaveLength(1);
    expect(notices[0]).toMatch(/"retryAfterMs":\d+/);
  }
  expect(stopMs).toBeLessThan(8000); // --drain-timeout is 5 s
  for (const { page } of [alice, bob]) await is(page, "reconnecting");
  for (const { page } of [alice, bob]) await moreFrames(page, 20);

  await server.start(`127.0.0.1:${server.port}`);
  for (const { page } of [alice, bob]) await is(page, "connected");
  for (const { page } of [alice, bob]) await isActive(page);
  for (const { page } of [alice, bob]) await moreFrames(page, 20);
  expect((await mediaState(alice.page)).open).toBe(1);
  await bob.page.evaluate(async () => {
    const { bellwire } = window as never as Window;
    await bellwire.getCall(bellwire.getSnapshot().current?.id ?? "")?.hangUp();
  });
  await alice.page.waitForFunction(() => {
    const { current } = (window as never as Window).bellwire.getSnapshot();
    return !current || current.state === "ended";
  });
  note(`a stop with a call in two browsers took ${Math.round(stopMs)} ms`);
});

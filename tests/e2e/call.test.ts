// A newcomer's first call: both panes of the demo, in a real browser, against the real server.
import type { Browser, Frame, Page } from "playwright-core";
import { beforeAll, describe, expect, it } from "vitest";
import { checkAnswer, type ServerOptions, startServer } from "../lib/index.js";
import {
  clickToFirstFrame,
  launchChromium,
  makeNamespace,
  mediaState,
  moreFrames,
  type Namespace,
  newPerson,
  note,
  screenshot,
  startCoturn,
  turnSecret,
  untilMedia,
} from "./lib/index.js";

let namespace: Namespace;
let browser: Browser;

beforeAll(async () => {
  namespace = makeNamespace();
  browser = await launchChromium(namespace);
});

interface Panes {
  page: Page;
  alice: Frame;
  bob: Frame;
}

async function paneOf(page: Page, name: string): Promise<Frame> {
  const element = await page.locator(`iframe[title="${name}"]`).elementHandle();
  const frame = await element?.contentFrame();
  if (!frame) throw new Error(`no pane of ${name}`);
  await frame.getByRole("status").filter({ hasText: "Online" }).waitFor();
  return frame;
}

/** The demo's page as `make run` shows it. */
async function openPanes({ relayOnly = false, colorScheme = "light" as "light" | "dark", ...options }): Promise<Panes> {
  const server = await startServer({ command: "dev", wrapper: namespace.wrapper, ...(options as ServerOptions) });
  const person = await newPerson(browser, { relayOnly, colorScheme, viewport: { width: 1280, height: 800 } });
  const page = await person.newPage();
  await page.goto(`http://localhost:${server.port}/`);
  return { page, alice: await paneOf(page, "Alice"), bob: await paneOf(page, "Bob") };
}

const button = (frame: Frame, name: string) => frame.getByRole("button", { name, exact: true });

/** What REST says to a pane's user about the newest call of their own. */
async function newestCall(frame: Frame, user: string) {
  const path = "/api/users/me/calls?limit=1";
  const answer = await frame.evaluate(
    async ({ user, path }) => {
      const { token } = await (await fetch(`/api/dev/token?user=${user}`)).json();
      const response = await fetch(path, { headers: { authorization: `Bearer ${token}` } });
      return { status: response.status, body: await response.json() };
    },
    { user, path },
  );
  checkAnswer("GET", path, { ...answer, type: "application/json" });
  return answer.body.calls[0];
}

/** Alice calls, bob's pane rings; both are seen. */
async function ring({ page, alice, bob }: Panes, picture: string): Promise<void> {
  await button(alice, "Call Bob").click();
  const dialog = bob.getByRole("alertdialog", { name: "Alice" });
  await dialog.waitFor();
  expect(await dialog.textContent()).toContain("Incoming video call");
  await alice.getByRole("status").filter({ hasText: "Ringing" }).waitFor();
  await screenshot(page, `${picture}-ringing`);
}

/** Bob accepts; both decode what the other sends. */
async function accept({ alice, bob }: Panes): Promise<number> {
  const firstFrame = clickToFirstFrame(bob);
  await button(bob, "Accept with video").click();
  const ms = await firstFrame;
  for (const pane of [alice, bob])
    await untilMedia(pane, (state) => state.framesDecoded >= 10 && state.audioPackets > 0);
  return ms;
}

const participant = (frame: Frame, id: string) => frame.locator(`[data-participant="${id}"]`);

async function muteIsSeen({ alice, bob }: Panes): Promise<void> {
  const mark = participant(bob, "alice").getByRole("img", { name: "Muted" });
  expect(await mark.count()).toBe(0);
  await button(alice, "Mute").click();
  await mark.waitFor();
  await button(alice, "Unmute").click();
  await mark.waitFor({ state: "detached" });
}

/** Alice hangs up; both panes are told, nothing stays open, and both find the call in their lists. */
async function hangUp({ page, alice, bob }: Panes, picture: string): Promise<void> {
  await button(alice, "Hang up").click();
  for (const pane of [alice, bob]) {
    await pane.getByText("Call ended").first().waitFor();
    await untilMedia(pane, (state) => state.open === 0 && state.liveTracks === 0, 3000);
  }
  await screenshot(page, `${picture}-ended`);
  for (const [pane, user, direction] of [
    [alice, "alice", "outgoing"],
    [bob, "bob", "incoming"],
  ] as const) {
    expect(await newestCall(pane, user)).toMatchObject({
      status: "ended",
      outcome: "completed",
      direction,
      endReason: "hangup",
      startedBy: "alice",
      endedBy: "alice",
    });
    await button(pane, "Close").click();
    const entry = pane.getByRole("region", { name: "Calls" }).getByRole("listitem").first();
    await entry.getByText("Talked").waitFor();
  }
}

async function wholeCall(panes: Panes, picture: string, type: "host" | "relay"): Promise<void> {
  await ring(panes, picture);
  const ms = await accept(panes);
  note(`accept to first decoded frame, ${type === "relay" ? "over coturn" : "direct"}: ${Math.round(ms)} ms`);
  for (const pane of [panes.alice, panes.bob]) expect((await mediaState(pane)).localTypes).toEqual([type]);
  await muteIsSeen(panes);
  for (const pane of [panes.alice, panes.bob]) await moreFrames(pane);
  await screenshot(panes.page, `${picture}-call`);
  await hangUp(panes, picture);
}

describe("a call between the demo's panes", () => {
  it("goes directly from browser to browser", { timeout: 60_000 }, async () => {
    await wholeCall(await openPanes({}), "direct", "host");
  });

  it("goes over coturn when only the relay is allowed", { timeout: 60_000 }, async () => {
    const coturn = await startCoturn(namespace, { lifetime: "test" });
    const args = ["--turn-listen", "none", "--ice-server", `${coturn.url}?transport=udp`];
    const env = { BELLWIRE_TURN_SECRET: turnSecret };
    await wholeCall(await openPanes({ relayOnly: true, colorScheme: "dark", args, env }), "relayed", "relay");
    expect(coturn.log()).toMatch(/ALLOCATE processed, success/);
  });

  it("is declined without opening the callee's camera", { timeout: 60_000 }, async () => {
    const panes = await openPanes({});
    await ring(panes, "declined");
    await button(panes.bob, "Decline").click();
    await panes.alice.getByText("Bob declined").first().waitFor();
    await untilMedia(panes.alice, (state) => state.open === 0 && state.liveTracks === 0, 3000);
    expect(
      await panes.bob.evaluate(
        () => (window as unknown as { bellwireTest: { tracks: unknown[] } }).bellwireTest.tracks,
      ),
    ).toEqual([]);
    expect(await newestCall(panes.bob, "bob")).toMatchObject({ status: "declined", outcome: "declined" });
  });
});

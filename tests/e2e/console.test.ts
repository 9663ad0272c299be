// The console's pages in a browser: a report names what went wrong in a scripted call, the dashboard follows and ends
// calls, the check finds camera, microphone and relay. All in both themes, and held against WCAG as far as axe can tell.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { AxeResults } from "axe-core";
import type { Browser, Page } from "playwright-core";
import { beforeAll, describe, expect, it, vi } from "vitest";
import { type Server, startServer, token } from "../lib/index.js";
import { launchChromium, makeNamespace, newPerson, note, screenshot } from "./lib/index.js";

vi.setConfig({ testTimeout: 120_000 });

const axeSource = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
const FIELDS = [
  ...["level", "audioScore", "videoScore", "rtt", "inAudioKbps", "inAudioLoss", "inAudioJitter", "concealed"],
  ...["inVideoKbps", "inVideoLoss", "inVideoJitter", "inFps", "frozenMs", "inHeight", "outAudioKbps", "outAudioLoss"],
  ...["outVideoKbps", "outVideoLoss", "outFps", "outHeight", "outJitter", "availableKbps", "limit", "path", "sends"],
  ...["expects", "bufferMs"],
];

let server: Server;
let browser: Browser;

beforeAll(async () => {
  const namespace = makeNamespace();
  const listen = `${namespace.address}:0`;
  server = await startServer({
    ...{ wrapper: namespace.wrapper, listen, lifetime: "file" },
    args: ["--turn-listen", `${namespace.address}:0`, "--turn-lan"],
  });
  browser = await launchChromium(namespace, {
    args: [`--unsafely-treat-insecure-origin-as-secure=${server.url}`],
  });
});

async function violations(page: Page): Promise<string[]> {
  await page.evaluate(axeSource);
  const found = await page.evaluate(async (tags) => {
    const { axe } = window as unknown as { axe: { run: (context: Document, options: unknown) => Promise<AxeResults> } };
    return axe.run(document, { runOnly: tags, resultTypes: ["violations"] });
  }, TAGS);
  return found.violations.map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map((node) => node.html).join(" | ")}`);
}

async function open(path: string, who: string, theme: "light" | "dark"): Promise<Page> {
  const person = await newPerson(browser, { colorScheme: theme, viewport: { width: 1180, height: 1000 } });
  const page = await person.newPage();
  const jwt = token(who === "host" ? { user: "host", scope: "server" } : { user: who });
  await page.goto(`${server.url}${path}#token=${jwt}`);
  return page;
}

const LENGTH_S = 540;
const good = {
  ...{
    level: 1,
    audioScore: 91,
    videoScore: 95,
    rtt: 48,
    inAudioKbps: 32,
    inAudioLoss: 2,
    inAudioJitter: 4,
    concealed: 1,
  },
  ...{ inVideoKbps: 1400, inVideoLoss: 3, inVideoJitter: 8, inFps: 30, frozenMs: 0, inHeight: 720, outAudioKbps: 32 },
  ...{
    outAudioLoss: 2,
    outVideoKbps: 1400,
    outVideoLoss: 3,
    outFps: 30,
    outHeight: 720,
    outJitter: 4,
    limit: 0,
    path: 1,
  },
  ...{ sends: 3, expects: 3, bufferMs: 40 },
};
type Values = Partial<typeof good>;

/** What alice and bob would have measured of each other at that second. */
function script(who: "alice" | "bob", s: number): Values {
  const wave = Math.round(6 * Math.sin(s / 9) + 3 * Math.sin(s / 2.3));
  const base: Values = {
    ...good,
    rtt: 48 + wave,
    inAudioJitter: 5 + (wave > 4 ? 2 : 0),
    inVideoKbps: 1400 + 20 * wave,
  };
  const lossy = s >= 60 && s < 120;
  if (lossy && who === "bob")
    return { ...base, level: 4, audioScore: 48, inAudioLoss: 118 + wave, inVideoLoss: 122, inFps: 14 };
  if (lossy) return { ...base, level: 4, outAudioLoss: 120, outVideoLoss: 122 };
  if (s >= 200) Object.assign(base, { path: 3, rtt: (base.rtt ?? 0) + 60 });
  if (s >= 300 && s < 330)
    return who === "bob" ? { ...base, level: 4, inFps: 0, frozenMs: 2000 } : { ...base, outFps: 0 };
  if (s >= 420 && s < 470 && who === "alice") return { ...base, level: 2, limit: 1, outFps: 9 };
  return base;
}

/** Nine minutes of a call between two people, told afterwards. */
async function badCall(): Promise<string> {
  await server.channel("bad", ["alice", "bob"]);
  const people = { alice: await server.socket("alice"), bob: await server.socket("bob") };
  const body = { channelId: "bad", callType: "video", participants: ["bob"] };
  const { id } = (await server.rest("alice").post("/api/calls", body)).body.call;
  const legs = {
    alice: (await people.alice.ask("call.join", { callId: id })).self.socketId,
    bob: (await people.bob.ask("call.join", { callId: id })).self.socketId,
  };
  for (const [who, other] of [["alice", "bob"] as const, ["bob", "alice"] as const]) {
    const samples = Array.from({ length: LENGTH_S / 2 }, (_, i) => {
      const values = script(who, 2 * i);
      return [(LENGTH_S - 2 * i) * 1000, ...FIELDS.map((name) => values[name as keyof Values] ?? null)];
    });
    for (let i = 0; i < samples.length; i += 90)
      await people[who].ask("call.quality", {
        callId: id,
        peers: [{ socketId: legs[other], samples: samples.slice(i, i + 90) }],
      });
  }
  const path = {
    type: "path",
    age: (LENGTH_S - 200) * 1000,
    data: { peer: legs.bob, from: "direct-udp", state: "relay-udp" },
  };
  await people.alice.ask("call.quality", {
    callId: id,
    events: [path, { type: "restart", age: path.age + 1500, data: { peer: legs.bob } }],
  });
  await people.alice.ask("call.mute", { callId: id, isMuted: true });
  await people.alice.ask("call.leave", { callId: id });
  return id;
}

describe("the report", () => {
  it("names each cause of a bad call, in both themes", async () => {
    const id = await badCall();
    for (const theme of ["light", "dark"] as const) {
      const page = await open(`/console/report?call=${id}`, "bob", theme);
      await page.getByRole("img", { name: /^Loss/ }).waitFor();
      const findings = (await page.locator(".finding").allInnerTexts()).join("\n");
      expect(findings).toMatch(/bob lost 1[12](\.\d)? % of what alice sent/);
      expect(findings).toMatch(/alice's media moved from the direct way to the relay over UDP/);
      expect(findings).toMatch(/alice's device sent no pictures although the camera was on/);
      expect(findings).toMatch(/alice's device was too busy to encode its picture/);
      expect(findings).toMatch(/alice's device looked for a new way/);
      expect(findings).not.toMatch(/alice lost/);
      await expect(page.locator(".summary").innerText()).resolves.toMatch(/This call was (impaired|bad)/);
      expect(await page.locator(".u-wrap").count()).toBe(5);
      expect(await violations(page)).toEqual([]);
      await screenshot(page, `report-${theme}`);
      if (process.env.BELLWIRE_SCREENSHOTS)
        await page.screenshot({
          path: `${process.env.BELLWIRE_SCREENSHOTS}/report-${theme}-whole.png`,
          fullPage: true,
        });
    }
  });

  it("is reached by /report.html, and shows strangers nothing", async () => {
    const id = await badCall();
    const page = await open(`/report.html?call=${id}`, "mallory", "light");
    await page.getByText("There is no such call, or it is not yours to see.").waitFor();
  });
});

describe("the dashboard", () => {
  it("shows what is live, follows by itself, and ends a call", async () => {
    await server.channel("live", ["carol", "dave"]);
    const page = await open("/console/", "host", "light");
    await page.getByText("Nobody calls at the moment.").waitFor();
    const dave = await server.socket("dave");
    const body = { channelId: "live", callType: "video", participants: ["dave"] };
    const { id } = (await server.rest("carol").post("/api/calls", body)).body.call;
    await dave.ask("call.join", { callId: id });
    await page.getByRole("cell", { name: "carol, dave" }).waitFor();
    expect(await violations(page)).toEqual([]);
    await screenshot(page, "dashboard-light");
    await page.getByRole("button", { name: "End…" }).click();
    await page.getByRole("button", { name: "End it" }).click();
    expect(await dave.waitFor("call.ended")).toMatchObject({ reason: "ended_by_api" });
    await page.getByText("Nobody calls at the moment.").waitFor();
    const dark = await open("/console/", "host", "dark");
    await dark.getByRole("link").nth(1).waitFor();
    expect(await violations(dark)).toEqual([]);
    await screenshot(dark, "dashboard-dark");
  });

  it("asks users for another token", async () => {
    const page = await open("/console/", "alice", "light");
    await page.getByRole("heading", { name: "Sign in" }).waitFor();
  });
});

describe("the check", () => {
  it("finds devices and the relay, and gives a verdict to copy", async () => {
    for (const theme of ["light", "dark"] as const) {
      const page = await open("/check", "alice", theme);
      await page.getByRole("button", { name: "Begin" }).click();
      await page.getByRole("button", { name: "Copy for a support ticket" }).waitFor({ timeout: 60_000 });
      const lines = (await page.locator(".check").allInnerTexts()).join("\n");
      expect(lines).toMatch(/Relay over UDP\s+(Good:)?\s*Connected in \d+ ms; of 100 packets \d+ were lost/);
      expect(lines).toMatch(/WebSockets pass/);
      expect(lines).toMatch(/Camera[\s\S]*pictures a second/);
      await page.getByRole("button", { name: "I hear it" }).click();
      expect(await violations(page)).toEqual([]);
      await screenshot(page, `check-${theme}`);
      if (theme === "light")
        note(
          lines
            .split("\n")
            .filter((line) => line.includes("packets"))
            .join(" / "),
        );
    }
  });
});

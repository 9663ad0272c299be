// The console's pages in a browser: a report names what went wrong in a scripted call, the dashboard follows and ends
// calls. All in both themes, on a desktop and on a phone, and held against WCAG as far as axe can tell.
import { readFile } from "node:fs/promises";
import type { Browser, Page } from "playwright-core";
import { beforeAll, describe, expect, it, vi } from "vitest";
import { Rest, type Server, type Session, startServer, token } from "../lib/index.js";
import { createUpload, liveWebm, patch, recorderToken } from "../recording/lib/setup.js";
import { sidewaysBy, sticksOut, violations } from "./lib/axe.js";
import { launchChromium, makeNamespace, newPerson, screenshot } from "./lib/index.js";

vi.setConfig({ testTimeout: 120_000 });

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

const PHONE = { width: 360, height: 780 };
const DESKTOP = { width: 1180, height: 1000 };

async function open(path: string, who: string, theme: "light" | "dark", viewport = DESKTOP): Promise<Page> {
  const person = await newPerson(browser, { colorScheme: theme, viewport });
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
  it("names each cause of a bad call, in both themes and on a phone", async () => {
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
      await expect.poll(() => page.locator(".u-wrap").count()).toBe(5);
      expect(await violations(page)).toEqual([]);
      await screenshot(page, `report-${theme}`, true);
      await page.setViewportSize(PHONE);
      // The plots follow the window with its next picture.
      await expect.poll(() => sidewaysBy(page), { message: "nothing is wider than the phone" }).toBe(0);
      expect(await sticksOut(page)).toEqual([]);
      expect(await violations(page)).toEqual([]);
      await screenshot(page, `report-${theme}-phone`, true);
    }
  });

  it("is exported as JSON, with the columns that it does not show", async () => {
    const id = await badCall();
    const page = await open(`/console/report?call=${id}`, "alice", "light");
    const downloading = page.waitForEvent("download");
    await page.getByRole("button", { name: "Export JSON" }).click();
    const download = await downloading;
    expect(download.suggestedFilename()).toBe(`call-${id}.json`);
    const { call, timeline, quality } = JSON.parse(await readFile(await download.path(), "utf8"));
    expect(call.id).toBe(id);
    expect(timeline.map((one: { type: string }) => one.type)).toContain("call.ended");
    expect(Object.keys(quality.legs[0].peers[0].columns)).toEqual(
      expect.arrayContaining(["rtt", "inHeight", "bufferMs"]),
    );
  });

  it("is reached by /report.html, and shows strangers nothing", async () => {
    const id = await badCall();
    const page = await open(`/report.html?call=${id}`, "mallory", "light");
    await page.getByText("There is no such call, or it is not yours to see.").waitFor();
  });
});

/** The tile with this name. */
const tile = (page: Page, name: string) => page.locator(".tile", { hasText: name });

async function liveCall(): Promise<{ id: string; dave: Session }> {
  await server.channel("live", ["carol", "dave"]);
  const dave = await server.socket("dave");
  const body = { channelId: "live", callType: "video", participants: ["dave"] };
  const { id } = (await server.rest("carol").post("/api/calls", body)).body.call;
  await dave.ask("call.join", { callId: id });
  return { id, dave };
}

describe("the dashboard", () => {
  it("shows what is live, follows by itself, and ends a call", async () => {
    const page = await open("/console/", "host", "light");
    await page.getByText("Nobody calls at the moment.").waitFor();
    const { dave } = await liveCall();
    await page.getByRole("cell", { name: "carol, dave" }).waitFor();
    expect(await tile(page, "Active calls").innerText()).toMatch(/1\s*2 people/);
    await page.getByRole("button", { name: "End…" }).click();
    await page.getByRole("button", { name: "End it" }).click();
    expect(await dave.waitFor("call.ended")).toMatchObject({ reason: "ended_by_api" });
    await page.getByText("Nobody calls at the moment.").waitFor();
  });

  it("counts a recording while it is made, and what it takes", async () => {
    const page = await open("/console/", "host", "light");
    const recorded = tile(page, "Recorded now");
    expect(await recorded.innerText()).toMatch(/0\s*calls; 0 uploads, 0.0 kB stored/);
    const { id, dave } = await liveCall();
    const carol = new Rest(server.url, recorderToken("carol"));
    const bytes = liveWebm(2);
    expect((await carol.post(`/api/calls/${id}/recording/start`, {})).status).toBe(200);
    const { headers } = await createUpload(carol, id, bytes.length);
    await patch(carol, headers.get("location") ?? "", 0, bytes.subarray(0, 20_000));
    await recorded.getByText("1 upload, 20.0 kB stored").waitFor();
    expect(await recorded.innerText()).toMatch(/^Recorded now\s*1\s*calls/i);
    await patch(carol, headers.get("location") ?? "", 20_000, bytes.subarray(20_000));
    await recorded.getByText("0 uploads").waitFor();
    await dave.ask("call.leave", { callId: id });
    await expect
      .poll(() => recorded.innerText(), { timeout: 10_000 })
      .toMatch(/0\s*calls; 0 uploads, \d\d\.\d kB stored/);
  });

  it("shows how it went over hours and days, worst calls first, in both themes and on a phone", async () => {
    const id = await badCall();
    const { dave } = await liveCall();
    for (const theme of ["light", "dark"] as const)
      for (const viewport of [DESKTOP, PHONE]) {
        const page = await open("/console/", "host", theme, viewport);
        await page.getByRole("cell", { name: "carol, dave" }).waitFor();
        const links = await page.locator(".worst a").evaluateAll((all) => all.map((one) => one.getAttribute("href")));
        expect(links).toContain(`/console/report?call=${id}`);
        const shares = (
          await page.locator(".worst .level-bar").evaluateAll((all) => all.map((one) => one.ariaLabel))
        ).map((text) =>
          [/(\d+) % fair/, /(\d+) % poor/].reduce((sum, part) => sum + Number(part.exec(text ?? "")?.[1]), 0),
        );
        expect(shares, "worst calls first").toEqual([...shares].sort((a, b) => b - a));
        await page.getByRole("button", { name: "7 days" }).click();
        await page.getByText(/of \d+ in 7 days/).waitFor();
        expect(await violations(page)).toEqual([]);
        expect(await sticksOut(page)).toEqual([]);
        await screenshot(page, `dashboard-${theme}-${viewport.width}`);
      }
    dave.close();
  });

  it("asks users for another token", async () => {
    const page = await open("/console/", "alice", "light");
    await page.getByRole("heading", { name: "Sign in" }).waitFor();
  });
});

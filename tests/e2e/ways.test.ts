// How media travels is told apart, directly and over the relay by UDP, TCP and TLS: in samples, in the badge, in the
// timeline and in the report. And nobody sees another's addresses in any of it.
import type { CDPSession } from "playwright-core";
import { beforeAll, describe, expect, it, vi } from "vitest";
import { token } from "../lib/index.js";
import { type LinkState, newPerson } from "./lib/index.js";
import * as stages from "./lib/qualityStage.js";

const { askText, hangUp, kept, other, talk, until } = stages;

vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 });

let stage: stages.Stage;

beforeAll(async () => {
  stage = await stages.makeStage(3);
});

/** What passes the link: everything; only the relay's port; only TCP; only the port of HTTPS. */
const states = {
  open: () => ({}),
  relayed: () => ({ udp: [stage.turnPort] }),
  tcp: () => ({ udp: [] }),
  tls: () => ({ udp: [], tcp: [stage.server.port] }),
} satisfies Record<string, () => LinkState>;

/** [what passes, how the far end reaches the other, as a number and as a word, and how the near end sees it] */
const WAYS = [
  ["open", 1, "direct-udp", 1],
  ["relayed", 3, "relay-udp", 6],
  ["tcp", 4, "relay-tcp", 6],
  ["tls", 5, "relay-tls", 6],
] as const;

describe("the way of media", () => {
  it.each(WAYS)("is told apart: %s", async (passes, number, name, near) => {
    await stage.link.set(states[passes]());
    const call = await talk(stage, "audio", [`ann-${passes}`, `ben-${passes}`]);
    const { caller: ann, callee: ben, id } = call;
    const sampled = async (who: string, wanted: number) =>
      (await kept(ann, id, who, [], "path")).at(-1) === wanted ? wanted : null;
    await until(`${name} in samples`, 20_000, () => sampled(ben.user, number));
    const [seen] = await until(`the other end's`, 10_000, async () =>
      (await kept(ann, id, ann.user, [], "path")).at(-1),
    );
    // Both may have allocated; the near end then goes over its own.
    expect(number === 1 ? [1] : [near, 3]).toContain(seen);
    expect((await other(ben.page))?.connectionPath).toBe(name);
    const timeline = await askText(ben, `/api/calls/${id}/timeline`);
    expect(timeline).toContain(`"state":"${name}"`);
    await hangUp(call);
  });

  it("that changes within a call is in the report with its time", async () => {
    await stage.link.set({});
    const call = await talk(stage, "audio", ["cora", "dean"]);
    const { caller: cora, callee: dean, id } = call;
    await until("direct", 20_000, async () => (await other(dean.page))?.connectionPath === "direct-udp");
    await stage.link.set(states.tls());
    await until("over TLS", 40_000, async () => (await other(dean.page))?.connectionPath === "relay-tls");
    const person = await newPerson(stage.browsers[0]);
    const page = await person.newPage();
    await page.goto(`${stage.server.url}/console/report?call=${id}#token=${token({ user: cora.user })}`);
    await page.getByText(/dean's media moved from the direct way to the relay over TLS at 00:\d\d\./).waitFor();
    await hangUp(call);
  });
});

/** Every frame that the page's WebSockets receive. */
async function listen(session: CDPSession): Promise<string[]> {
  const frames: string[] = [];
  session.on("Network.webSocketFrameReceived", ({ response }) => frames.push(response.payloadData));
  await session.send("Network.enable");
  return frames;
}

describe("addresses", () => {
  it("of others are in no answer and in no event but the candidates that connect", async () => {
    await stage.link.set({});
    const call = await talk(stage, "audio", ["eve", "finn"]);
    const { caller: eve, id } = call;
    const frames = await listen(await eve.page.context().newCDPSession(eve.page));
    const [, far] = stage.link.ends;
    await until("samples of both", 20_000, async () => (await kept(eve, id, "finn", [], "rtt")).length > 2);
    await stage.link.set({ loss: 0.3 });
    await until("trouble", 10_000, async () => (await other(eve.page))?.connectionQuality === "poor");
    await stage.link.set({});
    const paths = ["", "/quality", "/timeline", "/quality?step=1000"].map((part) => `/api/calls/${id}${part}`);
    const texts = await Promise.all([...paths, "/api/users/me/calls"].map((path) => askText(eve, path)));
    for (const text of texts) {
      expect(text.length).toBeGreaterThan(50);
      expect(text).not.toContain(far.address);
      expect(text).not.toMatch(/\b\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}\b/);
    }
    const told = frames.filter((frame) => !/"call\.(offer|answer|ice-candidate)"/.test(frame));
    expect(told.some((frame) => frame.includes("participant.quality"))).toBe(true);
    for (const frame of told) expect(frame).not.toContain(far.address);
    await hangUp(call);
  });
});

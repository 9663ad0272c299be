// Two browsers at the ends of a link that a test spoils, a server at the first end, and what a call between them tells of
// itself: badges, what the server keeps, and the report.
import type { Browser, Page } from "playwright-core";
import type { CallSnapshot, Client, ParticipantSnapshot } from "../../../packages/client/src/index.js";
import { makeCertificate, type Server, startServer, token } from "../../lib/index.js";
import { launchChromium, newPerson, type PersonOptions } from "./browser.js";
import { type Link, makeLink, type WayTold } from "./link.js";
import { openSdk, setChannel } from "./sdkPage.js";

export type Scope = { bellwire: Client };

export interface Stage {
  link: Link;
  server: Server;
  browsers: [Browser, Browser];
  /** Of the relay, over UDP and TCP. */
  turnPort: number;
}

export async function makeStage(seed: number): Promise<Stage> {
  const link = await makeLink(seed);
  const [near, far] = link.ends;
  const listen = `${near.address}:0`;
  const server = await startServer({
    ...{ wrapper: near.wrapper, listen, lifetime: "file" },
    args: ["--turn-listen", listen, "--turn-lan", ...makeCertificate([near.address], "file").args],
  });
  const args = ["--ignore-certificate-errors"];
  const browsers = [await launchChromium(near, { args }), await launchChromium(far, { args })] as [Browser, Browser];
  return { link, server, browsers, turnPort: Number(server.ready.turn?.split(":").at(-1)) };
}

export const pause = (ms: number) => new Promise<void>((done) => setTimeout(done, ms));

/** What `look` finds, and after how many milliseconds. */
export async function until<T>(
  what: string,
  ms: number,
  look: () => Promise<T | null | undefined | false>,
): Promise<[T, number]> {
  const from = performance.now();
  for (;;) {
    const found = await look();
    const took = Math.round(performance.now() - from);
    if (found) return [found, took];
    if (took > ms) throw new Error(`${what}: not within ${ms} ms`);
    await pause(50);
  }
}

/** Somebody in a call. */
export interface Talker {
  user: string;
  page: Page;
}

export interface Talk {
  id: string;
  caller: Talker;
  callee: Talker;
}

export const snapshot = (page: Page): Promise<CallSnapshot | null> =>
  page.evaluate(() => {
    const call = (window as never as Scope).bellwire.getSnapshot().current;
    return call && JSON.parse(JSON.stringify(call));
  });

/** The other one, as this one sees them. */
export async function other(page: Page): Promise<ParticipantSnapshot | null> {
  return (await snapshot(page))?.participants[0] ?? null;
}

export const isWell = async ({ page }: Talker) =>
  ["excellent", "good"].includes((await other(page))?.connectionQuality ?? "");

/** The first at the near end calls the second at the far end, who accepts; resolves when media flows. */
export async function talk(
  { server, browsers }: Stage,
  type: "audio" | "video",
  [caller, callee]: [string, string],
  options: PersonOptions = {},
): Promise<Talk> {
  const open = async (browser: Browser, user: string): Promise<Talker> => {
    const person = await newPerson(browser, { smallVideo: true, ...options });
    return { user, page: await openSdk(person, server.url, user) };
  };
  const [a, b] = [await open(browsers[0], caller), await open(browsers[1], callee)];
  const channelId = `with ${caller}`;
  await setChannel(a.page, channelId, [caller, callee]);
  const start = async (order: { channelId: string; to: string; type: "audio" | "video" }) =>
    void (await (window as never as Scope).bellwire.call(order));
  await a.page.evaluate(start, { channelId, to: callee, type });
  const isRinging = () => (window as never as Scope).bellwire.getSnapshot().incoming.length > 0;
  await until("ringing", 10_000, () => b.page.evaluate(isRinging));
  await b.page.evaluate(async (video) => {
    const { bellwire } = window as never as Scope;
    await bellwire.getCall(bellwire.getSnapshot().incoming[0]?.id ?? "")?.accept({ video });
  }, type === "video");
  for (const { page } of [a, b]) await until("active", 20_000, async () => (await snapshot(page))?.state === "active");
  return { id: (await snapshot(a.page))?.id ?? "", caller: a, callee: b };
}

export async function hangUp({ caller, id }: Talk): Promise<void> {
  await caller.page.evaluate((id) => (window as never as Scope).bellwire.getCall(id)?.hangUp(), id);
}

export interface Answer {
  legs: { userId: string; peers: { start: string; t: number[]; columns: Record<string, (number | null)[]> }[] }[];
}

/** An answer of REST, as its text, asked for by one who was in the call. */
export function askText({ page, user }: Talker, path: string): Promise<string> {
  return page.evaluate(
    async ({ path, jwt }) => (await fetch(path, { headers: { authorization: `Bearer ${jwt}` } })).text(),
    { path, jwt: token({ user }) },
  );
}

/** What a device has measured in that time (of the wall clock), as the server keeps it: the values of one column. */
export async function kept(asker: Talker, id: string, who: string, time: [from?: number, to?: number], name: string) {
  const [from = 0, to = Number.POSITIVE_INFINITY] = time;
  const body: Answer = JSON.parse(await askText(asker, `/api/calls/${id}/quality`));
  const peer = body.legs.find((leg) => leg.userId === who)?.peers[0];
  if (!peer) return [];
  const times = peer.t.map((tenths) => Date.parse(peer.start) + tenths * 100);
  return times.flatMap((at, i) => (at < from || at > to ? [] : (peer.columns[name]?.[i] ?? [])));
}

export const median = (values: number[]) =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
export const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

/** In thousandths, as samples have it. */
export const lostShare = ({ packets, lost }: WayTold) => (1000 * lost) / (packets + lost);

/** kbit/s of what RTP carries: without the headers of IP, UDP, RTP with its extensions, and SRTP's tag. */
const HEADERS = 20 + 8 + 12 + 12 + 10;
export const payloadRate = ({ packets, bytes, seconds }: WayTold) => (8 * (bytes - HEADERS * packets)) / seconds / 1000;

// Firefox measures too: its numbers have other names and gaps, and must come to the same samples as Chromium's.
import { beforeAll, expect, it, vi } from "vitest";
import { type Server, startServer } from "../lib/index.js";
import { type Cast, makeCast, makeNamespace, note, type Person } from "./lib/index.js";

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

let server: Server;
let cast: Cast;

beforeAll(async () => {
  const namespace = makeNamespace();
  namespace.addDeadEnd();
  server = await startServer({ command: "dev", wrapper: namespace.wrapper, lifetime: "file" });
  cast = await makeCast(namespace);
});

interface Peer {
  columns: Record<string, (number | null)[]>;
}

/** The samples of the newest call, by who took them. */
function samples(page: Person): Promise<Record<string, Peer | undefined>> {
  return page.evaluate(async () => {
    const { token } = await (await fetch("/api/dev/token?user=alice")).json();
    const headers = { authorization: `Bearer ${token}` };
    const { calls } = await (await fetch("/api/users/me/calls?limit=1", { headers })).json();
    const { legs } = await (await fetch(`/api/calls/${calls[0].id}/quality`, { headers })).json();
    return Object.fromEntries(legs.map((leg: { userId: string; peers: unknown[] }) => [leg.userId, leg.peers[0]]));
  }, null);
}

it("Firefox and Chromium measure the same call alike", async () => {
  const origin = `http://localhost:${server.port}`;
  const alice = await cast.enter("Chromium", "alice", `${origin}/?user=alice`);
  const bob = await cast.enter("Firefox", "bob", `${origin}/?user=bob`);
  await alice.click("Call Bob");
  await bob.click("Accept with video");
  let taken: Record<string, Peer | undefined> = {};
  const last = (who: string, name: string) => taken[who]?.columns[name]?.findLast((value) => value !== null);
  const wanted = [
    "rtt",
    "inAudioKbps",
    "outAudioKbps",
    "inAudioLoss",
    "inAudioJitter",
    "inFps",
    "outFps",
    "path",
    "audioScore",
    "level",
  ];
  for (let tries = 0; tries < 60; tries++) {
    await new Promise((done) => setTimeout(done, 1000));
    taken = await samples(alice);
    if (["alice", "bob"].every((who) => wanted.every((name) => last(who, name) != null))) break;
  }
  for (const who of ["alice", "bob"])
    for (const name of wanted) expect(last(who, name), `${who} ${name}`).toBeDefined();
  note(
    `round trips ${last("alice", "rtt")} and ${last("bob", "rtt")} ms; sound in ${last("alice", "inAudioKbps")} and ${last("bob", "inAudioKbps")} kbit/s`,
  );
  for (const who of ["alice", "bob"]) {
    expect(last(who, "path")).toBe(1);
    expect(last(who, "inAudioLoss")).toBe(0);
    expect(last(who, "rtt")).toBeLessThan(100);
    expect(last(who, "audioScore")).toBeGreaterThan(80);
  }
  // What one sends, the other receives.
  expect(last("bob", "inAudioKbps")).toBeGreaterThan(5);
  expect(last("alice", "inAudioKbps")).toBeGreaterThan(5);
});

// PostgreSQL in trouble under people who call: every answer within two seconds, nothing lost, nothing half done or done
// twice, offers relayed meanwhile, and all well again by itself.
import { createConnection, type Socket } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Postgres } from "../../tools/lib/postgres.mjs";
import { TcpProxy } from "../lib/proxy.js";
import { Campaign } from "./campaign.js";
import { isLong, note, seed } from "./settings.js";

const pause = (ms: number) => new Promise((done) => setTimeout(done, ms));
const rounds = isLong ? 10 : 1;

/** Two seconds are the promise (a note tells the slowest answer); this is where a wait would have no end in sight. */
const answerMs = 5000;
const recoverMs = 15_000;

let postgres: Postgres;
beforeAll(async () => {
  postgres = await Postgres.start({ settings: { max_connections: 40, superuser_reserved_connections: 3 } });
}, 60_000);
afterAll(() => postgres?.stop());

interface Scene {
  run: Campaign;
  proxy: TcpProxy;
  database: string;
}

async function scene(number: number, args: string[] = []): Promise<Scene> {
  const database = await postgres.database();
  const proxy = await TcpProxy.open(postgres.port);
  const run = await Campaign.begin({
    seed: seed + number,
    size: { pairs: 3, groups: 1 },
    db: postgres.url(database, proxy.port),
    // It is the database that is slow here: who talks is not lost because the machine is busy.
    args: ["--ping-timeout", "5s", ...args],
  });
  run.rowsUrl = postgres.url(database);
  await untilReady(run);
  return { run, proxy, database };
}

const probeCall = { channelId: "probe", callType: "audio", participants: ["probe-b"] };

/** Asks for this and that while the fault lasts: how long answers took, and which they were. */
async function probe(run: Campaign, stopped: () => boolean): Promise<{ slowest: number; statuses: Set<number> }> {
  let slowest = 0;
  const statuses = new Set<number>();
  const host = run.server.host();
  const ask = async (what: () => Promise<{ status: number }>) => {
    while (!stopped()) {
      const from = performance.now();
      statuses.add((await what()).status);
      slowest = Math.max(slowest, performance.now() - from);
      await pause(20);
    }
  };
  await Promise.all([
    ask(() => host.get("/api/calls?limit=5")),
    ask(() => host.put("/api/channels/other", { name: "Other", members: ["x", "y"] })),
    ask(() => run.server.rest("probe-a").post("/api/calls", probeCall)),
  ]);
  return { slowest, statuses };
}

/** Offers between two people in a call, all the while; how many arrived and the longest way. */
async function relay(run: Campaign): Promise<() => Promise<{ n: number; slowest: number }>> {
  await run.server.channel("talk", ["talk-a", "talk-b"]);
  const [a, b] = [await run.server.socket("talk-a"), await run.server.socket("talk-b")];
  const body = { channelId: "talk", callType: "audio", participants: ["talk-b"] };
  const call = (await run.server.rest("talk-a").post("/api/calls", body)).body.call;
  const first = await a.ask("call.join", { callId: call.id });
  const second = await b.ask("call.join", { callId: call.id });
  expect([first.ok, second.ok]).toEqual([true, true]);
  let stopped = false;
  let n = 0;
  let slowest = 0;
  const talking = (async () => {
    for (; !stopped; n++) {
      const from = performance.now();
      const offer = { type: "offer", sdp: `v=${n}` };
      a.send("call.offer", { to: second.self.socketId, offer });
      await b.waitFor("call.offer", (event) => event.offer.sdp === offer.sdp);
      slowest = Math.max(slowest, performance.now() - from);
      await pause(25);
    }
  })();
  return async () => {
    stopped = true;
    await talking;
    await run.server.rest("talk-a").post(`/api/calls/${call.id}/leave`);
    a.close();
    b.close();
    return { n, slowest };
  };
}

async function untilReady(run: Campaign): Promise<number> {
  const from = performance.now();
  while ((await run.server.rest(null).get("/readyz")).status !== 200) {
    if (performance.now() - from > recoverMs) throw new Error(`not ready again: ${run.server.stderr.slice(-2000)}`);
    await pause(50);
  }
  return performance.now() - from;
}

/**
 * Ends the probes' own calls, which would ring for a minute. A creation that was answered by 503 may be written yet, as
 * soon as its connection is back; the queue of that pair has come past it when it answers one more creation.
 */
async function endProbes(run: Campaign): Promise<void> {
  const from = performance.now();
  for (let isPast = false; ; ) {
    isPast ||= (await run.server.rest("probe-a").post("/api/calls", probeCall)).status !== 503;
    const { status, body } = await run.server.host().get("/api/calls?status=ringing");
    const calls = status === 200 ? body.calls.filter((one: { channelId: string }) => one.channelId === "probe") : [];
    for (const call of calls) await run.server.host().post(`/api/calls/${call.id}/end`);
    if (isPast && status === 200 && calls.length === 0) return;
    if (performance.now() - from > recoverMs) throw new Error(`still ${status} after ${recoverMs} ms`);
    await pause(100);
  }
}

/** Takes a connection slot and keeps it; where there is none left, asks again at once. Ends when told. */
function hog(port: number): () => void {
  const words = Buffer.from("user\0bellwire\0database\0postgres\0\0");
  const head = Buffer.alloc(8);
  head.writeInt32BE(8 + words.length, 0);
  head.writeInt32BE(3 << 16, 4);
  let socket: Socket;
  let over = false;
  const take = () => {
    if (over) return;
    socket = createConnection({ port, host: "127.0.0.1" });
    socket.on("error", () => {});
    socket.on("close", () => setTimeout(take, 5));
    socket.resume().write(Buffer.concat([head, words]));
  };
  take();
  return () => {
    over = true;
    socket.destroy();
  };
}

/** Everybody calls; the fault comes, lasts and goes; then the ledger must agree. */
async function suffer(
  name: string,
  { run, proxy }: Scene,
  fault: () => Promise<void>,
  expected = [503],
): Promise<void> {
  await run.server.channel("probe", ["probe-a", "probe-b"]);
  const hangUp = await relay(run);
  let stopped = false;
  const people = run.crowd.call(`http://${new URL(run.server.url).host}`, () => stopped);
  await pause(300);
  let over = false;
  const probed = probe(run, () => over);
  for (let round = 0; round < rounds; round++) await fault();
  over = true;
  const { slowest, statuses } = await probed;
  const back = await untilReady(run);
  await pause(300);
  await endProbes(run);
  const talked = await hangUp();
  stopped = true;
  await people;
  note(
    `PostgreSQL ${name}: slowest answer ${Math.round(slowest)} ms, answers ${[...statuses].sort().join(" ")}, ` +
      `ready again in ${Math.round(back)} ms, ${talked.n} offers relayed (slowest ${Math.round(talked.slowest)} ms), ` +
      `${proxy.cuts} cuts, ${run.summary()}`,
  );
  await run.settle();
  expect(run.broken.join("\n"), `seed ${seed}`).toBe("");
  expect(slowest).toBeLessThan(answerMs);
  expect(talked.slowest).toBeLessThan(1000);
  for (const status of expected) expect([...statuses]).toContain(status);
  for (const status of statuses) expect([200, 201, 409, 429, 503]).toContain(status);
}

/** What goes over the wire when a prepared statement is executed: Bind has the unnamed portal, then its name. */
const executed = (statement: string): Buffer => Buffer.from(`\0${statement}\0`);

describe("PostgreSQL", { timeout: 600_000 }, () => {
  it("stopped hard, as by a crash, and started again", async () => {
    await suffer("killed and started again", await scene(1), async () => {
      await postgres.down("kill");
      await pause(1500);
      await postgres.up();
    });
  });

  it("restarted at once", async () => {
    await suffer("restarted", await scene(2), async () => {
      await postgres.down("immediate");
      await postgres.up();
      await pause(500);
    });
  });

  it("standing still", async () => {
    await suffer("paused for 4 s", await scene(3), async () => {
      await postgres.pause();
      await pause(4000);
      await postgres.resume();
      await pause(500);
    });
  });

  it("slow", async () => {
    const it = await scene(4);
    const fault = async () => {
      it.proxy.delayMs = 150;
      await pause(3000);
      it.proxy.delayMs = 0;
    };
    await suffer("slow by 300 ms a round trip", it, fault, []);
  });

  it("with a locked table", async () => {
    const it = await scene(5);
    await suffer("with calls locked for 3 s", it, async () => {
      await postgres.sql("BEGIN; LOCK TABLE public.calls, public.users; SELECT pg_sleep(3); COMMIT", it.database);
    });
  });

  it("out of connections", async () => {
    const it = await scene(6);
    await suffer("out of connections", it, async () => {
      const hogs = Array.from({ length: 45 }, () => hog(postgres.port));
      await pause(300);
      it.proxy.cutAll();
      await pause(3000);
      for (const end of hogs) end();
      await pause(300);
    });
  });

  it("standing still, and told to stop: no new calls, a stop in bounded time, and nothing half done", async () => {
    const { run } = await scene(8);
    const { server } = run;
    await server.channel("talk", ["talk-a", "talk-b"]);
    const body = { channelId: "talk", callType: "audio", participants: ["talk-b"] };
    const { call } = (await server.rest("talk-a").post("/api/calls", body)).body;
    const socket = await server.socket("talk-b");
    await postgres.pause();
    try {
      const answer = server.rest("talk-b").post(`/api/calls/${call.id}/decline`);
      await pause(300);
      const from = performance.now();
      const stopped = server.stop();
      expect((await socket.waitFor("server.draining")).retryAfterMs).toBeGreaterThan(0);
      const refused = await server.rest("talk-a").post("/api/calls", body);
      expect([refused.status, refused.body.code, refused.body.retryable]).toEqual([503, "draining", true]);
      expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);
      expect((await answer).status).toBe(503);
      await stopped;
      note(`PostgreSQL paused, then SIGTERM: stopped in ${Math.round(performance.now() - from)} ms`);
    } finally {
      await postgres.resume();
    }
    await run.start();
    await untilReady(run);
    const { body: after } = await server.rest("talk-b").get(`/api/calls/${call.id}`);
    expect(["ringing", "declined"]).toContain(after.call.status);
    await server.host().post(`/api/calls/${call.id}/end`);
    await run.settle();
    expect(run.broken).toEqual([]);
  });

  it("cut right after COMMIT was sent: nobody guesses", async () => {
    const it = await scene(7);
    const fault = async () => {
      it.proxy.cutAfter = executed("commit");
      for (const from = it.proxy.cuts; it.proxy.cuts < from + 20; ) await pause(50);
      it.proxy.cutAfter = null;
    };
    await suffer("cut after COMMIT", it, fault, []);
    expect(it.proxy.cuts).toBeGreaterThanOrEqual(20);
  });
});

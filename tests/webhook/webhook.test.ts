// Webhooks as a host's backend gets them: signed, in order, again when it failed, and never lost.
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { makeCertificate } from "../lib/certificates.js";
import { binary, closeLater, type Server, startServer, secret as tokenSecret } from "../lib/index.js";
import { type HostEvent, Receiver, secret } from "./receiver.js";

const pause = (ms: number) => new Promise((done) => setTimeout(done, ms));
const quick = ["--webhook-retry", "20ms", "--webhook-timeout", "2s"];
const hooked = (url: string) => ["--webhook-url", url, "--webhook-allow-private", ...quick];
const env = { BELLWIRE_WEBHOOK_SECRET: secret };

async function start(receiver: Receiver, args: string[] = []): Promise<Server> {
  const server = await startServer({ args: [...hooked(receiver.url), ...args], env });
  for (let n = 0; n < 8; n++) await server.channel(`pair${n}`, [`caller${n}`, `callee${n}`]);
  return server;
}

async function create(server: Server, n = 0): Promise<string> {
  const body = { channelId: `pair${n}`, callType: "audio", participants: [`callee${n}`] };
  return (await server.rest(`caller${n}`).post("/api/calls", body)).body.call.id;
}
const act = (server: Server, who: string, id: string, verb: string) =>
  server.rest(who).post(`/api/calls/${id}/${verb}`);

/** A call that is answered and hung up; its webhooks are whole. */
async function wholeCall(server: Server, n = 0): Promise<string> {
  const id = await create(server, n);
  await act(server, `callee${n}`, id, "join");
  await act(server, `caller${n}`, id, "leave");
  return id;
}
const wholeStory = ["call.started", "call.incoming", "call.answered", "call.ended"];
const declinedStory = ["call.started", "call.incoming", "call.declined", "call.ended"];

async function allEvents(server: Server): Promise<HostEvent[]> {
  const events: HostEvent[] = [];
  let query = "";
  for (let more = true; more; ) {
    const { body } = await server.host().get(`/api/events?limit=50${query}`);
    events.push(...body.events);
    query = `&after=${body.nextCursor}`;
    more = body.hasMore;
  }
  return events;
}

describe("webhooks", () => {
  it("tell what happens, signed and in order; GET /api/events tells the same again", async () => {
    const receiver = await Receiver.start();
    const server = await start(receiver);
    const id = await wholeCall(server);
    const declined = await create(server, 1);
    await act(server, "callee1", declined, "decline");
    await receiver.until(() => receiver.taken.length === 8, "eight events");
    expect(receiver.types(id)).toEqual(wholeStory);
    expect(receiver.types(declined)).toEqual(declinedStory);
    expect(receiver.wrong).toEqual([]);
    expect(receiver.disorder()).toEqual([]);
    const answered = receiver.taken.find((event) => event.type === "call.answered");
    expect(answered).toMatchObject({ callId: id, actorId: "callee0", userId: null, data: { userId: "callee0" } });
    const again = await allEvents(server);
    const byId = (a: HostEvent, b: HostEvent) => a.id.localeCompare(b.id);
    expect(again.toSorted(byId)).toEqual(receiver.taken.toSorted(byId));
    const { body } = await server.host().get("/api/events?limit=500");
    const later = await server.host().get(`/api/events?after=${body.nextCursor}`);
    expect(later.body).toEqual({ events: [], nextCursor: body.nextCursor, hasMore: false });
    const bad = await server.host().get("/api/events?after=nonsense");
    expect([bad.status, bad.body.code]).toEqual([400, "bad_field"]);
  });

  it("begin when they are switched on, not with what was before", async () => {
    const receiver = await Receiver.start();
    const first = await startServer({});
    await first.channel("pair0", ["caller0", "callee0"]);
    const before = await wholeCall(first);
    await first.stop();
    const server = await startServer({ data: first.data, db: first.db, args: hooked(receiver.url), env });
    const id = await wholeCall(server);
    await receiver.until(() => receiver.types(id).length === 4, "the new call");
    expect(receiver.types(before)).toEqual([]);
  });

  it.each<[string, number | "hang"]>([
    ["fails", 500],
    ["redirects", 302],
    ["has no time", 429],
    ["does not answer", "hang"],
  ])("a receiver that %s gets it again; that call waits, no other does", async (_, failure) => {
    const receiver = await Receiver.start();
    const server = await start(receiver);
    let slow = "";
    receiver.behaviour = (event, nth) => {
      slow ||= event.callId;
      return event.callId === slow && event.type === "call.started" && nth < 4 ? failure : 200;
    };
    const id = await create(server);
    await act(server, "callee0", id, "join");
    await act(server, "caller0", id, "leave");
    await receiver.until(() => slow !== "", "the first attempt");
    const others = await Promise.all([1, 2, 3].map((n) => wholeCall(server, n)));
    await receiver.until(() => others.every((other) => receiver.types(other).length === 4), "the other calls");
    await receiver.until(() => receiver.types(id).length === 4, "the call that waits");
    expect(receiver.types(id)).toEqual(wholeStory);
    expect(receiver.disorder()).toEqual([]);
    expect(Math.max(...receiver.attempts.values())).toBe(4);
    expect((await server.host().get("/api/webhooks/failed")).body.events).toEqual([]);
  });

  it("an event that is never taken becomes a dead letter, and the call goes on", { timeout: 30_000 }, async () => {
    const receiver = await Receiver.start();
    const server = await start(receiver);
    receiver.behaviour = (event) => (event.type === "call.incoming" ? 400 : 200);
    const id = await wholeCall(server);
    await receiver.until(() => receiver.types(id).includes("call.ended"), "the end", 20_000);
    expect(receiver.types(id)).toEqual(wholeStory.filter((type) => type !== "call.incoming"));
    const failed = async () => (await server.host().get("/api/webhooks/failed")).body;
    await expect.poll(async () => (await failed()).events.length, { timeout: 5000 }).toBe(1);
    const body = await failed();
    expect(body.events).toMatchObject([
      { callId: id, type: "call.incoming", attempts: 10, status: 400, error: "HTTP 400" },
    ]);
    await server.kill();
    await server.restart();
    const kept = await server.host().get("/api/webhooks/failed");
    expect(kept.body.events).toEqual(body.events);
    const rest = await server.host().get(`/api/webhooks/failed?after=${body.nextCursor}`);
    expect(rest.body.events).toEqual([]);
  });

  it("a receiver that is away for a while gets everything when it is back", { timeout: 30_000 }, async () => {
    const receiver = await Receiver.start();
    const server = await start(receiver);
    await receiver.close();
    const ids: string[] = [];
    for (let round = 0; round < 5; round++)
      ids.push(...(await Promise.all([0, 1, 2, 3].map((n) => wholeCall(server, n)))));
    await pause(1000);
    await server.kill();
    await server.restart();
    await pause(500);
    await receiver.open();
    await receiver.until(() => ids.every((id) => receiver.types(id).length >= 4), "all calls", 20_000);
    expect(receiver.disorder()).toEqual([]);
    expect((await server.host().get("/api/webhooks/failed")).body.events).toEqual([]);
  });
});

describe("kill -9 while webhooks are on their way", () => {
  it("each event comes at least once, in order per call", { timeout: 180_000 }, async () => {
    const receiver = await Receiver.start();
    receiver.behaviour = (_, nth) => (nth === 1 && Math.random() < 0.1 ? 503 : 200);
    const server = await start(receiver);
    for (let round = 0; round < 10; round++) {
      let stopped = false;
      const callers = Array.from({ length: 8 }, async (_, n) => {
        while (!stopped) await wholeCall(server, n).catch(() => pause(5));
      });
      const before = receiver.taken.length;
      await pause(100 + 40 * round);
      await receiver.until(() => receiver.taken.length >= before + 10, "a round's events");
      await server.kill();
      stopped = true;
      await Promise.all(callers);
      await server.restart();
    }
    await pause(1500); // ringing that the kill left goes on, but its events so far are there
    const expected = new Set((await allEvents(server)).map((event) => event.id));
    const missing = () => [...expected].filter((id) => !receiver.taken.some((event) => event.id === id));
    await receiver.until(() => missing().length === 0, "every event", 20_000);
    expect(receiver.disorder()).toEqual([]);
    expect(receiver.wrong).toEqual([]);
    expect(expected.size).toBeGreaterThan(50);
    const twice = receiver.taken.length - new Set(receiver.taken.map((event) => event.id)).size;
    console.log(`note: webhooks over 10 kills: ${expected.size} events, all taken, ${twice} more than once`);
  });
});

describe("where webhooks may go", () => {
  const run = (args: string[], more: Record<string, string> = env) =>
    promisify(execFile)(
      binary,
      ["serve", "--listen", "127.0.0.1:0", "--turn-listen", "none", "--check-config", ...args],
      {
        env: { ...process.env, BELLWIRE_SECRET: tokenSecret, ...more },
        timeout: 10_000,
      },
    ).then(
      () => "good",
      (error) => `${error.code}: ${error.stderr.trim()}`,
    );

  it("plain HTTP is refused unless it is allowed", async () => {
    const url = "http://backend.example/hook";
    expect(await run(["--webhook-url", url])).toMatch(/^2: .*--webhook-url.*--webhook-allow-private/);
    expect(await run(["--webhook-url", url, "--webhook-allow-private"])).toBe("good");
    expect(await run(["--webhook-url", "https://backend.example/hook"])).toBe("good");
  });

  it("a private receiver is not connected to unless it is allowed", async () => {
    const { keyFile, pem } = makeCertificate(["localhost"]);
    let connections = 0;
    const receiver = createServer({ key: readFileSync(keyFile), cert: pem });
    receiver.on("connection", () => connections++);
    await new Promise<void>((done) => receiver.listen(0, "127.0.0.1", done));
    closeLater(async () => void receiver.close());
    const url = `https://localhost:${(receiver.address() as AddressInfo).port}/hook`;
    const server = await startServer({ args: ["--webhook-url", url, ...quick], env });
    await server.channel("pair0", ["caller0", "callee0"]);
    await wholeCall(server);
    await pause(1000);
    expect(connections).toBe(0);
    expect(server.stderr).toMatch(/a webhook was not taken/);
  });
});

// Creating calls and acting on them over REST alone.
import { beforeAll, describe, expect, it } from "vitest";
import { type Server, startServer } from "../lib/index.js";

let server: Server;
let next = 0;

/** Two people that no other test knows, in a channel of their own. */
async function pair(): Promise<{ caller: string; callee: string; channelId: string; body: object }> {
  const n = next++;
  const [caller, callee, channelId] = [`caller${n}`, `callee${n}`, `pair${n}`];
  await server.channel(channelId, [caller, callee]);
  return { caller, callee, channelId, body: { channelId, callType: "video", participants: [callee] } };
}

const create = (user: string, body: object, headers: Record<string, string> = {}) =>
  server.rest(user).post("/api/calls", body, { headers });
const act = (user: string, id: string, verb: string, body?: object) =>
  server.rest(user).post(`/api/calls/${id}/${verb}`, body);
const newId = (n: number) => `018f0000-0000-7000-8000-${String(n).padStart(12, "0")}`;

beforeAll(async () => {
  server = await startServer({ lifetime: "file" });
});

describe("a call", () => {
  it("rings, is answered, and ends with the time that was talked", async () => {
    const { caller, callee, body } = await pair();
    const created = await create(caller, { ...body, metadata: { order: 7, text: "☎" } });
    expect(created.status).toBe(201);
    const { id } = created.body.call;
    expect(created.body.call).toMatchObject({ status: "ringing", mode: "direct", startedBy: caller, answeredAt: null });
    expect(created.body.call.metadata).toEqual({ order: 7, text: "☎" });
    const joined = await act(callee, id, "join");
    expect(joined.body.call).toMatchObject({ status: "active", endedAt: null });
    await new Promise((done) => setTimeout(done, 1100));
    const left = await act(caller, id, "leave");
    expect(left.body.call).toMatchObject({ status: "ended", endReason: "hangup", endedBy: caller, duration: 1 });
    const states = left.body.call.participants.map((one: { userId: string; state: string }) => [one.userId, one.state]);
    expect(Object.fromEntries(states)).toEqual({ [caller]: "left", [callee]: "left" });
  });
  it("that nobody answers is missed after its ring time", async () => {
    const { caller, callee, body } = await pair();
    const { id } = (await create(caller, { ...body, ringTimeout: 5000 })).body.call;
    await new Promise((done) => setTimeout(done, 6400));
    const { call } = (await server.rest(callee).get(`/api/calls/${id}`)).body;
    expect(call).toMatchObject({ status: "missed", endReason: "no_answer", duration: 0 });
  });
  it("that has ended never changes", async () => {
    const { caller, callee, body } = await pair();
    const { id } = (await create(caller, body)).body.call;
    const { call } = (await act(caller, id, "cancel")).body;
    expect(call).toMatchObject({ status: "missed", endReason: "cancelled" });
    expect((await act(callee, id, "join")).body.code).toBe("call_ended");
    expect((await act(caller, id, "leave")).body.call).toEqual(call);
    expect((await server.rest(caller).get(`/api/calls/${id}`)).body.call).toEqual(call);
  });
});

describe("the same thing twice", () => {
  it("with an id of the client's: the same call; with another body: refused", async () => {
    const { caller, body } = await pair();
    const id = newId(1);
    const first = await create(caller, { ...body, id });
    expect([first.status, first.body.call.id]).toEqual([201, id]);
    const again = await create(caller, { ...body, id });
    expect([again.status, again.body.existing]).toEqual([200, true]);
    expect((await create(caller, { ...body, id, callType: "audio" })).body.code).toBe("id_taken");
    await act(caller, id, "cancel");
  });
  it("with an Idempotency-Key: the same answer, also when the call has moved on and after a restart", async () => {
    const { caller, callee, body } = await pair();
    const headers = { "idempotency-key": "order-4711" };
    const first = await create(caller, body, headers);
    await act(callee, first.body.call.id, "decline");
    const again = await create(caller, body, headers);
    expect([again.status, again.body.call]).toEqual([first.status, first.body.call]);
    expect((await create(caller, { ...body, callType: "audio" }, headers)).body.code).toBe("id_taken");
    await server.kill();
    await server.restart();
    const later = await create(caller, body, headers);
    expect([later.status, later.body.call]).toEqual([first.status, first.body.call]);
    const own = (await server.rest(caller).get("/api/users/me/calls")).body.calls;
    expect(own.length).toBe(1);
  });
  it("with the same key at the same moment: one call", async () => {
    const { caller, body } = await pair();
    const headers = { "idempotency-key": "at once" };
    const answers = await Promise.all(Array.from({ length: 8 }, () => create(caller, body, headers)));
    const ids = new Set(answers.map((one) => one.body.call.id));
    expect(ids.size).toBe(1);
    expect((await server.rest(caller).get("/api/users/me/calls")).body.calls.length).toBe(1);
    await act(caller, [...ids][0], "cancel");
  });
  it("to the same person: the call that is there", async () => {
    const { caller, body } = await pair();
    const first = await create(caller, body);
    const again = await create(caller, body);
    expect([again.status, again.body.existing, again.body.call.id]).toEqual([200, true, first.body.call.id]);
    await act(caller, first.body.call.id, "cancel");
  });
  it("from both sides: one call, answered", async () => {
    const { caller, callee, channelId, body } = await pair();
    const first = await create(caller, body);
    const other = await create(callee, { channelId, callType: "audio", participants: [caller] });
    expect([other.status, other.body.merged, other.body.call.id]).toEqual([200, true, first.body.call.id]);
    expect(other.body.call).toMatchObject({ status: "active", callType: "video" });
    await act(caller, first.body.call.id, "leave");
  });
});

describe("a cancel that comes first", () => {
  it("lets the late create ring nobody", async () => {
    const { caller, callee, body } = await pair();
    const id = newId(2);
    const early = await act(caller, id, "cancel");
    expect([early.status, early.body]).toEqual([200, {}]);
    expect((await create(caller, { ...body, id })).body.code).toBe("call_cancelled");
    expect((await server.rest(callee).get("/api/users/me/calls")).body.calls).toEqual([]);
  });
  it("is its user's alone", async () => {
    const { caller, callee, body } = await pair();
    const id = newId(3);
    await act(callee, id, "cancel");
    expect((await create(caller, { ...body, id })).status).toBe(201);
    await act(caller, id, "cancel");
  });
});

describe("too much", () => {
  /** Creates and declines until it is refused; answers how many were let through, and the refusal. */
  async function untilRefused(next: (n: number) => { caller: string; callee: string; channelId: string }) {
    for (let n = 0; n < 200; n++) {
      const { caller, callee, channelId } = next(n);
      const answer = await create(caller, { channelId, callType: "audio", participants: [callee] });
      if (answer.status === 429) return { n, answer, caller, callee, channelId };
      expect(answer.status).toBe(201);
      await act(callee, answer.body.call.id, "decline");
    }
    throw new Error("nothing was refused");
  }
  const people = Array.from({ length: 130 }, (_, n) => n);
  const cases: [string, number, (n: number) => { caller: string; callee: string; channelId: string }][] = [
    ["one caller", 120, (n) => ({ caller: "loud", callee: `p${n}`, channelId: `with-loud-${n}` })],
    ["one callee", 30, (n) => ({ caller: `p${n}`, callee: "wanted", channelId: `with-wanted-${n}` })],
    ["one channel", 30, (n) => ({ caller: `p${2 * n}`, callee: `p${2 * n + 1}`, channelId: "busy-room" })],
  ];
  it.each(cases)(
    "ringing of %s is refused with the time to wait, and rings nobody",
    { timeout: 60_000 },
    async (what, least, next) => {
      if (what === "one channel")
        await server.channel(
          "busy-room",
          people.map((n) => `p${n}`),
        );
      else
        await Promise.all(
          people.map((n) => {
            const { caller, callee, channelId } = next(n);
            return server.channel(channelId, [caller, callee]);
          }),
        );
      const { n, answer, callee, channelId } = await untilRefused(next);
      expect(n).toBeGreaterThanOrEqual(least);
      expect(n).toBeLessThan(least + 30); // one more every two seconds
      expect(answer.body).toMatchObject({ code: "rate_limited", retryable: true });
      expect(Number(answer.headers.get("retry-after"))).toBeGreaterThanOrEqual(1);
      const active = await server.host().get(`/api/channels/${channelId}/calls/active`);
      expect(active.body.call).toBe(null);
      expect((await server.rest(callee).get("/api/users/me/calls?status=ringing")).body.calls).toEqual([]);
    },
  );
});

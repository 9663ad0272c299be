// Histories as people see them: pages without gaps or doubles, filters, outcomes, CSV.
import { beforeAll, describe, expect, it } from "vitest";
import { type Server, startServer } from "../lib/index.js";

interface Shown {
  id: string;
  startedAt: string;
  outcome: string;
  direction: string;
  duration: number;
  endReason: string;
}

let server: Server;
const made: string[] = [];

async function call(by: string, others: string[], mode: "direct" | "group" = "direct"): Promise<string> {
  const answer = await server
    .rest(by)
    .post("/api/calls", { channelId: "room", callType: "audio", participants: others, mode });
  expect(answer.status).toBe(201);
  made.push(answer.body.call.id);
  return answer.body.call.id;
}

const act = (user: string, id: string, verb: string) => server.rest(user).post(`/api/calls/${id}/${verb}`);

async function own(user: string, query = ""): Promise<Shown[]> {
  const answer = await server.rest(user).get(`/api/users/me/calls?${query}`);
  expect(answer.status).toBe(200);
  return answer.body.calls;
}

const seen = async (user: string, id: string) => (await own(user, "limit=100")).find((one) => one.id === id);

beforeAll(async () => {
  server = await startServer({ lifetime: "file" });
  await server.channel("room", ["alice", "bob", "carol", "dave"]);
  for (let i = 0; i < 12; i++) {
    const id = await call(i % 2 ? "alice" : "bob", [i % 2 ? "bob" : "alice"]);
    await act(i % 2 ? "bob" : "alice", id, "decline");
  }
});

describe("pages", () => {
  it.each([1, 5, 7, 100])("of %i hold every call once, newest first", async (limit) => {
    const ids: string[] = [];
    let cursor: string | null = "";
    while (cursor !== null) {
      const query: string = cursor ? `&cursor=${cursor}` : "";
      const { body } = await server.rest("alice").get(`/api/channels/room/calls?limit=${limit}${query}`);
      expect(body.calls.length).toBeLessThanOrEqual(limit);
      ids.push(...body.calls.map((one: Shown) => one.id));
      cursor = body.nextCursor;
    }
    expect(ids).toEqual([...made].reverse().slice(-ids.length));
    expect(ids.length).toBe(made.length);
  });
  it("are cut by time", async () => {
    const all = await own("alice");
    const middle = all[5] as Shown;
    expect(await own("alice", `until=${middle.startedAt}`)).toEqual(all.slice(6));
    expect(await own("alice", `since=${middle.startedAt}`)).toEqual(all.slice(0, 6));
  });
  it("hold only what was asked for", async () => {
    const outgoing = await own("alice", "direction=outgoing&outcome=declined");
    expect(outgoing.length).toBe(6);
    expect(outgoing.every((one) => one.direction === "outgoing" && one.outcome === "declined")).toBe(true);
    expect(await own("alice", "outcome=completed")).toEqual([]);
    expect(await own("alice", "callType=video")).toEqual([]);
    expect((await own("alice", "status=declined")).length).toBe(12);
  });
});

describe("outcomes", () => {
  it("of a call that was answered", async () => {
    const id = await call("alice", ["bob"]);
    expect(await seen("alice", id)).toMatchObject({ outcome: "ongoing", direction: "outgoing" });
    await act("bob", id, "join");
    await new Promise((done) => setTimeout(done, 1100));
    await act("bob", id, "leave");
    expect(await seen("alice", id)).toMatchObject({ outcome: "completed", direction: "outgoing", duration: 1 });
    expect(await seen("bob", id)).toMatchObject({ outcome: "completed", direction: "incoming" });
  });
  it("of a call that its caller gave up", async () => {
    const id = await call("alice", ["bob"]);
    await act("alice", id, "cancel");
    expect(await seen("alice", id)).toMatchObject({ outcome: "cancelled", duration: 0 });
    expect(await seen("bob", id)).toMatchObject({ outcome: "missed" });
  });
  it("of a group call: who answered, who declined, who missed it though others answered", async () => {
    const id = await call("alice", ["bob", "carol", "dave"], "group");
    await act("bob", id, "join");
    await act("carol", id, "decline");
    expect(await seen("carol", id)).toMatchObject({ outcome: "declined" });
    await act("alice", id, "end");
    expect(await seen("bob", id)).toMatchObject({ outcome: "completed" });
    expect(await seen("carol", id)).toMatchObject({ outcome: "declined" });
    expect(await seen("dave", id)).toMatchObject({ outcome: "missed" });
    expect((await own("dave", "outcome=missed")).map((one) => one.id)).toEqual([id]);
  });
});

describe("CSV", () => {
  it("has the same calls, one a line, and nothing that a spreadsheet computes", async () => {
    await server.host().put("/api/users/carol", { name: '=cmd|"/c calc"!A1, or so' });
    const id = await call("carol", ["dave"]);
    await act("dave", id, "decline");
    const answer = await server.rest("dave").get("/api/users/me/calls", { headers: { accept: "text/csv" } });
    expect(answer.headers.get("content-type")).toBe("text/csv; charset=utf-8");
    const lines = (answer.body as string).split("\r\n");
    expect(lines[0]?.split(",").slice(0, 4)).toEqual(["id", "startedAt", "direction", "outcome"]);
    expect(lines[1]).toContain(`${id},`);
    expect(lines[1]).toContain(',"\'=cmd|""/c calc""!A1, or so",');
    expect(lines.length).toBe((await own("dave")).length + 2);
    expect(answer.headers.get("next-cursor")).toBe(null);
  });
  it("goes on where its header says", async () => {
    const accept = { headers: { accept: "text/csv" } };
    const first = await server.rest("alice").get("/api/users/me/calls?limit=1", accept);
    const cursor = first.headers.get("next-cursor");
    const second = await server.rest("alice").get(`/api/users/me/calls?limit=1&cursor=${cursor}`, accept);
    const [one, two] = await own("alice", "limit=2");
    expect(first.body.split("\r\n")[1]).toContain(one?.id);
    expect(second.body.split("\r\n")[1]).toContain(two?.id);
  });
});

describe("the timeline", () => {
  it("tells in order what happened and who did it", async () => {
    const id = await call("alice", ["bob"]);
    await act("bob", id, "join");
    await act("alice", id, "leave");
    const { body } = await server.rest("bob").get(`/api/calls/${id}/timeline`);
    const seqs = body.events.map((event: { seq: number }) => event.seq);
    expect(seqs).toEqual(seqs.map((_: number, i: number) => i + 1));
    const byType = new Map(body.events.map((event: { type: string; actorId: string }) => [event.type, event.actorId]));
    expect(byType.get("call.incoming")).toBe("alice");
    expect(byType.get("call.accepted")).toBe("bob");
    expect(byType.get("call.ended")).toBe("alice");
    const part = await server.rest("bob").get(`/api/calls/${id}/timeline?after=2&limit=2`);
    expect(part.body.events).toEqual(body.events.slice(2, 4));
    expect(part.body.hasMore).toBe(true);
  });
});

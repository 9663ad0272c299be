// Requests that are wrong in one thing: a problem document that names it, and nothing written.
import { once } from "node:events";
import { connect } from "node:net";
import { beforeAll, describe, expect, it } from "vitest";
import { type Rest, type Server, startServer, token } from "../lib/index.js";

let server: Server;
let alice: Rest;
let host: Rest;

beforeAll(async () => {
  server = await startServer({ lifetime: "file" });
  alice = server.rest("alice");
  host = server.host();
  await server.channel("room", ["alice", "bob", "carol"]);
});

const good = { channelId: "room", callType: "audio", participants: ["bob"] };
const long = (n: number) => "x".repeat(n);

// [what is wrong, the body, the code, the field]
const creations: [string, unknown, string, string | undefined][] = [
  ["no body at all", undefined, "bad_field", "channelId"],
  ["an array", [good], "bad_json", undefined],
  ["a string", "call bob", "bad_json", undefined],
  ["an id that is no UUID", { ...good, id: "call-1" }, "bad_field", "id"],
  ["an id in capitals", { ...good, id: "018F0000-0000-7000-8000-00000000BEEF" }, "bad_field", "id"],
  ["an id that is a number", { ...good, id: 7 }, "bad_field", "id"],
  ["no channel", { ...good, channelId: undefined }, "bad_field", "channelId"],
  ["an empty channel", { ...good, channelId: "" }, "bad_field", "channelId"],
  ["a channel that is a number", { ...good, channelId: 5 }, "bad_field", "channelId"],
  ["a channel of 129 bytes", { ...good, channelId: long(129) }, "bad_field", "channelId"],
  ["a line break in the channel", { ...good, channelId: "ro\nom" }, "bad_field", "channelId"],
  ["no type", { ...good, callType: undefined }, "bad_field", "callType"],
  ["an unknown type", { ...good, callType: "VIDEO" }, "bad_field", "callType"],
  ["an unknown mode", { ...good, mode: "conference" }, "bad_field", "mode"],
  ["participants that are no array", { ...good, participants: "bob" }, "bad_field", "participants"],
  [
    "a participant that is a number",
    { ...good, participants: ["bob", "carol", "x", 3] },
    "bad_field",
    "participants[3]",
  ],
  ["an empty participant", { ...good, participants: [""] }, "bad_field", "participants[0]"],
  ["a participant of 129 bytes", { ...good, participants: [long(129)] }, "bad_field", "participants[0]"],
  ["10,000 participants", { ...good, participants: Array(10000).fill("bob") }, "too_many_participants", "participants"],
  [
    "10,000 different participants",
    { ...good, participants: Array.from({ length: 10000 }, (_, n) => `u${n}`) },
    "too_many_participants",
    "participants",
  ],
  ["only oneself", { ...good, participants: ["alice"] }, "self_call", "participants"],
  ["oneself twice", { ...good, participants: ["alice", "alice"] }, "self_call", "participants"],
  ["a stranger", { ...good, participants: ["bob", "mallory"] }, "not_a_member", "participants"],
  ["a stranger twice", { ...good, participants: ["mallory", "mallory"] }, "not_a_member", "participants"],
  [
    "two people named for a direct call",
    { ...good, participants: ["bob", "carol"], mode: "direct" },
    "bad_field",
    "mode",
  ],
  ["ring that is no boolean", { ...good, ring: "no" }, "bad_field", "ring"],
  ["a ring time of 0", { ...good, ringTimeout: 0 }, "bad_field", "ringTimeout"],
  ["a ring time below 0", { ...good, ringTimeout: -30000 }, "bad_field", "ringTimeout"],
  ["a ring time beyond all numbers", { ...good, ringTimeout: 1e300 }, "bad_field", "ringTimeout"],
  ["a ring time of an hour", { ...good, ringTimeout: 3_600_000 }, "bad_field", "ringTimeout"],
  ["a ring time with a fraction", { ...good, ringTimeout: 30000.5 }, "bad_field", "ringTimeout"],
  ["metadata that is an array", { ...good, metadata: [1] }, "bad_field", "metadata"],
  ["metadata of 5 kB", { ...good, metadata: { a: long(5000) } }, "payload_too_large", "metadata"],
];

const raws: [string, string | Uint8Array<ArrayBuffer>, string][] = [
  ["cut short", '{"channelId":"room","callTy', "bad_json"],
  ["two values", `${JSON.stringify(good)}{}`, "bad_json"],
  ["the same member twice", '{"channelId":"room","channelId":"room","callType":"audio"}', "bad_json"],
  ["broken UTF-8", new Uint8Array([0x7b, 0x22, 0x61, 0x22, 0x3a, 0x22, 0xff, 0x22, 0x7d]), "bad_json"],
  ["a NUL in a string", '{"channelId":"ro\\u0000om","callType":"audio"}', "bad_json"],
  ["nested a thousand deep", `${"[".repeat(1000)}${"]".repeat(1000)}`, "bad_json"],
  [
    "a number of forty digits",
    `{"channelId":"room","callType":"audio","participants":["bob"],"ringTimeout":${"9".repeat(40)}}`,
    "bad_json",
  ],
  ["half a surrogate", '{"channelId":"\\ud800","callType":"audio"}', "bad_json"],
];

async function expectNothingWritten(): Promise<void> {
  expect((await host.get("/api/calls")).body.calls).toEqual([]);
}

describe("creating a call", () => {
  it.each(creations)("with %s", async (_, body, code, field) => {
    const answer = await alice.post("/api/calls", body);
    expect([answer.body.code, answer.body.field]).toEqual([code, field]);
    await expectNothingWritten();
  });
  it.each(raws)("with a body that is %s", async (_, raw, code) => {
    const answer = await alice.post("/api/calls", undefined, { raw });
    expect(answer.status).toBe(400);
    expect(answer.body.code).toBe(code);
    await expectNothingWritten();
  });
  it("with a body whose end never comes", async () => {
    const body = JSON.stringify({ ...good, metadata: { a: long(100) } });
    const head = `POST /api/calls HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${token({ user: "alice" })}\r\n`;
    const socket = connect({ port: server.port, host: "127.0.0.1" });
    socket.write(`${head}Content-Length: ${body.length + 1}\r\n\r\n${body}`); // whole, but for one byte
    await new Promise((done) => setTimeout(done, 100));
    socket.end();
    await once(socket.resume(), "close");
    await expectNothingWritten();
  });
  it("with a body of a megabyte", async () => {
    const answer = await alice.post("/api/calls", { ...good, x: long(1_000_000) });
    expect(answer.body.code).toBe("payload_too_large");
    await expectNothingWritten();
  });
  it.each([
    ["of 129 characters", long(129)],
    ["with a letter beyond ASCII", "caf\u00e9"],
  ])("with an Idempotency-Key %s", async (_, key) => {
    const answer = await alice.post("/api/calls", good, { headers: { "idempotency-key": key } });
    expect([answer.body.code, answer.body.field]).toEqual(["bad_field", "Idempotency-Key"]);
    await expectNothingWritten();
  });
  it("ignores members that it does not know", async () => {
    const answer = await alice.post("/api/calls", { ...good, userId: "bob", colour: "red" });
    expect(answer.status).toBe(201);
    expect(answer.body.call.startedBy).toBe("alice");
    await alice.post(`/api/calls/${answer.body.call.id}/cancel`);
  });
});

describe("people who are named more than once", () => {
  it.each([
    ["twice", ["bob", "bob"], ["alice", "bob"], "direct"],
    ["beside oneself", ["alice", "bob", "alice"], ["alice", "bob"], "direct"],
    ["among others", ["bob", "carol", "bob", "carol"], ["alice", "bob", "carol"], "group"],
  ])("%s count once", async (_, participants, everyone, mode) => {
    const { status, body } = await alice.post("/api/calls", { ...good, participants });
    expect([status, body.call.mode]).toEqual([201, mode]);
    expect(body.call.participants.map((one: { userId: string }) => one.userId).sort()).toEqual(everyone);
    await alice.post(`/api/calls/${body.call.id}/cancel`);
  });
});

describe("acting on a call", () => {
  const ids = ["42", "018F0000-0000-7000-8000-00000000BEEF", "018f0000-0000-7000-8000-00000000bee", "%00", "%ff"];
  const verbs = ["join", "leave", "decline", "cancel", "end", "ring"];
  it.each(ids)("with the id %s, which is no UUID", async (id) => {
    for (const answer of [
      await alice.get(`/api/calls/${id}`),
      ...(await Promise.all(verbs.map((verb) => alice.post(`/api/calls/${id}/${verb}`)))),
    ])
      expect([answer.status, answer.body.code]).toEqual(
        id.startsWith("%") ? [400, "bad_request"] : [404, "call_not_found"],
      );
  });
  it.each([
    ["10,000 people", { participants: Array(10000).fill("bob") }, "too_many_participants", "participants"],
    ["people that are no array", { participants: "bob" }, "bad_field", "participants"],
    ["an empty name", { participants: ["bob", ""] }, "bad_field", "participants[1]"],
    ["a stranger", { participants: ["mallory"] }, "not_a_member", "participants"],
  ])("ringing %s: nobody is rung", async (_, body, code, field) => {
    const { call } = (await alice.post("/api/calls", { ...good, participants: ["bob"], mode: "group" })).body;
    const answer = await alice.post(`/api/calls/${call.id}/ring`, body);
    expect([answer.body.code, answer.body.field]).toEqual([code, field]);
    expect((await alice.get(`/api/calls/${call.id}`)).body.call.seq).toBe(call.seq);
    await alice.post(`/api/calls/${call.id}/cancel`);
  });
});

describe("asking for histories", () => {
  it.each([
    ["limit", "0"],
    ["limit", "101"],
    ["limit", "1e9"],
    ["limit", "-1"],
    ["limit", ""],
    ["cursor", "nonsense"],
    ["cursor", Buffer.from("1.018f0000-0000-7000-8000-00000000beef'--").toString("base64url")],
    ["cursor", Buffer.from("99999999999999999999.018f0000-0000-7000-8000-00000000beef").toString("base64url")],
    ["cursor", Buffer.from("0.018f0000-0000-7000-8000-00000000beef").toString("base64url")],
    ["cursor", long(5000)],
    ["status", "over"],
    ["callType", "fax"],
    ["since", "yesterday"],
    ["until", "2026-13-01T00:00:00Z"],
    ["outcome", "1 OR 1=1"],
    ["direction", "sideways"],
  ])("with %s=%s", async (name, value) => {
    const answer = await alice.get(`/api/users/me/calls?${name}=${encodeURIComponent(value)}`);
    expect([answer.status, answer.body.code, answer.body.field]).toEqual([400, "bad_field", name]);
  });
  it("twice the same parameter", async () => {
    const answer = await alice.get("/api/users/me/calls?limit=5&limit=6");
    expect(answer.body.field).toBe("limit");
  });
});

describe("the host's requests", () => {
  it.each([
    ["no members", {}, "members"],
    ["members that are no array", { members: "alice" }, "members"],
    ["a member that is null", { members: ["alice", null] }, "members[1]"],
    ["10,001 members", { members: Array.from({ length: 10001 }, (_, i) => `u${i}`) }, "members"],
    ["a name that is a number", { name: 5, members: [] }, "name"],
    ["a name of 300 bytes", { name: long(300), members: [] }, "name"],
  ])("a channel with %s", async (_, body, field) => {
    const answer = await host.put("/api/channels/new", body);
    expect([answer.body.code, answer.body.field]).toEqual(["bad_field", field]);
    expect((await host.get("/api/channels/new")).body.code).toBe("channel_not_found");
  });
  it.each([
    ["a name that is a number", { name: 5 }, "name"],
    ["a name of 129 bytes", { name: long(129) }, "name"],
    ["a picture that is a script", { avatarUrl: "javascript:alert(1)" }, "avatarUrl"],
    ["a picture of 300 bytes", { avatarUrl: `https://x/${long(300)}` }, "avatarUrl"],
  ])("a user with %s", async (_, body, field) => {
    const answer = await host.put("/api/users/new", body);
    expect([answer.body.code, answer.body.field]).toEqual(["bad_field", field]);
    expect((await host.get("/api/users/new")).body.code).toBe("user_not_found");
  });
  it.each(["/api/channels/a%00b", "/api/channels/%ff", `/api/channels/${long(129)}`])(
    "no such id: %s",
    async (path) => {
      const answer = await host.put(path, { members: [] });
      expect(answer.status).toBeGreaterThanOrEqual(400);
      expect(answer.status).toBeLessThan(500);
    },
  );
});

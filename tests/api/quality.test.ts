// The flight recorder from outside: samples in, columns out, the timeline between, and who may see what.
import { beforeAll, describe, expect, it } from "vitest";
import { type Server, type Session, startServer } from "../lib/index.js";

let server: Server;
let next = 0;

beforeAll(async () => {
  server = await startServer({ lifetime: "file" });
});

interface Talk {
  id: string;
  users: [string, string];
  sockets: [Session, Session];
  legs: [string, string];
}

/** Two people who talk. */
async function talk(): Promise<Talk> {
  const n = next++;
  const users: [string, string] = [`caller${n}`, `callee${n}`];
  await server.channel(`talk${n}`, users);
  const sockets = (await Promise.all(users.map((user) => server.socket(user)))) as [Session, Session];
  const body = { channelId: `talk${n}`, callType: "video", participants: [users[1]] };
  const { id } = (await server.rest(users[0]).post("/api/calls", body)).body.call;
  const own = await sockets[0].ask("call.join", { callId: id });
  const other = await sockets[1].ask("call.join", { callId: id });
  return { id, users, sockets, legs: [own.self.socketId, other.self.socketId] };
}

/** level, audio score, video score, round trip, and the rest unknown. */
const sample = (age: number, level: number, rtt: number) => [age, level, 90, null, rtt];
const peers = (leg: string, ...samples: unknown[]) => [{ socketId: leg, samples }];

describe("samples", () => {
  it("come back as columns per device and peer, to both sides and the host, and survive kill -9", async () => {
    const { id, users, sockets, legs } = await talk();
    const first = { callId: id, peers: peers(legs[1], sample(4000, 1, 40), sample(2000, 1, 44)) };
    await sockets[0].ask("call.quality", first);
    await sockets[0].ask("call.quality", { callId: id, peers: peers(legs[1], sample(0, 4, 900)) });
    await server.kill();
    await server.restart();
    for (const rest of [server.rest(users[0]), server.rest(users[1]), server.host()]) {
      const { status, body } = await rest.get(`/api/calls/${id}/quality`);
      expect(status).toBe(200);
      expect(body.legs).toHaveLength(1);
      expect(body.legs[0]).toMatchObject({ socketId: legs[0], userId: users[0] });
      const [peer] = body.legs[0].peers;
      expect(peer.columns).toEqual({ level: [1, 1, 4], audioScore: [90, 90, 90], rtt: [40, 44, 900] });
      expect(peer.t[0]).toBe(0);
      expect(peer.t[2]).toBeGreaterThanOrEqual(38);
      expect(Math.abs(Date.parse(peer.start) - Date.now())).toBeLessThan(20_000);
    }
    const some = await server.rest(users[0]).get(`/api/calls/${id}/quality?fields=rtt,level,inFps`);
    expect(some.body.legs[0].peers[0].columns).toEqual({ level: [1, 1, 4], rtt: [40, 44, 900] });
    for (const wrong of ["fields=", "fields=rtt,", "fields=bytes", `fields=${"rtt,".repeat(200)}rtt`])
      expect((await server.rest(users[0]).get(`/api/calls/${id}/quality?${wrong}`)).body.code).toBe("bad_field");
    const worst = await server.rest(users[0]).get(`/api/calls/${id}/quality?step=3600000`);
    expect(worst.body.legs[0].peers[0].columns.level).toContain(4);
  });

  it("are nobody else's to read or write", async () => {
    const { id, sockets, legs, users } = await talk();
    const stranger = await server.socket(`stranger${next}`);
    const body = { socketId: legs[0], peers: peers(legs[1], sample(0, 1, 40)) };
    expect((await server.rest(`stranger${next}`).get(`/api/calls/${id}/quality`)).status).toBe(404);
    expect((await server.rest(`stranger${next}`).post(`/api/calls/${id}/quality`, body)).status).toBe(404);
    expect(await stranger.emit("call.quality", { callId: id, peers: body.peers })).toMatchObject({ ok: false });
    const forOther = await server.rest(users[1]).post(`/api/calls/${id}/quality`, body);
    expect(forOther.body.code).toBe("not_in_call");
    await sockets[1].ask("call.quality", { callId: id, peers: peers(legs[0], sample(0, 2, 40)) });
    expect((await server.host().get(`/api/calls/${id}/quality`)).body.legs).toHaveLength(1);
  });

  it("are taken over REST, and for a while after the end from devices that are known", async () => {
    const { id, users, sockets, legs } = await talk();
    const put = (leg: string, ...samples: unknown[]) =>
      server.rest(users[0]).post(`/api/calls/${id}/quality`, { socketId: leg, peers: peers(legs[1], ...samples) });
    expect((await put(legs[0], sample(0, 1, 10))).status).toBe(200);
    await sockets[0].ask("call.leave", { callId: id });
    expect((await put(legs[0], sample(100, 2, 20))).status).toBe(200);
    expect((await put(id, sample(100, 4, 30))).status).toBe(200);
    const { body } = await server.rest(users[0]).get(`/api/calls/${id}/quality`);
    expect(body.legs).toHaveLength(1);
    expect(body.legs[0].peers[0].columns.rtt).toEqual([10, 20]);
  });

  it("are bounded", async () => {
    const { id, sockets, legs } = await talk();
    const refusal = async (payload: object) => (await sockets[0].emit("call.quality", payload)).error?.code;
    const many = Array.from({ length: 257 }, (_, i) => sample(i, 1, 1));
    expect(await refusal({ callId: id, peers: peers(legs[1], ...many) })).toBe("payload_too_large");
    expect(await refusal({ callId: id, peers: peers(legs[1], [-1, 1]) })).toBe("bad_field");
    expect(await refusal({ callId: id, peers: peers("../../etc", [0, 1]) })).toBe("bad_field");
    expect(await refusal({ callId: id, peers: {} })).toBe("bad_field");
    expect(await refusal({ callId: id, events: [{ type: "Ä", age: 0 }] })).toBe("bad_field");
    expect(await refusal({ callId: id, events: [{ type: "x", data: { long: "x".repeat(600) } }] })).toBe(
      "payload_too_large",
    );
    expect(await refusal({ callId: id })).toBe("bad_field");
    const flood = Array.from({ length: 40 }, () => refusal({ callId: id, peers: peers(legs[1], ...many.slice(1)) }));
    const codes = await Promise.all(flood);
    expect(codes).toContain("rate_limited");
    expect(codes.filter((code) => code === undefined).length).toBeLessThan(20);
  });
});

describe("the timeline", () => {
  it("tells what devices did between what was numbered, page by page as in one", async () => {
    const { id, users, sockets, legs } = await talk();
    await sockets[0].ask("call.mute", { callId: id, isMuted: true });
    await sockets[1].ask("call.quality", {
      callId: id,
      connectionQuality: "fair",
      events: [{ type: "ice", age: 0, data: { state: "disconnected" } }],
    });
    await sockets[0].waitFor("participant.quality");
    await sockets[1].ask("call.leave", { callId: id });
    const whole = (await server.rest(users[0]).get(`/api/calls/${id}/timeline`)).body.events;
    const types = whole.map((one: { type: string }) => one.type);
    expect(types).toEqual(expect.arrayContaining(["participant.muted", "participant.quality", "client.ice"]));
    expect(types.indexOf("participant.muted")).toBeLessThan(types.indexOf("call.ended"));
    const muted = whole[types.indexOf("participant.muted")];
    expect(muted).toMatchObject({ seq: null, actorId: users[0], socketId: legs[0], data: { isMuted: true } });

    const paged = [];
    for (let after = 0, more = true; more; ) {
      const { events, hasMore } = (await server.rest(users[0]).get(`/api/calls/${id}/timeline?limit=2&after=${after}`))
        .body;
      paged.push(...events);
      after = Math.max(after, ...events.map((one: { seq: number | null }) => one.seq ?? 0));
      more = hasMore;
    }
    expect(paged).toEqual(whole);
  });

  it("and the host hear of a connection that became poor, but not at each step", async () => {
    const { id, users, sockets } = await talk();
    for (const connectionQuality of ["good", "poor", "good", "poor"])
      await sockets[0].ask("call.quality", { callId: id, connectionQuality });
    await sockets[1].waitFor("participant.quality", (p) => p.connectionQuality === "poor");
    const { events } = (await server.rest(users[0]).get(`/api/calls/${id}/timeline`)).body;
    const degraded = events.filter((one: { type: string }) => one.type === "quality.degraded");
    expect(degraded).toHaveLength(1);
    expect(degraded[0].data).toMatchObject({ userId: users[0], connectionQuality: "poor", before: "good" });
    await sockets[0].ask("call.leave", { callId: id });
    const { call } = (await server.rest(users[0]).get(`/api/calls/${id}`)).body;
    const me = call.participants.find((one: { userId: string }) => one.userId === users[0]);
    expect(me.connectionQuality).toBe("poor");
  });
});

describe("the overview", () => {
  it("is for the host alone and counts what is and was", async () => {
    const { id, sockets, legs } = await talk();
    await sockets[0].ask("call.quality", { callId: id, peers: peers(legs[1], sample(0, 4, 900), sample(0, 4, 900)) });
    expect((await server.rest("alice").get("/api/overview")).status).toBe(403);
    const { status, body } = await server.host().get("/api/overview");
    expect(status).toBe(200);
    expect(body.now.active).toBeGreaterThan(0);
    expect(body.now.calls.map((call: { id: string }) => call.id)).toContain(id);
    expect(body.worst[0]).toMatchObject({ callId: id, levels: { poor: 2 } });
    expect(body.spans.at(-1).calls).toBeGreaterThan(0);
    expect((await server.host().get("/api/overview?since=2020-01-01T00:00:00Z")).status).toBe(400);
  });
});

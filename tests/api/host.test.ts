// What the host's backend sets, people then see.
import { createHmac } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { type Rest, type Server, startServer } from "../lib/index.js";

let server: Server;
let host: Rest;

beforeAll(async () => {
  server = await startServer({ lifetime: "file" });
  host = server.host();
});

describe("channels", () => {
  it("are made, replaced as a whole, and removed", async () => {
    const made = await host.put("/api/channels/team", { name: "Team", members: ["bob", "alice", "bob"] });
    expect(made.status).toBe(201);
    expect(made.body.channel).toEqual({ id: "team", name: "Team", members: ["alice", "bob"] });
    const replaced = await host.put("/api/channels/team", { name: "Crew", members: ["carol"] });
    expect(replaced.status).toBe(200);
    expect((await host.get("/api/channels/team")).body.channel).toEqual({
      id: "team",
      name: "Crew",
      members: ["carol"],
    });
    expect((await host.delete("/api/channels/team")).status).toBe(204);
    expect((await host.delete("/api/channels/team")).body.code).toBe("channel_not_found");
    expect((await host.get("/api/channels/team")).body.code).toBe("channel_not_found");
  });
  it("may have any id that is text", async () => {
    const id = "räume/№ 1?&=%";
    await server.channel(id, ["alice"]);
    const path = `/api/channels/${encodeURIComponent(id)}`;
    expect((await host.get(path)).body.channel.id).toBe(id);
    expect((await server.rest("alice").get(`${path}/calls`)).status).toBe(200);
  });
  it("take 10,000 members", async () => {
    const members = Array.from({ length: 10000 }, (_, i) => `user-${String(i).padStart(5, "0")}`);
    await server.channel("crowd", members);
    expect((await host.get("/api/channels/crowd")).body.channel.members).toEqual(members);
    expect((await server.rest("user-09999").get("/api/channels/crowd/calls")).status).toBe(200);
  });
  it("shut those out who are no members any more", async () => {
    await server.channel("club", ["alice", "bob"]);
    await server.channel("club", ["alice"]);
    expect((await server.rest("bob").get("/api/channels/club/calls")).status).toBe(404);
  });
  it("leave past calls in the histories of those who were in them", async () => {
    await server.channel("gone", ["erin", "finn"]);
    const { body } = await server
      .rest("erin")
      .post("/api/calls", { channelId: "gone", callType: "audio", participants: ["finn"] });
    await server.rest("erin").post(`/api/calls/${body.call.id}/cancel`);
    await host.delete("/api/channels/gone");
    const own = (await server.rest("finn").get("/api/users/me/calls")).body.calls;
    expect(own.map((call: { id: string }) => call.id)).toContain(body.call.id);
  });
});

describe("users", () => {
  it("are made, replaced and removed", async () => {
    const made = await host.put("/api/users/gus", { name: "Gus", avatarUrl: "https://example.org/g.png" });
    expect(made.status).toBe(201);
    expect((await host.put("/api/users/gus", { name: "Gustav" })).status).toBe(200);
    expect((await host.get("/api/users/gus")).body.user).toEqual({ id: "gus", name: "Gustav", avatarUrl: null });
    expect((await host.delete("/api/users/gus")).status).toBe(204);
    expect((await host.get("/api/users/gus")).body.code).toBe("user_not_found");
  });
  it("show their name and picture, and nothing else, in calls", async () => {
    await server.channel("pair", ["hal", "ida"]);
    await host.put("/api/users/ida", { name: "Ida", avatarUrl: "https://example.org/i.png" });
    const { body } = await server
      .rest("hal")
      .post("/api/calls", { channelId: "pair", callType: "audio", participants: ["ida"] });
    const ida = body.call.participants.find((one: { userId: string }) => one.userId === "ida");
    expect(ida).toMatchObject({ name: "Ida", avatarUrl: "https://example.org/i.png" });
    await server.rest("hal").post(`/api/calls/${body.call.id}/cancel`);
  });
});

describe("the service", () => {
  it("says that it is well, to anybody", async () => {
    const anybody = server.rest(null);
    expect((await anybody.get("/healthz")).body).toEqual({ status: "ok" });
    expect((await anybody.get("/readyz")).body).toMatchObject({ status: "ok", checks: { database: "ok", disk: "ok" } });
  });
  it("tells where its sockets are", async () => {
    expect((await server.rest(null).get("/api/server")).body).toEqual({ socketPath: "/socket.io/" });
  });
  it("describes itself", async () => {
    const { body } = await server.rest(null).get("/api/openapi.json");
    expect(body.openapi).toMatch(/^3\.1/);
    expect(Object.keys(body.paths)).toContain("/api/users/me/calls");
  });
  it("answers a path of the API that does not exist with a problem", async () => {
    expect((await server.rest().get("/api/nowhere")).body.code).toBe("not_found");
    expect((await server.rest().delete("/api/calls")).body.code).toBe("method_not_allowed");
  });
});

describe("ICE servers", () => {
  it("carry fresh credentials: expiry:user, signed with the secret that the relays share", async () => {
    const secret = "the-secret-shared-with-the-relay-1234567";
    const file = join(server.data, "turn-secret");
    await writeFile(file, secret);
    const relayed = await startServer({
      args: [
        ...["--ice-server", "stun:stun.example.org:3478", "--ice-server", "turn:turn.example.org:3478?transport=udp"],
        ...["--ice-server", "turns:turn.example.org:443?transport=tcp", "--turn-secret-file", file],
        ...["--turn-listen", "none", "--turn-ttl", "10m"],
      ],
    });
    const answer = await relayed.rest("alice").get("/api/webrtc/ice-servers");
    const [stun, turn] = answer.body;
    expect(stun.urls).toEqual(["stun:stun.example.org:3478"]);
    expect(turn.urls).toEqual(["turn:turn.example.org:3478?transport=udp", "turns:turn.example.org:443?transport=tcp"]);
    expect(turn.ttl).toBe(600);
    const [expiry, user] = turn.username.split(":");
    expect(user).toBe("alice");
    expect(Math.abs(Number(expiry) - Date.now() / 1000 - 600)).toBeLessThan(5);
    expect(turn.credential).toBe(createHmac("sha1", secret).update(turn.username).digest("base64"));
    expect(answer.headers.get("cache-control")).toBe("no-store");
  });
});

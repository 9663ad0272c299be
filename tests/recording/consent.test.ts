// Consent and the sign that a call is recorded, over sockets and REST.
import { describe, expect, it } from "vitest";
import { checkEvent, type Session } from "../lib/index.js";
import { makeScene } from "./lib/setup.js";

const states = (session: Session) =>
  session.events
    .filter((heard) => heard.event === "call.recording")
    .map((heard) => (heard.payload as { state: string }).state);

async function bothIn(args: string[]) {
  const scene = await makeScene(args);
  const { server, callId } = scene;
  const ann = await server.socket({ user: "alice", claims: { recorder: true } });
  const ben = await server.socket({ user: "bob" });
  for (const session of [ann, ben]) expect(await session.emit("call.join", { callId })).toMatchObject({ ok: true });
  return { ...scene, ann, ben };
}

describe("announced", () => {
  it("tells everyone that it starts and stops, and only a recorder may start", async () => {
    const { ann, ben, callId, bob } = await bothIn([]);
    expect(await ben.emit("call.recording-start", { callId })).toMatchObject({ error: { code: "forbidden" } });
    expect(await ann.emit("call.recording-start", { callId })).toMatchObject({ ok: true });
    await expect.poll(() => states(ben)).toEqual(["started"]);
    const { body } = await bob.get(`/api/calls/${callId}`);
    expect(body.call.recording).toMatchObject({ state: "started", userId: "alice", policy: "announce" });
    expect(await ann.emit("call.recording-stop", { callId })).toMatchObject({ ok: true });
    await expect.poll(() => states(ben)).toEqual(["started", "stopped"]);
    for (const heard of ben.events.filter(({ event }) => event === "call.recording"))
      checkEvent(heard.event, heard.payload);
  });
});

describe("agreed", () => {
  it("starts when everybody has agreed, and ends with a refusal", async () => {
    const { ann, ben, callId, alice, bob } = await bothIn(["--recording-policy", "consent"]);
    expect(await ann.emit("call.recording-start", { callId })).toMatchObject({ ok: true });
    await expect.poll(() => states(ben)).toEqual(["requested"]);
    expect(await ben.emit("call.recording-consent", { callId })).toMatchObject({ ok: true });
    await expect.poll(() => states(ann)).toEqual(["requested", "consented", "started"]);
    expect((await bob.post(`/api/calls/${callId}/recording/refuse`, {})).status).toBe(200);
    await expect.poll(() => states(ann).at(-1)).toBe("refused");
    expect((await alice.get(`/api/calls/${callId}`)).body.call.recording.state).toBe("none");
  });

  it("survives a restart of the server", async () => {
    const { server, callId, alice, bob } = await bothIn(["--recording-policy", "consent"]);
    expect((await alice.post(`/api/calls/${callId}/recording/start`, {})).status).toBe(200);
    await server.kill();
    await server.start();
    const rest = server.rest({ user: "bob" });
    expect((await rest.get(`/api/calls/${callId}`)).body.call.recording).toMatchObject({
      state: "requested",
      userId: "alice",
    });
    expect(bob).toBeDefined();
  });
});

describe("off", () => {
  it("refuses to start and to take uploads", async () => {
    const { ann, callId, alice } = await bothIn(["--recording-policy", "off"]);
    expect(await ann.emit("call.recording-start", { callId })).toMatchObject({ error: { code: "recording_off" } });
    const form = new FormData();
    form.set("recording", new Blob(["x"]));
    const headers = { authorization: `Bearer ${alice.token}` };
    const response = await fetch(`${alice.url}/api/calls/${callId}/recording`, { method: "POST", headers, body: form });
    expect(response.status).toBe(403);
  });
});

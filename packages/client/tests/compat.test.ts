/** The old SDK's class over the server in memory. */
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { WebRTCClient } from "../src/compat/index.js";
import { createClient } from "../src/index.js";
import { FakeConnection } from "./lib/fakeConnection.js";
import { FakeServer } from "./lib/fakeServer.js";

let server: FakeServer;
const pass = (ms = 400) => vi.advanceTimersByTimeAsync(ms);
const create = () => server.create("alice", { channelId: "general", callType: "video", participants: ["bob"] }).id;

function compat(name: string) {
  const platform = server.platform();
  const client = new WebRTCClient("ws://fake/webrtc", `token-${name}`, { platform });
  const heard: string[] = [];
  client.on("localStream", () => heard.push("localStream"));
  client.on("remoteStream", ({ userId }) => heard.push(`remoteStream ${userId}`));
  client.on("remoteStreamRemoved", () => heard.push("remoteStreamRemoved"));
  client.on("connectionStateChange", ({ state }) => heard.push(state));
  client.on("ended", (reason) => heard.push(reason));
  client.on("error", ({ code }) => heard.push(code));
  return { client, heard, media: platform.media };
}

beforeEach(() => {
  vi.useFakeTimers();
  server = new FakeServer();
});

afterEach(async () => {
  await pass();
  expect(FakeConnection.open.size).toBe(0);
  vi.useRealTimers();
});

it("tells streams and states under the old names", async () => {
  const [alice, bob] = [compat("alice"), compat("bob")];
  const id = create();
  void alice.client.startCall(id, "alice", true);
  await pass();
  expect(alice.heard).toEqual(["localStream"]);
  void bob.client.startCall(id, "bob", true);
  await pass();
  expect(alice.heard).toContain("remoteStream bob");
  expect(alice.heard).toContain("connected");
  alice.client.toggleMute(true);
  await pass();
  expect(bob.client.client?.getSnapshot().current?.participants[0]?.isMuted).toBe(true);
  void bob.client.endCall(id);
  await pass();
  expect(alice.heard.slice(-3)).toEqual(["closed", "remoteStreamRemoved", "hangup"]);
  void alice.client.endCall(id);
});

it("answers without a picture when that is wished, and goes on without a microphone", async () => {
  const bob = compat("bob");
  bob.media.refused.audio = "no_microphone";
  const id = create();
  void bob.client.startCall(id, "bob", false);
  await pass();
  expect(bob.media.live()).toEqual([]);
  expect(bob.heard).toContain("no_microphone");
  expect(server.calls.get(id)?.data.status).toBe("active");
  void bob.client.endCall();
});

it("ends quietly what was still beginning", async () => {
  const bob = compat("bob");
  const starting = bob.client.startCall(create());
  await bob.client.endCall();
  await pass();
  await expect(starting).resolves.toBeUndefined();
});

it("tells the server's refusal to who starts", async () => {
  const bob = compat("bob");
  const starting = bob.client.startCall("unknown").catch((error: { code: string }) => error.code);
  await pass();
  expect(await starting).toBe("not_found");
  await bob.client.endCall();
});

it("makes one call of two joins, and of one that rings meanwhile", async () => {
  const client = createClient({ url: "http://fake", getToken: () => "token-bob", platform: server.platform() });
  const id = create();
  const joins = [client.join(id), client.join(id)];
  await pass();
  const [first, second] = await Promise.all(joins);
  expect(first).toBe(second);
  expect(client.getSnapshot()).toMatchObject({ incoming: [], current: { id, state: "connecting" } });
  client.close();
});

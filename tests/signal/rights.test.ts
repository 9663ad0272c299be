// Every event that a device can send, for every kind of sender: what each is answered, and that a refusal changes nothing.
import { beforeAll, describe, expect, it } from "vitest";
import { connect, refused, type Server, type Session, startServer, type TokenOptions, token } from "../lib/index.js";

const roles = ["server", "outsider", "member", "moderator", "invited", "left", "joined", "starter"] as const;
type Role = (typeof roles)[number];
type Kind = "group" | "direct" | "ended";

interface Scene {
  channelId: string;
  callId: string;
  /** Legs that are in the call: of the starter, and of the one who joined. */
  legs: { starter: string; joined: string };
  watchers: Session[];
  sender: Session;
}

const sdp = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n";
const candidate = { candidate: "candidate:1 1 udp 1 127.0.0.1 9 typ host", sdpMid: "0", sdpMLineIndex: 0 };
/** Somebody else's leg. */
const other = (scene: Scene, role: Role): string => (role === "joined" ? scene.legs.starter : scene.legs.joined);
const payloads: Record<string, (scene: Scene, role: Role) => object> = {
  "call.join": ({ callId }) => ({ callId }),
  "call.leave": ({ callId }) => ({ callId }),
  "call.decline": ({ callId }) => ({ callId }),
  "call.ack": ({ callId }) => ({ callId }),
  "call.mute": ({ callId }) => ({ callId, isMuted: true }),
  "call.video-toggle": ({ callId }) => ({ callId, isVideoEnabled: true }),
  "call.screen-toggle": ({ callId }) => ({ callId, isScreenSharing: true }),
  "call.quality": ({ callId }) => ({ callId, connectionQuality: "poor" }),
  "call.connection": ({ callId }) => ({ callId, state: "connected" }),
  "call.recording-start": ({ callId }) => ({ callId }),
  "call.recording-stop": ({ callId }) => ({ callId }),
  "call.recording-consent": ({ callId }) => ({ callId }),
  "call.offer": (scene, role) => ({ to: other(scene, role), offer: { type: "offer", sdp } }),
  "call.answer": (scene, role) => ({ to: other(scene, role), answer: { type: "answer", sdp } }),
  "call.ice-candidate": (scene, role) => ({ to: other(scene, role), candidate }),
};
const events = Object.keys(payloads);

const hidden = "call_not_found";
const apart = "not_in_call";
/** The answers, in the order of `roles`; one for all where it is one. */
type Row = readonly string[];
/** For the two people of the call alone; the host's backend knows of it, and has no device in it. */
const pair = (server: string, ...inside: [string, string]): Row => [server, ...Array(5).fill(hidden), ...inside];
/** For whoever is in it. */
const inGroup = (...inside: [string, string]): Row => [apart, hidden, ...Array(4).fill(apart), ...inside];
const relayed = (inside: string): Row => [...Array(6).fill(apart), inside, inside];

const answers: Record<Kind, Record<string, Row>> = {
  // server, outsider, member, moderator, invited, left, joined, starter
  group: {
    "call.join": ["forbidden", hidden, "ok", "ok", "ok", "ok", "ok", "ok"],
    "call.leave": [apart, hidden, apart, apart, "ok", "ok", "ok", "ok"],
    "call.decline": [apart, hidden, apart, apart, "ok", "answered_elsewhere", "answered_elsewhere", "forbidden"],
    "call.ack": [apart, hidden, apart, apart, "ok", "ok", "answered_elsewhere", "ok"],
    "call.mute": inGroup("ok", "ok"),
    "call.video-toggle": inGroup("ok", "ok"),
    "call.screen-toggle": inGroup("ok", "ok"),
    "call.quality": inGroup("ok", "ok"),
    "call.connection": inGroup("ok", "ok"),
    "call.recording-start": inGroup("forbidden", "ok"), // the starter's token has `recorder`
    "call.recording-stop": ["ok", hidden, apart, apart, "ok", "ok", "ok", "ok"],
    "call.recording-consent": inGroup("not_recorded", "not_recorded"),
    "call.offer": relayed("ok"),
    "call.answer": relayed("ok"),
    "call.ice-candidate": relayed("ok"),
  },
  // Of a direct call its two people alone know anything.
  direct: {
    "call.join": pair("forbidden", "ok", "ok"),
    "call.leave": pair(apart, "ok", "ok"),
    "call.decline": pair(apart, "answered_elsewhere", "forbidden"),
    "call.ack": pair(apart, "answered_elsewhere", "ok"),
    "call.mute": pair(apart, "ok", "ok"),
    "call.video-toggle": pair(apart, "ok", "ok"),
    "call.screen-toggle": pair(apart, "ok", "ok"),
    "call.quality": pair(apart, "ok", "ok"),
    "call.connection": pair(apart, "ok", "ok"),
    "call.recording-start": pair(apart, "forbidden", "ok"),
    "call.recording-stop": pair("ok", "ok", "ok"),
    "call.recording-consent": pair(apart, "not_recorded", "not_recorded"),
    "call.offer": relayed("ok"),
    "call.answer": relayed("ok"),
    "call.ice-candidate": relayed("ok"),
  },
  // Leaving is right at any time.
  ended: Object.fromEntries(
    events.map((event) => {
      const isRelayed = /offer|answer|candidate/.test(event);
      const over = event === "call.leave" ? "ok" : "call_ended";
      return [event, isRelayed ? relayed(apart) : pair(/join|recording/.test(event) ? over : apart, over, over)];
    }),
  ),
};

let server: Server;
let nScenes = 0;

const tokenOf = (scene: string, role: Role): TokenOptions => ({
  user: `${role}-${scene}`,
  ...(role === "moderator" ? { claims: { moderator: true } } : {}),
  ...(role === "starter" ? { claims: { recorder: true } } : {}),
  ...(role === "server" ? { scope: "server" } : {}),
});

/** A call with a starter and one who joined; in groups also one who left and one who still rings. */
async function makeScene(kind: Kind, role: Role, ttl?: number): Promise<Scene> {
  const tag = String(nScenes++);
  const channelId = `room-${tag}`;
  const name = (one: Role) => `${one}-${tag}`;
  await server.channel(channelId, roles.filter((one) => one !== "outsider" && one !== "server").map(name));
  const people = kind === "group" ? ["joined", "left", "invited"] : ["joined"];
  const body = { channelId, callType: "video", participants: people.map((one) => name(one as Role)) };
  const more = kind === "group" ? { mode: "group" } : {};
  const sessions = new Map<Role, Session>();
  const session = async (one: Role): Promise<Session> => {
    const known = sessions.get(one);
    if (known) return known;
    const made = await connect(server.url, { ...tokenOf(tag, one), ...(ttl && one === role ? { ttl } : {}) });
    sessions.set(one, made);
    return made;
  };
  const starter = await session("starter");
  const joined = await session("joined");
  const created = await server.rest(tokenOf(tag, "starter")).post("/api/calls", { ...body, ...more });
  const callId: string = created.body.call.id;
  const legs = {
    starter: (await starter.ask("call.join", { callId })).self.socketId as string,
    joined: (await joined.ask("call.join", { callId })).self.socketId as string,
  };
  if (kind === "group") {
    const left = await session("left");
    await left.ask("call.join", { callId });
    await left.ask("call.leave", { callId });
  }
  if (kind === "ended") await starter.ask("call.leave", { callId });
  const sender = await session(role);
  const watchers = [starter, joined].filter((one) => one !== sender);
  return { channelId, callId, legs, watchers, sender };
}

/** All that a refusal must leave as it is. */
async function everything({ callId, watchers }: Scene): Promise<string> {
  const host = server.host();
  const call = (await host.get(`/api/calls/${callId}`)).body;
  const timeline = (await host.get(`/api/calls/${callId}/timeline`)).body;
  const heard = watchers.map((one) => one.names());
  return JSON.stringify([call, timeline, heard]).replaceAll(/"(lastSeenAt|talkSeconds|duration)":("[^"]*"|\d+)/g, "");
}

beforeAll(async () => {
  server = await startServer({ lifetime: "file" });
});

describe.each<Kind>(["group", "direct", "ended"])("a call: %s", (kind) => {
  it.each(events)("%s", async (event) => {
    const found = await Promise.all(
      roles.map(async (role) => {
        const scene = await makeScene(kind, role);
        await new Promise((done) => setTimeout(done, 20)); // what was under way has been heard
        const before = await everything(scene);
        const answer = await scene.sender.emit(event, payloads[event]?.(scene, role));
        if (!answer.ok) expect(await everything(scene), `${role} was refused`).toBe(before);
        return answer.ok ? "ok" : answer.error.code;
      }),
    );
    expect(found).toEqual(answers[kind][event]);
  });
});

describe("tokens", () => {
  it.each([
    ["none", null, "token_missing"],
    ["one that has expired", token({ user: "alice", ttl: -10 }), "token_expired"],
    [
      "one with another signature",
      token({ user: "alice", secret: "another-secret-of-more-than-32-bytes-indeed" }),
      "token_invalid",
    ],
    ["one without a signature", token({ user: "alice", header: { alg: "none" } }), "token_invalid"],
  ])("%s: no session", async (_, bearer, code) => {
    expect((await refused(server.url, bearer)).data.code).toBe(code);
  });

  it("one that expires in the middle: everything is refused but a new token", { timeout: 15_000 }, async () => {
    const scene = await makeScene("group", "joined", 2);
    await new Promise((done) => setTimeout(done, 2500));
    const before = await everything(scene);
    for (const event of events) {
      const answer = await scene.sender.emit(event, payloads[event]?.(scene, "joined"));
      expect(answer.ok ? "ok" : answer.error.code, event).toBe("token_expired");
    }
    expect(await everything(scene)).toBe(before);
    const user = `joined-${scene.channelId.slice(5)}`;
    expect((await scene.sender.emit("auth.refresh", { token: token({ user: "somebody-else" }) })).ok).toBe(false);
    expect((await scene.sender.emit("auth.refresh", { token: token({ user }) })).ok).toBe(true);
    expect((await scene.sender.emit("call.mute", payloads["call.mute"]?.(scene, "joined"))).ok).toBe(true);
  });
});

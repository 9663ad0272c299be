// Who hears what: whole stories of calls over real sockets, and all that each device heard in each, in order.
import { beforeAll, describe, expect, it } from "vitest";
import { connect, type Server, type Session, startServer } from "../lib/index.js";

const pause = (ms: number) => new Promise((done) => setTimeout(done, ms));
const args = [
  ...[
    "--unreachable-after",
    "1500ms",
    "--caller-grace",
    "500ms",
    "--connect-window",
    "20s",
    "--alone-timeout",
    "700ms",
  ],
  ...["--ring-timeout", "5s", "--resume-window", "5s"],
];

let server: Server;
let limited: Server;
let nStories = 0;

/** Everybody of one story, in a channel of their own: ann, bob, cat and dan; eve is none of its members. */
class Stage {
  readonly sessions = new Map<string, Session>();
  private readonly tag = String(nStories++);
  private constructor(readonly server: Server) {}

  /** Connects these devices: "bob/1", "bob/2". */
  static async with(on: Server, ...devices: string[]): Promise<Stage> {
    const stage = new Stage(on);
    await on.channel(
      stage.channelId,
      ["ann", "bob", "cat", "dan"].map((name) => stage.user(name)),
    );
    for (const device of devices) await stage.open(device);
    return stage;
  }
  get channelId(): string {
    return `story-${this.tag}`;
  }
  user(name: string): string {
    return `${name.split("/")[0]}-${this.tag}`;
  }
  async open(device: string, auth: Record<string, unknown> = {}): Promise<Session> {
    const session = await connect(this.server.url, { user: this.user(device) }, { auth, lifetime: "file" });
    this.sessions.set(device, session);
    return session;
  }
  session(device: string): Session {
    const found = this.sessions.get(device);
    if (!found) throw new Error(`nobody has opened ${device}`);
    return found;
  }
  rest(name: string, claims: Record<string, unknown> = {}) {
    return this.server.rest({ user: this.user(name), claims });
  }
  async create(caller: string, others: string[], more: object = {}): Promise<string> {
    const participants = others.map((name) => this.user(name));
    const body = { channelId: this.channelId, callType: "video", participants, ...more };
    const answer = await this.rest(caller).post("/api/calls", body);
    expect(answer.status).toBeLessThan(300);
    return answer.body.call.id;
  }
  ask(device: string, event: string, payload: object) {
    return this.session(device).ask(event, payload);
  }
  post(name: string, callId: string, verb: string, claims = {}) {
    return this.rest(name, claims).post(`/api/calls/${callId}/${verb}`);
  }
  /** What each device heard besides `sync`; a reason stands behind the event that has one. */
  async heard(): Promise<Record<string, string[]>> {
    await pause(150);
    const words = (session: Session) =>
      session.events
        .filter(({ event }) => event !== "sync")
        .map(({ event, payload }) => (payload.reason ? `${event} ${payload.reason}` : event));
    return Object.fromEntries([...this.sessions].map(([device, session]) => [device, words(session)]));
  }
}

interface Story {
  title: string;
  devices: string[];
  tell: (stage: Stage) => Promise<void>;
  heard: Record<string, string[]>;
  on?: () => Server;
}

/** Ann calls bob, who answers with his first device. */
async function answered(stage: Stage): Promise<string> {
  const callId = await stage.create("ann", ["bob"]);
  await stage.ask("ann/1", "call.join", { callId });
  await stage.ask("bob/1", "call.join", { callId });
  return callId;
}
/** Ann calls bob and cat, both come in; dan is not called. */
async function group(stage: Stage): Promise<string> {
  const callId = await stage.create("ann", ["bob", "cat"], { mode: "group" });
  for (const device of ["ann/1", "bob/1", "cat/1"]) await stage.ask(device, "call.join", { callId });
  return callId;
}

const stories: Story[] = [
  {
    title: "answered with one of two devices, and hung up",
    devices: ["ann/1", "bob/1", "bob/2", "cat/1", "eve/1"],
    tell: async (stage) => {
      const callId = await stage.create("ann", ["bob"]);
      await stage.ask("bob/1", "call.ack", { callId });
      await stage.ask("bob/1", "call.join", { callId });
      await stage.ask("ann/1", "call.join", { callId });
      await stage.ask("ann/1", "call.leave", { callId });
    },
    heard: {
      "ann/1": ["call.ringing", "call.accepted", "call.participants", "call.ended hangup"],
      "bob/1": ["call.incoming", "call.accepted", "call.participants", "participant.joined", "call.ended hangup"],
      "bob/2": ["call.incoming", "call.accepted", "call.answered-elsewhere", "call.ended hangup"],
      "cat/1": [],
      "eve/1": [],
    },
  },
  {
    title: "declined with one of two devices",
    devices: ["ann/1", "bob/1", "bob/2", "cat/1"],
    tell: async (stage) => {
      const callId = await stage.create("ann", ["bob"]);
      await stage.ask("bob/2", "call.decline", { callId });
    },
    heard: {
      "ann/1": ["call.declined", "call.ended declined"],
      "bob/1": ["call.incoming", "call.declined", "call.declined-elsewhere", "call.ended declined"],
      "bob/2": ["call.incoming", "call.declined", "call.ended declined"],
      "cat/1": [],
    },
  },
  {
    title: "cancelled by the caller",
    devices: ["ann/1", "bob/1", "bob/2"],
    tell: async (stage) => void (await stage.post("ann", await stage.create("ann", ["bob"]), "cancel")),
    heard: {
      "ann/1": ["call.ended cancelled"],
      "bob/1": ["call.incoming", "call.cancelled cancelled"],
      "bob/2": ["call.incoming", "call.cancelled cancelled"],
    },
  },
  {
    title: "not answered in time",
    devices: ["ann/1", "bob/1"],
    tell: async (stage) => {
      const callId = await stage.create("ann", ["bob"]);
      await stage.ask("bob/1", "call.ack", { callId });
      await pause(6300);
    },
    heard: { "ann/1": ["call.ringing", "call.ended no_answer"], "bob/1": ["call.incoming", "call.missed no_answer"] },
  },
  {
    title: "no device of the callee is there",
    devices: ["ann/1"],
    tell: async (stage) => {
      const callId = await stage.create("ann", ["bob"]);
      await pause(2000);
      await stage.post("ann", callId, "cancel");
    },
    heard: { "ann/1": ["call.unreachable", "call.ended cancelled"] },
  },
  {
    title: "the callee talks to somebody else",
    devices: ["ann/1", "bob/1", "cat/1"],
    tell: async (stage) => {
      await answered(stage);
      await stage.create("cat", ["bob"]);
    },
    heard: {
      "ann/1": ["call.participants", "call.accepted", "participant.joined"],
      "bob/1": ["call.incoming", "call.accepted", "call.participants", "call.missed busy"],
      "cat/1": ["call.busy", "call.ended busy"],
    },
  },
  {
    title: "a busy member of a group is asked silently",
    devices: ["ann/1", "bob/1", "cat/1"],
    tell: async (stage) => {
      await answered(stage);
      const callId = await stage.create("cat", ["bob", "dan"], { mode: "group" });
      await pause(100);
      await stage.post("cat", callId, "cancel");
    },
    heard: {
      "ann/1": ["call.participants", "call.accepted", "participant.joined"],
      "bob/1": ["call.incoming", "call.accepted", "call.participants", "call.incoming", "call.cancelled cancelled"],
      "cat/1": ["call.ended cancelled"],
    },
  },
  {
    title: "both call each other",
    devices: ["ann/1", "bob/1"],
    tell: async (stage) => {
      await stage.create("ann", ["bob"]);
      await stage.create("bob", ["ann"]);
    },
    heard: { "ann/1": ["call.accepted"], "bob/1": ["call.incoming", "call.accepted", "call.answered-elsewhere"] },
  },
  {
    title: "taken over by another device",
    devices: ["ann/1", "bob/1", "bob/2"],
    tell: async (stage) => {
      const callId = await answered(stage);
      await stage.ask("bob/2", "call.join", { callId, takeover: true });
    },
    heard: {
      "ann/1": [
        "call.participants",
        "call.accepted",
        "participant.joined",
        "participant.left moved",
        "participant.joined",
      ],
      "bob/1": ["call.incoming", "call.accepted", "call.participants", "call.moved"],
      "bob/2": [
        "call.incoming",
        "call.accepted",
        "call.answered-elsewhere",
        "participant.left moved",
        "call.participants",
      ],
    },
  },
  {
    title: "the caller disappears while it rings",
    devices: ["ann/1", "bob/1"],
    tell: async (stage) => {
      const callId = await stage.create("ann", ["bob"]);
      await stage.ask("ann/1", "call.join", { callId });
      await stage.ask("bob/1", "call.ack", { callId });
      await stage.session("ann/1").waitFor("call.ringing");
      stage.session("ann/1").cut();
      await pause(1500);
    },
    heard: { "ann/1": ["call.participants", "call.ringing"], "bob/1": ["call.incoming", "call.cancelled caller_lost"] },
  },
  {
    title: "a connection that is lost and comes back",
    devices: ["ann/1", "bob/1"],
    tell: async (stage) => {
      await answered(stage);
      const bob = stage.session("bob/1");
      const { sessionId, resumeToken } = bob.events.find(({ event }) => event === "sync")?.payload ?? {};
      bob.cut();
      await stage.session("ann/1").waitFor("participant.reconnecting");
      await stage.open("bob/1", { sessionId, resumeToken });
    },
    heard: {
      "ann/1": [
        "call.participants",
        "call.accepted",
        "participant.joined",
        "participant.reconnecting",
        "participant.resumed",
      ],
      "bob/1": [],
    },
  },
  {
    title: "a connection that is lost for good",
    devices: ["ann/1", "bob/1"],
    tell: async (stage) => {
      await answered(stage);
      stage.session("bob/1").cut();
      await pause(5800);
    },
    heard: {
      "ann/1": [
        "call.participants",
        "call.accepted",
        "participant.joined",
        "participant.reconnecting",
        "call.ended connection_lost",
      ],
      "bob/1": ["call.incoming", "call.accepted", "call.participants"],
    },
  },
  {
    title: "media that cannot connect",
    devices: ["ann/1", "bob/1"],
    tell: async (stage) => {
      const callId = await answered(stage);
      await stage.ask("bob/1", "call.connection", { callId, state: "failed" });
    },
    heard: {
      "ann/1": ["call.participants", "call.accepted", "participant.joined", "call.ended connect_failed"],
      "bob/1": ["call.incoming", "call.accepted", "call.participants", "call.ended connect_failed"],
    },
  },
  {
    title: "the longest time",
    devices: ["ann/1", "bob/1"],
    on: () => limited,
    tell: async (stage) => {
      await answered(stage);
      await pause(1500);
    },
    heard: {
      "ann/1": ["call.participants", "call.accepted", "participant.joined", "call.ended max_duration"],
      "bob/1": ["call.incoming", "call.accepted", "call.participants", "call.ended max_duration"],
    },
  },
  {
    title: "ended by the host's backend while it rings",
    devices: ["ann/1", "bob/1"],
    tell: async (stage) => {
      const callId = await stage.create("ann", ["bob"]);
      await stage.server.host().post(`/api/calls/${callId}/end`);
    },
    heard: { "ann/1": ["call.ended ended_by_api"], "bob/1": ["call.incoming", "call.cancelled ended_by_api"] },
  },
  {
    title: "muted, without a picture, with a screen, badly connected",
    devices: ["ann/1", "bob/1", "bob/2"],
    tell: async (stage) => {
      const callId = await answered(stage);
      await stage.ask("bob/1", "call.mute", { callId, isMuted: true });
      await stage.ask("bob/1", "call.video-toggle", { callId, isVideoEnabled: false });
      await stage.ask("bob/1", "call.screen-toggle", { callId, isScreenSharing: true });
      await stage.ask("bob/1", "call.quality", { callId, connectionQuality: "poor" });
    },
    heard: {
      "ann/1": [
        "call.participants",
        "call.accepted",
        "participant.joined",
        "participant.muted",
        "participant.video-toggled",
        "participant.screen-toggled",
        "participant.quality",
      ],
      "bob/1": ["call.incoming", "call.accepted", "call.participants"],
      "bob/2": ["call.incoming", "call.accepted", "call.answered-elsewhere"],
    },
  },
  {
    title: "a group: two come in, one who was not called joins, a moderator ends it",
    devices: ["ann/1", "bob/1", "cat/1", "dan/1", "eve/1"],
    tell: async (stage) => {
      const callId = await group(stage);
      await stage.ask("dan/1", "call.join", { callId });
      await stage.ask("bob/1", "call.leave", { callId });
      await stage.post("cat", callId, "end", { moderator: true });
    },
    heard: {
      "ann/1": [
        "call.participants",
        "call.accepted",
        "call.active",
        "participant.joined",
        "participant.joined",
        "participant.joined",
        "participant.left left",
        "call.ended ended_by_host",
      ],
      "bob/1": [
        "call.incoming",
        "call.accepted",
        "call.active",
        "call.participants",
        "participant.joined",
        "participant.joined",
        "call.ended ended_by_host",
      ],
      "cat/1": [
        "call.incoming",
        "call.accepted",
        "call.active",
        "call.participants",
        "participant.joined",
        "participant.left left",
        "call.ended ended_by_host",
      ],
      "dan/1": ["call.active", "call.participants", "participant.left left", "call.ended ended_by_host"],
      "eve/1": [],
    },
  },
  {
    title: "a group: one declines, one misses it, the one who is left alone is let go",
    devices: ["ann/1", "bob/1", "cat/1", "dan/1"],
    tell: async (stage) => {
      const callId = await stage.create("ann", ["bob", "cat", "dan"], { mode: "group" });
      await stage.ask("ann/1", "call.join", { callId });
      await stage.ask("bob/1", "call.join", { callId });
      await stage.ask("cat/1", "call.decline", { callId });
      await stage.ask("dan/1", "call.ack", { callId });
      await pause(6300);
      await stage.ask("bob/1", "call.leave", { callId });
      await pause(1000);
    },
    heard: {
      "ann/1": [
        "call.participants",
        "call.accepted",
        "call.active",
        "participant.joined",
        "call.declined",
        "call.ringing",
        "participant.left left",
        "call.ended alone",
      ],
      "bob/1": [
        "call.incoming",
        "call.accepted",
        "call.active",
        "call.participants",
        "call.declined",
        "call.ended alone",
      ],
      "cat/1": ["call.incoming", "call.accepted", "call.active", "call.declined", "call.ended alone"],
      "dan/1": ["call.incoming", "call.accepted", "call.active", "call.declined", "call.missed no_answer"],
    },
  },
  {
    title: "a group: who only looks on hears of its end too",
    devices: ["ann/1", "bob/1", "dan/1", "eve/1"],
    tell: async (stage) => {
      const callId = await stage.create("ann", ["bob"], { mode: "group" });
      await stage.ask("ann/1", "call.join", { callId });
      await stage.ask("bob/1", "call.join", { callId });
      await stage.ask("bob/1", "call.leave", { callId });
      await stage.ask("ann/1", "call.leave", { callId });
    },
    heard: {
      "ann/1": [
        "call.participants",
        "call.accepted",
        "call.active",
        "participant.joined",
        "participant.left left",
        "call.ended hangup",
      ],
      "bob/1": ["call.incoming", "call.accepted", "call.active", "call.participants", "call.ended hangup"],
      "dan/1": ["call.active", "call.ended hangup"],
      "eve/1": [],
    },
  },
  {
    title: "a group: rung again",
    devices: ["ann/1", "bob/1", "cat/1"],
    tell: async (stage) => {
      const callId = await stage.create("ann", ["bob"], { mode: "group" });
      await stage.ask("ann/1", "call.join", { callId });
      await stage.ask("bob/1", "call.join", { callId });
      await stage.rest("bob").post(`/api/calls/${callId}/ring`, { participants: [stage.user("cat")] });
      await stage.ask("cat/1", "call.decline", { callId });
      await stage.rest("bob").post(`/api/calls/${callId}/ring`, { participants: [stage.user("cat")] });
    },
    heard: {
      "ann/1": ["call.participants", "call.accepted", "call.active", "participant.joined", "call.declined"],
      "bob/1": ["call.incoming", "call.accepted", "call.active", "call.participants", "call.declined"],
      "cat/1": ["call.active", "call.incoming", "call.declined", "call.incoming"],
    },
  },
];

/** What came of each story; all are told at the same time, since most of it is waiting. */
const found = new Map<string, Promise<Record<string, string[]>>>();

beforeAll(async () => {
  server = await startServer({ args, lifetime: "file" });
  limited = await startServer({ args: [...args, "--max-duration", "1s"], lifetime: "file" });
  for (const { title, devices, tell, on } of stories)
    found.set(
      title,
      (async () => {
        const stage = await Stage.with(on?.() ?? server, ...devices);
        await tell(stage);
        return stage.heard();
      })(),
    );
  await Promise.allSettled(found.values());
});

describe("heard", () => {
  it.each(stories)("$title", async ({ title, heard }) => {
    const all = await found.get(title);
    expect(all).toEqual(heard);
  });
});

// Every endpoint for every kind of asker: what each is answered, and that a refusal changes nothing.
import { beforeAll, describe, expect, it } from "vitest";
import { guardedOperations } from "../lib/contract.js";
import { type Rest, type Server, startServer } from "../lib/index.js";

const roles = {
  nobody: null,
  expired: { user: "alice", ttl: -10 },
  forged: { user: "alice", secret: "another-secret-of-more-than-32-bytes-indeed" },
  unsigned: { user: "alice", header: { alg: "none" } },
  outsider: { user: "mallory" },
  member: { user: "carol" },
  invited: { user: "bob" },
  starter: { user: "alice" },
  moderator: { user: "carol", claims: { moderator: true } },
  server: { user: "host", scope: "server" },
} as const;
type Role = keyof typeof roles;

// What each role gets; those without a good token are refused the same everywhere.
type Expected = Record<Exclude<Role, "nobody" | "expired" | "forged" | "unsigned">, string | number>;
interface Endpoint {
  name: string;
  method: "GET" | "POST" | "PUT" | "DELETE";
  path: (calls: Calls) => string;
  body?: unknown;
  expected: Expected;
}
interface Calls {
  direct: string;
  group: string;
  ended: string;
}

const everyone = (answer: string | number): Expected => ({
  outsider: answer,
  member: answer,
  invited: answer,
  starter: answer,
  moderator: answer,
  server: answer,
});
const onlyServer = (answer: string | number): Expected => ({ ...everyone("forbidden"), server: answer });
const membersOnly = (answer: string | number, refusal: string): Expected => ({
  ...everyone(answer),
  outsider: refusal,
});
const pairOnly = (answer: string | number): Expected => ({
  ...everyone("call_not_found"),
  invited: answer,
  starter: answer,
  server: answer,
});

const absent = "018f0000-0000-7000-8000-00000000dead";
const endpoints: Endpoint[] = [
  { name: "ice servers", method: "GET", path: () => "/api/webrtc/ice-servers", expected: everyone(200) },
  { name: "a direct call", method: "GET", path: (c) => `/api/calls/${c.direct}`, expected: pairOnly(200) },
  {
    name: "a group call",
    method: "GET",
    path: (c) => `/api/calls/${c.group}`,
    expected: membersOnly(200, "call_not_found"),
  },
  { name: "a past call", method: "GET", path: (c) => `/api/calls/${c.ended}`, expected: pairOnly(200) },
  { name: "no call", method: "GET", path: () => `/api/calls/${absent}`, expected: everyone("call_not_found") },
  { name: "no id", method: "GET", path: () => "/api/calls/not-an-id", expected: everyone("call_not_found") },
  {
    name: "a direct call's timeline",
    method: "GET",
    path: (c) => `/api/calls/${c.direct}/timeline`,
    expected: pairOnly(200),
  },
  {
    name: "a channel's calls",
    method: "GET",
    path: () => "/api/channels/room/calls",
    expected: membersOnly(200, "channel_not_found"),
  },
  {
    name: "no channel's calls",
    method: "GET",
    path: () => "/api/channels/absent/calls",
    expected: everyone("channel_not_found"),
  },
  {
    name: "a channel's live call",
    method: "GET",
    path: () => "/api/channels/room/calls/active",
    expected: membersOnly(200, "channel_not_found"),
  },
  { name: "own calls", method: "GET", path: () => "/api/users/me/calls", expected: everyone(200) },
  { name: "all calls", method: "GET", path: () => "/api/calls", expected: onlyServer(200) },
  { name: "all events", method: "GET", path: () => "/api/events", expected: onlyServer(200) },
  { name: "dead letters", method: "GET", path: () => "/api/webhooks/failed", expected: onlyServer(200) },
  { name: "a channel", method: "GET", path: () => "/api/channels/room", expected: onlyServer(200) },
  { name: "a user", method: "GET", path: () => "/api/users/bob", expected: onlyServer(200) },
];

// Commands that must be refused to these, with nothing changed by it.
const refusals: (Omit<Endpoint, "expected"> & { expected: Partial<Expected> })[] = [
  ...["join", "leave", "decline", "end", "ring"].map((verb) => ({
    name: `${verb} of somebody else's direct call`,
    method: "POST" as const,
    path: (c: Calls) => `/api/calls/${c.direct}/${verb}`,
    expected: { outsider: "call_not_found", member: "call_not_found", moderator: "call_not_found" },
  })),
  ...["join", "leave", "decline", "end", "ring"].map((verb) => ({
    name: `${verb} of a group call`,
    method: "POST" as const,
    path: (c: Calls) => `/api/calls/${c.group}/${verb}`,
    expected: { outsider: "call_not_found" },
  })),
  {
    name: "end of a group call by one who did not start it",
    method: "POST",
    path: (c) => `/api/calls/${c.group}/end`,
    expected: { member: "forbidden", invited: "forbidden", starter: "forbidden" },
  },
  ...["join", "decline", "ring"].map((verb) => ({
    name: `${verb} of a past call`,
    method: "POST" as const,
    path: (c: Calls) => `/api/calls/${c.ended}/${verb}`,
    expected: { outsider: "call_not_found", starter: "call_ended" },
  })),
  {
    name: "join of a call that one has declined",
    method: "POST",
    path: (c) => `/api/calls/${c.ended}/join`,
    expected: { invited: "declined_elsewhere" },
  },
  {
    name: "a call in somebody else's channel",
    method: "POST",
    path: () => "/api/calls",
    body: { channelId: "room", callType: "audio", participants: ["bob"] },
    expected: { outsider: "channel_not_found" },
  },
  {
    name: "a call in no channel",
    method: "POST",
    path: () => "/api/calls",
    body: { channelId: "absent", callType: "audio", participants: ["bob"] },
    expected: { outsider: "channel_not_found", member: "channel_not_found", starter: "channel_not_found" },
  },
  {
    name: "setting a channel",
    method: "PUT",
    path: () => "/api/channels/room",
    body: { members: ["mallory"] },
    expected: { outsider: "forbidden", member: "forbidden", starter: "forbidden", moderator: "forbidden" },
  },
  {
    name: "removing a channel",
    method: "DELETE",
    path: () => "/api/channels/room",
    expected: { outsider: "forbidden", member: "forbidden", starter: "forbidden", moderator: "forbidden" },
  },
  {
    name: "setting a user",
    method: "PUT",
    path: () => "/api/users/bob",
    body: { name: "Robert" },
    expected: { outsider: "forbidden", invited: "forbidden", moderator: "forbidden" },
  },
  {
    name: "removing a user",
    method: "DELETE",
    path: () => "/api/users/bob",
    expected: { outsider: "forbidden", invited: "forbidden", moderator: "forbidden" },
  },
];

const withoutToken: Partial<Record<Role, string>> = {
  nobody: "token_missing",
  expired: "token_expired",
  forged: "token_invalid",
  unsigned: "token_invalid",
};

let server: Server;
let host: Rest;
const calls: Calls = { direct: "", group: "", ended: "" };

async function create(user: string, body: object): Promise<string> {
  const answer = await server.rest(user).post("/api/calls", body);
  expect(answer.status).toBe(201);
  return answer.body.call.id;
}

/** All that a command could have changed, but for the signs of life. */
async function everything(): Promise<string> {
  const answers = await Promise.all(
    ["/api/calls?limit=100", "/api/channels/room", "/api/users/bob"].map((path) => host.get(path)),
  );
  return JSON.stringify(answers.map(({ body }) => body)).replaceAll(/"lastSeenAt":"[^"]*"/g, "");
}

async function ask(role: Role, endpoint: Omit<Endpoint, "expected">, expected: string | number): Promise<void> {
  const as = roles[role];
  const answer = await server.rest(as && { ...as }).request(endpoint.method, endpoint.path(calls), endpoint.body);
  expect(answer.body?.code ?? answer.status).toBe(expected);
}

beforeAll(async () => {
  server = await startServer({ lifetime: "file" });
  host = server.host();
  await server.channel("room", ["alice", "bob", "carol", "dora"]);
  const pair = { channelId: "room", callType: "audio", participants: ["bob"] };
  calls.ended = await create("alice", pair);
  await server.rest("bob").post(`/api/calls/${calls.ended}/decline`);
  calls.direct = await create("alice", pair);
  calls.group = await create("dora", { channelId: "room", callType: "video", participants: ["carol"], mode: "group" });
});

describe("without a good token", () => {
  const cells = [...endpoints, ...refusals].flatMap((endpoint) =>
    Object.entries(withoutToken).map(([role, code]) => ({ ...endpoint, role: role as Role, code })),
  );
  it.each(cells)("$name: $role gets $code", async (cell) => {
    const before = await everything();
    await ask(cell.role, cell, cell.code);
    expect(await everything()).toBe(before);
  });
});

/** An operation of the contract, with ids in the place of its names. */
function pathOf(path: string): string {
  const id = path.startsWith("/api/calls/")
    ? calls.direct
    : path.startsWith("/api/channels/")
      ? "room"
      : path.startsWith("/api/users/")
        ? "bob"
        : absent;
  return path.replace("{id}", id).replace("{what}", "start");
}

describe("each operation of the contract", () => {
  const cells = guardedOperations.flatMap((operation) =>
    Object.entries(withoutToken).map(([role, code]) => ({ ...operation, role: role as Role, code })),
  );
  it("is here", () => expect(guardedOperations.length).toBeGreaterThan(30));
  it.each(cells)("$operationId: $role gets $code", async ({ method, path, role, code }) => {
    const before = await everything();
    const as = roles[role];
    const answer = await server.rest(as && { ...as }).request(method, pathOf(path));
    expect(answer.body?.code ?? answer.status).toBe(code);
    expect(await everything()).toBe(before);
  });

  // A cancel may come before its call; whoever cannot see the call is answered as if there were none.
  const ofCalls = guardedOperations.filter(({ path }) => path.startsWith("/api/calls/{id}"));
  it.each(ofCalls)("$operationId of a call that is not theirs: the same as of none", async ({ method, path }) => {
    const before = await everything();
    for (const role of ["outsider", "member", "moderator"] as const) {
      const rest = server.rest({ ...roles[role] });
      const hidden = await rest.request(method, pathOf(path));
      const none = await rest.request(method, path.replace("{id}", absent).replace("{what}", "start"));
      expect([role, hidden.status, hidden.body]).toEqual([role, none.status, none.body]);
      if (!path.endsWith("/cancel")) expect([400, 403, 404]).toContain(hidden.status);
    }
    expect(await everything()).toBe(before);
  });
});

describe("reading", () => {
  const cells = endpoints.flatMap((endpoint) =>
    Object.entries(endpoint.expected).map(([role, answer]) => ({ ...endpoint, role: role as Role, answer })),
  );
  it.each(cells)("$name: $role gets $answer", (cell) => ask(cell.role, cell, cell.answer));
});

describe("changing what one has no right to", () => {
  const cells = refusals.flatMap((endpoint) =>
    Object.entries(endpoint.expected).map(([role, answer]) => ({ ...endpoint, role: role as Role, answer })),
  );
  it.each(cells)("$name: $role gets $answer", async (cell) => {
    const before = await everything();
    await ask(cell.role, cell, cell.answer);
    expect(await everything()).toBe(before);
  });
});

describe("outsiders", () => {
  it("cannot tell a hidden call from an absent one", async () => {
    const rest = server.rest("mallory");
    const [hidden, missing] = await Promise.all([
      rest.get(`/api/calls/${calls.direct}`),
      rest.get(`/api/calls/${absent}`),
    ]);
    expect(hidden.status).toBe(404);
    expect(hidden.body).toEqual(missing.body);
  });
  it("cannot tell a hidden channel from an absent one", async () => {
    const rest = server.rest("mallory");
    const [hidden, missing] = await Promise.all([
      rest.get("/api/channels/room/calls"),
      rest.get("/api/channels/absent/calls"),
    ]);
    expect(hidden.body).toEqual(missing.body);
  });
  it("find no direct call of others in a channel's history", async () => {
    const answer = await server.rest("carol").get("/api/channels/room/calls");
    const ids = answer.body.calls.map((call: { id: string }) => call.id);
    expect(ids).toContain(calls.group);
    expect(ids).not.toContain(calls.direct);
    expect(ids).not.toContain(calls.ended);
  });
});

// A host application reads bellwire's calls with its own Prisma client, and its own users call.
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Postgres } from "../../tools/lib/postgres.mjs";
import { binary, closeLater, repository, type Server, secret, startServer } from "../lib/index.js";
import { createUpload, enterScene, liveWebm, patch, whenReady } from "../recording/lib/setup.js";
import { type Client, generate } from "./client.js";

const run = promisify(execFile);

let postgres: Postgres;
let client: (url: string) => Promise<Client>;
beforeAll(async () => {
  postgres = await Postgres.start({ settings: { fsync: "off" } });
  client = await generate();
}, 120_000);
afterAll(() => postgres?.stop());

const migration = readFileSync(join(repository, "tests/prisma/migration.sql"), "utf8");

async function open(database: string): Promise<Client> {
  const prisma = await client(postgres.url(database));
  closeLater(() => prisma.$disconnect());
  return prisma;
}

/** What a server says that will not start on this database. */
async function refusal(database: string, args: string[] = []): Promise<string> {
  const words = ["serve", "--listen", "127.0.0.1:0", "--turn-listen", "none", "--db", postgres.url(database), ...args];
  const env = { ...process.env, BELLWIRE_SECRET: secret };
  const ended = await run(binary, words, { env, cwd: postgres.folder }).catch((error) => error);
  expect(ended.code).toBe(2);
  return ended.stderr;
}

/** Calls of every kind: answered and ended, declined, ringing, missed; a group call. */
async function callAround(server: Server, channel: string, [a, b, c]: string[]): Promise<string[]> {
  const post = async (user: string, path: string, body?: unknown) => {
    const answer = await server.rest(user).post(path, body);
    expect(answer.status, JSON.stringify(answer.body)).toBeLessThan(300);
    return answer.body.call;
  };
  const direct = (from: string, to: string, callType: string, metadata = {}) =>
    post(from, "/api/calls", { channelId: channel, callType, participants: [to], metadata });
  const talked = await direct(a ?? "", b ?? "", "video", { order: 7, note: "☎ é" });
  await post(b ?? "", `/api/calls/${talked.id}/join`);
  await post(a ?? "", `/api/calls/${talked.id}/leave`);
  const declined = await direct(a ?? "", b ?? "", "audio");
  await post(b ?? "", `/api/calls/${declined.id}/decline`);
  const cancelled = await direct(b ?? "", c ?? "", "audio");
  await post(b ?? "", `/api/calls/${cancelled.id}/cancel`);
  const group = await post(a ?? "", "/api/calls", {
    channelId: channel,
    callType: "video",
    participants: [],
    mode: "group",
    ring: false,
  });
  const ringing = await direct(b ?? "", c ?? "", "video");
  return [talked, declined, cancelled, group, ringing].map((call) => call.id as string);
}

const required = {
  call: ["id", "channelId", "callType", "status", "startedBy", "startedAt", "metadata"],
  callParticipant: ["id", "callId", "userId", "joinedAt", "isMuted", "isVideoEnabled"],
  callRecording: ["id", "callId", "recordingUrl", "startedAt", "createdAt"],
};

function expectWhole(rows: Record<string, unknown>[], names: string[]): void {
  for (const row of rows) for (const name of names) expect(row[name], name).not.toBeNull();
}

const everything = {
  include: {
    participants: { include: { user: true }, orderBy: { userId: "asc" } },
    starter: true,
    channel: true,
    recordings: true,
  },
};

describe("a host's Prisma client", () => {
  it("reads every call, participant and recording", async () => {
    const database = await postgres.database();
    const server = await startServer({ db: postgres.url(database) });
    await server.channel("team", ["alice", "bob", "carol"], "Team");
    const ids = await callAround(server, "team", ["alice", "bob", "carol"]);
    const prisma = await open(database);
    const calls = await prisma.call.findMany({ ...everything, orderBy: { startedAt: "asc" } });
    expect(calls.map((call: Client) => call.id).sort()).toEqual([...ids].sort());
    const byId = new Map<string, Client>(calls.map((call: Client) => [call.id, call]));
    for (const id of ids) {
      const ours = (await server.host().get(`/api/calls/${id}`)).body.call;
      const theirs = byId.get(id);
      expect(theirs.status.toLowerCase()).toBe(ours.status);
      expect(theirs.callType.toLowerCase()).toBe(ours.callType);
      expect(theirs.startedBy).toBe(ours.startedBy);
      expect(theirs.startedAt.toISOString()).toBe(ours.startedAt);
      expect(theirs.endedAt?.toISOString() ?? null).toBe(ours.endedAt);
      expect(theirs.metadata).toEqual(ours.metadata);
      expect(theirs.duration).toBe(ours.endedAt ? ours.duration : null);
      expect(theirs.channel.name).toBe("Team");
      expect(theirs.participants.map((one: Client) => one.userId)).toEqual(
        ours.participants.map((one: Client) => one.userId).sort(),
      );
      for (const one of theirs.participants) {
        const same = ours.participants.find((other: Client) => other.userId === one.userId);
        if (same.joinedAt) expect(one.joinedAt.toISOString()).toBe(same.joinedAt);
        expect(one.leftAt?.toISOString() ?? null).toBe(same.leftAt);
        expect(one.isMuted).toBe(same.isMuted);
      }
    }
    expect(byId.get(ids[0] ?? "").metadata).toEqual({ order: 7, note: "☎ é" });
    for (const [model, names] of Object.entries(required)) expectWhole(await prisma[model].findMany(), names);
    const missed = await prisma.call.count({
      where: { status: "MISSED", participants: { some: { userId: "carol" } } },
    });
    expect(missed).toBe(1);
  });

  it("reads a recording with its call", async () => {
    const database = await postgres.database();
    const server = await startServer({ db: postgres.url(database), args: ["--recording-min-free", "1"] });
    const { alice, bob, callId } = await enterScene(server);
    const bytes = liveWebm(3);
    const path = (await createUpload(alice, callId, bytes.length)).headers.get("location") ?? "";
    expect((await patch(alice, path, 0, bytes)).status).toBe(204);
    const ours = await whenReady(bob, callId, path.split("/").at(-1) ?? "");
    const prisma = await open(database);
    const call = await prisma.call.findUniqueOrThrow({ where: { id: callId }, ...everything });
    expect(call.recordings).toHaveLength(1);
    const [theirs] = call.recordings;
    expect(theirs).toMatchObject({ id: ours.id, callId, recordingUrl: ours.recordingUrl, duration: 3 });
    expect(theirs.fileSize).toBe(BigInt(ours.fileSize));
    for (const name of ["startedAt", "endedAt", "createdAt"]) expect(theirs[name].toISOString()).toBe(ours[name]);
    expectWhole(await prisma.callRecording.findMany(), required.callRecording);
  });

  it("makes users and channels, and they call; bellwire only reads them", async () => {
    const database = await postgres.database();
    await postgres.sql(
      `${migration}
      ALTER TABLE users ADD COLUMN email TEXT NOT NULL DEFAULT '', ADD COLUMN score DOUBLE PRECISION;
      CREATE TABLE memberships (channel TEXT NOT NULL, member TEXT NOT NULL, since TIMESTAMP(3) NOT NULL DEFAULT now());
      CREATE VIEW channel_people AS SELECT channel AS channel_id, member AS user_id, since FROM memberships`,
      database,
    );
    const prisma = await open(database);
    for (const name of ["Ann", "Ben", "Cy"])
      await prisma.user.create({ data: { id: name.toLowerCase(), name, avatarUrl: `https://x.example/${name}.png` } });
    const room = await prisma.channel.create({ data: { name: "Room" } });
    await postgres.sql(
      `INSERT INTO memberships (channel, member) SELECT '${room.id}', unnest(ARRAY['ann', 'ben', 'cy'])`,
      database,
    );
    const before = await postgres.sql("SELECT * FROM users ORDER BY id", database);
    const server = await startServer({ db: postgres.url(database), args: ["--members-view", "channel_people"] });
    const ids = await callAround(server, room.id, ["ann", "ben", "cy"]);
    const calls = await prisma.call.findMany({ ...everything, where: { channelId: room.id } });
    expect(calls).toHaveLength(ids.length);
    expect(calls.flatMap((call: Client) => call.participants).map((one: Client) => one.user.name)).toContain("Cy");
    const history = (await server.rest("ann").get(`/api/channels/${room.id}/calls`)).body.calls;
    expect(history.at(-1).participants.map((one: Client) => one.user?.name ?? one.name)).toContain("Ann");
    // Nobody outside of the view; nothing of the host's is written.
    const stranger = await server
      .rest("zoe")
      .post("/api/calls", { channelId: room.id, callType: "audio", participants: ["ann"] });
    expect(stranger.status).toBe(404);
    const put = await server.host().put(`/api/channels/${room.id}`, { name: "Mine", members: ["ann"] });
    expect([put.status, put.body.code]).toEqual([409, "kept_by_host"]);
    expect(await postgres.sql("SELECT * FROM users ORDER BY id", database)).toBe(before);
    expect((await prisma.channel.findUniqueOrThrow({ where: { id: room.id } })).name).toBe("Room");
    // The host takes a member away: from that moment on they are none.
    await postgres.sql("DELETE FROM memberships WHERE member = 'cy'", database);
    expect((await server.rest("cy").get(`/api/channels/${room.id}/calls`)).status).toBe(404);
  });
});

/** Everything that the catalogs know of a database's schema public, in words. */
const catalog = `SET search_path = public;
  SELECT 'column ' || table_name || '.' || column_name || ' ' || data_type || ' ' || udt_name || ' ' || is_nullable
    || ' ' || coalesce(column_default, '-') || ' ' || coalesce(datetime_precision, -1) || ' ' || ordinal_position
    FROM information_schema.columns WHERE table_schema = 'public'
  UNION ALL SELECT 'index ' || indexdef FROM pg_indexes WHERE schemaname = 'public'
  UNION ALL SELECT 'constraint ' || conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid)
    FROM pg_constraint WHERE connamespace = 'public'::regnamespace
  UNION ALL SELECT 'type ' || t.typname || ' ' || string_agg(e.enumlabel, ',' ORDER BY e.enumsortorder)
    FROM pg_type t JOIN pg_enum e ON e.enumtypid = t.oid WHERE t.typnamespace = 'public'::regnamespace GROUP BY t.typname
  UNION ALL SELECT 'relation ' || relkind::text || ' ' || relname FROM pg_class WHERE relnamespace = 'public'::regnamespace
  UNION ALL SELECT 'function ' || proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace
  ORDER BY 1`;

describe("the schema public", () => {
  it("differs in nothing from what Prisma's migration makes", async () => {
    const [ours, theirs] = [await postgres.database(), await postgres.database()];
    const server = await startServer({ db: postgres.url(ours) });
    await server.stop();
    await postgres.sql(migration, theirs);
    const [a, b] = [await postgres.sql(catalog, ours), await postgres.sql(catalog, theirs)];
    expect(a.split("\n")).toEqual(b.split("\n"));
    expect(a.split("\n").length).toBeGreaterThan(60);
  });

  it("of another shape is refused by name, untouched", async () => {
    const database = await postgres.database();
    await postgres.sql(
      `${migration}; ALTER TABLE calls ALTER COLUMN duration TYPE BIGINT; CREATE VIEW m AS SELECT 'a' AS channel_id, 'b' AS user_id`,
      database,
    );
    expect(await refusal(database, ["--members-view", "m"])).toContain(
      "public.calls.duration is bigint, where the reference's schema has integer",
    );
    expect(await postgres.sql("SELECT count(*) FROM pg_namespace WHERE nspname = 'bellwire'", database)).toBe("0");
  });

  it("with users that are not bellwire's needs the members' view", async () => {
    const database = await postgres.database();
    await postgres.sql(migration, database);
    expect(await refusal(database)).toContain("--members-view");
    expect(await refusal(database, ["--members-view", "nothing"])).toContain(
      "nothing is no view or table with the columns channel_id and user_id",
    );
    expect(await postgres.sql("SELECT count(*) FROM pg_namespace WHERE nspname = 'bellwire'", database)).toBe("0");
  });
});

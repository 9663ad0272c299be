// `bellwire migrate`: what was kept in SQLite is served from PostgreSQL, row by row the same; interrupted, it goes on.
// `bellwire backup`: a copy while people call.
import { execFile, spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, it } from "vitest";
import { Postgres } from "../../tools/lib/postgres.mjs";
import { binary, closeLater, type Server, startServer } from "../lib/index.js";

const run = promisify(execFile);

let postgres: Postgres;
beforeAll(async () => {
  postgres = await Postgres.start({ settings: { fsync: "off" } });
}, 60_000);
afterAll(() => postgres?.stop());

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), "bellwire-migrate-"));
  closeLater(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

async function callAround(server: Server): Promise<void> {
  await server.channel("team", ["alice", "bob", "carol"], "Team\twith \\ and\nline");
  const post = async (user: string, path: string, body?: unknown) => {
    const answer = await server.rest({ user, name: `Name of ${user}` }).post(path, body);
    expect(answer.status).toBeLessThan(300);
    return answer.body.call;
  };
  const body = { channelId: "team", callType: "video", participants: ["bob"], metadata: { text: "a\tb\\c\n☎" } };
  const talked = await post("alice", "/api/calls", body);
  await post("bob", `/api/calls/${talked.id}/join`);
  await post("alice", `/api/calls/${talked.id}/leave`);
  await post("bob", `/api/calls/${(await post("alice", "/api/calls", body)).id}/decline`);
  await post("alice", `/api/calls/${(await post("alice", "/api/calls", body)).id}/cancel`);
  await server.host().delete("/api/users/carol");
}

async function everything(server: Server): Promise<unknown[]> {
  const calls = (await server.host().get("/api/calls")).body.calls;
  const timelines = calls.map(
    async (call: { id: string }) => (await server.host().get(`/api/calls/${call.id}/timeline`)).body,
  );
  const people = [await server.host().get("/api/channels/team"), await server.host().get("/api/users/bob")];
  return [calls, await Promise.all(timelines), ...people.map((answer) => answer.body)];
}

const migrate = (from: string, to: string) => run(binary, ["migrate", "--from", `sqlite:${from}`, "--to", to]);

it("moves calls, people and what happened, and they are the same", async () => {
  const data = folder();
  const before = await startServer({ data });
  await callAround(before);
  const was = await everything(before);
  const url = postgres.url(await postgres.database());
  await expect(migrate(join(data, "bellwire.db"), url)).rejects.toThrow(/another bellwire is using/);
  await before.stop();
  const { stdout } = await migrate(join(data, "bellwire.db"), url);
  expect(stdout).toMatch(/migrated \d+ rows .*checksum [0-9a-f]{16} on both sides/);
  const after = await startServer({ db: url });
  expect(await everything(after)).toEqual(was);
  await callAround(after);
  await after.stop();
  await expect(migrate(join(data, "bellwire.db"), url)).rejects.toThrow(/holds calls already/);
});

/** A past of n calls, as bench/store/history.c makes it. */
function fill(path: string, n: number): void {
  const database = new DatabaseSync(path);
  database.exec(`BEGIN;
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${n})
      INSERT INTO calls (id, seq, channel_id, call_type, mode, status, topology, started_by, started_at, ring_expires_at,
        answered_at, ended_at, end_reason, ended_by, last_seen_at, body_hash, pair, metadata)
      SELECT format('018f0000-0000-7000-8000-%012d', i), 3, 'general', i % 2, 0, 2, 0, 'ann', 1700000000000 + i * 1000, 0,
        1700000000500 + i * 1000, 1700000009000 + i * 1000, 1, 'ann', 0, 0, format('ann%cuser-%d', 10, i % 1000), '{}' FROM n;
    INSERT INTO call_participants (call_id, user_id, position, state, role, outcome, started_at, call_type, invited_at,
        ring_expires_at, joined_at, left_at, talk_ms, talk_since, is_muted, is_video_enabled, is_screen_sharing, quality)
      SELECT id, 'ann', 0, 4, 0, 1, started_at, call_type, started_at, 0, started_at, ended_at, 8500, 0, 0, 1, 0, 1 FROM calls;
    INSERT INTO users SELECT DISTINCT user_id, 'Some Name', '', 0 FROM call_participants;
    INSERT INTO channels VALUES ('general', 'General', 1, 1);
    COMMIT`);
  database.close();
}

it("goes on where it was stopped, by kill -9 and more than once", { timeout: 120_000 }, async () => {
  const data = folder();
  await (await startServer({ data })).stop();
  const file = join(data, "bellwire.db");
  fill(file, 60_000);
  const database = await postgres.database();
  const done = async () =>
    Number(await postgres.sql("SELECT coalesce(sum(rows), 0) FROM bellwire.import", database).catch(() => "0"));
  let last = 0;
  for (let kill = 0; kill < 2; kill++) {
    const child = spawn(binary, ["migrate", "--from", `sqlite:${file}`, "--to", postgres.url(database)]);
    while ((await done()) <= last && child.exitCode === null) await new Promise((ok) => setTimeout(ok, 10));
    child.kill("SIGKILL");
    await new Promise((ok) => child.once("close", ok));
    last = await done();
    expect(last).toBeGreaterThan(0);
  }
  const { stdout } = await migrate(file, postgres.url(database));
  const [, rows, now] = /migrated (\d+) rows \((\d+) of them now/.exec(stdout) ?? [];
  expect(Number(rows)).toBe(120_002);
  expect(Number(now)).toBe(120_002 - last);
  expect(await postgres.sql("SELECT count(*) FROM public.calls", database)).toBe("60000");
  expect(await postgres.sql("SELECT count(*) FROM public.call_participants", database)).toBe("60000");
});

it("copies a database while people call", async () => {
  const server = await startServer({ data: folder() });
  const rest = server.rest("alice");
  await server.channel("team", ["alice", "bob"]);
  let stopped = false;
  const calling = (async () => {
    while (!stopped) {
      const call = (await rest.post("/api/calls", { channelId: "team", callType: "audio", participants: ["bob"] })).body
        .call;
      if (call) await rest.post(`/api/calls/${call.id}/cancel`);
    }
  })();
  const copy = join(server.data, "copy.db");
  await run(binary, ["backup", "--data", server.data, "--to", copy]);
  await expect(run(binary, ["backup", "--data", server.data, "--to", copy])).rejects.toThrow(/never overwrites/);
  stopped = true;
  await calling;
  expect(existsSync(copy)).toBe(true);
  const database = new DatabaseSync(copy);
  expect(Object.values(database.prepare("PRAGMA integrity_check").get() ?? {})).toEqual(["ok"]);
  database.close();
});

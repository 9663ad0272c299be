// What was answered is there after any end of the process, and nobody else touches the data meanwhile.
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { onPostgres, psql } from "../lib/database.js";
import { binary, closeLater, type Server, secret, startServer } from "../lib/index.js";

const nUsers = 40;
const nRounds = 5;
const enough = 20; // calls acknowledged in a round, before its kill
const pause = (ms: number) => new Promise((done) => setTimeout(done, ms));
const user = (n: number) => `user${n}`;

/** Everybody calls and gives up, over and over; what each was told is written down. */
async function storm(server: Server, ledger: Map<string, string>, untilKilled: () => boolean): Promise<void> {
  await Promise.all(
    Array.from({ length: nUsers / 2 }, async (_, n) => {
      const [caller, callee] = [server.rest(user(2 * n)), server.rest(user(2 * n + 1))];
      try {
        while (!untilKilled()) {
          const created = await caller.post("/api/calls", {
            channelId: `pair${n}`,
            callType: "audio",
            participants: [user(2 * n + 1)],
          });
          if (created.status === 429) return; // has called enough for this round
          if (created.status !== 201) continue;
          const id: string = created.body.call.id;
          ledger.set(id, "ringing");
          const declined = await callee.post(`/api/calls/${id}/decline`);
          if (declined.status === 200) ledger.set(id, "declined");
        }
      } catch {
        // the connection broke with the process: whatever was under way was not answered
      }
    }),
  );
}

/** One value out of the database while no server runs. */
async function ask(server: Server, sql: string): Promise<string> {
  if (server.db) return psql(`SET search_path = bellwire; ${sql}`, server.db);
  const database = new DatabaseSync(join(server.data, "bellwire.db"), { readOnly: true });
  const [value] = Object.values(database.prepare(sql).get() ?? {});
  database.close();
  return String(value);
}

const untrue = [
  "SELECT count(*) FROM calls WHERE status > 1 AND ended_at = 0",
  "SELECT count(*) FROM calls c WHERE seq <> (SELECT max(e.seq) FROM call_events e WHERE e.call_id = c.id)",
  "SELECT count(*) FROM calls c WHERE seq <> (SELECT count(*) FROM call_events e WHERE e.call_id = c.id)",
  "SELECT count(*) FROM call_participants WHERE call_id NOT IN (SELECT id FROM calls)",
  "SELECT count(*) FROM calls c WHERE 2 <> (SELECT count(*) FROM call_participants p WHERE p.call_id = c.id)",
  "SELECT count(*) FROM call_legs WHERE left_at = 0 AND call_id IN (SELECT id FROM calls WHERE status > 1)",
];

/** The rules that hold in the database at any moment. */
async function checkRows(server: Server): Promise<void> {
  for (const sql of untrue) expect(await ask(server, sql), sql).toBe("0");
  if (!server.db) expect(await ask(server, "PRAGMA integrity_check")).toBe("ok");
}

describe("kill -9", () => {
  it("loses nothing that was answered", { timeout: 120_000 }, async () => {
    const server = await startServer();
    for (let n = 0; n < nUsers / 2; n++) await server.channel(`pair${n}`, [user(2 * n), user(2 * n + 1)]);
    const ledger = new Map<string, string>();
    for (let round = 0; round < nRounds; round++) {
      let killed = false;
      const done = storm(server, ledger, () => killed);
      await pause(400 + round * 170);
      for (let n = 0; n < 200 && ledger.size < enough * (round + 1); n++) await pause(50); // a busy machine
      killed = true;
      await server.kill();
      await done;
      await checkRows(server);
      await server.restart();
    }
    expect(ledger.size).toBeGreaterThanOrEqual(enough * nRounds);
    const host = server.host();
    for (const [id, told] of ledger) {
      const answer = await host.get(`/api/calls/${id}`);
      expect(answer.status, `call ${id} was answered and is lost`).toBe(200);
      if (told === "declined") expect(answer.body.call.status).toBe("declined");
    }
    console.log(`${ledger.size} calls acknowledged over ${nRounds} kills, none lost`);
  });
});

/** SQLite's; tls.test.ts has the second process on one PostgreSQL. */
describe.skipIf(onPostgres)("the data folder", () => {
  const run = (data: string) =>
    promisify(execFile)(binary, ["serve", "--listen", "127.0.0.1:0", "--turn-listen", "none", "--data", data], {
      env: { ...process.env, BELLWIRE_SECRET: secret },
      timeout: 10_000,
    });

  it("belongs to one process at a time", async () => {
    const server = await startServer();
    const failed = await run(server.data).catch((error) => error);
    expect(failed.code).toBe(2);
    expect(failed.stderr).toMatch(/another bellwire is using .*bellwire\.db/);
    expect(failed.stderr.trim().split("\n").length).toBe(1);
    expect((await server.rest(null).get("/readyz")).status).toBe(200);
  });
  it("is free again at once after kill -9", async () => {
    const server = await startServer();
    await server.kill();
    await server.restart();
    expect((await server.rest(null).get("/readyz")).status).toBe(200);
  });
  it("of a newer version is refused and left as it is", async () => {
    const data = await mkdtemp(join(tmpdir(), "bellwire-"));
    closeLater(() => rm(data, { recursive: true, force: true }));
    const path = join(data, "bellwire.db");
    const database = new DatabaseSync(path);
    database.exec("CREATE TABLE t (a); PRAGMA application_id = 1650814060; PRAGMA user_version = 999");
    database.close();
    const hash = async () =>
      createHash("sha256")
        .update(await readFile(path))
        .digest("hex");
    const before = await hash();
    const failed = await run(data).catch((error) => error);
    expect(failed.code).toBe(2);
    expect(failed.stderr).toMatch(/newer bellwire/);
    expect(failed.stderr.trim().split("\n").length).toBe(1);
    expect(await hash()).toBe(before);
  });
});

// The database as the checker sees it: read from the file, with the words of server/src/store/model.def for its numbers.
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { psql, repository } from "../lib/index.js";

const definitions = readFileSync(join(repository, "server/src/store/model.def"), "utf8");

/** The wire's words of one list, in the order of their numbers. */
function words(list: string): string[] {
  const start = definitions.indexOf(`#define ${list}(X)`);
  if (start < 0) throw new Error(`model.def has no ${list}`);
  const lines = definitions.slice(start).split("\n").slice(1);
  const end = lines.findIndex((line) => !line.trim().startsWith("X("));
  return lines.slice(0, end < 0 ? undefined : end).map((line) => /"([^"]*)"/.exec(line)?.[1] ?? "");
}

const statuses = words("MODEL_CALL_STATUSES");
const modes = words("MODEL_CALL_MODES");
const reasons = words("MODEL_END_REASONS");
const states = words("MODEL_PARTICIPANT_STATES");
const outcomes = words("MODEL_OUTCOMES");

export interface PersonRow {
  userId: string;
  state: string;
  outcome: string;
  joinedAt: number;
  leftAt: number;
  talkMs: number;
  talkSince: number;
}
export interface EventRow {
  seq: number;
  at: number;
  type: string;
  payload: Record<string, unknown>;
}
export interface CallRow {
  id: string;
  seq: number;
  channelId: string;
  mode: string;
  status: string;
  startedBy: string;
  startedAt: number;
  answeredAt: number;
  endedAt: number;
  endReason: string;
  endedBy: string;
  tag: string;
  people: PersonRow[];
  events: EventRow[];
  openLegs: number;
}
export interface Rows {
  integrity: string;
  calls: Map<string, CallRow>;
  /** Rows of other tables whose call is not there. */
  strays: number;
}

const callColumns = `id, seq, channel_id AS channelId, mode, status, started_by AS startedBy, started_at AS startedAt,
  answered_at AS answeredAt, ended_at AS endedAt, end_reason AS endReason, ended_by AS endedBy,
  coalesce(json_extract(nullif(metadata, ''), '$.tag'), '') AS tag`;
const personColumns = `call_id AS callId, user_id AS userId, state, outcome, joined_at AS joinedAt, left_at AS leftAt,
  talk_ms AS talkMs, talk_since AS talkSince`;
const eventColumns = "call_id AS callId, seq, at, type, payload";

/** A row as it lies there: numbers for words, JSON as text. */
type Raw<T, Numbers extends keyof T = never> = Omit<T, Numbers> & Record<Numbers, number> & { callId: string };
type RawCall = Raw<CallRow, "mode" | "status" | "endReason">;
type RawPerson = Raw<PersonRow, "state" | "outcome">;
type RawEvent = Omit<EventRow, "payload"> & { callId: string; payload: string };

const each = <T>(database: DatabaseSync, sql: string): Iterable<T> =>
  database.prepare(sql).iterate() as unknown as Iterable<T>;

const word = (list: string[], n: number): string => list[n] ?? `unknown (${n})`;

function takeCalls(rows: Iterable<RawCall>): Map<string, CallRow> {
  const calls = new Map<string, CallRow>();
  for (const row of rows)
    calls.set(row.id, {
      ...row,
      mode: word(modes, row.mode),
      status: word(statuses, row.status),
      endReason: word(reasons, row.endReason),
      people: [],
      events: [],
      openLegs: 0,
    });
  return calls;
}

/** Hands each row to its call; answers how many had none. */
function hand<T extends { callId: string }>(
  rows: Iterable<T>,
  calls: Map<string, CallRow>,
  take: (call: CallRow, row: T) => void,
): number {
  let strays = 0;
  for (const row of rows) {
    const call = calls.get(row.callId);
    if (call) take(call, row);
    else strays++;
  }
  return strays;
}

function takeParts(
  calls: Map<string, CallRow>,
  people: Iterable<RawPerson>,
  legs: Iterable<{ callId: string }>,
  events: Iterable<RawEvent>,
): number {
  return (
    hand(people, calls, (call, row) =>
      call.people.push({ ...row, state: word(states, row.state), outcome: word(outcomes, row.outcome) }),
    ) +
    hand(legs, calls, (call) => call.openLegs++) +
    hand(events, calls, (call, row) => call.events.push({ ...row, payload: JSON.parse(row.payload || "{}") }))
  );
}

/**
 * Reads a PostgreSQL database by psql: the same columns, and whether the host's tables say what ours do. One statement, so
 * that all is of one moment: a session that was left behind may commit even when its server is gone.
 */
export async function readPostgres(url: string): Promise<Rows> {
  const named = (columns: string): string => columns.replace(/AS (\w+)/g, 'AS "$1"');
  const tag = "coalesce(nullif(metadata, '')::json->>'tag', '')";
  const columns = named(callColumns.replace(/coalesce\(json_extract.*'\), ''\)/, tag));
  const parts = {
    calls: `SELECT ${columns} FROM bellwire.calls`,
    people: `SELECT ${named(personColumns)} FROM bellwire.call_participants ORDER BY position`,
    legs: 'SELECT call_id AS "callId" FROM bellwire.call_legs WHERE left_at = 0',
    events: `SELECT ${named(eventColumns)} FROM bellwire.call_events ORDER BY call_id, seq`,
    differing: `${differences} AS n`,
  };
  const members = Object.entries(parts).map(
    ([name, sql]) => `'${name}', (SELECT coalesce(json_agg(q), '[]') FROM (${sql}) q)`,
  );
  const all = JSON.parse(await psql(`SELECT json_build_object(${members.join(", ")})`, url));
  const calls = takeCalls(all.calls as RawCall[]);
  const strays = takeParts(calls, all.people, all.legs, all.events);
  const differing = Number(all.differing[0].n);
  return { integrity: differing ? `${differing} rows of public are not as ours` : "ok", calls, strays };
}

/** Rows of public that do not say what those of bellwire do. */
const differences = `SELECT
  (SELECT count(*) FROM bellwire.calls o FULL JOIN public.calls p ON p.id = o.id
    WHERE p.id IS NULL OR o.id IS NULL OR p.channel_id <> o.channel_id OR p.started_by <> o.started_by
      OR p.status::text <> (ARRAY['RINGING', 'ACTIVE', 'ENDED', 'MISSED', 'DECLINED'])[o.status + 1]
      OR p.ended_at IS DISTINCT FROM bellwire.at(o.ended_at) OR p.started_at <> bellwire.at(o.started_at)
      OR p.duration IS DISTINCT FROM CASE WHEN o.ended_at > 0 THEN
        CASE WHEN o.answered_at > 0 THEN greatest(o.ended_at - o.answered_at, 0) / 1000 ELSE 0 END END)
  + (SELECT count(*) FROM bellwire.call_participants o
    FULL JOIN public.call_participants p ON p.call_id = o.call_id AND p.user_id = o.user_id
    WHERE p.id IS NULL OR o.call_id IS NULL OR p.left_at IS DISTINCT FROM bellwire.at(o.left_at)
      OR p.joined_at <> bellwire.at(CASE WHEN o.joined_at > 0 THEN o.joined_at ELSE o.invited_at END))`;

function readFrom(path: string): Rows {
  const database = new DatabaseSync(path);
  try {
    const integrity = String(Object.values(database.prepare("PRAGMA integrity_check").get() ?? {})[0]);
    const calls = takeCalls(each<RawCall>(database, `SELECT ${callColumns} FROM calls`));
    const strays = takeParts(
      calls,
      each<RawPerson>(database, `SELECT ${personColumns} FROM call_participants ORDER BY position`),
      each<{ callId: string }>(database, "SELECT call_id AS callId FROM call_legs WHERE left_at = 0"),
      each<RawEvent>(database, `SELECT ${eventColumns} FROM call_events ORDER BY id`),
    );
    return { integrity, calls, strays };
  } finally {
    database.close();
  }
}

/**
 * Reads a database that no server may be using at the moment: from a copy, so that it is the server who finds whatever a
 * crash has left.
 */
export function readRows(path: string): Rows {
  const folder = mkdtempSync(join(tmpdir(), "bellwire-rows-"));
  const copy = join(folder, "bellwire.db");
  try {
    copyFileSync(path, copy);
    if (existsSync(`${path}-wal`)) copyFileSync(`${path}-wal`, `${copy}-wal`);
    return readFrom(copy);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

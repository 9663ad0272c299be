// The checker must be able to fail: each rule is broken on purpose, in the journal or in a copy of the database.
import { copyFile } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { beforeAll, expect, it } from "vitest";
import { Campaign } from "./campaign.js";
import { check, checkRows, checkSettled } from "./check.js";
import { type Entry, Journal } from "./journal.js";
import { readRows } from "./rows.js";
import { seed } from "./settings.js";

let run: Campaign;
let copies = 0;

beforeAll(async () => {
  run = await Campaign.begin({ seed, lifetime: "file" });
  const isLongEnough = () => run.journal.count("ack") > 400 && run.journal.count("event") > 1000;
  const over = async () => {
    for (let n = 0; n < 400 && !isLongEnough(); n++) await new Promise((done) => setTimeout(done, 100));
  };
  await run.callUntil(over());
  await run.settle();
});

/** A copy of the database, changed by hand. */
async function changed(...statements: string[]) {
  const copy = join(run.server.data, `copy${copies++}.db`);
  await copyFile(run.database, copy);
  await copyFile(`${run.database}-wal`, `${copy}-wal`);
  const database = new DatabaseSync(copy);
  const changes = statements.map((sql) => database.prepare(sql).run().changes);
  database.close();
  expect(
    changes.every((n) => Number(n) > 0),
    "the change has hit something",
  ).toBe(true);
  return readRows(copy);
}

/** A copy of the journal, changed by hand. */
function forged(change: (entries: Entry[]) => void): Journal {
  const journal = new Journal();
  journal.entries.push(...structuredClone(run.journal.entries));
  for (const device of run.journal.present) journal.present.add(device);
  change(journal.entries);
  return journal;
}

const find = (entries: Entry[], match: (entry: Entry) => boolean): Entry => {
  const entry = entries.find(match);
  if (!entry) throw new Error("the workload was too short to hold such an entry");
  return entry;
};
const acked = (match: (entry: Entry) => boolean): Entry =>
  find(run.journal.entries, (entry) => entry.kind === "ack" && entry.callId !== "" && match(entry));
const of = (id: string) => `id = '${id}'`;
const ofCall = (id: string) => `call_id = '${id}'`;
const heard = (entry: Entry): boolean => entry.kind === "event" && entry.seq > 0;

it("finds nothing when nothing is wrong", () => {
  expect(run.broken).toEqual([]);
  expect(run.journal.count("ack")).toBeGreaterThan(100);
  expect(run.journal.count("event")).toBeGreaterThan(100);
});

it("sees an acknowledged call that is lost", async () => {
  const { callId } = acked(() => true);
  const tables = ["call_participants", "call_events"].map((table) => `DELETE FROM ${table} WHERE ${ofCall(callId)}`);
  const rows = await changed(`DELETE FROM calls WHERE ${of(callId)}`, ...tables);
  expect(checkRows(rows)).toEqual(rows.strays ? [expect.stringContaining("belong to no call")] : []);
  expect(check(run.journal, rows).join("\n")).toContain(`call ${callId}: acknowledged by`);
});

it("sees an acknowledged change that is lost", async () => {
  const { callId, seq } = acked((entry) => entry.payload.call.status === "ended");
  const rows = await changed(
    `DELETE FROM call_events WHERE ${ofCall(callId)} AND seq = ${seq}`,
    `UPDATE calls SET seq = seq - 1 WHERE ${of(callId)}`,
  );
  expect(check(run.journal, rows).join("\n")).toMatch(/a change is lost/);
});

it("sees a call that was acknowledged one way and went another", async () => {
  const { callId } = acked((entry) => entry.payload.call.status === "active");
  const rows = await changed(`UPDATE calls SET status = 3, end_reason = 3, answered_at = 0 WHERE ${of(callId)}`);
  expect(check(run.journal, rows).join("\n")).toMatch(/was acknowledged active and is missed/);
});

const ended = "(SELECT id FROM calls WHERE status = 2 LIMIT 1)";
const damages: [string, string[], RegExp][] = [
  ["a gap in seq", [`UPDATE call_events SET seq = 1000 WHERE seq = 2 AND call_id = ${ended}`], /not 1, 2, 3/],
  [
    "two ends",
    [
      `INSERT INTO call_events (call_id, seq, at, type, audience, user_id, leg_id, except_session, actor_id, is_webhook,
        payload) SELECT call_id, seq + 1, at, type, audience, user_id, leg_id, except_session, actor_id, is_webhook, payload
        FROM call_events WHERE type = 'call.ended' AND call_id = ${ended}`,
      `UPDATE calls SET seq = seq + 1 WHERE id = ${ended}`,
    ],
    /ended, with 2 call.ended/,
  ],
  ["an end that nobody was told", [`UPDATE call_events SET type = 'x' WHERE type = 'call.ended'`], /with 0 call.ended/],
  [
    "a reason that does not fit",
    [`UPDATE calls SET end_reason = 3 WHERE id = ${ended}`],
    /ended with reason no_answer/,
  ],
  ["a duration", [`UPDATE calls SET answered_at = answered_at - 5000 WHERE id = ${ended}`], /tells duration/],
  ["time talked", [`UPDATE call_participants SET talk_ms = talk_ms + 1e6 WHERE call_id = ${ended}`], /talked/],
  ["an end before the beginning", [`UPDATE calls SET ended_at = 5 WHERE id = ${ended}`], /ended before it began/],
  [
    "somebody live in a call that is over",
    [`UPDATE call_participants SET state = 2, joined_at = 1 WHERE call_id = ${ended}`],
    /is over and .* is still joined/,
  ],
  [
    "a device left over",
    [`UPDATE call_legs SET left_at = 0 WHERE call_id IN (SELECT id FROM calls WHERE status = 2)`],
    /is over with \d+ devices/,
  ],
  ["rows without a call", [`UPDATE call_participants SET call_id = 'x' WHERE call_id = ${ended}`], /belong to no call/],
  [
    "one request that was carried out twice",
    [`UPDATE calls SET metadata = (SELECT metadata FROM calls LIMIT 1)`],
    /one request made two calls/,
  ],
  [
    "an effect that came twice",
    [
      `UPDATE call_events SET type = 'call.accepted' WHERE type = 'participant.joined'
        OR (seq = 1 AND call_id IN (SELECT call_id FROM call_events WHERE type = 'call.accepted'))`,
    ],
    /answered at [1-9]\d*, with [2-9] call.accepted/,
  ],
];
it.each(damages)("sees %s", async (_, statements, sentence) => {
  expect(checkRows(await changed(...statements)).join("\n")).toMatch(sentence);
});

it("sees what lives on for ever, and who was never told", async () => {
  const rows = await changed(`UPDATE calls SET status = 1, ended_at = 0, end_reason = 0 WHERE id = ${ended}`);
  expect(checkSettled(run.journal, rows).join("\n")).toMatch(/is active after all windows/);
  const deaf = forged((entries) => {
    for (const entry of entries) if (entry.what === "call.ended") entry.seq = 0;
  });
  expect(checkSettled(deaf, readRows(run.database)).join("\n")).toMatch(/never heard how it ended/);
});

const forgeries: [string, (entries: Entry[]) => void, RegExp][] = [
  [
    "an event that was never committed",
    (entries) => {
      find(entries, heard).seq = 1000;
    },
    /which was never committed/,
  ],
  [
    "an event of another kind",
    (entries) => {
      find(entries, heard).what = "call.moved";
    },
    /heard call.moved as seq/,
  ],
  [
    "an event with another content",
    (entries) => {
      find(entries, (entry) => entry.what === "call.incoming").payload.initiator = "nobody";
    },
    /with another initiator/,
  ],
  [
    "an event that came twice",
    (entries) => {
      const entry = find(entries, heard);
      entries.splice(entries.indexOf(entry), 0, entry);
    },
    /heard seq \d+ twice/,
  ],
  [
    "events in another order",
    (entries) => {
      const same = (a: Entry, b: Entry) => heard(b) && a.callId === b.callId && a.device === b.device;
      const last = find(entries, (a) => a.what === "call.ended" && entries.filter((b) => same(a, b)).length > 1);
      entries.splice(entries.indexOf(last), 1);
      entries.unshift(last);
    },
    /too late/,
  ],
  [
    "two last words",
    (entries) => {
      const last = find(entries, (entry) => entry.what === "call.ended");
      entries.push({ ...last, what: "call.missed" });
    },
    /2 last words/,
  ],
  [
    "an answer about another time",
    (entries) => {
      find(entries, (entry) => entry.kind === "ack" && entry.payload.call?.answeredAt).payload.call.answeredAt =
        "2001-01-01T00:00:00.000Z";
    },
    /answered at another time/,
  ],
  [
    "an internal error",
    (entries) => {
      Object.assign(
        find(entries, (entry) => entry.kind === "refusal"),
        { payload: { code: "internal" } },
      );
    },
    /an internal error/,
  ],
];
it.each(forgeries)("sees %s", (_, change, sentence) => {
  expect(check(forged(change), readRows(run.database)).join("\n")).toMatch(sentence);
});

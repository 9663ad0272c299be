// PostgreSQL: acknowledged transitions beside pgbench running the same transaction with as many connections, pages out
// of a million calls, and moving them there.
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { Postgres } from "../tools/lib/postgres.mjs";
import { build, median, startServer } from "./server.mjs";

export const about = {
  title: "PostgreSQL, measured",
  circumstances: "PostgreSQL on the same machine, over loopback, `fsync` and `synchronous_commit` on; a new cluster.",
};

const run = promisify(execFile);
const here = dirname(fileURLToPath(import.meta.url));
const program = join(build, "bench/store/postgres_bench");
const nCallers = 16;
const seconds = Number(process.env.BENCH_SECONDS ?? 8);
const rounds = 3;
const nCalls = Number(process.env.BENCH_HISTORY ?? 1_000_000);
const firstMs = 1_700_000_000_000;

const definitions = readFileSync(join(here, "../server/src/store/pg.def"), "utf8");

/** A statement as the store prepares it, with pgbench's variables and literals for its parameters. */
function statement(name, values) {
  const at = new RegExp(`SQL(?:_OURS)?\\(${name},([\\s\\S]*?)\\)\\s*\\n(?=SQL|#|/\\*|\\n)`).exec(definitions);
  const text = [...at[1].matchAll(/"((?:[^"\\]|\\.)*)"/g)].map((part) => part[1].replaceAll('\\"', '"')).join("");
  const wanted = Math.max(...[...text.matchAll(/\$(\d+)/g)].map(([, n]) => Number(n)));
  if (wanted !== values.length) throw new Error(`${name} of pg.def takes ${wanted} values, not ${values.length}`);
  return `${text.replace(/\$(\d+)/g, (_, n) => String(values[n - 1]))};`;
}

const payload =
  '{"callId":"018f0000-0000-7000-8000-000000000000","seq":1,"ts":"2026-11-23T10:15:30.123Z","channelId":"general",' +
  '"callType":"video","mode":"direct","initiator":"alice","initiatorName":"Alice","ringExpiresAt":' +
  '"2026-11-23T10:16:30.123Z","msLeft":60000,"participants":["alice","bob"],"metadata":{}}';

/** What POST /api/calls writes, as bench_create in store/bench_common.c makes it. */
function transaction() {
  const at = "1795428000000";
  const participant = (user, n) =>
    statement("PUT_PARTICIPANT", [
      ...[":call", user, n, n ? 1 : 2, n, 0, at, 1, at, 0, n ? 0 : at, 0, 0, 0, 0, 0, 0, 0, 0, "'none'"],
    ]);
  const event = (id, seq, type) =>
    statement("INSERT_EVENT", [":call", seq, at, `'${type}'`, 1, "''", "''", "''", "'alice'", 0, `'${payload}'`, id]);
  const call = [":call", 2, ":channel", 1, 0, 0, 0, ":one", at, at, 0, 0, 0, "''", at, 0, ":call", 0, 0, "''", "''", 0];
  return [
    "\\set call random(1, 9000000000000000)",
    "\\set one random(1, 9000000000000000)",
    "\\set two :one + 1",
    "\\set channel random(1, 1000)",
    "\\set next :one + 2",
    "BEGIN;",
    statement("ENTER", [":call", 1]),
    statement("INSERT_COMMAND", [":call", ":call"]),
    statement("FILL_USER", [":one", "'Some Name'", "''", at]),
    statement("FILL_USER", [":two", "'Some Name'", "''", at]),
    statement("SEE_CHANNEL", [":channel", at]),
    statement("INSERT_CALL", [...call, "'{}'", "'video'", "'ringing'", "NULL"]),
    participant(":one", 0),
    participant(":two", 1),
    event(":one", 1, "call.created"),
    event(":next", 2, "call.incoming"),
    "COMMIT;",
  ].join("\n");
}

/** A new database with bellwire's tables, epoch 1. */
async function prepared(postgres) {
  const name = await postgres.database();
  const server = await startServer(["--log-level", "warn", "--turn-listen", "none", "--db", postgres.url(name)]);
  await server.stop();
  return name;
}

async function pgbench(postgres, script) {
  const url = postgres.url(await prepared(postgres));
  const words = ["-n", "-M", "prepared", "-c", nCallers, "-j", 2, "-T", seconds, "-f", script, url].map(String);
  const { stdout } = await run(join(postgres.bin, "pgbench"), words);
  return Number(/tps = ([\d.]+)/.exec(stdout)[1]);
}

async function ours(postgres, connections = nCallers) {
  const url = postgres.url(await prepared(postgres));
  // Half of a pool writes; the readers' half is idle here and opens no connection.
  const words = ["creations", url, 2 * connections, nCallers, seconds].map(String);
  return JSON.parse((await run(program, words)).stdout);
}

/** In turns, so that what else the machine does hurts both. */
async function transitions(postgres, folder) {
  const script = join(folder, "transition.sql");
  writeFileSync(script, transaction());
  const [theirs, own, few, p99] = [[], [], [], []];
  for (let round = 0; round < rounds; round++) {
    theirs.push(await pgbench(postgres, script));
    const result = await ours(postgres);
    own.push(result.perSecond);
    p99.push(result.p99ms);
    few.push((await ours(postgres, 4)).perSecond);
  }
  const ratios = own.map((value, i) => value / theirs[i]);
  return [
    {
      what: `PostgreSQL: pgbench, the same transaction, ${nCallers} connections`,
      value: `${median(theirs).toFixed(0)} 1/s`,
    },
    {
      what: `PostgreSQL: acknowledged creations, ${nCallers} callers, as many connections`,
      value: `${median(own)} 1/s`,
    },
    {
      what: "PostgreSQL: that against pgbench, middle of three pairs",
      value: `${median(ratios).toFixed(2)} x`,
      goal: ">= 0.8",
    },
    { what: `PostgreSQL: creation p99, ${nCallers} callers`, value: `${median(p99)} ms` },
    {
      what: `PostgreSQL: acknowledged creations, ${nCallers} callers, 4 connections (the default)`,
      value: `${median(few)} 1/s`,
    },
  ];
}

async function moving(postgres, folder) {
  await run(join(build, "bench/store/store_bench"), [folder, "fill"], {
    env: { ...process.env, BENCH_HISTORY: nCalls },
  });
  const file = join(folder, "history.db");
  const url = postgres.url(await postgres.database());
  const { stdout } = await run(join(build, "bellwire"), ["migrate", "--from", `sqlite:${file}`, "--to", url]);
  const [, rows, perSecond] = /migrated (\d+) rows \(\d+ of them now, (\d+) a second/.exec(stdout);
  const { stdout: lines } = await run(program, ["pages", url, "general", "ann", firstMs, nCalls].map(String));
  return [
    {
      what: `PostgreSQL: a million calls moved there and compared (${rows} rows)`,
      value: `${perSecond} rows/s`,
      goal: ">= 20000",
    },
    ...lines
      .trim()
      .split("\n")
      .map(JSON.parse)
      .map(({ name, p99ms }) => ({
        what: `PostgreSQL: ${name}, 50 of a million, p99`,
        value: `${p99ms} ms`,
        goal: "< 10",
      })),
  ];
}

export default async function bench() {
  await run("ninja", ["-C", build, "bench/store/postgres_bench", "bench/store/store_bench"]);
  const folder = mkdtempSync(join(tmpdir(), "bellwire-bench-"));
  const postgres = await Postgres.start({ settings: { shared_buffers: "512MB", max_wal_size: "4GB" } });
  try {
    return [...(await transitions(postgres, folder)), ...(await moving(postgres, folder))];
  } finally {
    await postgres.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

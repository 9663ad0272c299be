// Which database the servers under test use. BELLWIRE_TEST_DB=postgres: one PostgreSQL for the run (started once, by
// vitest's global set-up), and a database of its own for each data folder; else SQLite in that folder.
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { findBinaries, Postgres } from "../../tools/lib/postgres.mjs";

const run = promisify(execFile);
const variable = "BELLWIRE_TEST_POSTGRES";

/** Whether the run is over PostgreSQL. */
export const onPostgres = process.env.BELLWIRE_TEST_DB === "postgres";

/** vitest's global set-up: every worker finds the server's URL in its environment. */
export default async function setUp(): Promise<(() => Promise<void>) | undefined> {
  if (!onPostgres || process.env[variable]) return;
  // Kill -9 of the program under test is no power cut: what the tests ask does not hang on fsync.
  const server = await Postgres.start({ settings: { fsync: "off", max_connections: 400 } });
  process.env[variable] = server.url();
  return () => server.stop();
}

/** Runs SQL; the rows come back as text. */
export async function psql(sql: string, url = process.env[variable] ?? ""): Promise<string> {
  const bin = findBinaries();
  if (!bin) throw new Error("no PostgreSQL here; tools/setup.sh test installs it");
  const { stdout } = await run(
    join(bin, "psql"),
    ["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", url, "-c", sql],
    { maxBuffer: 1 << 28 },
  );
  return stdout.trimEnd();
}

let made = 0;

/** Makes a database and gives its URL and how to drop it. */
export async function makeDatabase(): Promise<{ url: string; drop: () => Promise<void> }> {
  const name = `system_${process.pid}_${++made}`;
  await psql(`CREATE DATABASE ${name}`);
  const url = new URL(process.env[variable] ?? "");
  url.pathname = `/${name}`;
  return { url: url.href, drop: () => psql(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`).then(() => {}) };
}

// PostgreSQL over TLS, with a password: by file, by environment, in the URL; none of it in logs or the process list.
import { execFile } from "node:child_process";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, it } from "vitest";
import { Postgres } from "../../tools/lib/postgres.mjs";
import { binary, makeCertificate, type Server, secret, startServer } from "../lib/index.js";

const run = promisify(execFile);
const password = "canary-p@ss/w:rd 'x' 4711";

let postgres: Postgres;
let folder: string;
let authority: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "bellwire-tls-"));
  const made = makeCertificate(["localhost"], "file");
  authority = made.certFile;
  // Everything of this machine's superuser is trusted, so that the test can look; the application needs TLS and a password.
  const hba = "host all bellwire 127.0.0.1/32 trust\nhostssl all app 127.0.0.1/32 scram-sha-256\n";
  const tls = { cert: made.pem, key: readFileSync(made.keyFile, "utf8"), hba };
  postgres = await Postgres.start({ settings: { fsync: "off" }, tls });
  await postgres.sql(`CREATE ROLE app LOGIN PASSWORD '${password.replaceAll("'", "''")}'`);
}, 60_000);
afterAll(async () => {
  await postgres?.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function url(parameters: string, withPassword = false): Promise<string> {
  const name = await postgres.database();
  await postgres.sql(`ALTER DATABASE ${name} OWNER TO app`);
  const user = withPassword ? `app:${encodeURIComponent(password)}` : "app";
  return `postgres://${user}@localhost:${postgres.port}/${name}?${parameters}`;
}

const verified = () => `sslmode=verify-full&sslrootcert=${encodeURIComponent(authority)}`;

async function expectServing(server: Server): Promise<void> {
  await server.channel("team", ["alice", "bob"]);
  const database = new URL(server.db).pathname.slice(1);
  const used = await postgres.sql(
    `SELECT DISTINCT s.ssl, s.version FROM pg_stat_ssl s JOIN pg_stat_activity a USING (pid) WHERE a.datname = '${database}' AND a.usename = 'app'`,
  );
  expect(used).toMatch(/^t\|TLSv1\.[23]$/);
  const list = readFileSync(`/proc/${server.pid}/cmdline`, "utf8");
  for (const word of [password, encodeURIComponent(password)]) {
    expect(list).not.toContain(word);
    expect(server.stderr).not.toContain(word);
  }
}

it("takes the password from a file, and checks whom it talks to", async () => {
  const file = join(folder, "password");
  writeFileSync(file, `${password}\n`);
  chmodSync(file, 0o600);
  await expectServing(await startServer({ db: await url(verified()), args: ["--db-password-file", file] }));
});

it("takes the password from the environment", async () => {
  await expectServing(await startServer({ db: await url(verified()), env: { BELLWIRE_DB_PASSWORD: password } }));
});

it("hides a password that stands in the URL from the process list", async () => {
  await expectServing(await startServer({ db: await url(verified(), true) }));
});

it("takes the URL that Prisma takes", async () => {
  await expectServing(await startServer({ db: await url(`schema=public&connection_limit=5&${verified()}`, true) }));
});

async function refusal(db: string, env: Record<string, string> = {}): Promise<string> {
  const words = ["serve", "--listen", "127.0.0.1:0", "--turn-listen", "none", "--data", folder, "--db", db];
  const ended = await run(binary, words, { env: { ...process.env, BELLWIRE_SECRET: secret, ...env } }).catch(
    (error) => error,
  );
  expect(ended.code).toBe(2);
  expect(ended.stderr).not.toContain(password);
  expect(ended.stderr).not.toContain(encodeURIComponent(password));
  return ended.stderr;
}

it("refuses a server that it cannot verify, a wrong password, plain text and words that it does not know", async () => {
  const env = { BELLWIRE_DB_PASSWORD: password };
  expect(await refusal(await url("sslmode=verify-full&sslrootcert=/nowhere", true))).toContain("/nowhere");
  expect(await refusal(await url(verified()), { BELLWIRE_DB_PASSWORD: "wrong" })).toContain(
    "password authentication failed",
  );
  expect(await refusal(await url("sslmode=disable"), env)).toMatch(/no pg_hba.conf entry|no encryption/);
  expect(await refusal(await url("sslmoed=disable", true))).toContain('invalid URI query parameter: "sslmoed"');
  expect(await refusal(await url("schema=other", true))).toContain("schema public");
  expect(await refusal(`postgres://app:${encodeURIComponent(password)}@[bad/x`)).toContain("no URL such as");
});

it("refuses a second process on the same database, with a clear word", async () => {
  const db = await url(verified(), true);
  await startServer({ db });
  expect(await refusal(db)).toMatch(/another bellwire is using the database localhost:\d+\/test_/);
});

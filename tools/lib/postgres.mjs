// A PostgreSQL of one's own for tests and measurements: a new cluster in a temporary folder, on a loopback port and a
// Unix socket, owned by an unprivileged user when this runs as root (initdb refuses root).
import { execFile, spawn } from "node:child_process";
import { chownSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** The newest PostgreSQL that Debian has put on this machine; null when there is none. */
export function findBinaries() {
  const base = "/usr/lib/postgresql";
  if (!existsSync(base)) return null;
  const versions = readdirSync(base).map(Number).filter(Boolean);
  const newest = versions.sort((a, b) => b - a).find((version) => existsSync(join(base, `${version}/bin/initdb`)));
  return newest ? join(base, `${newest}/bin`) : null;
}

/** uid and gid for the server: nobody's, when we are root. */
const identity = () => (process.getuid() === 0 ? { uid: 65534, gid: 65534 } : {});

/** Below the ports that Linux gives to whoever asks for any: still free when the server comes back after being stopped. */
async function freePort() {
  for (;;) {
    const port = 12_000 + Math.floor(Math.random() * 20_000);
    const isFree = await new Promise((done) => {
      const server = createServer().once("error", () => done(false));
      server.listen(port, "127.0.0.1", () => server.close(() => done(true)));
    });
    if (isFree) return port;
  }
}

const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

export class Postgres {
  #child = null;

  constructor(bin, folder, port, settings) {
    Object.assign(this, { bin, folder, port, settings });
    this.data = join(folder, "data");
  }

  /** Makes a cluster and starts it. Durable as in production unless `fsync` is "off". */
  static async start({ settings = {}, tls = null } = {}) {
    const bin = findBinaries();
    if (!bin) throw new Error("no PostgreSQL here; tools/setup.sh test installs it");
    const folder = mkdtempSync(join(tmpdir(), "bellwire-pg-"));
    const own = identity();
    if (own.uid) chownSync(folder, own.uid, own.gid);
    const pg = new Postgres(bin, folder, await freePort(), settings);
    const env = { ...process.env, LC_ALL: "C.UTF-8", HOME: folder };
    const args = ["-D", pg.data, "-U", "bellwire", "-A", "trust", "--no-sync", "-E", "UTF8"];
    await run(join(bin, "initdb"), args, { ...own, env, cwd: folder });
    if (tls) pg.#putCertificates(tls, own);
    await pg.up();
    return pg;
  }

  #putCertificates({ cert, key, hba }, own) {
    for (const [name, text] of [
      ["server.crt", cert],
      ["server.key", key],
    ]) {
      const path = join(this.data, name);
      writeFileSync(path, text, { mode: 0o600 });
      if (own.uid) chownSync(path, own.uid, own.gid);
    }
    if (hba) writeFileSync(join(this.data, "pg_hba.conf"), hba);
    this.settings = { ...this.settings, ssl: "on" };
  }

  get pid() {
    return Number(readFileSync(join(this.data, "postmaster.pid"), "utf8").split("\n")[0]);
  }

  /** Starts the server on this cluster, and waits until it takes connections. */
  async up() {
    const settings = {
      listen_addresses: "127.0.0.1",
      port: this.port,
      unix_socket_directories: this.folder,
      max_connections: 100,
      log_min_messages: "fatal",
      ...this.settings,
    };
    const options = Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
    this.log = "";
    this.#child = spawn(join(this.bin, "postgres"), ["-D", this.data, ...options], {
      ...identity(),
      cwd: this.folder,
      stdio: ["ignore", "ignore", "pipe"],
    });
    this.#child.stderr.on("data", (text) => {
      this.log = (this.log + text).slice(-20000);
    });
    for (let i = 0; ; i++) {
      try {
        await this.sql("SELECT 1");
        return;
      } catch (error) {
        if (i === 200 || this.#child.exitCode !== null)
          throw new Error(`PostgreSQL did not start: ${this.log}\n${error}`);
        await sleep(50);
      }
    }
  }

  /** Ends the server: "fast" politely, "immediate" as a crash does, "kill" by SIGKILL of all that belongs to it. */
  async down(how = "fast") {
    const child = this.#child;
    if (!child) return;
    this.#child = null;
    const gone = new Promise((done) => (child.exitCode === null ? child.once("exit", done) : done()));
    if (how === "kill") for (const pid of [child.pid, ...(await this.children(child.pid))]) kill(pid, "SIGKILL");
    else child.kill(how === "immediate" ? "SIGQUIT" : "SIGINT");
    await gone;
  }

  /** The processes of the running server. */
  async children(pid = this.#child?.pid) {
    const { stdout } = await run("ps", ["-o", "pid=", "--ppid", String(pid)]).catch(() => ({ stdout: "" }));
    return stdout.trim().split(/\s+/).filter(Boolean).map(Number);
  }

  /** Every process stands still, as on a machine that swaps; `resume` lets them go on. */
  async pause() {
    for (const pid of [this.#child.pid, ...(await this.children())]) kill(pid, "SIGSTOP");
  }
  async resume() {
    for (const pid of [this.#child.pid, ...(await this.children())]) kill(pid, "SIGCONT");
  }

  url(database = "postgres", port = this.port) {
    return `postgres://bellwire@127.0.0.1:${port}/${database}`;
  }

  /** Runs SQL with psql; the rows come back as text, columns parted by |. */
  async sql(text, database = "postgres") {
    const { stdout } = await run(
      join(this.bin, "psql"),
      ["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", this.url(database), "-c", text],
      { maxBuffer: 1 << 28 },
    );
    return stdout.trimEnd();
  }

  #made = 0;
  /** A new, empty database; its name. */
  async database() {
    const name = `test_${process.pid}_${++this.#made}`;
    await this.sql(`CREATE DATABASE ${name}`);
    return name;
  }

  async stop() {
    await this.resume().catch(() => {});
    await this.down("immediate");
    rmSync(this.folder, { recursive: true, force: true });
  }
}

function kill(pid, signal) {
  try {
    process.kill(pid, signal);
  } catch {
    /* it has gone by itself */
  }
}

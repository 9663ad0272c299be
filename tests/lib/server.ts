// The real binary, started on a free port with a folder of its own.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeDatabase, onPostgres } from "./database.js";
import { closeLater } from "./lifetime.js";
import { binary } from "./paths.js";
import { type Ending, Program } from "./process.js";
import { Rest } from "./rest.js";
import { connect, type Session, type SessionOptions } from "./session.js";
import { secret, type TokenOptions, token } from "./token.js";

export interface ServerOptions {
  /** More command line arguments, after the ones that every test needs. */
  args?: string[];
  env?: Record<string, string>;
  command?: "serve" | "dev";
  /** Where to listen; port 0 chooses a free one. */
  listen?: string;
  /** A folder to use instead of a fresh one; it is then the test's to remove. */
  data?: string;
  /** The database; by default that of the run (lib/database.ts). */
  db?: string;
  /** Words to put before the command, such as `ip netns exec NAME`. */
  wrapper?: string[];
  /** Whether it ends after the running test or after the file. */
  lifetime?: "test" | "file";
}

const forcedStopMs = 10_000;
const startMs = 40_000; // on a busy machine, with a database that comes back from a crash

export class Server {
  url = "";
  port = 0;
  /** The fields of the ready line: http, turn, … */
  ready: Record<string, string> = {};
  startedInMs = 0;
  private program!: Program;

  constructor(
    readonly data: string,
    private readonly options: ServerOptions,
    /** --db; empty: SQLite in the folder. */
    readonly db = "",
  ) {}

  get pid(): number {
    return this.program.pid;
  }

  get stderr(): string {
    return this.program.stderr;
  }

  /** Resolves when it has ended, by itself or by us. */
  get ended(): Promise<Ending> {
    return this.program.ended;
  }

  async start(listen = this.options.listen ?? "127.0.0.1:0"): Promise<void> {
    const own = ["--listen", listen, "--data", this.data];
    if (this.db) own.push("--db", this.db);
    const given = this.options.args ?? [];
    // The relay too stays where it was over a restart, and keeps off the standard port.
    if (!given.includes("--turn-listen")) own.push("--turn-listen", this.ready.turn ?? "127.0.0.1:0");
    const words = [...(this.options.wrapper ?? []), binary, this.options.command ?? "serve", ...own];
    const [command, ...args] = [...words, ...given] as [string, ...string[]];
    const from = performance.now();
    this.program = new Program(command, args, { ...process.env, BELLWIRE_SECRET: secret, ...this.options.env });
    const line = await this.program.until(() => /^ready .*$/m.exec(this.program.stdout)?.[0], "ready line", startMs);
    this.startedInMs = performance.now() - from;
    this.ready = Object.fromEntries([...line.matchAll(/(\w+)=(\S+)/g)].map((match) => [match[1], match[2]]));
    this.url = this.ready.http ?? "";
    this.port = Number(new URL(this.url).port);
  }

  /** SIGTERM; it must end by itself, with 0. */
  async stop(): Promise<void> {
    if (this.program.ending) return;
    const { code, signal } = await this.program.stop(forcedStopMs);
    if (code !== 0) throw new Error(`the server ended with ${signal ?? code} after SIGTERM\n${this.program.output()}`);
  }

  /** SIGKILL. */
  async kill(): Promise<void> {
    await this.program.kill();
  }

  /** Starts it again on the same port and folder, after `stop` or `kill` (by default it is stopped first). */
  async restart(): Promise<void> {
    const { host } = new URL(this.url);
    await this.stop();
    await this.start(host);
  }

  /** Ended by the test itself or by SIGTERM now; one that died by itself fails the test. */
  async close(): Promise<void> {
    const crashed = this.program.ending && this.program.ending.code !== 0 && this.program.ending.signal !== "SIGKILL";
    if (crashed) throw new Error(`the server died: ${JSON.stringify(this.program.ending)}\n${this.program.output()}`);
    await this.stop();
  }

  /** REST as a user (a name, or more about the token); null for nobody. */
  rest(user: string | TokenOptions | null = "alice"): Rest {
    return new Rest(this.url, user && token(asOptions(user)));
  }

  /** REST as the host's backend. */
  host(): Rest {
    return this.rest({ user: "host", scope: "server" });
  }

  /** A connected session of a user, after its `sync`. */
  socket(user: string | TokenOptions = "alice", options: SessionOptions = {}): Promise<Session> {
    return connect(this.url, asOptions(user), options);
  }

  /** Sets a channel's members. */
  async channel(id: string, members: string[], name: string | null = null): Promise<void> {
    const answer = await this.host().put(`/api/channels/${encodeURIComponent(id)}`, { name, members });
    if (answer.status >= 300) throw new Error(`channel ${id}: ${answer.status} ${JSON.stringify(answer.body)}`);
  }
}

const asOptions = (user: string | TokenOptions): TokenOptions => (typeof user === "string" ? { user } : user);

export async function startServer(options: ServerOptions = {}): Promise<Server> {
  const data = options.data ?? (await mkdtemp(join(tmpdir(), "bellwire-")));
  let db = options.db ?? "";
  if (!db && onPostgres && !options.data) {
    const made = await makeDatabase();
    closeLater(made.drop, options.lifetime);
    db = made.url;
  }
  const server = new Server(data, options, db);
  if (!options.data) closeLater(() => rm(data, { recursive: true, force: true }), options.lifetime);
  closeLater(() => server.close(), options.lifetime);
  await server.start();
  return server;
}

// A campaign: one data folder, a server that is made to end in one way after another, people who call all the time, and
// the checker after each end and when all is settled.
import { copyFile, mkdtemp, rm, stat, truncate } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { closeLater, freePort, Server, type ServerOptions } from "../lib/index.js";
import { check, checkSettled } from "./check.js";
import { Journal } from "./journal.js";
import { Random } from "./random.js";
import { type Rows, readPostgres, readRows } from "./rows.js";
import { Crowd, type CrowdSize } from "./workload.js";

const pause = (ms: number) => new Promise((done) => setTimeout(done, ms));

/** Windows as short as they may be, so that a campaign can wait for all of them. */
const shortWindows = [
  ...["--resume-window", "5s", "--caller-grace", "1s", "--connect-window", "1s", "--alone-timeout", "1s"],
  ...[
    "--claim-window",
    "1s",
    "--ping-interval",
    "2s",
    "--ping-timeout",
    "1s",
    "--turn-listen",
    "none",
    "--log-level",
    "warn",
  ],
];
const windowsMs = 7500;

export interface CampaignOptions {
  seed: number;
  size?: CrowdSize;
  /** A folder to use instead of a fresh one. */
  data?: string;
  /** The database, when it is not SQLite in that folder. */
  db?: string;
  /** More options for the server. */
  args?: string[];
  /** More environment for the server. */
  env?: Record<string, string>;
  lifetime?: "test" | "file";
}

export class Campaign {
  readonly journal = new Journal();
  readonly random: Random;
  readonly broken: string[] = [];
  readonly crowd: Crowd;
  private readonly options: ServerOptions;
  private readonly listen: string;

  private constructor(
    readonly server: Server,
    port: number,
    options: CampaignOptions,
    serverOptions: ServerOptions,
  ) {
    this.options = serverOptions;
    this.listen = `127.0.0.1:${port}`;
    this.random = new Random(options.seed);
    this.crowd = new Crowd(this.journal, this.random, options.size ?? { pairs: 6, groups: 2 });
  }

  /** Starts a server with channels for everybody. */
  static async begin(options: CampaignOptions): Promise<Campaign> {
    const data = options.data ?? (await mkdtemp(join(tmpdir(), "bellwire-ledger-")));
    const serverOptions: ServerOptions = { args: [...shortWindows, ...(options.args ?? [])], env: options.env ?? {} };
    const campaign = new Campaign(
      new Server(data, serverOptions, options.db ?? ""),
      await freePort(),
      options,
      serverOptions,
    );
    if (!options.data) closeLater(() => rm(data, { recursive: true, force: true }), options.lifetime);
    closeLater(() => campaign.close(), options.lifetime);
    await campaign.start();
    await campaign.crowd.makeChannels(campaign.server);
    return campaign;
  }

  get database(): string {
    return join(this.server.data, "bellwire.db");
  }

  private get url(): string {
    return `http://${this.listen}`;
  }

  /** Starts the server, with words before its command if given; false when it ended before it was ready. */
  async start(wrapper: string[] = []): Promise<boolean> {
    this.options.wrapper = wrapper;
    return this.server.start(this.listen).then(
      () => true,
      (error: Error) => {
        if (wrapper.length === 0) throw error;
        return false;
      },
    );
  }

  /** Lets people call for a time, or until the server ends by itself; then it is ended by kill -9. */
  async callAndKill(ms: number): Promise<void> {
    await this.callUntil(pause(ms));
  }

  /** Lets people call until the promise resolves; then the server is ended by kill -9. */
  async callUntil(over: Promise<unknown>): Promise<void> {
    let stopped = false;
    const calls = this.crowd.call(this.url, () => stopped);
    await over;
    stopped = true;
    await this.server.kill();
    await calls;
  }

  private rows(): Promise<Rows> | Rows {
    return this.server.db ? readPostgres(this.rowsUrl || this.server.db) : readRows(this.database);
  }

  /** Where the checker finds PostgreSQL itself, when the server reaches it through a proxy. */
  rowsUrl = "";

  /** The checker at a moment when no server runs. */
  async check(): Promise<string[]> {
    const found = check(this.journal, await this.rows());
    this.broken.push(...found);
    return found;
  }

  /** Starts again, has people come back and hang up, or not, waits for every window, and checks that nothing is left over. */
  async settle(): Promise<void> {
    await this.server.kill();
    await this.start();
    await this.crowd.finish(this.url);
    const from = Date.now();
    while (Date.now() - from < windowsMs && (await this.nLive()) > 0) await pause(250);
    await pause(100);
    await this.server.kill();
    await this.check();
    this.broken.push(...checkSettled(this.journal, await this.rows()));
  }

  private async nLive(): Promise<number> {
    const host = this.server.host();
    const counts = ["ringing", "active"].map(
      async (status) => (await host.get(`/api/calls?status=${status}&limit=1`)).body.calls.length as number,
    );
    return (await Promise.all(counts)).reduce((sum, n) => sum + n, 0);
  }

  /**
   * What the checker says of a disk that lied: a copy of the database without the second half of its log. Only while no
   * server runs, and before anything was moved from the log into the file.
   */
  async checkTornCopy(): Promise<string[]> {
    const folder = await mkdtemp(join(tmpdir(), "bellwire-torn-"));
    const copy = join(folder, "bellwire.db");
    try {
      await copyFile(this.database, copy);
      await copyFile(`${this.database}-wal`, `${copy}-wal`);
      await truncate(`${copy}-wal`, Math.floor((await stat(`${copy}-wal`)).size / 2));
      return check(this.journal, readRows(copy));
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }

  summary(): string {
    return `${this.journal.count("ack")} acknowledged answers, ${this.journal.count("event")} events heard`;
  }

  async close(): Promise<void> {
    await this.server.kill();
    this.crowd.close();
  }
}

// kill -9 at random moments while everybody calls over PostgreSQL: of the server alone, and together with the database.
import { afterAll, beforeAll, expect, it } from "vitest";
import { Postgres } from "../../tools/lib/postgres.mjs";
import { Campaign } from "./campaign.js";
import { check } from "./check.js";
import { readPostgres } from "./rows.js";
import { isLong, note, seed } from "./settings.js";

const nKills = isLong ? 200 : 10;
const killsOfCampaign = 25;

let postgres: Postgres;
beforeAll(async () => {
  postgres = await Postgres.start({ settings: { max_connections: 40 } });
}, 60_000);
afterAll(() => postgres?.stop());

/** A copy of a database that nobody uses. */
async function copy(database: string): Promise<string> {
  const name = await postgres.database();
  await postgres.sql(`DROP DATABASE ${name}`);
  await postgres.sql(`CREATE DATABASE ${name} TEMPLATE ${database}`);
  return name;
}

/** Now and then the machine loses both at once. */
async function crashDatabase(): Promise<void> {
  await postgres.down("kill");
  await postgres.up();
}

/** What a killed server's connections held is given back when PostgreSQL has seen that it is gone. */
async function untilUnused(database: string): Promise<void> {
  const users = `SELECT count(*) FROM pg_stat_activity WHERE datname = '${database}'`;
  while ((await postgres.sql(users)) !== "0") await new Promise((done) => setTimeout(done, 20));
}

/** The control: what the checker says of a database as it was a few kills ago, as if the rest had never been committed. */
async function checkOlder(run: Campaign, older: string): Promise<string[]> {
  return check(run.journal, await readPostgres(postgres.url(older))).filter((sentence) => /lost/.test(sentence));
}

async function campaign(number: number, nCycles: number): Promise<string> {
  const database = await postgres.database();
  const run = await Campaign.begin({ seed: seed + number, size: { pairs: 4, groups: 1 }, db: postgres.url(database) });
  let older = "";
  let crashes = 0;
  for (let cycle = 0; cycle < nCycles; cycle++) {
    if (cycle > 0) await run.start();
    await run.callAndKill(run.random.between(50, 500));
    if (run.random.chance(0.2)) crashes += await crashDatabase().then(() => 1);
    expect((await run.check()).join("\n"), `seed ${seed + number}, cycle ${cycle}`).toBe("");
    if (cycle !== Math.floor(nCycles / 2)) continue;
    await untilUnused(database);
    older = await copy(database);
  }
  await run.settle();
  expect(run.broken.join("\n"), `seed ${seed + number}, after all`).toBe("");
  expect((await checkOlder(run, older)).length, "the control: the later half is gone, and nobody noticed").not.toBe(0);
  return `${crashes} of them with PostgreSQL itself, ${run.summary()}`;
}

it(`kill -9 over PostgreSQL, ${nKills} times: nothing acknowledged is lost, nothing happens twice`, {
  timeout: 7_200_000,
}, async () => {
  for (let done = 0, number = 0; done < nKills; done += killsOfCampaign, number++) {
    const n = Math.min(killsOfCampaign, nKills - done);
    note(`kill -9 over PostgreSQL × ${n}, seed ${seed + number}: ${await campaign(number, n)}`);
  }
});

// What looking costs: /metrics beside 10,000 sockets and 1,000 calls, and what people in calls feel of it; the report of an
// hour of four out of 100,000 stored calls. BENCH_RECORD=1 takes longer and writes bench/results/quality.md.
import { execFileSync, spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { Agent, get } from "node:http";
import { cpus, release } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { startServer } from "./server.mjs";
import { buildLoad, makeCalls, startLoad } from "./signal/clients.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, "..");
const record = process.env.BENCH_RECORD === "1";
const sockets = Number(process.env.BENCH_SOCKETS ?? 10_000);
const calls = Math.floor(sockets / 10);
const relayed = 1000; // candidates a second meanwhile
const spanMs = record ? 10_000 : 3000;
const scrapeEveryMs = 50; // Prometheus asks every 15 s

const agent = new Agent({ keepAlive: true, maxSockets: 1 });

const scrape = (url) =>
  new Promise((done, fail) => {
    const from = performance.now();
    get(`${url}/metrics`, { agent }, (answer) => {
      let text = "";
      answer.setEncoding("utf8").on("data", (piece) => {
        text += piece;
      });
      answer.on("end", () => done({ ms: performance.now() - from, text }));
    }).on("error", fail);
  });

const at = (values, share) => [...values].sort((a, b) => a - b)[Math.floor(share * (values.length - 1))];
const metricOf = (text, name) => Number(new RegExp(`^${name} (\\S+)$`, "m").exec(text)?.[1]);

async function whileScraped(url, work) {
  const times = [];
  let isOver = false;
  const asking = (async () => {
    while (!isOver) {
      times.push((await scrape(url)).ms);
      await new Promise((done) => setTimeout(done, scrapeEveryMs));
    }
  })();
  const result = await work();
  isOver = true;
  await asking;
  return { times, result };
}

async function metrics() {
  const open = [];
  try {
    const server = await startServer([
      ...["--log-level", "error", "--turn-listen", "none", "--max-connections", String(sockets + 2000)],
      ...["--events-per-second", "0", "--ring-timeout", "180s"],
    ]);
    open.push(server);
    const load = await startLoad(server, "websocket", sockets, await makeCalls(server.url, calls));
    open.push(load);
    const line = `candidate 0 ${relayed} ${spanMs}`;
    await load.run(`candidate 0 ${relayed} 1000`);
    const calm = await load.run(line);
    const { times, result: busy } = await whileScraped(server.url, () => load.run(line));
    const { text } = await scrape(server.url);
    const seen = [metricOf(text, "bellwire_websockets"), metricOf(text, 'bellwire_calls{status="active"}')];
    if (seen[0] !== sockets || seen[1] !== calls) throw new Error(`${seen} sockets and calls, not ${[sockets, calls]}`);
    return { calm, busy, times, bytes: text.length, stalls: metricOf(text, "bellwire_loop_stalls_total") };
  } finally {
    for (const one of open.reverse()) await one.stop();
    agent.destroy();
  }
}

function metricsRows({ calm, busy, times, bytes, stalls }) {
  const ms = (value) => `${value.toFixed(2)} ms`;
  return [
    {
      what: `/metrics beside ${sockets} sockets and ${calls} calls`,
      value: `median ${ms(at(times, 0.5))}, p99 ${ms(at(times, 0.99))} (${times.length} times, ${bytes} bytes)`,
      goal: "< 5 ms",
    },
    {
      what: `candidates at ${relayed}/s while it is asked every ${scrapeEveryMs} ms: p99 (p50)`,
      value: `${ms(busy.p99ms)} (${ms(busy.p50ms)}), without ${ms(calm.p99ms)} (${ms(calm.p50ms)}); ${stalls} stalls of the loop`,
      goal: "no stall",
    },
  ];
}

function report() {
  const config = join(here, "quality/vitest.config.ts");
  const result = spawnSync("vitest", ["run", "--config", config, "--root", join(root, "tests")], {
    cwd: join(root, "tests"),
    encoding: "utf8",
    env: { ...process.env, PATH: `${join(root, "node_modules/.bin")}:${process.env.PATH}` },
  });
  if (result.status !== 0) throw new Error(result.stdout.slice(-4000) + result.stderr.slice(-4000));
  return [...result.stdout.matchAll(/^figure: (.*)$/gm)].map(([, json]) => JSON.parse(json));
}

function keep(rows) {
  const commit = execFileSync("git", ["rev-parse", "--short", "HEAD"], { cwd: root, encoding: "utf8" }).trim();
  const where = `${cpus().length} cores (${cpus()[0]?.model}), Linux ${release()}, Node ${process.version}`;
  const table = rows.map(({ what, value, goal = "" }) => `| ${what} | ${value} | ${goal} |`);
  writeFileSync(
    join(here, "results/quality.md"),
    `# Looking at quality\n\nCommit ${commit}, ${new Date().toISOString().slice(0, 10)}; ${where}.\n\n| what | measured | goal |\n|---|---|---|\n${table.join("\n")}\n`,
  );
}

export default async function bench() {
  await buildLoad();
  const rows = [...metricsRows(await metrics()), ...report()];
  if (record) keep(rows);
  return rows;
}

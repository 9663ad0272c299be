// Signaling beside npm's socket.io on Node: the same clients, the same work, interleaved runs, medians.
// BENCH_RECORD=1 takes longer and writes bench/results/signal.md.
import { execFileSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { cpus, release } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { median, memory, startProgram, startServer } from "./server.mjs";
import { buildLoad, cpuUs, makeCalls, startLoad } from "./signal/clients.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const record = process.env.BENCH_RECORD === "1";
const rounds = 5;
const pairs = 500;
const relayMs = record ? 3000 : 1200;
const idleSockets = 10_000;
const idleRounds = record ? 5 : 1;
const heartbeatMs = 10_000; // of both servers; a whole one is watched
const pollers = 2000;
const pollMs = record ? 5000 : 3000;
const window = 4;

const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

// --- the two servers ---

const bellwire = {
  name: "bellwire",
  start: () =>
    startServer([
      ...["--log-level", "error", "--turn-listen", "none", "--max-connections", "12000"],
      ...["--events-per-second", "0", "--ring-timeout", "180s"],
    ]),
  makeCalls,
};

const socketIo = {
  name: "socket.io",
  start: () => startProgram(process.execPath, [join(here, "signal/peer.mjs")]),
  makeCalls: (_url, n) => Array.from({ length: n }, () => randomUUID()),
};

const both = [bellwire, socketIo];

/** Runs `use` with both servers and their clients; ends them whatever happens. */
async function withLoads(transport, nCalls, use) {
  const open = [];
  try {
    for (const kind of both) {
      const server = await kind.start();
      open.push(server);
      const calls = await kind.makeCalls(server.url, nCalls);
      const load = await startLoad(server, transport, 2 * nCalls, calls);
      open.push(load);
      kind.load = load;
    }
    return await use();
  } finally {
    for (const one of open.reverse()) await one.stop();
  }
}

// --- measurements: each gives {name: {bellwire: […], "socket.io": […]}} ---

async function interleaved(commands) {
  const results = {};
  for (let round = 0; round < rounds; round++)
    for (const [name, line] of Object.entries(commands))
      for (const kind of both) {
        results[name] ??= { bellwire: [], "socket.io": [] };
        results[name][kind.name].push(await kind.load.run(line));
      }
  return results;
}

const relays = () =>
  withLoads("websocket", pairs, () =>
    interleaved({
      offer: `offer ${window} 0 ${relayMs}`,
      candidate: `candidate ${window} 0 ${relayMs}`,
      paced: `candidate 0 2000 ${relayMs}`,
    }),
  );

const polling = () =>
  withLoads("polling", pollers / 2, () => interleaved({ polling: `candidate 0 ${pollers} ${pollMs}` }));

/** Both servers with all their sockets at once: accepted one after the other, idle together. */
async function idleRound() {
  const open = [];
  try {
    for (const kind of both) {
      const server = await kind.start();
      open.push(server);
      await sleep(500);
      const before = memory(server.pid).all;
      const load = await startLoad(server, "websocket", idleSockets);
      open.push(load);
      kind.idle = { pid: server.pid, before, acceptUs: load.opened.cpuUs };
    }
    await sleep(heartbeatMs / 2);
    for (const { idle } of both) idle.cpu = cpuUs(idle.pid);
    await sleep(heartbeatMs);
    return Object.fromEntries(
      both.map(({ name, idle }) => {
        const kB = (memory(idle.pid).all - idle.before) / idleSockets;
        const share = (cpuUs(idle.pid) - idle.cpu) / heartbeatMs / 1000;
        return [name, { acceptUs: idle.acceptUs, kB, share }];
      }),
    );
  } finally {
    for (const one of open.reverse()) await one.stop();
  }
}

async function idle() {
  const results = { bellwire: [], "socket.io": [] };
  for (let round = 0; round < idleRounds; round++) {
    const one = await idleRound();
    for (const name of Object.keys(results)) results[name].push(one[name]);
  }
  return results;
}

// --- the table ---

/** The median of a figure in both servers, and what the first is of the second, round by round. */
function compare(runs, key) {
  const ours = runs.bellwire.map((one) => one[key]);
  const theirs = runs["socket.io"].map((one) => one[key]);
  return { ours: median(ours), theirs: median(theirs), ratio: median(ours.map((value, i) => value / theirs[i])) };
}

function against(what, { ours, theirs, ratio }, unit, most) {
  const goal = `<= 1/${most} of the peer's`;
  return {
    what,
    value: `${ours.toFixed(1)} ${unit}, peer ${theirs.toFixed(1)}: 1/${(1 / ratio).toFixed(1)}`,
    goal,
    good: ratio <= 1 / most,
  };
}

function latencyRow(runs) {
  const p50 = compare(runs, "p50ms");
  const p99 = compare(runs, "p99ms");
  const both = ({ ours, theirs }) => `${ours.toFixed(2)} ms, peer ${theirs.toFixed(2)}`;
  return {
    what: "candidate at 2,000/s, p99 (p50)",
    value: `${both(p99)} (${both(p50)})`,
    goal: "<= 1.25 x the peer's + 1 ms",
    good: p99.ours <= 1.25 * p99.theirs + 1,
  };
}

function idleRows(runs) {
  const kB = compare(runs, "kB");
  const share = compare(runs, "share");
  const percent = (value) => `${(100 * value).toFixed(2)} %`;
  return [
    {
      what: "memory per idle WebSocket, 10,000",
      value: `${kB.ours.toFixed(2)} kB, peer ${kB.theirs.toFixed(1)}`,
      goal: "<= 2 kB",
      good: kB.ours <= 2,
    },
    {
      what: "CPU of a core, 10,000 idle WebSockets",
      value: `${percent(share.ours)}, peer ${percent(share.theirs)}`,
      goal: "<= 1 %",
      good: share.ours <= 0.01,
    },
    against("CPU per accepted connection", compare(runs, "acceptUs"), "us", 6),
  ];
}

function writeResult(rows) {
  const commit = execFileSync("git", ["-C", here, "rev-parse", "--short", "HEAD"], { encoding: "utf8" }).trim();
  const counts = `relays ${pairs} pairs, window ${window}, ${rounds} rounds of ${relayMs / 1000} s; idle ${idleRounds} rounds`;
  const lines = [
    "# Signaling beside socket.io",
    "",
    `Commit ${commit}, ${new Date().toISOString().slice(0, 10)}; ${cpus().length} cores (${cpus()[0]?.model}), Linux ${release()},`,
    `Node ${process.version}. Interleaved in one session; medians; CPU of the server process from the system;`,
    `${counts}; polling ${pollers} clients, ${rounds} rounds of ${pollMs / 1000} s. Nothing is random.`,
    "",
    "| what | measured | goal | met |",
    "|---|---|---|---|",
    ...rows.map(({ what, value, goal, good }) => `| ${what} | ${value} | ${goal} | ${good ? "yes" : "no"} |`),
    "",
    "Ratios of interleaved runs count, not absolutes: the machine may have had other work.",
  ];
  mkdirSync(join(here, "results"), { recursive: true });
  writeFileSync(join(here, "results/signal.md"), `${lines.join("\n")}\n`);
}

export default async function bench() {
  await buildLoad();
  const relayed = await relays();
  const polled = await polling();
  const rows = [
    against("call.offer 2.5 kB, saturated: CPU each", compare(relayed.offer, "cpuUs"), "us", 6),
    against("call.ice-candidate 230 B, saturated: CPU each", compare(relayed.candidate, "cpuUs"), "us", 4),
    against("call.ice-candidate at 2,000/s: CPU each", compare(relayed.paced, "cpuUs"), "us", 3),
    latencyRow(relayed.paced),
    ...idleRows(await idle()),
    against("long polling, 2,000 clients at 1/s: CPU each", compare(polled.polling, "cpuUs"), "us", 4),
  ];
  if (record) writeResult(rows);
  return rows;
}

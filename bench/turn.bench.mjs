// The relay beside Debian's coturn and a bare forwarder of ours without TURN logic: CPU of the server process for each
// delivered packet. Loads A, V and VG of bench/turn/load.c, interleaved, medians. TURN_BENCH_FILE=path.md writes a file.
import { execFileSync, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { existsSync, writeFileSync } from "node:fs";
import { cpus, release } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { median } from "./server.mjs";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const build = process.env.TURN_BENCH_BUILD ?? join(root, "build");
const rounds = Number(process.env.TURN_BENCH_ROUNDS ?? 5);
const seconds = Number(process.env.TURN_BENCH_SECONDS ?? 4);
const secret = "0123456789abcdef0123456789abcdef";

const program = (name) => join(build, name);
const alone = program("server/tests/unit/turn/turn_alone");
const load = program("bench/turn/turn_load");
const bare = program("bench/turn/turn_bare");

const coturnOptions = [
  ["-n", "-L", "127.0.0.1", "-E", "127.0.0.1", "--use-auth-secret", "-r", "bellwire"],
  [`--static-auth-secret=${secret}`, "--allow-loopback-peers", "--no-cli", "--no-tls", "--no-dtls", "-m", "1"],
  ["--min-port=20000", "--max-port=59999", "--log-file=/dev/null", "--simple-log"],
].flat();

const servers = {
  ours: [alone, "--listen", "127.0.0.1:0", "--secret", secret, "--loopback", "--workers", "1"],
  coturn: ["turnserver", ...coturnOptions],
  bare: [bare, "gso"],
};

async function freePort() {
  const socket = createSocket("udp4").bind(0, "127.0.0.1");
  await once(socket, "listening");
  const { port } = socket.address();
  socket.close();
  return port;
}

/** Waits for the answer to a STUN binding request. */
async function answers(port) {
  const socket = createSocket("udp4").on("error", () => {});
  const request = Buffer.concat([Buffer.from([0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42]), randomBytes(12)]);
  const ask = setInterval(() => socket.send(request, port, "127.0.0.1"), 50);
  try {
    await once(socket, "message", { signal: AbortSignal.timeout(10_000) });
  } finally {
    clearInterval(ask);
    socket.close();
  }
}

// The system places server and load. With TURN_BENCH_PIN=1 they have a core each and come before everything else: for
// machines that have other work.
const pinned = process.env.TURN_BENCH_PIN === "1";
const onCore = (core) => (pinned ? ["chrt", "-f", "30", "taskset", "-c", `${core}`] : []);

/** A server that serves: its address, its process, and how to end it. */
async function start(name) {
  const port = await freePort();
  const [command, ...args] = [...onCore(0), ...servers[name], ...(name === "coturn" ? ["-p", port] : [])].map(String);
  const said = name === "coturn" ? "ignore" : "pipe"; // nobody would empty a pipe while the load runs
  const server = spawn(command, args, { stdio: ["ignore", said, "ignore"] });
  const ended = once(server, "exit");
  const stop = async () => {
    server.kill("SIGTERM");
    await ended;
  };
  try {
    if (name === "coturn") await answers(port);
    const told = name === "coturn" ? `turn=127.0.0.1:${port}` : `${await once(server.stdout, "data")}`;
    return { address: /turn=(\S+)/.exec(told)?.[1], pid: server.pid, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** A busy machine may keep a server from its start for long: three tries. */
async function startSurely(name, tries = 3) {
  try {
    return await start(name);
  } catch (error) {
    if (tries === 1) throw new Error(`${name} does not answer`, { cause: error });
    return await startSurely(name, tries - 1);
  }
}

async function measureOnce(name, what, scale = 100) {
  const { address, pid, stop } = await startSurely(name);
  const login = name === "bare" ? [] : ["--secret", secret];
  const options = ["--server", address, ...login, "--pid", pid, "--load", what, "--seconds", seconds];
  const [run, ...words] = [...onCore(1), load, ...options, "--scale", scale, "--patient"].map(String);
  try {
    return JSON.parse(execFileSync(run, words, { encoding: "utf8" }));
  } finally {
    await stop();
  }
}

// Interleaved, so that a machine's moods meet all alike.
async function compare(what, names, scale = 100) {
  const found = Object.fromEntries(names.map((name) => [name, []]));
  for (let round = 0; round < rounds; round++)
    for (const name of names) found[name].push(await measureOnce(name, what, scale));
  const middle = (name, key) => median(found[name].map((one) => one[key]));
  return Object.fromEntries(names.map((name) => [name, (key) => middle(name, key)]));
}

// The share of load V, in percent, at which coturn begins to lose packets.
async function whereCoturnLoses() {
  for (let scale = 100; scale < 600; scale += 50)
    if ((await measureOnce("coturn", "V", scale)).loss > 0.001) return scale;
  return 600;
}

// Both at four fifths of what coturn can nearly carry.
async function nearTheEdge() {
  const edge = await whereCoturnLoses();
  const { ours, coturn } = await compare("V", ["ours", "coturn"], 0.8 * edge);
  const percent = (n) => `${(100 * n).toFixed(3)} %`;
  const where = `relay V at 0.8 of ${edge} %, where coturn begins to lose`;
  const p99 = `${ours("p99")}, ${coturn("p99")} µs`;
  return [
    {
      what: `${where}: lost, ours and coturn`,
      value: `${percent(ours("loss"))}, ${percent(coturn("loss"))}`,
      goal: "0",
    },
    { what: `${where}: p99, ours and coturn`, value: p99, goal: "≤ coturn's" },
  ];
}

const us = (n) => `${n.toFixed(2)} µs`;
const goals = { A: 1.2, V: 1.65, VG: 2.0 };

function write(file, rows) {
  const commit = execFileSync("git", ["-C", root, "rev-parse", "--short", "HEAD"], { encoding: "utf8" }).trim();
  const where = pinned
    ? "server and load on a core each, before all other work"
    : "server and load where the system puts them";
  const how = `${where}; the load sleeps between its bursts (--patient)`;
  const facts = `${cpus().length} cores, kernel ${release().split("-")[0]}, commit ${commit}; medians of ${rounds} rounds of ${seconds} s; ${how}.`;
  const lines = rows.map(({ what, value, goal }) => `| ${what} | ${value} | ${goal ?? ""} |`);
  writeFileSync(
    file,
    ["# The relay, measured", "", facts, "", "| what | measured | goal |", "|---|---|---|", ...lines, ""].join("\n"),
  );
}

export default async function bench() {
  if (![alone, load, bare].every(existsSync))
    execFileSync("ninja", [
      "-C",
      build,
      "server/tests/unit/turn/turn_alone",
      "bench/turn/turn_load",
      "bench/turn/turn_bare",
    ]);
  const rows = [];
  for (const [what, goal] of Object.entries(goals)) {
    const { ours, coturn, bare: floor } = await compare(what, ["ours", "coturn", "bare"]);
    const all = [ours, coturn, floor];
    rows.push(
      { what: `relay ${what}: ours, coturn, bare, each packet`, value: all.map((one) => us(one("us"))).join(", ") },
      { what: `relay ${what}: times the bare forwarder`, value: (ours("us") / floor("us")).toFixed(2), goal: "≤ 1.15" },
      { what: `relay ${what}: coturn over ours`, value: (coturn("us") / ours("us")).toFixed(2), goal: `≥ ${goal}` },
      {
        what: `relay ${what}: p99 (p50), ours, coturn, bare`,
        value: `${all.map((one) => `${one("p99")} (${one("p50")})`).join(", ")} µs`,
        goal: "≤ coturn's",
      },
      {
        what: `relay ${what}: lost`,
        value: all.map((one) => `${(100 * one("loss")).toFixed(3)} %`).join(", "),
        goal: "0",
      },
    );
  }
  rows.push(...(await nearTheEdge()));
  const made = await compare("allocations", ["ours", "coturn"]);
  const [mine, theirs] = [made.ours("per_second"), made.coturn("per_second")];
  rows.push({
    what: "relay: allocations made a second by 16 callers, ours and coturn",
    value: `${mine}, ${theirs}: ${(mine / theirs).toFixed(2)} ×`,
    goal: "≥ 2 ×",
  });
  rows.push({
    what: "relay: CPU of one, ours and coturn",
    value: `${us(made.ours("us"))}, ${us(made.coturn("us"))}`,
  });
  const held = ["ours", "coturn"].map((name) => `${(made[name]("bytes") / 1024).toFixed(1)} kB`).join(", ");
  rows.push({ what: "relay: memory of one beside the kernel's, ours and coturn", value: held, goal: "≤ 2 kB" });
  if (process.env.TURN_BENCH_FILE) write(process.env.TURN_BENCH_FILE, rows);
  return rows;
}

// Recordings beside nginx: one upload, many at once, completing a large one, playing it plain and over TLS.
// BENCH_RECORD=1 writes bench/results/recording.md; BENCH_MB sets the size of the files (1000),
// BENCH_PARTS which part is run (one, many).
import { execFile, execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { closeSync, copyFileSync, fsyncSync, mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync } from "node:fs";
import { cpus, release, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { io } from "socket.io-client";
import { startNginx } from "./recording/nginx.mjs";
import { writeWebm } from "./recording/webm.mjs";
import { build, median, memory, startProgram, startServer } from "./server.mjs";
import { buildLoad, cpuUs, makeCalls, send, startLoad, token } from "./signal/clients.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const run = promisify(execFile);
const record = process.env.BENCH_RECORD === "1";
const megabytes = Number(process.env.BENCH_MB ?? 1000);
const rounds = 5;
const uploads = 500;
const bytesPerSecond = 125_000;
const rampMs = 5500;
const relayMs = 6000;
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
const folder = mkdtempSync(join(tmpdir(), "bellwire-bench-recording-"));
const recorder = { sub: "u0", recorder: true };

function certificate() {
  const files = { cert: join(folder, "cert.pem"), key: join(folder, "key.pem") };
  const kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-subj", "/CN=localhost"];
  const words = ["req", "-x509", "-nodes", "-days", "2", ...kind, "-keyout", files.key, "-out", files.cert];
  execFileSync("openssl", words, { stdio: "ignore" });
  return files;
}

const startOurs = (args = []) =>
  startServer([
    ...["--log-level", "error", "--turn-listen", "none", "--events-per-second", "0", "--ring-timeout", "180s"],
    ...["--recording-max-uploads-per-user", "1000", "--max-connections", "4000", ...args],
  ]);

// --- one upload ---

const authorization = (claims) => ({ Authorization: `Bearer ${token(claims)}` });

async function create(url, callId, length, who = recorder) {
  const metadata = [`callId ${Buffer.from(callId).toString("base64")}`, `filetype ${btoa("video/webm")}`];
  const answer = await fetch(`${url}/api/uploads`, {
    method: "POST",
    headers: {
      ...authorization(who),
      "Tus-Resumable": "1.0.0",
      "Upload-Metadata": metadata.join(","),
      ...(length === null ? { "Upload-Defer-Length": "1" } : { "Upload-Length": String(length) }),
    },
  });
  if (answer.status !== 201) throw new Error(`creation: ${answer.status} ${await answer.text()}`);
  return answer.headers.get("location");
}

/** curl with a file as the body; seconds from the start of it until the answer. */
async function curl(words) {
  const format = ["-sS", "-k", "-o", "/dev/null", "-w", "%{http_code} %{time_total} %{size_download}"];
  const { stdout } = await run("curl", [...format, ...words]);
  const [status, seconds, bytes] = stdout.split(" ").map(Number);
  if (status >= 300) throw new Error(`curl ${words.at(-1)}: ${status}`);
  return { seconds, bytes };
}

async function uploadOurs(server, callId, file) {
  const path = await create(server.url, callId, file.bytes);
  const headers = [
    `Authorization: Bearer ${token(recorder)}`,
    "Tus-Resumable: 1.0.0",
    "Upload-Offset: 0",
    "Content-Type: application/offset+octet-stream",
    "Expect:",
  ];
  const { seconds } = await curl([
    ...headers.flatMap((line) => ["-H", line]),
    "-X",
    "PATCH",
    "-T",
    file.path,
    server.url + path,
  ]);
  return { seconds, id: path.split("/").at(-1) };
}

function sync(path) {
  const file = openSync(path, "r+");
  fsyncSync(file);
  closeSync(file);
}

async function uploadNginx(nginx, file, name) {
  const startedAt = performance.now();
  await curl(["-H", "Expect:", "-T", file.path, `${nginx.url}/${name}`]);
  sync(join(nginx.files, name));
  return (performance.now() - startedAt) / 1000;
}

/** Is told of recordings: to ask for them again and again would cost a core a fifth of its time. */
async function listen(server) {
  const options = { transports: ["websocket"], rejectUnauthorized: false };
  const socket = io(`${server.url}/webrtc`, { auth: { token: token(recorder) }, ...options });
  const ready = new Map();
  socket.on("recording.ready", (told) => ready.set(told.recordingId, { ...told, at: performance.now() }));
  socket.once("connect_error", (error) => {
    throw error;
  });
  await once(socket, "connect");
  return { socket, ready };
}

/** Waits until it is told to be ready; seconds since the call of this. */
async function whenReady({ socket, ready }, id) {
  const startedAt = performance.now();
  while (!ready.has(id)) await once(socket, "recording.ready");
  return { ...ready.get(id), seconds: (ready.get(id).at - startedAt) / 1000 };
}

/** The most memory that the server has while `work` is under way, above what it has now, in MB. */
async function watchMemory(pid, everyMs, work) {
  const before = memory(pid).all;
  let most = before;
  const watch = setInterval(() => {
    most = Math.max(most, memory(pid).all);
  }, everyMs);
  const result = await work();
  clearInterval(watch);
  return { result, megabytes: (most - before) / 1000 };
}

/** A virtual machine's host takes memory back that was not used for a while, and gives it again slowly: who writes first
 *  after a pause would pay for all. So as much is written and freed before each measured write. */
function warmCache(path, times = 1) {
  const copies = Array.from({ length: times }, (_, n) => `${path}.warm${n}`);
  for (const copy of copies) copyFileSync(path, copy);
  for (const copy of copies) rmSync(copy);
}

/** A copy of the file by the system, on the disk at its end. */
async function copySeconds(path) {
  const to = `${path}.copy`;
  const startedAt = performance.now();
  copyFileSync(path, to);
  sync(to);
  const seconds = (performance.now() - startedAt) / 1000;
  rmSync(to);
  return seconds;
}

async function uploadsAndCompletion(server, nginx, callId, file) {
  const results = { ours: [], nginx: [], completing: [], copying: [], memory: [] };
  const ear = await listen(server);
  let id;
  for (let round = 0; round < rounds; round++) {
    warmCache(file.path);
    results.nginx.push(await uploadNginx(nginx, file, `upload${round}`));
    warmCache(file.path, 2); // the upload and what completing makes of it
    const upload = await uploadOurs(server, callId, file);
    results.ours.push(upload.seconds);
    id = upload.id;
    const watched = await watchMemory(server.pid, 20, () => whenReady(ear, id));
    results.completing.push(watched.result.seconds);
    results.memory.push(watched.megabytes);
    if (Math.abs(watched.result.durationMs / 1000 - file.seconds) > 1) throw new Error("a wrong duration");
    warmCache(file.path);
    results.copying.push(await copySeconds(file.path));
  }
  ear.socket.close();
  return { results, id };
}

// --- playing ---

async function played(pid, url, from) {
  const before = cpuUs(pid);
  const { seconds, bytes } = await curl(["-r", `${from}-`, url]);
  return { perSecond: bytes / seconds / 1e6, usPerMegabyte: (cpuUs(pid) - before) / (bytes / 1e6) };
}

async function playing(ours, nginx, id) {
  const link = (await send(ours.url, "GET", `/api/recordings/${id}/link`, recorder)).url;
  const kinds = {
    ours: { pid: ours.pid, url: ours.url + link },
    nginx: { pid: nginx.pid, url: `${ours.url.startsWith("https") ? nginx.tlsUrl : nginx.url}/upload0` },
  };
  const results = { ours: [], nginx: [] };
  for (let round = -1; round < 5; round++)
    for (const [name, { pid, url }] of Object.entries(kinds)) {
      const one = await played(pid, url, 1_000_000);
      if (round >= 0) results[name].push(one);
    }
  return results;
}

// --- many uploads ---

/** Candidates relayed by the server that `load` plays against, amid uploads into `target`; and what these take there.
 *  Elsewhere uploaders have machines of their own: here they take what is left of two cores. */
async function amidUploads(load, target, calls) {
  const mine = [];
  for (let i = 0; i < uploads; i++) {
    const who = { sub: `u${2 * (i % calls.length)}`, recorder: true };
    mine.push({ who, path: await create(target.url, calls[i % calls.length], null, who) });
  }
  const { result, megabytes: more } = await watchMemory(target.pid, 500, async () => {
    const seconds = (rampMs + relayMs + 1500) / 1000;
    const words = [new URL(target.url).port, bytesPerSecond, seconds].map(String);
    const command = ["-i", "0", join(build, "bench/recording/upload_load"), ...words];
    const client = spawn("chrt", command, { stdio: ["pipe", "pipe", "inherit"] });
    client.stdin.end(mine.map(({ who, path }) => `${path} ${token(who)}\n`).join(""));
    let told = "";
    client.stdout.on("data", (text) => {
      told += text;
    });
    const ended = new Promise((done) => client.once("exit", done));
    await sleep(rampMs);
    const relayed = await load.run(`candidate 0 1000 ${relayMs}`);
    if (await ended) throw new Error("the uploads failed");
    return { relayed, rate: JSON.parse(told).bytesPerSecond };
  });
  for (const { who, path } of mine) {
    const headers = { ...authorization(who), "Tus-Resumable": "1.0.0" };
    await fetch(target.url + path, { method: "DELETE", headers });
  }
  await sleep(2000);
  return { ...result, memory: more };
}

/** p99 of candidates relayed at a modest pace, in turns: with nothing else, amid uploads into a process that throws them
 * away (what sharing the machine with their clients costs), and amid uploads into the same; and the memory. */
async function many() {
  const server = await startOurs();
  const sink = await startProgram(join(build, "bench/recording/upload_sink"), []);
  const calls = await makeCalls(server.url, 50);
  const load = await startLoad(server, "websocket", 100, calls, { LOAD_PROMPT: "1" });
  const results = { idle: [], thrown: [], busy: [], memory: [], rates: [] };
  try {
    await load.run(`candidate 0 1000 ${relayMs}`);
    for (let round = 0; round < rounds; round++) {
      results.idle.push(await load.run(`candidate 0 1000 ${relayMs}`));
      results.thrown.push((await amidUploads(load, sink, calls)).relayed);
      const amid = await amidUploads(load, server, calls);
      results.busy.push(amid.relayed);
      results.rates.push(amid.rate);
      results.memory.push(amid.memory);
    }
  } finally {
    await load.stop();
    await sink.stop();
    await server.stop();
  }
  return results;
}

// --- the table ---

const fixed = (value, n = 2) => value.toFixed(n);
const ratioOf = (theirs, ours) => median(ours.map((value, i) => theirs[i] / value));

function uploadRows({ ours, nginx, completing, copying, memory: used }) {
  const speed = ratioOf(nginx, ours);
  const share = median(completing.map((value, i) => value / copying[i]));
  return [
    {
      what: `upload of ${megabytes} MB, durable at the end`,
      value: `${fixed(median(ours))} s, nginx's PUT and fsync ${fixed(median(nginx))}: ${fixed(speed)} x`,
      goal: ">= 0.8 x",
      good: speed >= 0.8,
    },
    {
      what: `completing ${megabytes} MB`,
      value: `${fixed(median(completing))} s, a copy ${fixed(median(copying))}: ${fixed(share)} x`,
      goal: "<= 1 x a copy",
      good: share <= 1,
    },
    {
      what: "memory for completing",
      value: `${fixed(Math.max(...used), 1)} MB`,
      goal: "< 16 MB",
      good: Math.max(...used) < 16,
    },
  ];
}

function manyRows({ idle, thrown, busy, memory: used, rates }) {
  const times = (list, base) => median(list.map((one, i) => one.p99ms / base[i].p99ms));
  const p99 = (list) => fixed(median(list.map((one) => one.p99ms)), 3);
  const most = Math.max(...used);
  const ratio = times(busy, idle);
  const floor = `${fixed(times(thrown, idle))} x where they are thrown away (${p99(thrown)} ms)`;
  return [
    {
      what: `${uploads} uploads (${fixed(median(rates) / 1e6, 0)} MB/s together): memory above idle`,
      value: `${fixed(most, 1)} MB`,
      goal: "< 60 MB",
      good: most < 60,
    },
    {
      what: `p99 of 1,000 candidates a second amid ${uploads} uploads`,
      value: `${p99(busy)} ms, idle ${p99(idle)}: ${fixed(ratio)} x; ${floor}`,
      goal: "<= 1.5 x",
      good: ratio <= 1.5,
    },
  ];
}

function playRow(name, { ours, nginx }, least) {
  const of = (list, key) => list.map((one) => one[key]);
  const cpu = ratioOf(of(nginx, "usPerMegabyte"), of(ours, "usPerMegabyte"));
  const us = (list) => fixed(median(of(list, "usPerMegabyte")), 0);
  const speed = (list) => fixed(median(of(list, "perSecond")), 0);
  return {
    what: `playing a range of ${megabytes} MB, ${name}: the server's CPU`,
    value: `${us(ours)} us/MB, nginx ${us(nginx)}: ${fixed(cpu)} x (${speed(ours)} MB/s, nginx ${speed(nginx)})`,
    goal: `>= ${least} x`,
    good: cpu >= least,
  };
}

function writeResult(rows) {
  const commit = execFileSync("git", ["-C", here, "rev-parse", "--short", "HEAD"], { encoding: "utf8" }).trim();
  const nginx = spawnSync("/usr/sbin/nginx", ["-v"], { encoding: "utf8" }).stderr.replace("nginx version: ", "").trim();
  const lines = [
    "# Recordings beside nginx",
    "",
    `Commit ${commit}, ${new Date().toISOString().slice(0, 10)}; ${cpus().length} cores (${cpus()[0]?.model}), Linux ${release()},`,
    `${nginx}. Interleaved in one session, medians of ${rounds} rounds (playing: 5); files of ${megabytes} MB.`,
    "",
    "| what | measured | goal | met |",
    "|---|---|---|---|",
    ...rows.map(({ what, value, goal, good }) => `| ${what} | ${value} | ${goal} | ${good ? "yes" : "no"} |`),
  ];
  mkdirSync(join(here, "results"), { recursive: true });
  writeFileSync(join(here, "results/recording.md"), `${lines.join("\n")}\n`);
}

async function oneByOne(rows) {
  const tls = certificate();
  const file = { path: join(folder, "call.webm") };
  Object.assign(file, writeWebm(file.path, megabytes * 1e6));
  const nginx = await startNginx(tls);
  const open = [nginx];
  try {
    for (const kind of ["plain", "TLS"]) {
      const server = await startOurs(kind === "TLS" ? ["--tls-cert", tls.cert, "--tls-key", tls.key] : []);
      open.push(server);
      const [callId] = await makeCalls(server.url, 1);
      if (kind === "plain") {
        const { results, id } = await uploadsAndCompletion(server, nginx, callId, file);
        rows.push(...uploadRows(results), playRow(kind, await playing(server, nginx, id), 0.5));
      } else {
        const ear = await listen(server);
        const { id } = await uploadOurs(server, callId, file);
        await whenReady(ear, id);
        ear.socket.close();
        rows.push(playRow(kind, await playing(server, nginx, id), 0.8));
      }
    }
  } finally {
    for (const one of open.reverse()) await one.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

export default async function bench() {
  await buildLoad();
  await run("ninja", ["-C", build, "bench/recording/upload_load", "bench/recording/upload_sink"]);
  process.env.NODE_TLS_REJECT_UNAUTHORIZED = "0"; // of this bench's own certificate
  const rows = [];
  const parts = process.env.BENCH_PARTS ?? "one many";
  if (parts.includes("one")) await oneByOne(rows);
  if (parts.includes("many")) rows.push(...manyRows(await many()));
  if (process.env.BENCH_VERBOSE) console.error(rows);
  if (record) writeResult(rows);
  return rows;
}

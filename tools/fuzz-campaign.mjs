// `node tools/fuzz-campaign.mjs [minutes] [limit]`: a long run over all fuzz targets under the sanitizers, in idle
// priority, until each has run for so many minutes without reaching anything new [60], or for `limit` minutes [no limit].
// Two processes: the whole connection in one, in the other the rest in turns, always the one that has grown last, so that
// those that don't grow any more give their time to others; then both take what is left. Minutes of a target are those
// that it computed. A run goes on where the last one stopped: what bench/results/fuzz.md tells of a target counts as long
// as the target's sources are the same. It is written as the run goes (what stands under "## Before" stays); each growth
// goes into build-fuzz/campaign.log. FUZZ_PIDS names a file for the processes' ids: who measures something meanwhile may
// stop them.
import { appendFileSync, copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { buildTargets, corporaOf, fuzz, keepFinds, progressOf } from "./lib/fuzz.mjs";
import { root, run, tail } from "./lib/run.mjs";

const wanted = Number(process.argv[2] ?? 60);
const limit = Number(process.argv[3] ?? Number.POSITIVE_INFINITY);
const alone = "connection";
const turn = 300; // seconds
const seed = Number(process.env.FUZZ_SEED ?? 1 + Math.floor(Math.random() * 1e6));
const results = join(root, "bench/results/fuzz.md");
const told = readFileSync(results, "utf8");
const before = /\n## Before\n[\s\S]*/.exec(told)?.[0] ?? "";
const programs = join(root, "build-fuzz", `campaign-${process.pid}`);
const log = join(root, "build-fuzz/campaign.log");
const ticksPerMinute = 60 * 100;
const begun = Date.now();
const minutesNow = () => (Date.now() - begun) / 60000;
const pids = new Set();
let nTurns = 0;

/** What earlier runs over the same sources came to. */
function soFar({ name, sources }) {
  const row = told.split("\n").find((line) => line.startsWith(`| ${name} |`) && line.endsWith(` ${sources} |`));
  if (!row) return { runs: 0, minutes: 0, first: 0, last: 0, grewAt: 0, crashes: 0 };
  const [, , runs, minutes, edges, , calm, crashes] = row.split("|");
  const [first, last] = edges.split("→").map(Number);
  const grewAt = Number(minutes) - Number(calm);
  return { runs: Number(runs), minutes: Number(minutes), first, last, grewAt, crashes: Number(crashes) };
}

/** Programs of their own, so that a build meanwhile disturbs nothing. */
function ownProgram(target) {
  mkdirSync(programs, { recursive: true });
  const [program, words] = [join(programs, target.name), join(programs, `${target.name}.dict`)];
  copyFileSync(target.program, program);
  copyFileSync(target.words, words);
  return { name: target.name, sources: target.sources, program, words, isRunning: false, ...soFar(target) };
}

/** Minutes that a process has computed; 0 when it is gone. */
function computed(pid) {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1].split(" ");
    return (Number(fields[11]) + Number(fields[12])) / ticksPerMinute;
  } catch {
    return 0;
  }
}

function notePids() {
  if (process.env.FUZZ_PIDS) writeFileSync(process.env.FUZZ_PIDS, [...pids].join("\n"));
}

function noteGrowth(target, last) {
  target.grewAt = target.minutes;
  const at = `${minutesNow().toFixed(1)} min, of its own ${target.minutes.toFixed(1)}`;
  appendFileSync(log, `${target.name} ${target.last} → ${last} ${at}\n`);
}

/** Looks on at a turn: what it computes, and each growth. */
function watch(target, child) {
  const before = target.minutes;
  const look = () => {
    target.minutes = Math.max(target.minutes, before + computed(child.pid));
  };
  const timer = setInterval(look, 1000);
  pids.add(child.pid);
  notePids();
  let isLoaded = false;
  createInterface({ input: child.stderr }).on("line", (line) => {
    const { first, last } = progressOf(line);
    const isLoading = !isLoaded && !first;
    isLoaded ||= first > 0;
    if (isLoading || last <= target.last) return;
    look();
    if (target.last) noteGrowth(target, last);
    target.first ||= first;
    target.last = last;
  });
  child.on("exit", () => {
    clearInterval(timer);
    pids.delete(child.pid);
    notePids();
  });
}

async function take(target, seconds) {
  const result = await fuzz(target, seconds, {
    options: [`-seed=${seed + nTurns++}`, "-timeout=1200", "-report_slow_units=1200"], // it may be stopped
    command: ["chrt", "-i", "0"],
    onStart: (child) => watch(target, child),
  });
  target.runs += result.runs;
  if (result.good) return;
  target.crashes++;
  console.log(`${target.name} crashed\n${tail(result.output, 50)}`);
}

const calm = (target) => target.minutes - target.grewAt;
const isOver = () => minutesNow() >= limit;

/** Turns of these targets until all of them are calm; never one that another lane has at work. */
async function lane(targets) {
  for (;;) {
    const free = targets.filter((target) => !target.isRunning && calm(target) < wanted);
    if (!free.length || isOver()) return;
    const next = free.reduce((a, b) => (calm(b) < calm(a) ? b : a));
    const left = (limit - minutesNow()) * 60;
    next.isRunning = true;
    await take(next, Math.ceil(Math.min(turn, left)));
    next.isRunning = false;
    writeFileSync(results, report());
  }
}

/** One's own first, then what is left of all. */
async function laneOf(own) {
  await lane(own);
  await lane(targets);
}

function row(t) {
  const size = readdirSync(corporaOf(t.name).kept).length;
  const grew = t.grewAt ? t.grewAt.toFixed(1) : "never";
  const times = `${t.minutes.toFixed(1)} | ${t.first} → ${t.last} | ${grew} | ${calm(t).toFixed(1)}`;
  return `| ${t.name} | ${t.runs} | ${times} | ${t.crashes} | ${size} | ${t.sources} |`;
}

function report() {
  const goal = `until each had run ${wanted} minutes without growth${Number.isFinite(limit) ? `, or ${limit} minutes were over` : ""}`;
  return `# The last long fuzzing run

\`node tools/fuzz-campaign.mjs ${process.argv.slice(2).join(" ")}\` of ${new Date(begun).toISOString().slice(0, 10)}: commit ${commit}, seed ${seed} (plus the turn),
AddressSanitizer and UndefinedBehaviorSanitizer, ${cpus().length} × ${cpus()[0].model.trim()}, in idle priority beside other
work; ${goal}.
It took ${minutesNow().toFixed(0)} minutes, ${nTurns} turns, and went on where earlier runs over the same sources (the last column is
their digest) had stopped: figures are of all together. Minutes are those that a target computed; edges are counted in our code
and llhttp; the first figure is what was reached by the inputs that were there before.

| target | executions | minutes | edges | last growth, at min | minutes since | crashes | inputs kept | sources |
|---|---|---|---|---|---|---|---|---|
${targets.map(row).join("\n")}
${before}`;
}

const targets = (await buildTargets()).map(ownProgram);
const commit = (await run("git", ["rev-parse", "--short", "HEAD"])).output.trim();
const [single, rest] = [targets.filter((t) => t.name === alone), targets.filter((t) => t.name !== alone)];
writeFileSync(log, "");
await Promise.all([laneOf(single), laneOf(rest)]);
for (const target of targets) await keepFinds(target);
writeFileSync(results, report());
rmSync(programs, { recursive: true });
process.exit(targets.some((target) => target.crashes) ? 1 : 0);

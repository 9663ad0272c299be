// `node tools/fuzz-campaign.mjs [minutes]`: a long run over all targets in turns, one process at a time, the wider
// targets longer. Writes bench/results/fuzz.md after every round, and ends after a whole round past its time.
import { copyFileSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";
import { buildTargets, corporaOf, folder, fuzz, keepFinds } from "./lib/fuzz.mjs";
import { root, run, tail } from "./lib/run.mjs";

const minutes = Number(process.argv[2] ?? 60);
const shareSeconds = Number(process.env.FUZZ_SHARE_SECONDS ?? 20);
const shares = { connection: 8, secure: 3, http: 3, turn: 2 };
const seed = Number(process.env.FUZZ_SEED ?? 1 + Math.floor(Math.random() * 1e6));
const begun = Date.now();

// Programs of their own, so that a build meanwhile disturbs nothing.
const names = await buildTargets();
const programs = join(folder, `campaign-${process.pid}`);
mkdirSync(programs, { recursive: true });
const targets = names.map((name) => {
  const program = join(programs, name);
  copyFileSync(join(folder, `fuzz/fuzz_${name}`), program);
  return { name, program, corpora: corporaOf(name), runs: 0, seconds: 0, first: 0, last: 0, grewAt: 0, crashes: 0 };
});
const commit = (await run("git", ["rev-parse", "--short", "HEAD"])).output.trim();

async function take(target, round) {
  const seconds = shareSeconds * (shares[target.name] ?? 1);
  const result = await fuzz(target.program, target.corpora, seconds, [`-seed=${seed + round}`]);
  target.runs += result.runs;
  target.seconds += seconds;
  target.first ||= result.first;
  if (result.last > target.last) {
    target.last = result.last;
    target.grewAt = Date.now() - begun;
  }
  if (result.good) return;
  target.crashes++;
  console.log(`${target.name} crashed in round ${round}\n${tail(result.output, 50)}`);
}

function report(round) {
  const rows = targets.map((t) => {
    const size = readdirSync(t.corpora.kept).length;
    const grew = (t.grewAt / 60000).toFixed(0);
    return `| ${t.name} | ${t.runs} | ${t.seconds} | ${t.first} → ${t.last} | ${grew} | ${t.crashes} | ${size} |`;
  });
  const wall = ((Date.now() - begun) / 60000).toFixed(0);
  return `# The last long fuzzing run

\`node tools/fuzz-campaign.mjs ${minutes}\` of ${new Date(begun).toISOString().slice(0, 10)}: commit ${commit}, seed ${seed} (plus
the round), AddressSanitizer and UndefinedBehaviorSanitizer, ${cpus().length} × ${cpus()[0].model.trim()}, shared
with other work. The targets took turns, one process at a time: ${round} rounds in ${wall} minutes. Edges are counted in our code;
the first figure is what the kept corpus reached before the run, the time is that of the last turn in which a new one was met.

| target | executions | seconds | edges | last growth, min | crashes | inputs kept |
|---|---|---|---|---|---|---|
${rows.join("\n")}
`;
}

for (let round = 1; ; round++) {
  for (const target of targets) await take(target, round);
  const over = Date.now() - begun >= minutes * 60000;
  if (over) for (const target of targets) await keepFinds(target.program, target.corpora);
  writeFileSync(join(root, "bench/results/fuzz.md"), report(round));
  console.log(`round ${round} done`);
  if (over) break;
}
process.exit(targets.some((target) => target.crashes) ? 1 : 0);

// `make fuzz`: runs libFuzzer on every target for FUZZ_SECONDS each, or on those named as arguments. New inputs that
// reach new code are added to fuzz/corpus/<name>; what crashed stays there too, as crash-…, so that it is replayed.
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { buildTargets, corporaOf, folder, fuzz, keepFinds } from "./lib/fuzz.mjs";
import { inParallel, tail } from "./lib/run.mjs";

const limit = Number(process.env.FUZZ_SECONDS ?? 60);
const all = await buildTargets().catch((error) => {
  console.error(tail(error.message));
  process.exit(1);
});
const chosen = process.argv.slice(2);
const names = chosen.length ? chosen : all;
const unknown = names.find((name) => !all.includes(name));
if (unknown) {
  console.error(`fuzz: no target ${unknown}; there are ${all.join(", ")}`);
  process.exit(2);
}

async function fuzzOne(name) {
  const program = join(folder, `fuzz/fuzz_${name}`);
  const corpora = corporaOf(name);
  const before = readdirSync(corpora.kept).length;
  const result = await fuzz(program, corpora, limit);
  if (result.good) await keepFinds(program, corpora);
  const found = readdirSync(corpora.kept).length - before;
  const outcome = result.good ? "" : ", CRASHED";
  console.log(`${name.padEnd(16)} ${result.runs} runs, ${result.last} edges, ${found} new inputs${outcome}`);
  if (!result.good) console.log(tail(result.output, 50));
  return result.good;
}

console.log(`fuzzing ${names.length} targets for ${limit} s each`);
const outcomes = await inParallel(names.map((name) => () => fuzzOne(name)));
const failed = outcomes.filter((good) => !good).length;
console.log(`${outcomes.length - failed} passed, ${failed} failed`);
process.exit(failed || !outcomes.length ? 1 : 0);

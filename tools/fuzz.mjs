// `make fuzz`: runs libFuzzer on every target for FUZZ_SECONDS each, or on those named as arguments. New inputs that
// reach new code are added to fuzz/corpus/<name>; what crashed stays there too, as crash-…, so that it is replayed.
// `--fast` builds without the sanitizers; what begins with one dash is an option of libFuzzer's.
import { readdirSync } from "node:fs";
import { buildTargets, corporaOf, fuzz, keepFinds } from "./lib/fuzz.mjs";
import { inParallel, tail } from "./lib/run.mjs";

const limit = Number(process.env.FUZZ_SECONDS ?? 60);
const words = process.argv.slice(2);
const options = words.filter((word) => /^-[^-]/.test(word));
const chosen = words.filter((word) => !word.startsWith("-"));
const all = await buildTargets(words.includes("--fast") ? "fast" : "sanitized").catch((error) => {
  console.error(tail(error.message));
  process.exit(1);
});
const unknown = chosen.find((name) => !all.some((target) => target.name === name));
if (unknown) {
  console.error(`fuzz: no target ${unknown}; there are ${all.map((target) => target.name).join(", ")}`);
  process.exit(2);
}
const targets = all.filter((target) => !chosen.length || chosen.includes(target.name));

async function fuzzOne(target) {
  const { kept } = corporaOf(target.name);
  const before = readdirSync(kept).length;
  const result = await fuzz(target, limit, { options });
  if (result.good) await keepFinds(target);
  const found = readdirSync(kept).length - before;
  const outcome = result.good ? "" : ", CRASHED";
  console.log(`${target.name.padEnd(16)} ${result.runs} runs, ${result.last} edges, ${found} new inputs${outcome}`);
  if (!result.good) console.log(tail(result.output, 50));
  return result.good;
}

console.log(`fuzzing ${targets.length} targets for ${limit} s each`);
const outcomes = await inParallel(targets.map((target) => () => fuzzOne(target)));
const failed = outcomes.filter((good) => !good).length;
console.log(`${outcomes.length - failed} passed, ${failed} failed`);
process.exit(failed || !outcomes.length ? 1 : 0);

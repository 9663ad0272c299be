// `make fuzz`: runs libFuzzer on every target for FUZZ_SECONDS each, or on those named as arguments. New inputs that
// reach new code are added to fuzz/corpus/<name>; what crashed stays there too, as crash-…, so that it is replayed.
import { mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { inParallel, meson, root, run, tail } from "./lib/run.mjs";

const limit = Number(process.env.FUZZ_SECONDS ?? 60);
const folder = "build-fuzz";

const built = await meson(folder, {
  cc: "clang",
  options: [
    "-Dfuzzer=true",
    "-Db_sanitize=address,undefined",
    "-Db_lundef=false",
    "-Dc_args=-fsanitize=fuzzer-no-link",
  ],
  targets: ["fuzz"],
});
if (built.code !== 0) {
  console.error(tail(built.output));
  process.exit(1);
}

const all = readdirSync(join(root, folder, "fuzz"))
  .map((file) => /^fuzz_(\w+)$/.exec(file)?.[1])
  .filter(Boolean);
const chosen = process.argv.slice(2);
const names = chosen.length ? chosen : all;
const unknown = names.find((name) => !all.includes(name));
if (unknown) {
  console.error(`fuzz: no target ${unknown}; there are ${all.join(", ")}`);
  process.exit(2);
}

const env = { UBSAN_OPTIONS: "halt_on_error=1:print_stacktrace=1" };

async function fuzz(name) {
  const program = join(root, folder, `fuzz/fuzz_${name}`);
  const corpus = join(root, "fuzz/corpus", name);
  const work = join(root, folder, "corpus", name);
  for (const path of [corpus, work]) mkdirSync(path, { recursive: true });
  const before = readdirSync(corpus).length;
  const result = await run(
    program,
    [
      work,
      corpus,
      `-artifact_prefix=${corpus}/`,
      `-max_total_time=${limit}`,
      "-max_len=16384",
      "-timeout=10",
      "-rss_limit_mb=1024",
    ],
    { env, timeoutMs: (limit + 120) * 1000 },
  );
  // Of what was found, only what reaches code that the corpus does not reach yet.
  if (result.code === 0) await run(program, ["-merge=1", corpus, work], { env });
  const runs = /^Done (\d+) runs/m.exec(result.output)?.[1] ?? "?";
  const cover = [...result.output.matchAll(/cov: (\d+)/g)].at(-1)?.[1] ?? "?";
  const found = readdirSync(corpus).length - before;
  const outcome = result.code === 0 ? "" : ", CRASHED";
  console.log(`${name.padEnd(16)} ${runs} runs, ${cover} edges, ${found} new inputs${outcome}`);
  if (result.code !== 0) console.log(tail(result.output, 50));
  return result.code === 0;
}

console.log(`fuzzing ${names.length} targets for ${limit} s each`);
const outcomes = await inParallel(names.map((name) => () => fuzz(name)));
const failed = outcomes.filter((good) => !good).length;
console.log(`${outcomes.length - failed} passed, ${failed} failed`);
process.exit(failed || !outcomes.length ? 1 : 0);

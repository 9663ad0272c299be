// The fuzz targets: built with libFuzzer, run, and their finds merged into fuzz/corpus/<name>.
import { mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { digestOf, sourcesOf, writeWords } from "./fuzz-sources.mjs";
import { meson, root, run } from "./run.mjs";

const env = { UBSAN_OPTIONS: "halt_on_error=1:print_stacktrace=1" };

/** With the sanitizers; and without, several times as fast, for finding what reaches new code. */
const flavours = {
  sanitized: { folder: "build-fuzz", options: ["-Db_sanitize=address,undefined"] },
  fast: { folder: "build-fuzz-fast", options: ["-Doptimization=2"] },
};

async function describe(folder, name) {
  const sources = await sourcesOf(folder, `fuzz/fuzz_${name}`);
  const program = join(folder, `fuzz/fuzz_${name}`);
  const words = `${program}.dict`;
  writeWords(sources, words);
  return { name, program, words, sources: digestOf(sources) };
}

/** Builds all targets. Returns {name, program, words: a dictionary, sources: their digest}; what the compiler says is an error. */
export async function buildTargets(flavour = "sanitized") {
  const { folder, options } = flavours[flavour];
  const built = await meson(folder, {
    cc: "clang",
    options: ["-Dfuzzer=true", ...options, "-Db_lundef=false", "-Dc_args=-fsanitize=fuzzer-no-link"],
    targets: ["fuzz"],
  });
  if (built.code !== 0) throw new Error(built.output);
  const names = readdirSync(join(root, folder, "fuzz")).map((file) => /^fuzz_(\w+)$/.exec(file)?.[1]);
  return Promise.all(names.filter(Boolean).map((name) => describe(join(root, folder), name)));
}

/** Where a target's inputs lie: those that are kept, and those of runs on this machine. */
export function corporaOf(name) {
  const kept = join(root, "fuzz/corpus", name);
  const work = join(root, "build-fuzz/corpus", name);
  for (const path of [kept, work]) mkdirSync(path, { recursive: true });
  return { kept, work };
}

/**
 * Runs one target for so many seconds. What crashes it stays among the kept inputs. `options` are libFuzzer's, the later
 * ones win; `command` stands before the program; `onStart` gets the child.
 */
export async function fuzz({ name, program, words }, seconds, { options = [], command = [], onStart } = {}) {
  const { kept, work } = corporaOf(name);
  const bounds = ["-max_len=16384", "-timeout=10", "-rss_limit_mb=2048", "-print_final_stats=1"];
  const places = [work, kept, `-artifact_prefix=${kept}/`, `-dict=${words}`];
  const [first, ...rest] = [...command, program, ...places, `-max_total_time=${seconds}`, ...bounds, ...options];
  const { code, output } = await run(first, rest, { env, timeoutMs: (seconds + 1800) * 1000, onStart });
  return { good: code === 0, output, ...progressOf(output) };
}

/** What libFuzzer's output tells: executions, and the edges that the corpus reached and that are reached now. */
export function progressOf(output) {
  const covers = [...output.matchAll(/cov: (\d+)/g)].map(([, edges]) => Number(edges));
  const runs = [...output.matchAll(/^#(\d+)\t/gm)].map(([, count]) => Number(count));
  const first = Number(/INITED cov: (\d+)/.exec(output)?.[1] ?? 0);
  return { runs: runs.at(-1) ?? 0, first, last: covers.at(-1) ?? 0 };
}

/** Of what was found, keeps only what reaches code that the kept inputs do not reach yet. */
export async function keepFinds({ name, program }) {
  const { kept, work } = corporaOf(name);
  await run(program, ["-merge=1", "-use_counters=0", "-rss_limit_mb=2048", kept, work], { env });
}

// The fuzz targets: built with libFuzzer and the sanitizers, run, and their finds merged into fuzz/corpus/<name>.
import { mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { meson, root, run } from "./run.mjs";

export const folder = join(root, "build-fuzz");
const env = { UBSAN_OPTIONS: "halt_on_error=1:print_stacktrace=1" };

/** Builds all targets; returns their names, or the compiler's output as an error. */
export async function buildTargets() {
  const built = await meson("build-fuzz", {
    cc: "clang",
    options: [
      "-Dfuzzer=true",
      "-Db_sanitize=address,undefined",
      "-Db_lundef=false",
      "-Dc_args=-fsanitize=fuzzer-no-link",
    ],
    targets: ["fuzz"],
  });
  if (built.code !== 0) throw new Error(built.output);
  return readdirSync(join(folder, "fuzz"))
    .map((file) => /^fuzz_(\w+)$/.exec(file)?.[1])
    .filter(Boolean);
}

/** Where a target's inputs lie: those that are kept, and those of runs on this machine. */
export function corporaOf(name) {
  const kept = join(root, "fuzz/corpus", name);
  const work = join(folder, "corpus", name);
  for (const path of [kept, work]) mkdirSync(path, { recursive: true });
  return { kept, work };
}

/** Runs one target for so many seconds. What crashes it stays among the kept inputs. */
export async function fuzz(program, { kept, work }, seconds, options = []) {
  const bounds = ["-max_len=16384", "-timeout=10", "-rss_limit_mb=1024", "-print_final_stats=1"];
  const args = [work, kept, `-artifact_prefix=${kept}/`, `-max_total_time=${seconds}`, ...bounds, ...options];
  const { code, output } = await run(program, args, { env, timeoutMs: (seconds + 120) * 1000 });
  const covers = [...output.matchAll(/cov: (\d+)/g)].map(([, edges]) => Number(edges));
  return {
    good: code === 0,
    output,
    runs: Number(/number_of_executed_units: (\d+)/.exec(output)?.[1] ?? 0),
    first: covers[0] ?? 0,
    last: covers.at(-1) ?? 0,
  };
}

/** Of what was found, keeps only what reaches code that the kept inputs do not reach yet. */
export async function keepFinds(program, { kept, work }) {
  await run(program, ["-merge=1", "-use_counters=0", kept, work], { env });
}

// `make check`: everything that can be seen without running the product; one line per step, what is wrong in full.
// Arguments choose steps by name.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";
import { buildAll, inParallel, meson, root, run, seconds, tail } from "./lib/run.mjs";

const good = { code: 0, output: "" };
const merge = (results) => ({
  code: results.some(({ code }) => code !== 0) ? 1 : 0,
  output: results
    .filter(({ code }) => code !== 0)
    .map(({ output }) => output.trimEnd())
    .join("\n"),
});

const listed = async (...patterns) =>
  (await run("git", ["ls-files", ...patterns])).stdout
    .split("\n")
    .filter((file) => file && existsSync(join(root, file)));

/** The files of a list in as many parts as there are cores. */
function parts(files, count = cpus().length) {
  const size = Math.ceil(files.length / count);
  return Array.from({ length: count }, (_, part) => files.slice(part * size, (part + 1) * size)).filter(
    (p) => p.length,
  );
}

async function format() {
  const files = await listed("server/*.[ch]", "fuzz/*.[ch]");
  return run("clang-format", ["--dry-run", "-Werror", ...files]);
}

const strict = ["-Dwerror=true"];
const gcc = () => meson("build-check-gcc", { cc: "gcc", options: strict });
const clang = () => meson("build-check-clang", { cc: "clang", options: strict });

/** clang-tidy over the server's files; it does not know that cmocka's fail() never returns, so not over the tests. */
async function tidy() {
  const database = join(root, "build-check-clang/compile_commands.json");
  const compiled = JSON.parse(readFileSync(database, "utf8"));
  const files = [...new Set(compiled.map(({ directory, file }) => join(directory, file)))];
  const ours = files.filter((file) => /\/server\/src\//.test(file));
  const jobs = parts(ours, Math.ceil(ours.length / 4)).map((part) => async () => {
    const result = await run("clang-tidy", ["-p", "build-check-clang", "--quiet", ...part]);
    return {
      code: result.code,
      output: result.stdout.match(/^.*(?:error|warning): .*$/gm)?.join("\n") ?? result.output,
    };
  });
  return merge(await inParallel(jobs));
}

/** tsc for every package that has a tsconfig.json. */
async function types() {
  const folders = ["packages", "apps"].flatMap((parent) =>
    readdirSync(join(root, parent)).map((name) => `${parent}/${name}`),
  );
  const projects = [...folders, "tests"].filter((folder) => existsSync(join(root, folder, "tsconfig.json")));
  return merge(await inParallel(projects.map((project) => () => run("tsc", ["--noEmit", "-p", project]))));
}

/** The lock file must name packages, not the registry that they came from on somebody's machine. */
async function lock() {
  const text = readFileSync(join(root, "package-lock.json"), "utf8");
  const addresses = text.match(/"resolved": "https?:.*"/g);
  return addresses ? { code: 1, output: `package-lock.json holds addresses: ${addresses[0]}` } : good;
}

const steps = {
  format,
  layers: () => run("node", ["tools/layers.mjs"]),
  protocol: () => run("node", ["tools/gen-protocol.mjs", "--check"]),
  docs: () => run("node", ["tools/gen-docs.mjs", "--check"]),
  lock,
  lint: () => run("biome", ["check", "--error-on-warnings", "--max-diagnostics=40"]),
  gcc,
  clang,
  tidy,
  build: buildAll,
  types,
};

const chosen = process.argv.slice(2);
const startedAt = Date.now();
let failed = 0;
let passed = 0;
for (const [name, step] of Object.entries(steps)) {
  if (chosen.length && !chosen.includes(name)) continue;
  const from = Date.now();
  const result = await step().catch((error) => ({ code: 1, output: error.stack }));
  console.log(`${name.padEnd(12)} ${result.code === 0 ? "ok" : "FAILED"} (${seconds(from)})`);
  if (result.code === 0) passed += 1;
  else {
    failed += 1;
    console.log(`${tail(result.output, 80)}\n`);
  }
}
console.log(`check took ${seconds(startedAt)}`);
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed || !passed ? 1 : 0);

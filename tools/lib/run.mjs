// What the tools share: running programs quietly, meson build folders, one line per step.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { cpus } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = join(dirname(fileURLToPath(import.meta.url)), "../..");
export const cores = cpus().length;
const binaries = join(root, "node_modules/.bin");

/** The environment in which the tools run: the pinned Node and the workspace's programs come first. */
export const environment = { ...process.env, PATH: `${binaries}:${process.env.PATH}`, FORCE_COLOR: "0" };

/**
 * Runs a program to its end with its output collected, not shown.
 * Never throws: a program that cannot be started counts as ended with code 127, one past its time with 124.
 * `onStart` gets the child, `onOutput` each piece of what it prints, for those who want to look on.
 */
export function run(
  command,
  args,
  { cwd = root, env = {}, timeoutMs = 600_000, onStart = () => {}, onOutput = () => {} } = {},
) {
  return new Promise((done) => {
    const child = spawn(command, args, { cwd, env: { ...environment, ...env }, stdio: ["ignore", "pipe", "pipe"] });
    let stdout = "";
    let stderr = "";
    let output = "";
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      child.kill("SIGKILL");
    }, timeoutMs);
    const collect = (text, isError) => {
      if (isError) stderr += text;
      else stdout += text;
      output += text;
    };
    child.stdout.setEncoding("utf8").on("data", (text) => {
      collect(text, false);
      onOutput(text);
    });
    child.stderr.setEncoding("utf8").on("data", (text) => collect(text, true));
    onStart(child);
    child.on("error", (error) => {
      clearTimeout(timer);
      done({ code: 127, stdout, stderr, output: `${output}${error.message}\n` });
    });
    child.on("close", (code, signal) => {
      clearTimeout(timer);
      if (late) output += `\nended after ${timeoutMs / 1000} s\n`;
      done({ code: late ? 124 : (code ?? 128), signal, stdout, stderr, output });
    });
  });
}

/** Runs the jobs, `width` at a time, in order of the list; the results are in the list's order too. */
export async function inParallel(jobs, width = cores) {
  const results = [];
  let next = 0;
  const worker = async () => {
    while (next < jobs.length) {
      const mine = next++;
      results[mine] = await jobs[mine]();
    }
  };
  await Promise.all(Array.from({ length: Math.min(width, jobs.length) }, worker));
  return results;
}

/** Configures (once) and builds a meson folder; answers the result of the step that failed, or of the build. */
export async function meson(folder, { cc = "gcc", options = [], targets = [] } = {}) {
  if (!existsSync(join(root, folder, "build.ninja"))) {
    const setup = await run("meson", ["setup", folder, ...options], { env: { CC: cc } });
    if (setup.code !== 0) return setup;
  }
  return run("ninja", ["-C", folder, "--quiet", ...targets]);
}

/** Builds the server, the packages and the demo. */
export const buildAll = () => run(join(root, "tools/build.sh"), []);

export const seconds = (sinceMs) => `${((Date.now() - sinceMs) / 1000).toFixed(1)} s`;

/** The last lines of a long text. */
export const tail = (text, lines = 60) => text.trimEnd().split("\n").slice(-lines).join("\n");

// The server as the benches start it: a fresh folder, a free port, ended by its pid.
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const build = process.env.BENCH_BUILD ?? join(dirname(fileURLToPath(import.meta.url)), "../build");
export const secret = "a-secret-of-the-benches-with-more-than-32-bytes";

/** Starts a program; resolves once it has told on its first line where it serves. */
export async function startProgram(program, args) {
  const startedAt = performance.now();
  const child = spawn(program, args, {
    env: { ...process.env, BELLWIRE_SECRET: secret },
    stdio: ["ignore", "pipe", "ignore"],
  });
  const url = await new Promise((done, fail) => {
    let text = "";
    child.stdout.setEncoding("utf8").on("data", (chunk) => {
      text += chunk;
      const found = /^ready .*http=(\S+)/m.exec(text);
      if (found) done(found[1]);
    });
    child.on("error", fail);
    child.on("exit", (code) => fail(new Error(`the server ended with ${code}`)));
  });
  const stop = async () => {
    const ended = new Promise((done) => child.once("exit", done));
    child.kill("SIGTERM");
    await ended;
  };
  return { url, pid: child.pid, startedAt, stop };
}

/** The server on a folder of its own. */
export async function startServer(args = []) {
  const data = mkdtempSync(join(tmpdir(), "bellwire-bench-"));
  const own = ["serve", "--listen", "127.0.0.1:0", "--data", data];
  const server = await startProgram(join(build, "bellwire"), [...own, ...args]);
  const stop = async () => {
    await server.stop();
    rmSync(data, { recursive: true, force: true });
  };
  return { ...server, stop };
}

/** Resident memory in kB: all of it, and the anonymous part. */
export function memory(pid) {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const field = (name) => Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(status)?.[1] ?? 0);
  return { all: field("VmRSS"), anonymous: field("RssAnon") };
}

export const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];

// The server as the benches start it: a fresh folder, a free port, ended by its pid.
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const binary = join(dirname(fileURLToPath(import.meta.url)), "../build/bellwire");
export const secret = "a-secret-of-the-benches-with-more-than-32-bytes";

/** Starts it; resolves once it has told that it serves. */
export async function startServer(args = []) {
  const data = mkdtempSync(join(tmpdir(), "bellwire-bench-"));
  const startedAt = performance.now();
  const child = spawn(binary, ["serve", "--listen", "127.0.0.1:0", "--data", data, ...args], {
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
    rmSync(data, { recursive: true, force: true });
  };
  return { url, pid: child.pid, startedAt, stop };
}

/** Resident memory in kB: all of it, and the anonymous part. */
export function memory(pid) {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const field = (name) => Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(status)?.[1] ?? 0);
  return { all: field("VmRSS"), anonymous: field("RssAnon") };
}

export const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];

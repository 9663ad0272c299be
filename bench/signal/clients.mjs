// What the signaling benches share: people in calls, and signal_load, which plays their clients.
import { execFile, spawn } from "node:child_process";
import { createHmac } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { build, secret } from "../server.mjs";

const env = { ...process.env, BELLWIRE_SECRET: secret };

export const buildLoad = () => promisify(execFile)("ninja", ["-C", build, "bench/signal/signal_load"]);

export function token(claims) {
  const encode = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const exp = Math.floor(Date.now() / 1000) + 3600;
  const text = `${encode({ alg: "HS256", typ: "JWT" })}.${encode({ exp, ...claims })}`;
  return `${text}.${createHmac("sha256", secret).update(text).digest("base64url")}`;
}

export async function send(url, method, path, claims, body) {
  const headers = { Authorization: `Bearer ${token(claims)}`, "Content-Type": "application/json" };
  const answer = await fetch(`${url}${path}`, { method, headers, body: JSON.stringify(body) });
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
  return answer.json();
}

/** One call for each two of the users u0, u1, …; returns their ids. New calls of one channel are limited: 25 in each. */
export async function makeCalls(url, n) {
  const ids = Array(n);
  let next = 0;
  const worker = async () => {
    for (let channel = next++; channel * 25 < n; channel = next++) {
      const members = Array.from({ length: 50 }, (_, i) => `u${channel * 50 + i}`);
      await send(url, "PUT", `/api/channels/c${channel}`, { sub: "host", scope: "server" }, { members });
      for (let i = channel * 25; i < Math.min(n, channel * 25 + 25); i++) {
        const body = { channelId: `c${channel}`, callType: "video", participants: [`u${2 * i + 1}`] };
        ids[i] = (await send(url, "POST", "/api/calls", { sub: `u${2 * i}` }, body)).call.id;
      }
    }
  };
  await Promise.all(Array.from({ length: 16 }, worker));
  return ids;
}

/** CPU microseconds of all threads so far. */
export function cpuUs(pid) {
  const tasks = `/proc/${pid}/task`;
  const ns = (task) => Number(readFileSync(join(tasks, task, "schedstat"), "utf8").split(" ")[0]);
  return readdirSync(tasks).reduce((sum, task) => sum + ns(task), 0) / 1000;
}

/** signal_load: resolves once all its clients are ready. `first`: a path that each WebSocket's connection fetches. */
export async function startLoad(server, transport, n, calls, more = {}) {
  const args = [new URL(server.url).port, server.pid, transport, n, "u"].map(String);
  const folder = calls && mkdtempSync(join(tmpdir(), "bellwire-bench-"));
  if (calls) {
    args.push(join(folder, "calls"));
    writeFileSync(args.at(-1), calls.join("\n"));
  }
  const child = spawn(join(build, "bench/signal/signal_load"), args, {
    env: { ...env, ...more },
    stdio: ["pipe", "pipe", "inherit"],
  });
  const exited = new Promise((done) => child.once("exit", done).once("error", done));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const read = async () => {
    const { value } = await lines.next();
    if (value === undefined) throw new Error("signal_load ended");
    return JSON.parse(value);
  };
  const opened = await read();
  if (folder) rmSync(folder, { recursive: true });
  return {
    opened,
    run: (line) => {
      child.stdin.write(`${line}\n`);
      return read();
    },
    stop: () => {
      child.stdin.end();
      return exited;
    },
  };
}

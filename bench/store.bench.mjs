// The store: acknowledged creations (alone and over REST), its writer beside bare SQLite, pages of a long history.
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { secret, startServer } from "./server.mjs";

export const about = {
  title: "The store and REST, measured",
  circumstances: "SQLite WAL with `synchronous=FULL`; 1,000,000 calls in the history.",
};

const run = promisify(execFile);
const build = join(dirname(fileURLToPath(import.meta.url)), "../build");
const programs = ["store_bench", "rest_load"].map((name) => `bench/store/${name}`);

/** The store without the server around it; its data on the disk of the temporary folder. */
async function alone() {
  const folder = mkdtempSync(join(tmpdir(), "bellwire-bench-"));
  try {
    const { stdout } = await run(join(build, programs[0]), [folder], { maxBuffer: 1 << 20 });
    const lines = stdout.trim().split("\n").map(JSON.parse);
    return lines.map(({ name, value, unit, goal }) => ({ what: name, value: `${value} ${unit}`, goal }));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function load(server, callers, first, n) {
  const args = [new URL(server.url).port, callers, first, n].map(String);
  const env = { ...process.env, BELLWIRE_SECRET: secret };
  return JSON.parse((await run(join(build, programs[1]), args, { env })).stdout);
}

async function overRest() {
  const server = await startServer(["--log-level", "warn", "--turn-listen", "none"]);
  try {
    const one = await load(server, 1, 0, 1000);
    const many = await load(server, 64, 1000, 15000);
    return [
      { what: "REST: acknowledged creations, 64 callers", value: `${many.perSecond} 1/s`, goal: ">= 6000" },
      { what: "REST: creation p99, 64 callers", value: `${many.p99ms} ms`, goal: "< 50 ms" },
      { what: "REST: 64 callers against one", value: `${(many.perSecond / one.perSecond).toFixed(1)} x`, goal: ">= 4" },
    ];
  } finally {
    await server.stop();
  }
}

export default async function bench() {
  await run("ninja", ["-C", build, ...programs]);
  return [...(await overRest()), ...(await alone())];
}

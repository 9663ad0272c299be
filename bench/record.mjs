// Keeps what a bench measured as bench/results/NAME.md: on what, when, and whether the goals were met.
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { cpus, release } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const folder = dirname(fileURLToPath(import.meta.url));
const compare = {
  "<": (value, goal) => value < goal,
  "<=": (value, goal) => value <= goal,
  ">": (value, goal) => value > goal,
  ">=": (value, goal) => value >= goal,
};

/** "yes" or "no" for a goal such as ">= 6000" and a value that begins with a number; "" where there is nothing to compare. */
export function met({ value, goal = "" }) {
  const [, sign, limit] = /^([<>]=?) ([\d.]+)/.exec(goal) ?? [];
  if (!sign) return "";
  return compare[sign](Number.parseFloat(value), Number(limit)) ? "yes" : "no";
}

export function record(name, { title, circumstances = "" }, rows) {
  const commit = execFileSync("git", ["-C", folder, "rev-parse", "--short", "HEAD"], { encoding: "utf8" }).trim();
  const lines = [
    `# ${title}`,
    "",
    `Commit ${commit}, ${new Date().toISOString().slice(0, 10)}; ${cpus().length} cores (${cpus()[0]?.model}), Linux ${release()},`,
    `Node ${process.version}. One run of \`node bench/run.mjs ${name}\`. ${circumstances}`.trim(),
    "",
    "| what | measured | goal | met |",
    "|---|---|---|---|",
    ...rows.map((row) => `| ${row.what} | ${row.value} | ${row.goal ?? ""} | ${met(row)} |`),
  ];
  writeFileSync(join(folder, `results/${name}.md`), `${lines.join("\n")}\n`);
}

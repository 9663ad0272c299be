// `make bench`: runs bench/*.bench.mjs (or those named as arguments) and prints one table of what they measured.
// A bench module exports `default async function (): Promise<{what, value, goal?}[]>`; with BENCH_RECORD=1 one that also
// exports `about` ({title, circumstances?}) is kept in bench/results.
import { readdirSync } from "node:fs";
import { cpus } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { record } from "./record.mjs";

const folder = dirname(fileURLToPath(import.meta.url));
const all = readdirSync(folder)
  .filter((file) => file.endsWith(".bench.mjs"))
  .map((file) => file.replace(".bench.mjs", ""));
const chosen = process.argv.slice(2);
const unknown = chosen.find((name) => !all.includes(name));
if (unknown) {
  console.error(`bench: no ${unknown}; there are ${all.join(", ")}`);
  process.exit(2);
}

console.log(`${cpus().length} × ${cpus()[0]?.model ?? "?"}\n`);
console.log("| what | measured | goal |\n|---|---|---|");
for (const name of chosen.length ? chosen : all) {
  const { default: bench, about } = await import(join(folder, `${name}.bench.mjs`));
  const rows = await bench();
  for (const { what, value, goal = "" } of rows) console.log(`| ${what} | ${value} | ${goal} |`);
  if (about && process.env.BENCH_RECORD === "1") record(name, about, rows);
}

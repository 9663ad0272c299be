// What a user of the SDK waits for, in Chromium: first frames, new ways, and the size of what the page loads.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "vite";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");

const client = join(root, "packages/client/src/index.ts");

/** What a page loads that imports these names of the SDK, beside socket.io-client, compressed. */
async function size(names) {
  const folder = mkdtempSync(join(tmpdir(), "bellwire-size-"));
  const entry = join(folder, "entry.ts");
  writeFileSync(entry, `export ${names} from ${JSON.stringify(client)};\n`);
  const lib = { entry, formats: ["es"], fileName: "page" };
  const rolldownOptions = { external: ["socket.io-client"] };
  const options = { write: false, minify: true, lib, rolldownOptions };
  const result = await build({ configFile: false, logLevel: "error", root, build: options });
  rmSync(folder, { recursive: true });
  const [first] = Array.isArray(result) ? result : [result];
  return gzipSync(first.output.map((chunk) => chunk.code ?? "").join("")).length;
}

function inBrowsers() {
  const config = join(root, "bench/browser/vitest.config.ts");
  const result = spawnSync("vitest", ["run", "--config", config, "--root", join(root, "tests")], {
    cwd: join(root, "tests"),
    encoding: "utf8",
    env: { ...process.env, PATH: `${join(root, "node_modules/.bin")}:${process.env.PATH}` },
  });
  if (result.status !== 0) throw new Error(result.stdout.slice(-4000) + result.stderr.slice(-4000));
  return [...result.stdout.matchAll(/^figure: (.*)$/gm)].map(([, json]) => JSON.parse(json));
}

export default async function bench() {
  const kB = (bytes) => `${(bytes / 1000).toFixed(1)} kB`;
  const whole = await size("*");
  const part = await size("{ BellwireError }");
  return [
    ...inBrowsers(),
    { what: "@bellwire/client beside socket.io-client, gzip", value: kB(whole), goal: "< 25 kB" },
    { what: "of which a page that takes BellwireError alone loads", value: kB(part) },
  ];
}

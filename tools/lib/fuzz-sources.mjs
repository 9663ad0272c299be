// What a fuzz target is made of: its sources, their digest, and the words that they compare the input with, a dictionary
// for libFuzzer (-dict), which would otherwise have to find an option's or a header's name byte by byte.
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { root, run } from "./run.mjs";

const longest = 64; // for libFuzzer
const isOurs = (path) => path.startsWith(root) || path.startsWith("/usr/share/llhttp/");

/** The sources, headers and .def files of a program in a build folder, as ninja knows them. */
export async function sourcesOf(folder, program) {
  const inputs = (await run("ninja", ["-C", folder, "-t", "inputs", program])).stdout.split("\n");
  const objects = inputs.filter((path) => path.endsWith(".o"));
  const { stdout } = await run("ninja", ["-C", folder, "-t", "deps", ...objects]);
  const paths = stdout.split("\n").filter((line) => line.startsWith("    "));
  const all = paths.map((line) => join(folder, line.trim()).replace(`${folder}/usr/`, "/usr/")).filter(isOurs);
  return [...new Set(all)].filter((path) => existsSync(path)).sort();
}

/** The same for the same sources, wherever they lie. */
export function digestOf(sources) {
  const hash = createHash("sha256");
  for (const path of sources) hash.update(path.replace(root, "")).update("\0").update(readFileSync(path));
  return hash.digest("hex").slice(0, 12);
}

const escapes = { n: 10, r: 13, t: 9, 0: 0, "\\": 92, '"': 34, "'": 39 };

/** The bytes of a C literal, one a character. */
function bytesOf(literal) {
  const plain = literal.replace(/\\(x[0-9a-fA-F]{2}|.)/g, (_, code) =>
    String.fromCharCode(code.length > 1 ? Number.parseInt(code.slice(1), 16) : (escapes[code] ?? 63)),
  );
  return Buffer.from(plain, "utf8").toString("latin1");
}

/** Literals, parted where printf puts something in; names in lists of macros; arrays of characters. */
function wordsOf(path) {
  const text = readFileSync(path, "utf8").replace(/\/\*[\s\S]*?\*\//g, " ");
  const code = text.replace(/'"'/g, " ").replace(/^\s*#\s*include.*$/gm, "");
  const literals = [...code.matchAll(/"((?:[^"\\\n]|\\.)*)"/g)].flatMap(([, body]) => body.split(/%[-+#.*\d]*[a-z]+/));
  const names = [...code.matchAll(/\b[A-Z][A-Z_]*\(([^()"]*)\)/g)].filter(() => path.endsWith(".def"));
  const arrays = [...code.matchAll(/\{((?:\s*'(?:[^'\\]|\\.)'\s*,?)+)\s*\}/g)].map(([, list]) =>
    [...list.matchAll(/'([^'\\]|\\.)'/g)].map(([, c]) => c).join(""),
  );
  return [...literals, ...names.flatMap(([, list]) => list.split(/[\s,]+/)), ...arrays].map(bytesOf);
}

const quoted = (word) =>
  `"${[...word].map((c) => (/[ !#-[\]-~]/.test(c) ? c : `\\x${c.charCodeAt(0).toString(16).padStart(2, "0")}`)).join("")}"`;

/** Writes the dictionary of the words in these sources. */
export function writeWords(sources, path) {
  const words = new Set(sources.flatMap(wordsOf).filter((word) => word.length > 1 && word.length <= longest));
  const lines = [...words].sort().map((word) => `${quoted(word)}\n`);
  writeFileSync(path, lines.join(""));
}

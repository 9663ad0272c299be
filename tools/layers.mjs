// Holds the house's floors: a module includes only modules of lower floors, and of those only their public headers.
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

/** Lowest first; modules of one floor never see each other. */
const floors = [
  ["base"],
  ["loop", "codec"],
  ["net"],
  ["http", "fetch", "store", "turn", "media"],
  ["recording"],
  ["call"],
  ["signal", "api", "webhook"],
  ["app"],
];

/** Headers that others may include beside `mod/mod.h`; "*" means all of the module's. */
const publicHeaders = {
  base: "*",
  loop: "*",
  codec: "*",
  net: "*",
  http: ["file_meta.h", "files.h", "request.h", "respond.h", "websocket.h"],
  store: ["flight.h", "model.h", "outbox.h", "recording.h", "transfer.h"],
  call: ["command.h", "hook.h", "limits.h"],
};

/** What a module has no business with although it lies lower. */
const strangers = {
  call: ["http", "fetch", "net", "turn", "media", "recording"],
  store: ["net"],
};

/** Libraries that only these modules may use. */
const libraries = [
  [/^curl\//, ["fetch"]],
  [/^sqlite3\.h$/, ["store"]],
  [/^libpq-fe\.h$/, ["store"]],
  [/^llhttp\.h$/, ["http"]],
  [/^uv\.h$/, ["loop", "net", "http", "fetch", "turn"]],
  [/^openssl\//, ["base", "codec", "net", "http", "turn", "recording", "app"]],
];

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const floorOf = new Map(floors.flatMap((modules, floor) => modules.map((name) => [name, floor])));
const complaints = [];

function mayInclude(module, target, header) {
  if (target === module) return null;
  if (!floorOf.has(target)) return `there is no module ${target}`;
  if (floorOf.get(target) >= floorOf.get(module)) return `${target} does not lie below ${module}`;
  if (strangers[module]?.includes(target)) return `${module} has no business with ${target}`;
  const open = publicHeaders[target] ?? [];
  if (open !== "*" && header !== `${target}.h` && !open.includes(header)) return `${target}/${header} is private`;
  return null;
}

function checkLine(module, file, number, line) {
  const complain = (why) => complaints.push(`${file}:${number}: ${why}`);
  const own = /^\s*#\s*include\s+"([^"]+)"/.exec(line)?.[1];
  const [target, header] = own?.includes("/") ? [own.slice(0, own.indexOf("/")), own.slice(own.indexOf("/") + 1)] : [];
  const why = target && mayInclude(module, target, header);
  if (why) complain(`includes "${own}", but ${why}`);
  const foreign = /^\s*#\s*include\s+<([^>]+)>/.exec(line)?.[1];
  for (const [pattern, users] of libraries)
    if (foreign && pattern.test(foreign) && !users.includes(module))
      complain(`<${foreign}> is for ${users.join(", ")}`);
}

/** A module's sources, or its unit tests, which may see what their module may see. */
function checkFolder(module, folder) {
  if (!floorOf.has(module))
    complaints.push(`${relative(root, folder)}: a module that tools/layers.mjs has no floor for`);
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || !/\.[ch]$/.test(entry.name)) continue;
    const path = join(entry.parentPath, entry.name);
    const lines = readFileSync(path, "utf8").split("\n");
    lines.forEach((line, index) => {
      checkLine(module, relative(root, path), index + 1, line);
    });
  }
}

for (const base of ["server/src", "server/tests/unit"])
  for (const entry of readdirSync(join(root, base), { withFileTypes: true }))
    if (entry.isDirectory()) checkFolder(entry.name, join(root, base, entry.name));

for (const complaint of complaints) console.error(complaint);
process.exit(complaints.length ? 1 : 0);

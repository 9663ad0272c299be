// Writes what follows from the wire's sources, or with --check says what is stale or wrong.
//
//   server/src/base/err.def       -> the list of codes in protocol/events.schema.json, client/src/generated/errors.ts
//   protocol/events.schema.json   -> client/src/generated/events.ts
//   protocol/openapi.yaml         -> protocol/openapi.json (served by the server), client/src/generated/api.ts
//
// --check also proves the OpenAPI document and every file in protocol/examples.
import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parse } from "yaml";
import { apiTypes, errorTypes, eventTypes } from "./lib/protocol-types.mjs";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const generated = "packages/client/src/generated";
const read = (path) => readFileSync(join(root, path), "utf8");

/** The codes that travel, in the order of the list, each once: [{code, status, retryable, text}]. */
function readErrors() {
  const line = /^ERR\(\s*(\w+),\s*"(\w+)",\s*(\d+),\s*([01]),\s*"((?:[^"\\]|\\.)*)"\)$/gm;
  const errors = new Map();
  for (const [, , code, status, retryable, text] of read("server/src/base/err.def").matchAll(line)) {
    if (!errors.has(code)) errors.set(code, { code, status: Number(status), retryable: retryable === "1", text });
  }
  return [...errors.values()];
}

/** The OpenAPI document with the objects of the event schema that it names inside it. */
function bundle(api, schema) {
  const needed = new Set();
  const visit = (node) => {
    if (Array.isArray(node)) return node.map(visit);
    if (node === null || typeof node !== "object") return node;
    const out = {};
    for (const [key, value] of Object.entries(node)) {
      const name = key === "$ref" && /(?:^events\.schema\.json)?#\/\$defs\/(.+)$/.exec(value)?.[1];
      if (name) needed.add(name);
      out[key] = name ? `#/components/schemas/${name}` : visit(value);
    }
    return out;
  };
  const document = visit(api);
  // A Set that grows while it is walked is walked to its end: objects bring in those that they name.
  for (const name of needed) {
    if (!schema.$defs[name]) throw new Error(`openapi.yaml names ${name}, which events.schema.json does not have`);
    if (api.components.schemas[name]) throw new Error(`${name} is in both openapi.yaml and events.schema.json`);
    document.components.schemas[name] = visit(schema.$defs[name]);
  }
  return document;
}

/** Biome lays the text out, so that the linter has nothing to say about generated files. */
function format(path, text) {
  const biome = join(root, "node_modules/.bin/biome");
  return execFileSync(biome, ["format", `--stdin-file-path=${path}`], { cwd: root, input: text, encoding: "utf8" });
}

function outputs() {
  const errors = readErrors();
  const schema = JSON.parse(read("protocol/events.schema.json"));
  schema.$defs.ErrorCode.enum = errors.map((e) => e.code);
  const api = parse(read("protocol/openapi.yaml"));
  const document = bundle(api, schema);
  const files = {
    "protocol/events.schema.json": JSON.stringify(schema),
    "protocol/openapi.json": JSON.stringify(document),
    [`${generated}/errors.ts`]: errorTypes(errors),
    [`${generated}/events.ts`]: eventTypes(schema),
    [`${generated}/api.ts`]: apiTypes(api),
  };
  const texts = Object.entries(files).map(([path, text]) => [path, format(path, text)]);
  return { texts, schema, document };
}

async function proveDocument(document) {
  const { Validator } = await import("@seriousme/openapi-schema-validator");
  const result = await new Validator().validate(structuredClone(document));
  return result.valid ? [] : [`protocol/openapi.json: ${JSON.stringify(result.errors)}`];
}

/** Where the schema for an example is: `server.call.ended.json` names a $def, `rest.CallPage.json` a schema of the API. */
function schemaOf(file) {
  const name = file.replace(/(\+\w+)?\.json$/, "");
  return name.startsWith("rest.") ? `api#/components/schemas/${name.slice(5)}` : `events#/$defs/${name}`;
}

/** Every event and every object that an answer consists of has an example, and each example is what it says. */
async function proveExamples(schema, document) {
  const { default: Ajv } = await import("ajv/dist/2020.js");
  const { default: formats } = await import("ajv-formats");
  const ajv = new Ajv({ strict: true, strictTypes: false, strictRequired: false, allErrors: true });
  formats.default ? formats.default(ajv) : formats(ajv);
  ajv.addVocabulary(["components"]);
  ajv.addSchema({ ...schema, $id: "events" });
  ajv.addSchema({ $id: "api", components: { schemas: document.components.schemas } }, "api", true, false);
  const faults = [];
  const seen = new Set();
  for (const file of readdirSync(join(root, "protocol/examples")).sort()) {
    const validate = ajv.getSchema(schemaOf(file));
    seen.add(file.replace(/(\+\w+)?\.json$/, ""));
    if (!validate) faults.push(`protocol/examples/${file}: no such event or object`);
    else if (!validate(JSON.parse(read(`protocol/examples/${file}`))))
      faults.push(`protocol/examples/${file}: ${ajv.errorsText(validate.errors)}`);
  }
  for (const name of Object.keys(schema.$defs))
    if (/^(client|ack|server)\./.test(name) && !seen.has(name)) faults.push(`protocol/examples has no ${name}.json`);
  return faults;
}

const { texts, schema, document } = outputs();
if (process.argv.includes("--check")) {
  const stale = texts.filter(([path, text]) => readOrNothing(path) !== text).map(([path]) => `${path} is stale`);
  const faults = [...stale, ...(await proveDocument(document)), ...(await proveExamples(schema, document))];
  for (const fault of faults) console.error(fault);
  if (stale.length > 0) console.error("run: npm run protocol");
  process.exitCode = faults.length > 0 ? 1 : 0;
} else {
  mkdirSync(join(root, generated), { recursive: true });
  for (const [path, text] of texts) if (readOrNothing(path) !== text) writeFileSync(join(root, path), text);
}

function readOrNothing(path) {
  try {
    return read(path);
  } catch {
    return "";
  }
}

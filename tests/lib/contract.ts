// The wire as protocol/ describes it: every answer and every event of the tests goes through these checks.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import addFormatsModule from "ajv-formats";
import { parse } from "yaml";
import { repository } from "./paths.js";

const protocol = join(repository, "protocol");
const eventsId = "urn:bellwire:protocol:events";
const restId = "urn:bellwire:protocol:rest";

type Json = Record<string, unknown>;
interface Operation {
  operationId: string;
  security?: unknown[];
  responses: Record<string, Json>;
}

const read = (name: string): string => readFileSync(join(protocol, name), "utf8");
const events = JSON.parse(read("events.schema.json")) as { $id: string; $defs: Record<string, Json> };
const rest = parse(read("openapi.yaml").replaceAll("events.schema.json#", `${eventsId}#`)) as {
  paths: Record<string, Record<string, Operation>>;
};

/** Every operation that nobody may call without a token. */
export const guardedOperations = Object.entries(rest.paths).flatMap(([path, item]) =>
  Object.entries(item)
    .filter(([method, { security }]) => method !== "parameters" && security === undefined)
    .map(([method, { operationId }]) => ({ operationId, method: method.toUpperCase(), path })),
);

const ajv = new Ajv2020({ strict: false, allErrors: true, allowUnionTypes: true });
// Under plain Node the CommonJS default sits one step deeper than its types say.
const addFormats = ((addFormatsModule as unknown as { default?: unknown }).default ?? addFormatsModule) as unknown as (
  ajv: Ajv2020,
) => void;
addFormats(ajv);
ajv.addSchema({ ...events, $id: eventsId });
ajv.addSchema({ ...rest, $id: restId });

const compiled = new Map<string, ValidateFunction>();
function validator(reference: string): ValidateFunction {
  let check = compiled.get(reference);
  if (!check) {
    check = ajv.compile({ $ref: reference });
    compiled.set(reference, check);
  }
  return check;
}

/** What is wrong with a value by the schema at the reference, or null. */
function complaint(reference: string, value: unknown): string | null {
  const check = validator(reference);
  return check(value) ? null : ajv.errorsText(check.errors, { dataVar: "value" });
}

const pointer = (...steps: string[]): string =>
  steps.map((step) => `/${encodeURIComponent(step.replaceAll("~", "~0").replaceAll("/", "~1"))}`).join("");

/** Deviations from the contract that were seen in a test; the test fails on them even when it did not look. */
export class ContractError extends Error {
  override name = "ContractError";
}

/** Checks an object by its name in events.schema.json ("Call", "server.sync", "ack.call.join"). */
export function checkDefinition(name: string, value: unknown): void {
  if (!(name in events.$defs)) throw new ContractError(`${name} is not in events.schema.json`);
  const wrong = complaint(`${eventsId}#${pointer("$defs", name)}`, value);
  if (wrong) throw new ContractError(`${name} breaks the contract: ${wrong}\n${JSON.stringify(value, null, 2)}`);
}

export const checkEvent = (event: string, payload: unknown): void => checkDefinition(`server.${event}`, payload);
export const checkAck = (event: string, answer: unknown): void => checkDefinition(`ack.${event}`, answer);

const templates = Object.keys(rest.paths)
  .map((template) => ({
    template,
    parameters: template.split("{").length - 1,
    pattern: new RegExp(`^${template.replace(/[.*+?^$()|[\]\\]/g, "\\$&").replace(/\{[^}]*\}/g, "[^/]+")}$`),
  }))
  .sort((a, b) => a.parameters - b.parameters);

/** The interface's path template for a request path, or undefined when it is none of the interface's. */
export function templateOf(path: string): string | undefined {
  const bare = path.split("?")[0] as string;
  return templates.find(({ pattern }) => pattern.test(bare))?.template;
}

export interface Answer {
  status: number;
  type: string;
  body: unknown;
}

const problem = `${restId}#/components/schemas/Problem`;

/** A response object and its place in the document, with the reference that stands for it followed. */
function resolveResponse(response: Json, at: string): [Json, string] {
  const reference = response.$ref as string | undefined;
  if (!reference) return [response, at];
  const steps = reference.slice(2).split("/");
  const target = steps.reduce<unknown>((node, step) => (node as Json)[step], rest) as Json;
  return [target, reference.slice(1)];
}

/** Outside the interface nothing may succeed, and refusals are problem documents. */
function strangerDeviation(method: string, { status, type, body }: Answer): string | null {
  if (status < 400) return "no such operation in openapi.yaml";
  if (method === "HEAD") return null;
  return type === "application/problem+json" ? complaint(problem, body) : `a problem document was due, not ${type}`;
}

function bodyDeviation(declared: Json, at: string, { status, type, body }: Answer): string | null {
  const [response, place] = resolveResponse(declared, at);
  const content = response.content as Json | undefined;
  if (!content) return body === undefined ? null : "no body was due";
  if (!(type in content)) return `content type ${type || "(none)"} is not declared`;
  const wrong = complaint(`${restId}#${place}${pointer("content", type, "schema")}`, body);
  if (wrong) return wrong;
  const told = (body as { status?: unknown } | undefined)?.status;
  return type === "application/problem+json" && told !== status ? "its status differs from the answer's" : null;
}

function deviation(method: string, path: string, answer: Answer): string | null {
  const template = templateOf(path);
  const verb = method === "HEAD" ? "get" : method.toLowerCase();
  const operation = template && rest.paths[template]?.[verb];
  if (!operation) return strangerDeviation(method, answer);
  const key = String(answer.status) in operation.responses ? String(answer.status) : "default";
  const declared = operation.responses[key];
  if (!declared || (key === "default" && answer.status < 400)) return "a status that openapi.yaml does not know";
  return method === "HEAD" ? null : bodyDeviation(declared, pointer("paths", template, verb, "responses", key), answer);
}

/** Checks an answer of the REST interface; methods and paths outside it may only be refused with a problem. */
export function checkAnswer(method: string, path: string, answer: Answer): void {
  const wrong = deviation(method, path, answer);
  if (wrong) {
    const body = JSON.stringify(answer.body, null, 2);
    throw new ContractError(`${method} ${path} → ${answer.status} breaks the contract: ${wrong}\n${body}`);
  }
}

// The checks that all other tests lean on must themselves be able to fail.
import { describe, expect, it } from "vitest";
import { checkAck, checkAnswer, checkEvent, Program, token } from "./index.js";

const problem = {
  type: "about:blank",
  title: "There is no such call.",
  status: 404,
  code: "call_not_found",
  retryable: false,
};
const refusal = { status: 404, type: "application/problem+json", body: problem };

describe("answers", () => {
  it("pass when they follow openapi.yaml", () => {
    checkAnswer("GET", "/api/calls/x", refusal);
    checkAnswer("GET", "/healthz", { status: 200, type: "application/json", body: { status: "ok" } });
    checkAnswer("DELETE", "/api/users/bob", { status: 204, type: "", body: undefined });
    checkAnswer("PATCH", "/api/nowhere", refusal);
  });
  it.each([
    ["another status in the body", { ...refusal, status: 403 }],
    ["an unknown code", { ...refusal, body: { ...problem, code: "nonsense" } }],
    ["an unknown member", { ...refusal, body: { ...problem, extra: 1 } }],
    ["another content type", { ...refusal, type: "application/json" }],
    ["a success that is not declared", { status: 202, type: "application/json", body: {} }],
    ["a call without its members", { status: 200, type: "application/json", body: { call: { id: "x" } } }],
  ])("fail with %s", (_, answer) => {
    expect(() => checkAnswer("GET", "/api/calls/x", answer)).toThrow("breaks the contract");
  });
  it("fail when nothing of the kind is declared", () => {
    expect(() => checkAnswer("GET", "/api/nowhere", { status: 200, type: "application/json", body: {} })).toThrow();
    expect(() => checkAnswer("DELETE", "/api/users/bob", { status: 204, type: "", body: "x" })).toThrow();
  });
});

describe("events", () => {
  it("pass when they follow the schema", () => {
    checkEvent("server.draining", { retryAfterMs: 5 });
    checkAck("call.ack", { ok: true });
    checkAck("call.ack", {
      ok: false,
      error: { code: "call_ended", message: "The call has ended.", retryable: false },
    });
  });
  it("fail when they do not", () => {
    expect(() => checkEvent("server.draining", { retryAfterMs: "soon" })).toThrow("breaks the contract");
    expect(() => checkEvent("no.such", {})).toThrow("not in events.schema.json");
    expect(() =>
      checkAck("call.ack", { ok: false, error: { code: "nonsense", message: "", retryable: false } }),
    ).toThrow();
  });
});

describe("programs", () => {
  it("tell their output and how they ended", async () => {
    const program = new Program("/bin/sh", ["-c", "echo ready; exec sleep 30"]);
    await program.until(() => (program.stdout.includes("ready") ? true : null), "word");
    expect(await program.stop()).toEqual({ code: null, signal: "SIGTERM" });
  });
  it("that end too soon are told with their output", async () => {
    const program = new Program("/bin/sh", ["-c", "echo why >&2; exit 3"]);
    await expect(program.until(() => null, "word")).rejects.toThrow(/"code":3[\s\S]*why/);
  });
});

it("tokens have three parts and say who", () => {
  const [, claims] = token({ user: "bob", scope: "server", ttl: 60 }).split(".");
  expect(JSON.parse(Buffer.from(claims as string, "base64url").toString())).toMatchObject({
    sub: "bob",
    scope: "server",
  });
});

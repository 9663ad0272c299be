/** Requests: what is sent, and what becomes of every kind of answer. */
import { describe, expect, it } from "vitest";
import { BellwireError } from "../src/errors.js";
import { Rest } from "../src/server/rest.js";

interface Sent {
  url: string;
  init: RequestInit;
}

function rest(
  answers: (Response | Error)[],
  getToken: () => string | Promise<string> = () => "t",
): { rest: Rest; sent: Sent[] } {
  const sent: Sent[] = [];
  const fetch = async (url: string, init: RequestInit) => {
    sent.push({ url, init });
    const answer = answers.shift();
    if (answer instanceof Response) return answer;
    throw answer;
  };
  return { rest: new Rest("https://calls.test/", getToken, fetch), sent };
}

const problem = (code: string, status: number, more: object = {}, headers = {}) =>
  new Response(JSON.stringify({ type: "about:blank", title: "A title.", status, code, retryable: false, ...more }), {
    status,
    headers,
  });

const failure = (promise: Promise<unknown>) =>
  promise.then(
    () => null,
    (error: BellwireError) => error,
  );

describe("a request", () => {
  it("carries the token, the query and the body", async () => {
    const { rest: r, sent } = rest([new Response('{"call":1}')]);
    const query = { limit: 5, cursor: undefined, status: "a&b" };
    expect(await r.request("/api/calls", { method: "POST", body: { a: 1 }, query })).toEqual({ call: 1 });
    expect(sent[0]?.url).toBe("https://calls.test/api/calls?limit=5&status=a%26b");
    expect(sent[0]?.init).toMatchObject({ method: "POST", body: '{"a":1}', headers: { authorization: "Bearer t" } });
  });

  it("turns a problem document into an error with its code", async () => {
    const { rest: r } = rest([
      problem("rate_limited", 429, { detail: "Slower.", field: "to", retryable: true }, { "retry-after": "3" }),
    ]);
    const error = await failure(r.request("/api/calls"));
    expect(error).toBeInstanceOf(BellwireError);
    expect(error).toMatchObject({
      code: "rate_limited",
      message: "Slower.",
      field: "to",
      status: 429,
      retryable: true,
      retryAfterMs: 3000,
    });
  });

  it("asks for a fresh token once when the old one has expired", async () => {
    let asked = 0;
    const answers = [
      problem("token_expired", 401),
      new Response("[]"),
      problem("token_expired", 401),
      problem("token_expired", 401),
    ];
    const { rest: r, sent } = rest(answers, () => `t${asked++}`);
    expect(await r.request("/x")).toEqual([]);
    expect(sent.map(({ init }) => (init.headers as Record<string, string>).authorization)).toEqual([
      "Bearer t0",
      "Bearer t1",
    ]);
    expect(await failure(r.request("/x"))).toMatchObject({ code: "token_expired" });
    expect(sent).toHaveLength(4);
  });

  it.each([
    ["network", new TypeError("fetch failed")],
    ["timeout", new DOMException("slow", "TimeoutError")],
    ["bad_answer", new Response("<html>")],
    ["internal", new Response("<html>bad gateway", { status: 502 })],
    ["bad_request", new Response("", { status: 400 })],
  ])("says %s", async (code, answer) => {
    const { rest: r } = rest([answer]);
    expect(await failure(r.request("/x"))).toMatchObject({ code, name: "BellwireError" });
  });

  it("says token_failed when there is no token to be had", async () => {
    const { rest: r, sent } = rest([], () => Promise.reject(new Error("logged out")));
    expect(await failure(r.request("/x"))).toMatchObject({
      code: "token_failed",
      message: "getToken failed: logged out",
    });
    expect(sent).toEqual([]);
  });
});

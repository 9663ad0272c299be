// Raw requests against the real server: what is refused, and that a refusal ends the connection.
import { beforeAll, expect, test } from "vitest";
import { rawHttp, type Server, startServer } from "../lib/index.js";

let server: Server;

beforeAll(async () => {
  server = await startServer({ lifetime: "file" });
});

const host = "Host: a\r\n";
const then = `GET /healthz HTTP/1.1\r\n${host}\r\n`;

const refused: [what: string, request: string, status: number][] = [
  ["no Host", "GET /healthz HTTP/1.1\r\n\r\n", 400],
  ["two Hosts", `GET /healthz HTTP/1.1\r\n${host}${host}\r\n`, 400],
  ["another host in the target", `GET http://b/healthz HTTP/1.1\r\n${host}\r\n`, 400],
  [
    "a length and chunks",
    `POST /api/calls HTTP/1.1\r\n${host}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    400,
  ],
  ["two lengths", `POST /api/calls HTTP/1.1\r\n${host}Content-Length: 0\r\nContent-Length: 0\r\n\r\n`, 400],
  ["a signed length", `POST /api/calls HTTP/1.1\r\n${host}Content-Length: +0\r\n\r\n`, 400],
  ["an unknown coding", `POST /api/calls HTTP/1.1\r\n${host}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`, 400],
  ["a hidden coding", `POST /api/calls HTTP/1.1\r\n${host}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n`, 400],
  ["a space before the colon", `POST /api/calls HTTP/1.1\r\n${host}Content-Length : 0\r\n\r\n`, 400],
  ["a folded line", `GET /healthz HTTP/1.1\r\n${host}X: a\r\n b\r\n\r\n`, 400],
  ["bare line feeds", "GET /healthz HTTP/1.1\nHost: a\n\n", 400],
  ["a bare carriage return", `GET /healthz HTTP/1.1\r\n${host}X: a\rb\r\n\r\n`, 400],
  ["an empty field name", `GET /healthz HTTP/1.1\r\n${host}: a\r\n\r\n`, 400],
  ["a control character", `GET /healthz HTTP/1.1\r\n${host}X: \x01\r\n\r\n`, 400],
  ["another version", `GET /healthz HTTP/1.2\r\n${host}\r\n`, 505],
  ["the preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505],
  ["a TLS hello", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400],
  ["an unknown method", `BREW /healthz HTTP/1.1\r\n${host}\r\n`, 501],
  ["a tunnel", `CONNECT a:443 HTTP/1.1\r\n${host}\r\n`, 501],
  ["an unknown expectation", `GET /healthz HTTP/1.1\r\n${host}Expect: cake\r\n\r\n`, 417],
  ["a long target", `GET /${"a".repeat(9000)} HTTP/1.1\r\n${host}\r\n`, 414],
  ["a long header", `GET /healthz HTTP/1.1\r\n${host}X: ${"a".repeat(20_000)}\r\n\r\n`, 431],
  ["many fields", `GET /healthz HTTP/1.1\r\n${host}${"A: b\r\n".repeat(100)}\r\n`, 431],
];

test.each(refused)("%s", async (_what, request, status) => {
  const answer = await rawHttp(server.port, request + then);
  expect(answer.statuses).toEqual([status]);
  expect(answer.closed).toBe(true);
  expect(answer.text).toContain("application/problem+json");
});

test("requests in one segment are answered in their order", async () => {
  const requests = [
    `GET /healthz HTTP/1.1\r\n${host}\r\n`,
    `GET /api/nothing HTTP/1.1\r\n${host}\r\n`,
    `GET /healthz HTTP/1.1\r\n${host}Connection: close\r\n\r\n`,
  ];
  const answer = await rawHttp(server.port, requests.join(""));
  const statuses = [...answer.text.matchAll(/HTTP\/1\.1 (\d+)/g)].map((match) => match[1]);
  expect(statuses).toEqual(["200", "404", "200"]);
  expect(answer.closed).toBe(true);
});

test("a request may come byte by byte", async () => {
  const request = `GET /healthz HTTP/1.1\r\n${host}Connection: close\r\n\r\n`;
  const answer = await rawHttp(server.port, [...request], { pauseMs: 1 });
  expect(answer.statuses).toEqual([200]);
});

test("a body that is too large is refused before it is sent", async () => {
  const length = 100_000_000;
  const answer = await rawHttp(
    server.port,
    `POST /api/calls HTTP/1.1\r\n${host}Expect: 100-continue\r\nContent-Length: ${length}\r\n\r\n`,
  );
  expect(answer.statuses).toEqual([413]);
  expect(answer.closed).toBe(true);
});

test("answers to HEAD, to unknown methods and to OPTIONS", async () => {
  const head = await fetch(`${server.url}/healthz`, { method: "HEAD" });
  expect(head.status).toBe(200);
  expect(await head.text()).toBe("");
  const put = await fetch(`${server.url}/healthz`, { method: "DELETE" });
  expect(put.status).toBe(405);
  expect(put.headers.get("allow")).toContain("GET");
  expect(await put.json()).toMatchObject({ status: 405, code: "method_not_allowed", retryable: false });
  const options = await fetch(`${server.url}/healthz`, { method: "OPTIONS" });
  expect(options.status).toBe(204);
  expect(options.headers.get("allow")).toContain("GET");
});

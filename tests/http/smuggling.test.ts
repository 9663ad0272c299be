// Requests that two servers could read differently: each gets one refusal, and what hides behind it is never answered.
import { beforeAll, describe, expect, it } from "vitest";
import { rawHttp, type Server, startServer } from "../lib/index.js";

let server: Server;

beforeAll(async () => {
  server = await startServer({ lifetime: "file" });
});

const post = "POST /api/calls HTTP/1.1\r\nHost: a\r\n";
const get = "GET /healthz HTTP/1.1\r\nHost: a\r\n";
const chunked = `${post}Transfer-Encoding: chunked\r\n\r\n`;
const end = "0\r\n\r\n";
const hidden = "GET /healthz HTTP/1.1\r\nHost: a\r\nX: hidden\r\n\r\n";

type Vector = [what: string, request: string, status?: number];

const lengths: Vector[] = [
  ["a length and chunks", `${post}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n${end}`],
  ["chunks and a length", `${post}Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n${end}`],
  ["chunks and no length at all", `${post}Transfer-Encoding: chunked\r\nContent-Length:\r\n\r\n${end}`],
  ["two lengths that agree", `${post}Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc`],
  ["two lengths that differ", `${post}Content-Length: 3\r\nContent-Length: 0\r\n\r\nabc`],
  ["a list of lengths", `${post}Content-Length: 3, 3\r\n\r\nabc`],
  ["a list with nothing behind the comma", `${post}Content-Length: 3,\r\n\r\nabc`],
  ["a length with a plus", `${post}Content-Length: +3\r\n\r\nabc`],
  ["a length with a minus", `${post}Content-Length: -3\r\n\r\nabc`],
  ["minus nothing", `${post}Content-Length: -0\r\n\r\n`],
  ["a hexadecimal length", `${post}Content-Length: 0x3\r\n\r\nabc`],
  ["a length with a fraction", `${post}Content-Length: 3.0\r\n\r\nabc`],
  ["a length with an exponent", `${post}Content-Length: 3e0\r\n\r\nabc`],
  ["a length with a blank inside", `${post}Content-Length: 1 3\r\n\r\nabc`],
  ["a length with a letter", `${post}Content-Length: 3a\r\n\r\nabc`],
  ["a quoted length", `${post}Content-Length: "3"\r\n\r\nabc`],
  ["an empty length", `${post}Content-Length: \r\n\r\nabc`],
  ["a length beyond 64 bits", `${post}Content-Length: 18446744073709551619\r\n\r\nabc`],
  ["a length beyond what a double holds", `${post}Content-Length: 9007199254740993\r\n\r\nabc`],
  ["a length with a vertical tab", `${post}Content-Length: \x0b3\r\n\r\nabc`],
];

const codings: Vector[] = [
  ["two codings", `${post}Transfer-Encoding: gzip, chunked\r\n\r\n${end}`],
  ["chunks first", `${post}Transfer-Encoding: chunked, gzip\r\n\r\n${end}`],
  ["chunks twice", `${post}Transfer-Encoding: chunked, chunked\r\n\r\n${end}`],
  ["chunks in two fields", `${post}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n${end}`],
  ["identity", `${post}Transfer-Encoding: identity\r\n\r\n${end}`],
  [
    "identity before chunks, in two fields",
    `${post}Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n\r\n${end}`,
  ],
  ["chunks with a letter before", `${post}Transfer-Encoding: xchunked\r\n\r\n${end}`],
  ["chunks with a letter behind", `${post}Transfer-Encoding: chunkedx\r\n\r\n${end}`],
  ["chunks with a comma before", `${post}Transfer-Encoding: ,chunked\r\n\r\n${end}`],
  ["chunks with a comma behind", `${post}Transfer-Encoding: chunked,\r\n\r\n${end}`],
  ["chunks with a parameter", `${post}Transfer-Encoding: chunked;a=b\r\n\r\n${end}`],
  ["quoted chunks", `${post}Transfer-Encoding: "chunked"\r\n\r\n${end}`],
  ["chunks behind a vertical tab", `${post}Transfer-Encoding: \x0bchunked\r\n\r\n${end}`],
  ["chunks behind a NUL", `${post}Transfer-Encoding: \x00chunked\r\n\r\n${end}`],
  ["chunks before a byte above ASCII", `${post}Transfer-Encoding: chunked\xa0\r\n\r\n${end}`],
  ["an empty coding", `${post}Transfer-Encoding:\r\n\r\n${end}`],
  ["chunks in HTTP/1.0", `POST /api/calls HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${end}`],
];

const names: Vector[] = [
  ["a blank before a colon", `${post}Content-Length : 3\r\n\r\nabc`],
  ["a tab before a colon", `${post}Transfer-Encoding\t: chunked\r\n\r\n${end}`],
  ["a blank before a name", `${post} Transfer-Encoding: chunked\r\n\r\n${end}`],
  ["a blank inside a name", `${post}Transfer Encoding: chunked\r\n\r\n${end}`],
  ["a NUL in a name", `${post}Transfer-Encoding\x00: chunked\r\n\r\n${end}`],
  ["a byte above ASCII in a name", `${post}Transfer-Encoding\xff: chunked\r\n\r\n${end}`],
  ["no name", `${post}: chunked\r\n\r\n${end}`],
  ["no colon", `${post}Transfer-Encoding chunked\r\n\r\n${end}`],
  ["brackets in a name", `${post}X[a]: b\r\n\r\n`],
  ["a folded value", `${post}Transfer-Encoding:\r\n chunked\r\n\r\n${end}`],
  ["a value folded with a tab", `${post}Content-Length: 1\r\n\t0\r\n\r\n`],
  ["a folded line behind the request line", `POST /api/calls HTTP/1.1\r\n Host: a\r\n\r\n`],
];

const lines: Vector[] = [
  ["a bare LF behind the request line", `GET /healthz HTTP/1.1\nHost: a\r\n\r\n`],
  ["a bare LF behind a field", `${get}X: a\nY: b\r\n\r\n`],
  ["bare LFs at the end", `${get}\n`],
  ["a bare LF in the end", `GET /healthz HTTP/1.1\r\nHost: a\n\r\n`],
  ["a bare CR in a value", `${get}X: a\rTransfer-Encoding: chunked\r\n\r\n`],
  ["a bare CR behind a field", `GET /healthz HTTP/1.1\r\nHost: a\rX: b\r\n\r\n`],
  ["two CRs", `${get}X: a\r\r\n\r\n`],
  ["a NUL in a value", `${get}X: a\x00b\r\n\r\n`],
  ["a backspace in a value", `${get}X: a\x08\r\n\r\n`],
  ["a DEL in a value", `${get}X: \x7f\r\n\r\n`],
  ["empty lines of LF before", `\n\n${get}\r\n`],
  ["blanks before the method", ` ${get}\r\n`],
];

const targets: Vector[] = [
  ["no Host", "GET /healthz HTTP/1.1\r\n\r\n"],
  ["an empty Host", "GET /healthz HTTP/1.1\r\nHost:\r\n\r\n"],
  ["two Hosts that agree", `${get}Host: a\r\n\r\n`],
  ["two Hosts that differ", `${get}Host: b\r\n\r\n`],
  ["a Host with a path", "GET /healthz HTTP/1.1\r\nHost: a/b\r\n\r\n"],
  ["a Host with a user", "GET /healthz HTTP/1.1\r\nHost: u@a\r\n\r\n"],
  ["a list of Hosts", "GET /healthz HTTP/1.1\r\nHost: a b\r\n\r\n"],
  ["another host in the target", "GET http://b/healthz HTTP/1.1\r\nHost: a\r\n\r\n"],
  ["a user in the target", "GET http://u@a/healthz HTTP/1.1\r\nHost: a\r\n\r\n"],
  ["no slash before the path", "GET healthz HTTP/1.1\r\nHost: a\r\n\r\n"],
  ["two blanks before the version", "GET /healthz  HTTP/1.1\r\nHost: a\r\n\r\n"],
  ["a tab in the request line", "GET\t/healthz HTTP/1.1\r\nHost: a\r\n\r\n"],
  ["a blank behind the version", "GET /healthz HTTP/1.1 \r\nHost: a\r\n\r\n"],
  ["a blank in the target", "GET /health z HTTP/1.1\r\nHost: a\r\n\r\n"],
  ["a fragment in the target", "GET /healthz#x HTTP/1.1\r\nHost: a\r\n\r\n"],
  ["HTTP/0.9", "GET /healthz\r\n\r\n"],
  ["a version of three digits", "GET /healthz HTTP/1.10\r\nHost: a\r\n\r\n"],
  ["a version in lower case", "GET /healthz http/1.1\r\nHost: a\r\n\r\n"],
  ["HTTP/1.2", "GET /healthz HTTP/1.2\r\nHost: a\r\n\r\n", 505],
  ["HTTP/2.0", "GET /healthz HTTP/2.0\r\nHost: a\r\n\r\n", 505],
  ["a tunnel", "CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n", 501],
  ["a method in lower case", "get /healthz HTTP/1.1\r\nHost: a\r\n\r\n", 501],
];

const chunks: Vector[] = [
  ["a size with a plus", `${chunked}+3\r\nabc\r\n${end}`],
  ["a size with 0x", `${chunked}0x3\r\nabc\r\n${end}`],
  ["an empty size", `${chunked}\r\nabc\r\n${end}`],
  ["a blank before a size", `${chunked} 3\r\nabc\r\n${end}`],
  ["a blank behind a size", `${chunked}3 \r\nabc\r\n${end}`],
  ["a size beyond 64 bits", `${chunked}10000000000000003\r\nabc\r\n${end}`],
  ["a size that is no number", `${chunked}g\r\nabc\r\n${end}`],
  ["an LF behind a size", `${chunked}3\nabc\r\n${end}`],
  ["a CR behind a size", `${chunked}3\rXabc\r\n${end}`],
  ["an LF behind a chunk", `${chunked}3\r\nabc\n${end}`],
  ["no line end behind a chunk", `${chunked}3\r\nabc${end}`],
  ["more in a chunk than its size", `${chunked}3\r\nabcd\r\n${end}`],
  ["an extension with an LF", `${chunked}3;a=b\nc\r\nabc\r\n${end}`],
  ["an extension of 5000 bytes", `${chunked}3;${"a".repeat(5000)}\r\nabc\r\n${end}`],
  ["a trailer with an LF", `${chunked}3\r\nabc\r\n0\r\nX: a\n\r\n`],
  ["a folded trailer", `${chunked}3\r\nabc\r\n0\r\nX: a\r\n b\r\n\r\n`],
];

const all = { lengths, codings, names, lines, targets, chunks };

describe.each(Object.entries(all))("%s", (_title, vectors) => {
  it.concurrent.each(vectors)("%s", async (_what, request, status = 400) => {
    const whole = Buffer.from(request + hidden, "latin1");
    const middle = request.length - 2;
    for (const pieces of [[whole], [whole.subarray(0, middle), whole.subarray(middle)]]) {
      const answer = await rawHttp(server.port, pieces, { pauseMs: 10 });
      expect(answer.statuses).toEqual([status]);
      expect(answer.closed).toBe(true);
    }
  });
});

// What is unusual and still has one meaning is taken, and the next request is the next request.
const fine: [what: string, request: string, status: number][] = [
  ["a length with zeros before it", `${post}Content-Length: 003\r\n\r\nabc`, 401],
  ["blanks around a value", `${post}Content-Length:   3  \r\n\r\nabc`, 401],
  ["an extension", `${post}Transfer-Encoding: chunked\r\n\r\n3;a="b"\r\nabc\r\n${end}`, 401],
  ["chunks in capitals", `${post}TRANSFER-ENCODING: CHUNKED\r\n\r\n3\r\nabc\r\n00\r\n\r\n`, 401],
  ["a trailer that looks like a length", `${chunked}3\r\nabc\r\n0\r\nContent-Length: 50\r\n\r\n`, 401],
  ["an empty line before", `\r\n${get}\r\n`, 200],
  ["the whole address as the target", "GET http://a/healthz HTTP/1.1\r\nHost: a\r\n\r\n", 200],
];
it.concurrent.each(fine)("taken: %s", async (_what, request, status) => {
  const answer = await rawHttp(server.port, request + hidden.replace("X: hidden", "Connection: close"));
  expect(answer.statuses).toEqual([status, 200]);
});

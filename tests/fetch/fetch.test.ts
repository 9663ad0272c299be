// Outgoing requests (server/src/fetch) against real servers of Node's, over HTTP and HTTPS.
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { createServer as createTcpServer } from "node:net";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { makeCertificate } from "../lib/certificates.js";
import { closeLater } from "../lib/lifetime.js";
import { binary } from "../lib/paths.js";

const program = join(dirname(binary), "server/tests/unit/fetch/fetch_once");

interface Answer {
  err: string;
  detail: string;
  status: number;
  body: string;
  etag: string;
  taken: number;
  cancelled?: boolean;
}

/** Fetches; every request must end exactly once. */
async function fetchAll(requests: object[], env: Record<string, string> = {}): Promise<Answer[]> {
  const { stdout } = await promisify(execFile)(
    program,
    requests.map((request) => JSON.stringify(request)),
    { env: { ...process.env, ...env }, maxBuffer: 1 << 26, timeout: 15_000 },
  );
  return stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
}

async function fetchOne(request: object, env: Record<string, string> = {}): Promise<Answer> {
  const answers = await fetchAll([request], env);
  expect(answers).toHaveLength(1);
  return answers[0] as Answer;
}

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closeLater(async () => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

async function serve(handler: RequestListener): Promise<string> {
  return `http://127.0.0.1:${await listen(createServer(handler))}`;
}

async function readAll(request: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part);
  return Buffer.concat(parts);
}

const echo = async (request: IncomingMessage, response: ServerResponse) => {
  const body = await readAll(request);
  response.setHeader("ETag", '"abc"');
  response.end(
    JSON.stringify({
      method: request.method,
      headers: request.headers,
      n: body.length,
      body: body.toString().slice(0, 100),
    }),
  );
};

describe("requests", () => {
  it("sends methods, fields and bodies, and nothing of curl's own", async () => {
    const url = await serve(echo);
    for (const method of ["GET", "POST", "PUT", "DELETE", "PATCH"]) {
      const answer = await fetchOne({ url, method, body: method === "GET" ? undefined : "héllo" });
      expect(answer).toMatchObject({ err: "", status: 200, etag: '"abc"' });
      const seen = JSON.parse(answer.body);
      expect(seen).toMatchObject({ method, body: method === "GET" ? "" : "héllo" });
      expect(seen.headers["x-test"]).toBe("a test");
      expect(seen.headers).not.toHaveProperty("expect");
      expect(seen.headers).not.toHaveProperty("content-type");
    }
    expect(await fetchOne({ url, method: "HEAD" })).toMatchObject({ err: "", status: 200, body: "" });
  });

  it("streams bodies of known and unknown length, waiting when there is nothing yet", async () => {
    const url = await serve(echo);
    for (const chunked of [false, true]) {
      const answer = await fetchOne({ url, method: "PUT", send: 3_000_000, chunked });
      const seen = JSON.parse(answer.body);
      expect(seen.n).toBe(3_000_000);
      expect(seen.headers["content-length"]).toBe(chunked ? undefined : "3000000");
    }
  });

  it("holds a fast server back while it pauses", async () => {
    let written = 0;
    const url = await serve((_, response) => {
      const more = () => {
        while (written < 64 << 20) {
          written += 65536;
          if (!response.write(Buffer.alloc(65536))) return void response.once("drain", more);
        }
        response.end();
      };
      more();
    });
    const answer = await fetchOne({ url, stream: true, pause_ms: 50, total_ms: 1000 });
    expect(answer.err).toBe("ERR_REQUEST_TIMEOUT");
    expect(answer.taken).toBeGreaterThan(10_000);
    expect(answer.taken).toBeLessThan(2_000_000);
    expect(written).toBeLessThan(32 << 20);
  });

  it("takes a long answer whole in pieces", async () => {
    const url = await serve((_, response) => void response.end(Buffer.alloc(20 << 20)));
    expect(await fetchOne({ url, stream: true })).toMatchObject({ err: "", taken: 20 << 20 });
  });

  it("runs many side by side, and each ends once", async () => {
    const url = await serve(echo);
    const answers = await fetchAll([{ url, times: 300 }]);
    expect(answers.filter((answer) => answer.status === 200)).toHaveLength(300);
  });

  it("is told nothing after a cancellation", async () => {
    const url = await serve((_, response) => void response.end(Buffer.alloc(5 << 20)));
    expect(await fetchAll([{ url, stream: true, cancel_after: 100_000, times: 20 }])).toEqual(
      Array.from({ length: 20 }, () => ({ cancelled: true })),
    );
  });
});

describe("bounds", () => {
  it("refuses an answer that is too long", async () => {
    const url = await serve((_, response) => void response.end("x".repeat(2001)));
    expect(await fetchOne({ url, max_response: 2000 })).toMatchObject({ err: "ERR_PAYLOAD_TOO_LARGE" });
    expect(await fetchOne({ url, max_response: 2001 })).toMatchObject({ err: "" });
  });

  it("gives up on servers that say nothing, that stall, and that break off", async () => {
    const silent = await serve(() => {});
    expect(await fetchOne({ url: silent, total_ms: 300 })).toMatchObject({ err: "ERR_REQUEST_TIMEOUT" });
    const stalls = await serve((_, response) => void response.write("some"));
    expect(await fetchOne({ url: stalls, stall_ms: 1000 })).toMatchObject({ err: "ERR_REQUEST_TIMEOUT", status: 200 });
    const breaks = await serve((_, response) => {
      response.writeHead(200, { "Content-Length": "100" });
      response.write("some", () => response.destroy());
    });
    expect(await fetchOne({ url: breaks })).toMatchObject({ err: "ERR_IO" });
    expect(await fetchOne({ url: "http://127.0.0.1:1/" })).toMatchObject({ err: "ERR_IO", status: 0 });
    expect(await fetchOne({ url: "http://name.invalid/" })).toMatchObject({ err: "ERR_IO", status: 0 });
  });

  it("answers that are not HTTP are a broken protocol", async () => {
    const server = createTcpServer((socket) => {
      socket.on("error", () => {});
      socket.end("220 mail.example ESMTP\r\n");
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    closeLater(async () => void server.close());
    const port = (server.address() as AddressInfo).port;
    expect((await fetchOne({ url: `http://127.0.0.1:${port}/` })).err).toBe("ERR_PROTOCOL");
  });
});

describe("where it may go", () => {
  it("follows no redirect unless asked", async () => {
    const target = await serve(echo);
    const url = await serve((_, response) => void response.writeHead(302, { Location: target }).end());
    expect(await fetchOne({ url })).toMatchObject({ err: "", status: 302 });
    expect(await fetchOne({ url, max_redirects: 1 })).toMatchObject({ err: "", status: 200 });
    const file = await serve((_, response) => void response.writeHead(302, { Location: "file:///etc/passwd" }).end());
    expect((await fetchOne({ url: file, max_redirects: 1 })).err).toBe("ERR_PROTOCOL");
  });

  it("connects to no private address, whatever leads there", async () => {
    let asked = 0;
    const port = new URL(await serve((_, response) => void response.end(String(++asked)))).port;
    for (const host of ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "0x7f000001", "0.0.0.0"])
      expect(await fetchOne({ url: `http://${host}:${port}/` }, { FETCH_PUBLIC: "1" })).toMatchObject({
        err: "ERR_FORBIDDEN",
      });
    expect(asked).toBe(0);
  });

  it("takes no proxy from the environment", async () => {
    const url = await serve(echo);
    const env = { http_proxy: "http://127.0.0.1:1", all_proxy: "http://127.0.0.1:1" };
    expect(await fetchOne({ url }, env)).toMatchObject({ err: "", status: 200 });
  });

  it("believes only certificates that lead to a known root and bear the name", async () => {
    const good = makeCertificate(["localhost"]);
    const options = { cert: readFileSync(good.certFile), key: readFileSync(good.keyFile) };
    const port = await listen(createTlsServer(options, echo) as unknown as Server);
    const url = `https://localhost:${port}/`;
    expect(await fetchOne({ url }, { FETCH_CA: good.certFile })).toMatchObject({ err: "", status: 200 });
    expect(await fetchOne({ url })).toMatchObject({ err: "ERR_PROTOCOL", status: 0 });
    const other = makeCertificate(["elsewhere.example"]);
    expect(await fetchOne({ url }, { FETCH_CA: other.certFile })).toMatchObject({ err: "ERR_PROTOCOL", status: 0 });
  });
});

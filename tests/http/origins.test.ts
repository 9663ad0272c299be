// Which pages may use the API from a browser.
import { beforeAll, expect, test } from "vitest";
import { rawHttp, type Server, startServer } from "../lib/index.js";

const listed = "https://app.example";
let server: Server;

beforeAll(async () => {
  server = await startServer({ args: ["--origin", listed], lifetime: "file" });
});

const from = (origin: string, init: RequestInit = {}) =>
  fetch(`${server.url}/healthz`, { ...init, headers: { Origin: origin, ...init.headers } });

test("a listed origin is named exactly", async () => {
  const answer = await from(listed);
  expect(answer.headers.get("access-control-allow-origin")).toBe(listed);
  expect(answer.headers.get("access-control-allow-credentials")).toBe("true");
  expect(answer.headers.get("vary")).toContain("Origin");
});

test.each(["https://app.example.evil", "http://app.example", "https://app.example:8443", "null"])(
  "%s gets no leave",
  async (origin) => {
    const answer = await from(origin);
    expect(answer.headers.get("access-control-allow-origin")).toBeNull();
    const asked = await from(origin, { method: "OPTIONS", headers: { "Access-Control-Request-Method": "GET" } });
    expect(asked.status).toBe(403);
  },
);

test("a preflight tells what is allowed", async () => {
  const headers = { "Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "authorization" };
  const answer = await from(listed, { method: "OPTIONS", headers });
  expect(answer.status).toBe(204);
  expect(answer.headers.get("access-control-allow-methods")).toContain("GET");
  expect(answer.headers.get("access-control-allow-headers")?.toLowerCase()).toContain("authorization");
});

test("a WebSocket from another origin is refused before the upgrade", async () => {
  const upgrade = (origin: string) =>
    rawHttp(
      server.port,
      `GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nOrigin: ${origin}\r\n\r\n`,
      { answers: 1 },
    );
  expect((await upgrade("https://evil.example")).statuses).toEqual([403]);
  const taken = await upgrade(listed);
  expect(taken.statuses).toEqual([101]);
  expect(taken.text).toContain("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
});

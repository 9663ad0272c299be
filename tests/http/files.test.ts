// The folder served at /.
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { brotliCompressSync } from "node:zlib";
import { afterAll, beforeAll, expect, test } from "vitest";
import { rawHttp, type Server, startServer } from "../lib/index.js";

let server: Server;
let folder: string;
const big = "0123456789".repeat(100_000);
const script = "export const answer = 42;\n".repeat(100);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "bellwire-web-"));
  await mkdir(join(folder, "assets"));
  await writeFile(join(folder, "index.html"), "<!doctype html><title>home</title>");
  await writeFile(join(folder, "big.txt"), big);
  await writeFile(join(folder, "assets/app-Ab3dEf9h.js"), script);
  await writeFile(join(folder, "assets/app-Ab3dEf9h.js.br"), brotliCompressSync(script));
  await symlink("/etc/passwd", join(folder, "passwd.txt"));
  server = await startServer({ args: ["--web", folder], lifetime: "file" });
});

afterAll(() => rm(folder, { recursive: true, force: true }));

test("the page, with a policy and without a long life", async () => {
  const answer = await fetch(`${server.url}/`);
  expect(answer.status).toBe(200);
  expect(await answer.text()).toContain("home");
  expect(answer.headers.get("content-type")).toBe("text/html; charset=utf-8");
  expect(answer.headers.get("content-security-policy")).toContain("default-src 'self'");
  expect(answer.headers.get("cache-control")).toBe("no-cache");
  expect(answer.headers.get("x-content-type-options")).toBe("nosniff");
});

test("scripts come compressed, and stay", async () => {
  const answer = await fetch(`${server.url}/assets/app-Ab3dEf9h.js`, { headers: { "Accept-Encoding": "br" } });
  expect(answer.headers.get("content-encoding")).toBe("br");
  expect(answer.headers.get("cache-control")).toContain("immutable");
  expect(await answer.text()).toBe(script);
});

test("a large file, whole, in part, and not again", async () => {
  const whole = await fetch(`${server.url}/big.txt`);
  expect(await whole.text()).toBe(big);
  const etag = whole.headers.get("etag") ?? "";
  const part = await fetch(`${server.url}/big.txt`, { headers: { Range: "bytes=500000-700004" } });
  expect(part.status).toBe(206);
  expect(part.headers.get("content-range")).toBe(`bytes 500000-700004/${big.length}`);
  expect(await part.text()).toBe(big.slice(500_000, 700_005));
  const again = await fetch(`${server.url}/big.txt`, { headers: { "If-None-Match": etag } });
  expect(again.status).toBe(304);
  const outside = await fetch(`${server.url}/big.txt`, { headers: { Range: "bytes=1000000-" } });
  expect(outside.status).toBe(416);
});

test.each(["/passwd.txt", "/..%2f..%2fetc/passwd", "/../../etc/passwd", "/assets/../index.html", "//etc/passwd"])(
  "%s is not served",
  async (path) => {
    const answer = await rawHttp(server.port, `GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);
    expect(answer.statuses).toEqual([404]);
    expect(answer.text).not.toContain("root:");
  },
);

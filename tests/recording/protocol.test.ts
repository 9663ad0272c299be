// tus 1.0.0 and the multipart form to the letter, and everything that must be refused.
import { randomUUID } from "node:crypto";
import { readdirSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { Rest } from "../lib/index.js";
import {
  createUpload,
  download,
  liveWebm,
  makeScene,
  patch,
  probe,
  recorderToken,
  type Scene,
  sha256,
  tus,
  whenReady,
} from "./lib/setup.js";

let scene: Scene;
let webm: Buffer;
beforeAll(async () => {
  webm = liveWebm(2);
  scene = await makeScene(["--recording-max-bytes", "10000000", "--recording-max-uploads-per-user", "1000"], {
    lifetime: "file",
  });
});

const locationOf = async (length: number | null) =>
  (await createUpload(scene.alice, scene.callId, length)).headers.get("location") as string;
const code = (answer: { body: string }): string => JSON.parse(answer.body).code;

describe("refusals", () => {
  it("wants the version, except to OPTIONS", async () => {
    const path = await locationOf(10);
    expect(await tus(scene.alice, "HEAD", path, { "Tus-Resumable": "0.2.2" })).toMatchObject({ status: 412 });
    const options = await tus(scene.alice, "OPTIONS", "/api/uploads");
    expect(options.status).toBe(204);
    expect(options.headers.get("tus-version")).toBe("1.0.0");
    expect(options.headers.get("tus-extension")).toContain("creation-defer-length");
  });

  it("keeps the offset at a wrong offset, too many bytes, a wrong checksum, and what is no media", async () => {
    const path = await locationOf(webm.length);
    expect(code(await patch(scene.alice, path, 5, webm))).toBe("upload_offset");
    expect(await patch(scene.alice, path, 0, Buffer.concat([webm, Buffer.alloc(1)]))).toMatchObject({ status: 413 });
    const wrong = { "Upload-Checksum": `sha256 ${Buffer.alloc(32).toString("base64")}` };
    expect(await patch(scene.alice, path, 0, webm, wrong)).toMatchObject({ status: 460 });
    expect(await patch(scene.alice, path, 0, Buffer.from("<html><script>"))).toMatchObject({ status: 415 });
    expect(await patch(scene.alice, path, 0, webm, { "Content-Type": "video/webm" })).toMatchObject({ status: 415 });
    expect(await tus(scene.alice, "HEAD", path)).toMatchObject({ status: 200, offset: 0 });
    const right = {
      "Upload-Checksum": `sha256 ${Buffer.from(sha256(webm.subarray(0, 100)), "hex").toString("base64")}`,
    };
    expect(await patch(scene.alice, path, 0, webm.subarray(0, 100), right)).toMatchObject({ status: 204, offset: 100 });
    expect(await patch(scene.alice, path, 100, webm.subarray(100))).toMatchObject({ status: 204 });
    expect((await whenReady(scene.alice, scene.callId, path.split("/").at(-1) as string)).uploadSha256).toBe(
      sha256(webm),
    );
  });

  it("refuses creations that are malformed, too large, of other calls, or by others", async () => {
    const { alice, bob, mallory, callId } = scene;
    expect((await createUpload(alice, callId, 10_000_001)).status).toBe(413);
    expect((await createUpload(alice, "nonsense", 10)).status).toBe(400);
    expect((await createUpload(alice, randomUUID(), 10)).status).toBe(404);
    expect((await createUpload(bob, callId, 10)).status).toBe(403);
    expect((await createUpload(new Rest(mallory.url, recorderToken("mallory")), callId, 10)).status).toBe(404);
    expect((await tus(alice, "POST", "/api/uploads", { "Upload-Length": "-5" })).status).toBe(400);
    expect(
      (await tus(alice, "POST", "/api/uploads", { "Upload-Length": "5", "Upload-Metadata": "callId !!!" })).status,
    ).toBe(400);
    expect((await tus(new Rest(alice.url, "bad"), "POST", "/api/uploads", { "Upload-Length": "5" })).status).toBe(401);
  });

  it("hides uploads from others, and forgets those that were given up", async () => {
    const path = await locationOf(1000);
    const other = new Rest(scene.bob.url, recorderToken("bob"));
    for (const method of ["HEAD", "DELETE"]) expect((await tus(other, method, path)).status).toBe(404);
    expect((await patch(other, path, 0, webm)).status).toBe(404);
    expect((await tus(scene.alice, "DELETE", path)).status).toBe(204);
    expect((await tus(scene.alice, "HEAD", path)).status).toBe(404);
    expect((await tus(scene.alice, "HEAD", "/api/uploads/..%2f..%2fetc%2fpasswd")).status).toBe(404);
  });
});

describe("names", () => {
  it("are labels: 200 hostile ones touch nothing on the disk", async () => {
    const pieces = [
      "../",
      "..\\",
      "/etc/passwd",
      "%2e%2e/",
      "\u202e",
      "a\nb",
      "C:\\x",
      ".",
      "..",
      "con",
      "<script>",
      '"',
      "'; drop",
      "~",
      "$(x)",
    ];
    const before = readdirSync(scene.server.data).sort();
    for (let i = 0; i < 200; i++) {
      const name = `${pieces[i % pieces.length]}${pieces[(i * 7 + 3) % pieces.length]}${i}`;
      const created = await createUpload(scene.alice, scene.callId, 100, { filename: name });
      expect([201, 400]).toContain(created.status);
      if (created.status === 201) await tus(scene.alice, "DELETE", created.headers.get("location") as string);
    }
    expect(readdirSync(scene.server.data).sort()).toEqual(before);
    const left = readdirSync(join(scene.server.data, "recordings/uploads"));
    expect(left.every((name) => /^[0-9a-f-]{36}\.(json|part|tmp)$/.test(name))).toBe(true);
  });

  it("come back in Content-Disposition, encoded", async () => {
    const created = await createUpload(scene.alice, scene.callId, webm.length, { filename: 'ü "x"\\..webm' });
    const path = created.headers.get("location") as string;
    await patch(scene.alice, path, 0, webm);
    const { id } = await whenReady(scene.alice, scene.callId, path.split("/").at(-1) as string);
    const { headers } = await download(scene.bob, id, { Range: "bytes=0-0" });
    expect(headers.get("content-disposition")).toBe(
      `attachment; filename="recording-${id}.webm"; filename*=UTF-8''%C3%BC%20%22x%22%5C..webm`,
    );
  });
});

describe("a connection that breaks", () => {
  it("keeps what came, and a new request breaks an old one that hangs", async () => {
    const path = await locationOf(webm.length);
    const half = webm.subarray(0, 1000);
    const socket = connect(scene.server.port, "127.0.0.1");
    socket.on("error", () => {});
    const head = [
      `PATCH ${path} HTTP/1.1`,
      "Host: x",
      `Authorization: Bearer ${scene.alice.token}`,
      "Tus-Resumable: 1.0.0",
    ];
    head.push("Upload-Offset: 0", "Content-Type: application/offset+octet-stream", `Content-Length: ${webm.length}`);
    socket.write(`${head.join("\r\n")}\r\n\r\n`);
    socket.write(half);
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(await tus(scene.alice, "HEAD", path)).toMatchObject({ status: 200, offset: half.length });
    expect(await patch(scene.alice, path, half.length, webm.subarray(half.length))).toMatchObject({ status: 204 });
    socket.destroy();
  });
});

describe("the form", () => {
  const send = (rest: Rest, body: FormData | string, type?: string) =>
    fetch(`${rest.url}/api/calls/${scene.callId}/recording`, {
      method: "POST",
      headers: { authorization: `Bearer ${rest.token}`, ...(type ? { "content-type": type } : {}) },
      body,
    });

  it("takes one file in the field recording", async () => {
    const form = new FormData();
    form.set("note", "something else");
    form.set("recording", new Blob([new Uint8Array(webm)], { type: "video/webm" }), "call.webm");
    const response = await send(scene.alice, form);
    expect(response.status).toBe(201);
    const { recording } = (await response.json()) as {
      recording: { id: string; uploadSha256: string; fileName: string };
    };
    expect(recording).toMatchObject({ uploadSha256: sha256(webm), fileName: "call.webm" });
    const { bytes } = await download(scene.bob, recording.id);
    expect((await probe(bytes)).duration).toBeCloseTo(2, 1);
  });

  it("refuses what is malformed, and leaves nothing behind", async () => {
    const type = "multipart/form-data; boundary=b";
    const part = '--b\r\nContent-Disposition: form-data; name="recording"; filename="x"\r\n\r\n';
    expect((await send(scene.alice, "hello", "text/plain")).status).toBe(415);
    expect((await send(scene.alice, `${part}\x1a\x45`, type)).status).toBe(400);
    expect(
      (await send(scene.alice, "--b\r\nContent-Disposition: form-data; name=x\r\n\r\n1\r\n--b--", type)).status,
    ).toBe(400);
    expect((await send(scene.alice, `${part}<html>\r\n--b--`, type)).status).toBe(415);
    expect((await send(scene.alice, `--b\r\nX: ${"y".repeat(9000)}\r\n\r\n`, type)).status).toBe(400);
    const many = '--b\r\nContent-Disposition: form-data; name="n"\r\n\r\n\r\n'.repeat(100);
    expect((await send(scene.alice, `${many}--b--`, type)).status).toBe(400);
  });
});

describe("bounds", () => {
  it("opens no more uploads than it may", async () => {
    const small = await makeScene(["--recording-max-uploads", "30", "--recording-max-uploads-per-user", "1000"]);
    const answers = await Promise.all(Array.from({ length: 100 }, () => createUpload(small.alice, small.callId, 1000)));
    const statuses = answers.map(({ status }) => status);
    expect(new Set(statuses)).toEqual(new Set([201, 429]));
    expect(statuses.filter((status) => status === 201).length).toBeLessThanOrEqual(60);
    expect((await small.bob.get("/healthz")).status).toBe(200);
  });

  it("makes a recording of an upload that nobody goes on with", async () => {
    const small = await makeScene(["--recording-upload-expiry", "1s"]);
    const long = liveWebm(6);
    const path = (await createUpload(small.alice, small.callId, null)).headers.get("location") as string;
    await patch(small.alice, path, 0, long.subarray(0, Math.floor(long.length / 2)));
    const recording = await whenReady(small.bob, small.callId, path.split("/").at(-1) as string);
    expect(recording.isCut).toBe(true);
    const seen = await probe((await download(small.bob, recording.id)).bytes);
    expect(seen.duration).toBeGreaterThan(2);
    expect(seen.duration).toBeLessThan(4.5);
    expect((await tus(small.alice, "HEAD", path)).status).toBe(410);
  });
});

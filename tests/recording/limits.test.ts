// What uploads may take, together and each: places, bytes, time.
import { readFileSync } from "node:fs";
import { connect } from "node:net";
import { describe, expect, it } from "vitest";
import { makeDatabase, onPostgres } from "../lib/database.js";
import { closeLater, Rest } from "../lib/index.js";
import { TcpProxy } from "../lib/proxy.js";
import {
  createUpload,
  listRecordings,
  liveWebm,
  makeScene,
  patch,
  recorderToken,
  type Scene,
  sha256,
  tus,
  whenReady,
} from "./lib/setup.js";

const locationOf = async ({ alice, callId }: Scene, length: number | null) => {
  const created = await createUpload(alice, callId, length);
  expect(created.status).toBe(201);
  return created.headers.get("location") as string;
};

/** Begins a PATCH of which not all comes. */
function beginPatch(scene: Scene, path: string, length: number, more: string[] = []) {
  const socket = connect(scene.server.port, "127.0.0.1");
  let heard = "";
  socket.on("error", () => {});
  socket.on("data", (bytes) => {
    heard += bytes;
  });
  const head = [`PATCH ${path} HTTP/1.1`, "Host: x", `Authorization: Bearer ${scene.alice.token}`, ...more];
  head.push("Tus-Resumable: 1.0.0", "Upload-Offset: 0", "Content-Type: application/offset+octet-stream");
  socket.write(`${head.join("\r\n")}\r\nContent-Length: ${length}\r\n\r\n`);
  return { socket, heard: () => heard };
}

describe("places", () => {
  it("are counted: a thousand uploads at once get as many as there are, and the server stays small", {
    timeout: 120_000,
  }, async () => {
    const most = 200;
    const args = ["--recording-max-uploads", `${most}`, "--recording-max-uploads-per-user", "5000"];
    const scene = await makeScene(args);
    const piece = Buffer.concat([Buffer.from("\x1a\x45\xdf\xa3", "latin1"), Buffer.alloc(40_000)]);
    const one = async () => {
      const created = await createUpload(scene.alice, scene.callId, 100_000);
      if (created.status !== 201) return created;
      return patch(scene.alice, created.headers.get("location") as string, 0, piece);
    };
    const answers = await Promise.all(Array.from({ length: 1000 }, one));
    const count = (status: number) => answers.filter((answer) => answer.status === status).length;
    expect([count(204), count(429)]).toEqual([most, 1000 - most]);
    expect(answers.find(({ status }) => status === 429)?.headers.get("retry-after")).toBe("5");
    expect((await scene.bob.get(`/api/calls/${scene.callId}`)).body.call.status).toBe("active");
    const resident = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${scene.server.pid}/status`, "utf8"))?.[1];
    expect(Number(resident)).toBeLessThan(120_000);
  });

  it("are counted for each user, and given back", async () => {
    const scene = await makeScene(["--recording-max-uploads-per-user", "2"]);
    const path = await locationOf(scene, 1000);
    await locationOf(scene, 1000);
    expect((await createUpload(scene.alice, scene.callId, 1000)).status).toBe(429);
    const backend = scene.server.rest({ user: "backend", scope: "server" });
    expect((await createUpload(backend, scene.callId, 1000)).status).toBe(201);
    expect((await tus(scene.alice, "DELETE", path)).status).toBe(204);
    expect((await createUpload(scene.alice, scene.callId, 1000)).status).toBe(201);
  });
});

describe("bytes", () => {
  it("of a call are counted: open, being completed, complete, and given back", async () => {
    const webm = liveWebm(4); // long enough: what completing adds is less than half of it
    const scene = await makeScene(["--recording-max-call-bytes", `${3 * webm.length}`]);
    const path = await locationOf(scene, webm.length);
    expect((await createUpload(scene.alice, scene.callId, 2 * webm.length + 1)).status).toBe(413);
    expect((await patch(scene.alice, path, 0, webm)).status).toBe(204);
    expect((await createUpload(scene.alice, scene.callId, 2 * webm.length + 1)).status).toBe(413);
    const { id } = await whenReady(scene.bob, scene.callId, path.split("/").at(-1) as string);
    expect((await createUpload(scene.alice, scene.callId, 2 * webm.length)).status).toBe(413); // it has an index now
    const [open, other] = [await locationOf(scene, null), await locationOf(scene, null)];
    const body = Buffer.concat([webm, Buffer.alloc(Math.floor(webm.length / 2))]);
    expect((await patch(scene.alice, open, 0, body)).status).toBe(204);
    expect((await patch(scene.alice, other, 0, body)).status).toBe(413); // alone it would have been as welcome
    expect((await tus(scene.alice, "HEAD", other)).offset).toBe(0);
    expect((await scene.alice.delete(`/api/recordings/${id}`)).status).toBe(204);
    for (const one of [open, other]) expect((await tus(scene.alice, "DELETE", one)).status).toBe(204);
    await locationOf(scene, 3 * webm.length);
  });

  it.runIf(onPostgres)(
    "of a call count once, also between its row's commit and the server's hearing of it",
    async () => {
      const webm = liveWebm(4);
      const body = Buffer.concat([webm, Buffer.alloc(webm.length / 2)]);
      const database = await makeDatabase();
      closeLater(database.drop);
      const db = new URL(database.url);
      const proxy = await TcpProxy.open(Number(db.port));
      proxy.holdAfter = Buffer.from("/api/recordings/"); // the row's own path
      proxy.holdMs = 500;
      db.port = `${proxy.port}`;
      const scene = await makeScene(["--recording-max-call-bytes", `${3 * webm.length}`], { db: db.href });
      const path = await locationOf(scene, webm.length);
      expect((await patch(scene.alice, path, 0, webm)).status).toBe(204);
      while (!(await listRecordings(scene.bob, scene.callId)).length);
      const open = await locationOf(scene, null);
      expect(scene.server.stderr).not.toContain("recording ready");
      await expect.poll(() => scene.server.stderr).toContain("recording ready");
      expect((await patch(scene.alice, open, 0, body)).status).toBe(204);
    },
  );

  it("of a call are known after a restart too, to uploads that go on", async () => {
    const webm = liveWebm(2);
    const scene = await makeScene(["--recording-max-call-bytes", `${3 * webm.length}`]);
    const path = await locationOf(scene, webm.length);
    expect((await patch(scene.alice, path, 0, webm)).status).toBe(204);
    await whenReady(scene.bob, scene.callId, path.split("/").at(-1) as string);
    const [open, other] = [await locationOf(scene, null), await locationOf(scene, null)];
    expect((await patch(scene.alice, open, 0, webm)).status).toBe(204);
    expect((await patch(scene.alice, other, 0, webm.subarray(0, 100))).status).toBe(204);
    await scene.server.kill();
    await scene.server.start();
    const alice = new Rest(scene.server.url, recorderToken("alice"));
    expect((await patch(alice, other, 100, webm.subarray(100))).status).toBe(413); // two and an index are taken
    expect((await tus(alice, "HEAD", other)).offset).toBe(100);
    const told = { "Upload-Length": `${2 * webm.length}` };
    expect((await patch(alice, open, webm.length, Buffer.alloc(1), told)).status).toBe(413);
    expect((await patch(alice, open, webm.length, Buffer.alloc(1000))).status).toBe(204);
  });

  it("of all calls are counted, also where no length was told", async () => {
    const scene = await makeScene(["--recording-max-all-bytes", "300000"]);
    const piece = Buffer.concat([Buffer.from("\x1a\x45\xdf\xa3", "latin1"), Buffer.alloc(200_000)]);
    expect((await createUpload(scene.alice, scene.callId, 300_000)).status).toBe(507);
    const path = await locationOf(scene, null);
    expect((await patch(scene.alice, path, 0, piece)).status).toBe(204);
    expect((await patch(scene.alice, path, piece.length, piece)).status).toBe(507);
    expect((await tus(scene.alice, "HEAD", path)).offset).toBe(piece.length);
    expect((await tus(scene.alice, "DELETE", path)).status).toBe(204);
    await locationOf(scene, 200_000);
  });
});

describe("time", () => {
  it("is over for a sender who sends nothing; what had come is kept", { timeout: 60_000 }, async () => {
    const webm = liveWebm(2);
    const scene = await makeScene();
    const path = await locationOf(scene, webm.length);
    const slow = beginPatch(scene, path, webm.length);
    slow.socket.write(webm.subarray(0, 3000));
    await expect.poll(slow.heard, { timeout: 30_000 }).toContain("HTTP/1.1 408");
    expect(await tus(scene.alice, "HEAD", path)).toMatchObject({ status: 200, offset: 3000 });
    expect((await patch(scene.alice, path, 3000, webm.subarray(3000))).status).toBe(204);
    const ready = await whenReady(scene.bob, scene.callId, path.split("/").at(-1) as string);
    expect(ready.uploadSha256).toBe(sha256(webm));
  });
});

describe("bytes that a checksum was promised for", () => {
  const promised = [`Upload-Checksum: sha256 ${Buffer.alloc(32).toString("base64")}`];

  it("count only when all have come and it was right, whoever breaks off", async () => {
    const webm = liveWebm(2);
    const scene = await makeScene();
    const path = await locationOf(scene, webm.length);
    const first = beginPatch(scene, path, webm.length, promised);
    first.socket.write(webm.subarray(0, webm.length - 1));
    await new Promise((resolve) => setTimeout(resolve, 300));
    first.socket.destroy();
    await expect.poll(async () => (await tus(scene.alice, "HEAD", path)).offset).toBe(0);
    const second = beginPatch(scene, path, webm.length, promised);
    second.socket.write(webm.subarray(0, webm.length - 1));
    await new Promise((resolve) => setTimeout(resolve, 300));
    await scene.server.kill();
    await scene.server.start();
    const alice = new Rest(scene.server.url, recorderToken("alice"));
    expect(await tus(alice, "HEAD", path)).toMatchObject({ status: 200, offset: 0 });
    expect((await patch(alice, path, 0, webm)).status).toBe(204);
    const id = path.split("/").at(-1) as string;
    expect((await whenReady(alice, scene.callId, id)).uploadSha256).toBe(sha256(webm));
    expect(await listRecordings(alice, scene.callId)).toHaveLength(1);
  });
});

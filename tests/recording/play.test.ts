// Playing, linking to, listing and deleting recordings; and who may.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { beforeAll, describe, expect, it } from "vitest";
import { onPostgres, psql } from "../lib/database.js";
import { Rest, type Server, token } from "../lib/index.js";
import {
  createUpload,
  download,
  listRecordings,
  liveWebm,
  makeScene,
  patch,
  type Scene,
  sha256,
  whenReady,
} from "./lib/setup.js";

let scene: Scene;
let webm: Buffer;
beforeAll(async () => {
  webm = liveWebm(2);
  scene = await makeScene(["--recording-link-ttl", "2s"], { lifetime: "file" });
});

async function record(): Promise<{ id: string; sha256: string; fileSize: number }> {
  const path = (await createUpload(scene.alice, scene.callId, webm.length)).headers.get("location") as string;
  await patch(scene.alice, path, 0, webm);
  return whenReady(scene.alice, scene.callId, path.split("/").at(-1) as string);
}

/** As a host does it, with SQL of its own. */
async function deleteRow(server: Server, id: string): Promise<void> {
  const condition = `WHERE id = '${id}'`;
  if (onPostgres) {
    await psql(`DELETE FROM public.call_recordings ${condition}`, server.db);
    return;
  }
  const database = new DatabaseSync(join(server.data, "bellwire.db"));
  database.exec(`DELETE FROM call_recordings ${condition}`);
  database.close();
}

describe("playing", () => {
  it("answers ranges, HEAD and validators, and lets nothing run", async () => {
    const { id, sha256: sum, fileSize } = await record();
    const whole = await download(scene.bob, id);
    expect(whole.status).toBe(200);
    expect(sha256(whole.bytes)).toBe(sum);
    const get = (name: string) => whole.headers.get(name);
    expect(get("content-type")).toBe("video/webm");
    expect(get("x-content-type-options")).toBe("nosniff");
    expect(get("content-security-policy")).toContain("sandbox");
    expect(get("content-disposition")).toContain("attachment");
    expect(get("accept-ranges")).toBe("bytes");
    for (const [range, from, to] of [
      ["bytes=100-199", 100, 200],
      ["bytes=-10", fileSize - 10, fileSize],
      ["bytes=5-", 5, fileSize],
    ] as const) {
      const part = await download(scene.bob, id, { Range: range });
      expect(part.status).toBe(206);
      expect(part.headers.get("content-range")).toBe(`bytes ${from}-${to - 1}/${fileSize}`);
      expect(part.bytes.equals(whole.bytes.subarray(from, to))).toBe(true);
    }
    expect((await download(scene.bob, id, { Range: `bytes=${fileSize}-` })).status).toBe(416);
    expect((await download(scene.bob, id, { Range: `bytes=${"0-1,".repeat(1000)}2-3` })).status).toBe(200);
    expect((await download(scene.bob, id, { "If-None-Match": `"${sum}"` })).status).toBe(304);
    const head = await fetch(`${scene.bob.url}/api/recordings/${id}`, {
      method: "HEAD",
      headers: { authorization: `Bearer ${scene.bob.token}` },
    });
    expect(head.headers.get("content-length")).toBe(`${fileSize}`);
  });

  it("is for those who were in the call, and the host", async () => {
    const { id } = await record();
    for (const rest of [scene.alice, scene.bob, scene.host]) expect((await download(rest, id)).status).toBe(200);
    expect((await download(scene.mallory, id)).status).toBe(404);
    expect((await download(new Rest(scene.alice.url, "x"), id)).status).toBe(401);
    expect((await scene.mallory.get(`/api/calls/${scene.callId}/recordings`)).status).toBe(404);
  });

  it("works by link until that has expired", async () => {
    const { id } = await record();
    const { body } = await scene.bob.get(`/api/recordings/${id}/link`);
    const open = (url: string) => fetch(new URL(url, scene.bob.url));
    expect((await open(body.url)).status).toBe(200);
    expect((await open(body.url.replace(/sig=./, "sig=_"))).status).toBe(401);
    expect((await open(body.url.replace(/exp=(\d)/, "exp=9$1"))).status).toBe(401);
    const other = await record();
    expect((await open(body.url.replace(id, other.id))).status).toBe(401);
    await new Promise((resolve) => setTimeout(resolve, 3100));
    expect((await open(body.url)).status).toBe(401);
  });

  it("is deleted with its bytes, by whoever made it, a moderator or the host", async () => {
    const { id } = await record();
    const file = join(scene.server.data, "recordings/media", id);
    expect(existsSync(file)).toBe(true);
    expect((await scene.bob.delete(`/api/recordings/${id}`)).status).toBe(403);
    expect((await scene.mallory.delete(`/api/recordings/${id}`)).status).toBe(404);
    expect((await scene.alice.delete(`/api/recordings/${id}`)).status).toBe(204);
    expect(existsSync(file)).toBe(false);
    expect((await download(scene.bob, id)).status).toBe(404);
    const second = await record();
    const moderator = new Rest(scene.bob.url, token({ user: "bob", claims: { moderator: true } }));
    expect((await moderator.delete(`/api/recordings/${second.id}`)).status).toBe(204);
  });

  it("is gone with its row, whoever deletes that, and its bytes follow", async () => {
    const own = await makeScene(["--recording-upload-expiry", "2s"]);
    const path = (await createUpload(own.alice, own.callId, webm.length)).headers.get("location") as string;
    await patch(own.alice, path, 0, webm);
    const { id } = await whenReady(own.alice, own.callId, path.split("/").at(-1) as string);
    const link = (await own.bob.get(`/api/recordings/${id}/link`)).body.url;
    expect((await download(own.bob, id)).status).toBe(200);
    await deleteRow(own.server, id);
    expect((await download(own.bob, id)).status).toBe(404);
    expect((await fetch(own.server.url + link)).status).toBe(404);
    expect(await listRecordings(own.bob, own.callId)).toEqual([]);
    if (!onPostgres) await own.server.restart(); // its own database: nobody but an operator writes there
    const file = join(own.server.data, "recordings/media", id);
    await expect.poll(() => existsSync(file), { timeout: 10_000 }).toBe(false);
  });

  it("is forgotten when it is old enough", async () => {
    const short = await makeScene(["--recording-keep", "1s", "--recording-upload-expiry", "1s"]);
    const path = (await createUpload(short.alice, short.callId, webm.length)).headers.get("location") as string;
    await patch(short.alice, path, 0, webm);
    const { id } = await whenReady(short.alice, short.callId, path.split("/").at(-1) as string);
    await expect.poll(async () => (await download(short.bob, id)).status, { timeout: 8000 }).toBe(404);
    expect(existsSync(join(short.server.data, "recordings/media", id))).toBe(false);
  });
});

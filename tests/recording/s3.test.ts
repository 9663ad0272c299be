// Complete recordings in an S3-like bucket: signed, in parts, played through the server, removed; and the bucket away.
import { randomBytes } from "node:crypto";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import S3rver from "@20minutes/s3rver";
import { describe, expect, it } from "vitest";
import { closeLater, freePort } from "../lib/index.js";
import { createUpload, download, makeScene, patch, sha256, whenReady } from "./lib/setup.js";

async function startBucket(port: number, directory: string) {
  const s3 = new S3rver({
    port,
    address: "127.0.0.1",
    silent: true,
    directory,
    configureBuckets: [{ name: "calls", configs: [] }],
  });
  await s3.run();
  return s3;
}

const options = (port: number) => [
  "--s3-endpoint",
  `http://127.0.0.1:${port}`,
  "--s3-bucket",
  "calls",
  "--s3-key-id",
  "S3RVER",
  "--recording-upload-expiry",
  "2s",
];

describe("S3", () => {
  it("holds what is complete, in parts, and waits when it is away", async () => {
    const directory = mkdtempSync(join(tmpdir(), "bellwire-s3-"));
    const port = await freePort();
    let s3 = await startBucket(port, directory);
    closeLater(async () => {
      await s3.close();
      rmSync(directory, { recursive: true, force: true });
    });
    const { server, alice, bob, callId } = await makeScene(options(port), {
      env: { BELLWIRE_S3_SECRET: "S3RVER" },
    });
    const bytes = Buffer.concat([Buffer.from("\0\0\0\x10ftypisom\0\0\0\0"), randomBytes(17 << 20)]);
    const put = async () => {
      const path = (await createUpload(alice, callId, bytes.length)).headers.get("location") as string;
      expect((await patch(alice, path, 0, bytes)).status).toBe(204);
      return path.split("/").at(-1) as string;
    };
    const first = await whenReady(bob, callId, await put());
    expect(readdirSync(join(server.data, "recordings/media"))).toEqual([]);
    const played = await download(bob, first.id);
    expect(sha256(played.bytes)).toBe(first.sha256);
    const part = await download(bob, first.id, { Range: "bytes=9000000-9000099" });
    expect(part.bytes.equals(played.bytes.subarray(9000000, 9000100))).toBe(true);

    await s3.close();
    const waiting = await put();
    await new Promise((resolve) => setTimeout(resolve, 1500));
    expect((await bob.get(`/api/calls/${callId}/recordings`)).body.recordings).toHaveLength(1);
    s3 = await startBucket(port, directory);
    const second = await whenReady(bob, callId, waiting);
    expect(sha256((await download(bob, second.id)).bytes)).toBe(second.sha256);
    expect((await alice.delete(`/api/recordings/${first.id}`)).status).toBe(204);
    expect((await download(bob, first.id)).status).toBe(404);
  });
});

// Complete recordings in an S3-like bucket: signed, in parts, played through the server, removed; and all that can go
// wrong with it, after which nothing is lost and nothing is left that somebody pays for.
import { randomBytes } from "node:crypto";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { Rest } from "../lib/index.js";
import { Bucket, type Fault } from "./lib/bucket.js";
import {
  createUpload,
  download,
  listRecordings,
  makeScene,
  patch,
  recorderToken,
  type Scene,
  sha256,
  whenReady,
} from "./lib/setup.js";

const slow = { timeout: 90_000 };
const bytes = Buffer.concat([Buffer.from("\0\0\0\x10ftypisom\0\0\0\0"), randomBytes(17 << 20)]);

async function sceneWith(bucket: Bucket): Promise<Scene> {
  const { args, env } = bucket.options;
  return makeScene(args, { env });
}

async function put({ alice, callId }: Scene, body = bytes): Promise<string> {
  const path = (await createUpload(alice, callId, body.length)).headers.get("location") as string;
  expect((await patch(alice, path, 0, body)).status).toBe(204);
  return path.split("/").at(-1) as string;
}

const filesHere = (scene: Scene): string[] => readdirSync(join(scene.server.data, "recordings/media"));

/** It is in the bucket, whole, and nowhere else. */
async function expectStored(scene: Scene, bucket: Bucket, id: string): Promise<void> {
  const ready = await whenReady(scene.bob, scene.callId, id, 60_000);
  expect(sha256((await download(scene.bob, id)).bytes)).toBe(ready.sha256);
  expect(ready.sha256).toBe(sha256(bytes));
  await expect.poll(() => filesHere(scene)).toEqual([]);
  expect([...bucket.begun]).toEqual([]);
}

describe("S3", () => {
  it("holds what is complete, in parts, and gives ranges of it", slow, async () => {
    const bucket = await Bucket.start();
    const scene = await sceneWith(bucket);
    const id = await put(scene);
    await expectStored(scene, bucket, id);
    expect(bucket.steps).toEqual(["list", "begin", "part 1", "part 2", "part 3", "finish", "GET"]);
    const part = await download(scene.bob, id, { Range: "bytes=9000000-9000099" });
    expect(part.status).toBe(206);
    expect(part.bytes.equals(bytes.subarray(9000000, 9000100))).toBe(true);
    expect((await scene.alice.delete(`/api/recordings/${id}`)).status).toBe(204);
    expect((await download(scene.bob, id)).status).toBe(404);
    expect(bucket.steps.at(-1)).toBe("DELETE");
  });

  it("may be away: what is complete waits here, and goes there later", slow, async () => {
    const bucket = await Bucket.start();
    const scene = await sceneWith(bucket);
    await bucket.down();
    const id = await put(scene);
    await expect.poll(() => filesHere(scene), { timeout: 20_000 }).toEqual([id]);
    await new Promise((resolve) => setTimeout(resolve, 1500));
    expect(await listRecordings(scene.bob, scene.callId)).toEqual([]);
    await bucket.up();
    await expectStored(scene, bucket, id);
  });

  // libcurl itself asks again when a connection that was used before breaks without an answer.
  for (const [step, fault, aborts] of [
    ["begin", "refuse", 0],
    ["part 2", "refuse", 1],
    ["part 2", "cut", 1],
    ["finish", "refuse", 1],
    ["finish", "cut", 0],
    ["finish", "error in the body", 1],
  ] as [string, Fault, number][])
    it(`may fail (${step}: ${fault}): what was sent is given up, and all is sent again`, slow, async () => {
      const bucket = await Bucket.start();
      let failures = 0;
      bucket.fault = (at) => (at === step && failures++ < 1 ? fault : undefined);
      const scene = await sceneWith(bucket);
      await expectStored(scene, bucket, await put(scene));
      expect(failures).toBe(2);
      expect(bucket.steps.filter((at) => at === "abort")).toHaveLength(aborts);
    });

  it("is not asked twice for what a killed server had begun: that is given up at the next start", slow, async () => {
    const bucket = await Bucket.start();
    let reached: () => void = () => {};
    const amid = new Promise<void>((resolve) => {
      reached = resolve;
    });
    const scene = await sceneWith(bucket);
    bucket.fault = (at) => {
      if (at !== "part 2") return undefined;
      reached();
      return "refuse";
    };
    const killed = amid.then(() => scene.server.kill());
    const id = await put(scene);
    await killed;
    bucket.fault = () => undefined;
    const left = bucket.begun.size;
    await scene.server.start();
    const bob = new Rest(scene.server.url, recorderToken("bob"));
    await expectStored({ ...scene, bob }, bucket, id);
    expect(left).toBe(1);
    expect(bucket.steps).toContain("abort");
  });

  it("breaks a playing off when it fails, so that nobody takes a part for the whole", slow, async () => {
    const bucket = await Bucket.start();
    const scene = await sceneWith(bucket);
    const id = await put(scene);
    await expectStored(scene, bucket, id);
    bucket.fault = (at) => (at === "GET" ? "refuse" : undefined);
    await expect(download(scene.bob, id)).rejects.toThrow();
    bucket.fault = () => undefined;
    expect((await download(scene.bob, id)).bytes.length).toBe(bytes.length);
  });
});

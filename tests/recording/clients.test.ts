// Real tus clients, and a network that cuts.
import { execFile, execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer, connect as dial } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import * as tusClient from "tus-js-client";
import { describe, expect, it } from "vitest";
import { Random } from "../ledger/random.js";
import { closeLater, Rest } from "../lib/index.js";
import { liveWebm, makeScene, note, recorderToken, sha256, whenReady } from "./lib/setup.js";

const nUploads = Number(process.env.BELLWIRE_UPLOADS ?? 200);
const seed = Number(process.env.BELLWIRE_SEED ?? 42);

/** Passes bytes on and cuts some connections after a random number of them. */
async function cuttingProxy(port: number, random: Random) {
  const seen = { cuts: 0, bytes: 0 };
  const server = createServer((near) => {
    const far = dial(port, "127.0.0.1");
    let left = random.between(2_000, 92_000);
    near.on("data", (bytes) => {
      seen.bytes += bytes.length;
      left -= bytes.length;
      if (left > 0) return void far.write(bytes);
      far.write(bytes.subarray(0, Math.max(0, bytes.length + left)));
      seen.cuts++;
      near.resetAndDestroy();
      far.end();
    });
    far.on("data", (bytes) => void near.write(bytes));
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      one.on("error", () => other.destroy());
      one.on("close", () => other.destroy());
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closeLater(async () => void server.close());
  return { port: (server.address() as AddressInfo).port, seen };
}

function upload(url: string, bytes: Buffer, callId: string, chunkSize: number, deferred = false): Promise<string> {
  return new Promise((resolve, reject) => {
    const job = new tusClient.Upload(bytes, {
      endpoint: `${url}/api/uploads`,
      chunkSize,
      uploadSize: bytes.length,
      retryDelays: Array.from({ length: 200 }, () => 5),
      headers: { authorization: `Bearer ${recorderToken("alice")}` },
      metadata: { callId, filetype: "video/webm", filename: "x" },
      uploadDataDuringCreation: deferred,
      onShouldRetry: () => true,
      onError: reject,
      onSuccess: () => resolve(job.url?.split("/").at(-1) as string),
    });
    job.start();
  });
}

describe("tus-js-client", () => {
  it("uploads in one piece, in chunks, and with its first bytes in the creation", async () => {
    const { server, alice, callId } = await makeScene();
    const bytes = liveWebm(4);
    for (const [chunk, early] of [
      [Number.POSITIVE_INFINITY, false],
      [10_000, false],
      [10_000, true],
    ] as const) {
      const id = await upload(server.url, bytes, callId, chunk, early);
      expect((await whenReady(alice, callId, id)).uploadSha256).toBe(sha256(bytes));
    }
  });

  it(`finishes ${nUploads} uploads through a proxy that cuts, resending at most a chunk per cut`, {
    timeout: 30_000 + nUploads * 1500,
  }, async () => {
    const { server, alice, callId } = await makeScene(["--recording-max-uploads-per-user", "1000"]);
    const random = new Random(seed);
    const { port, seen } = await cuttingProxy(server.port, random);
    const base = liveWebm(3);
    let total = 0;
    const chunk = 20_000;
    for (let i = 0; i < nUploads; i += 4) {
      const jobs = Array.from({ length: Math.min(4, nUploads - i) }, async () => {
        const bytes = Buffer.concat([base, Buffer.alloc(random.between(0, 20_000))]);
        total += bytes.length;
        const id = await upload(`http://127.0.0.1:${port}`, bytes, callId, chunk);
        expect((await whenReady(alice, callId, id)).uploadSha256).toBe(sha256(bytes));
      });
      await Promise.all(jobs);
    }
    note(`${nUploads} uploads through cuts, seed ${seed}: ${seen.cuts} cuts, ${seen.bytes} bytes sent for ${total}`);
    expect(seen.cuts).toBeGreaterThan(nUploads / 4);
    // Headers of every request count too: a thousand bytes for each chunk, cut and upload is plenty.
    const requests = total / chunk + 2 * seen.cuts + 3 * nUploads;
    expect(seen.bytes).toBeLessThan(total + seen.cuts * chunk + requests * 1500);
  });
});

const hasTuspy = (() => {
  try {
    execFileSync("/usr/bin/python3", ["-c", "import tusclient"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
})();

describe.runIf(hasTuspy)("tuspy", () => {
  it("uploads with checksums", async () => {
    const { server, alice, callId } = await makeScene();
    const bytes = liveWebm(3);
    const dir = mkdtempSync(join(tmpdir(), "bellwire-tuspy-"));
    closeLater(async () => rmSync(dir, { recursive: true, force: true }));
    writeFileSync(join(dir, "x.webm"), bytes);
    const script = `
import sys
from tusclient import client
c = client.TusClient(sys.argv[1] + "/api/uploads", headers={"Authorization": "Bearer " + sys.argv[2]})
u = c.uploader(sys.argv[3], chunk_size=20000, metadata={"callId": sys.argv[4], "filetype": "video/webm"}, upload_checksum=True)
u.upload()
print(u.url)
`;
    const words = ["-c", script, server.url, recorderToken("alice"), join(dir, "x.webm"), callId];
    const { stdout } = await promisify(execFile)("/usr/bin/python3", words);
    const id = stdout.trim().split("/").at(-1) as string;
    expect((await whenReady(new Rest(alice.url, alice.token), callId, id)).uploadSha256).toBe(sha256(bytes));
  });
});

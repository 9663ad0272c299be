// From the first byte of an upload to a recording that any player takes.
import { describe, expect, it } from "vitest";
import {
  createUpload,
  download,
  liveWebm,
  makeScene,
  patch,
  probe,
  seek,
  sha256,
  tus,
  whenReady,
} from "./lib/setup.js";

const idOf = (location: string | null): string => location?.split("/").at(-1) ?? "";

describe("an upload", () => {
  it("becomes a recording with a duration and an index", async () => {
    const { server, alice, bob, callId } = await makeScene();
    const bytes = liveWebm(12);
    const created = await createUpload(alice, callId, bytes.length);
    expect(created.status).toBe(201);
    const path = created.headers.get("location") as string;
    const done = await patch(alice, path, 0, bytes);
    expect(done).toMatchObject({ status: 204, offset: bytes.length });
    const recording = await whenReady(bob, callId, idOf(path));
    expect(recording).toMatchObject({
      callId,
      userId: "alice",
      mediaType: "video/webm",
      fileName: "a call.webm",
      isCut: false,
    });
    expect(recording.uploadSha256).toBe(sha256(bytes));
    const played = await download(bob, recording.id);
    expect(sha256(played.bytes)).toBe(recording.sha256);
    const seen = await probe(played.bytes);
    expect(seen.duration).toBeGreaterThan(12 * 0.98);
    expect(seen.duration).toBeLessThan(12 * 1.02);
    expect(seen.streams.sort()).toEqual(["opus", "vp8"]);
    expect(Math.abs((await seek(played.bytes, 9)) - 9)).toBeLessThan(2.1);
    expect(await tus(alice, "HEAD", path)).toMatchObject({ status: 200, offset: bytes.length });
    const metrics = await (await fetch(`${server.url}/metrics`)).text();
    expect(metrics).toContain("bellwire_recording_uploads 0\n");
    expect(Number(/^bellwire_recording_bytes (\d+)$/m.exec(metrics)?.[1])).toBeGreaterThanOrEqual(bytes.length);
  });

  it("grows while the recording runs, and tells its length at the end", async () => {
    const { alice, callId } = await makeScene();
    const bytes = liveWebm(6);
    const path = (await createUpload(alice, callId, null)).headers.get("location") as string;
    let offset = 0;
    while (offset < bytes.length) {
      const end = Math.min(offset + 20_000, bytes.length);
      const answer = await patch(alice, path, offset, bytes.subarray(offset, end));
      expect(answer).toMatchObject({ status: 204, offset: end });
      offset = end;
    }
    const head = await tus(alice, "HEAD", path);
    expect(head.headers.get("upload-defer-length")).toBe("1");
    expect(await patch(alice, path, offset, new Uint8Array(), { "Upload-Length": `${offset}` })).toMatchObject({
      status: 204,
    });
    const recording = await whenReady(alice, callId, idOf(path));
    expect(recording.durationMs).toBeGreaterThan(5880);
    expect(recording.durationMs).toBeLessThan(6120);
  });
});

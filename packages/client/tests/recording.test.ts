/** The recorder's parts without a browser: the queue against a small tus server, the grid, the choice of a type. */
import { describe, expect, it, vi } from "vitest";
import type { BellwireError } from "../src/errors.js";
import { type ChunkStore, MemoryChunks, type UploadNote } from "../src/recording/chunks.js";
import { endingOf, pickType } from "../src/recording/format.js";
import { gridOf } from "../src/recording/grid.js";
import { Upload } from "../src/recording/upload.js";
import type { RestRequest } from "../src/server/rest.js";
import { Rest } from "../src/server/rest.js";
import { seeded } from "./lib/random.js";

const NOTE: UploadNote = {
  ...{ key: "k", userId: "alice", callId: "c", mediaType: "video/webm", fileName: "é.webm", path: null, length: 0 },
};

/** Answers as bellwire does. `trouble` is asked before and after each request's work is done. */
class FakeTus {
  bytes: number[] = [];
  length: number | null = null;
  requests: string[] = [];
  trouble: (method: string, when: "before" | "after") => Response | "cut" | undefined = () => undefined;

  readonly rest = new Rest(
    "https://tus.test",
    () => "jwt",
    (url, init) => this.#take(url, init),
  );

  async #take(url: string, init: RequestInit): Promise<Response> {
    const method = init.method ?? "GET";
    this.requests.push(method);
    const before = this.trouble(method, "before");
    if (before === "cut") throw new TypeError("network");
    const answer = before ?? this.#work(new URL(url).pathname, method, init);
    const after = this.trouble(method, "after");
    if (after === "cut") throw new TypeError("network");
    return after ?? answer;
  }

  #work(path: string, method: string, { headers, body }: RequestInit): Response {
    const head = new Headers(headers);
    const offset = () => ({ "upload-offset": String(this.bytes.length) });
    if (method === "POST")
      return new Response(null, { status: 201, headers: { location: "http://inside:1/api/uploads/u1" } });
    expect(path).toBe("/api/uploads/u1");
    if (this.length !== null) return new Response(null, { status: 410 });
    if (method === "HEAD") return new Response(null, { headers: offset() });
    if (head.get("upload-offset") !== String(this.bytes.length))
      return Response.json({ code: "upload_offset" }, { status: 409 });
    this.bytes.push(...new Uint8Array(body as ArrayBuffer));
    const length = head.get("upload-length");
    if (length !== null) this.length = Number(length);
    return new Response(null, { status: 204, headers: offset() });
  }
}

function begin(
  tus: { rest: { send(path: string, request?: RestRequest): Promise<Response> } },
  chunks: ChunkStore,
  note = NOTE,
) {
  const progress: number[] = [];
  const troubles: (string | null)[] = [];
  const wait = () => new Promise<void>((go) => setTimeout(go));
  const onProgress = (sent: number) => void progress.push(sent);
  const onTrouble = (error: BellwireError | null) => void troubles.push(error?.code ?? null);
  const within = <T>(_ms: number, ask: (signal: AbortSignal) => Promise<T>) => ask(new AbortController().signal);
  const upload = new Upload({ rest: tus.rest, chunks, wait, within, onProgress, onTrouble }, note);
  return { upload, progress, troubles };
}

const piece = (...bytes: number[]) => new Uint8Array(bytes).buffer;

describe("the queue", () => {
  it("sends pieces in their order, drops what the server has, and tells the length at the end", async () => {
    const tus = new FakeTus();
    const chunks = new MemoryChunks();
    const { upload, progress } = begin(tus, chunks);
    await upload.add(piece(1, 2, 3));
    await expect.poll(() => progress).toEqual([3]);
    expect(await chunks.first("k")).toBeUndefined();
    await Promise.all([upload.add(piece(4)), upload.add(piece(5, 6))]);
    expect(await upload.complete()).toBe("u1");
    expect(tus.bytes).toEqual([1, 2, 3, 4, 5, 6]);
    expect(tus.length).toBe(6);
    expect(progress.at(-1)).toBe(6);
    expect(await chunks.list()).toEqual([]);
  });

  it("makes no upload of nothing", async () => {
    const tus = new FakeTus();
    expect(await begin(tus, new MemoryChunks()).upload.complete()).toBeNull();
    expect(tus.requests).toEqual([]);
  });

  it("comes through a network that cuts before and after the server has acted", async () => {
    const tus = new FakeTus();
    const random = seeded(8);
    tus.trouble = () => (random() < 0.25 ? "cut" : undefined);
    const { upload } = begin(tus, new MemoryChunks());
    const wanted = Array.from({ length: 60 }, (_, i) => i);
    for (const i of wanted) await upload.add(piece(i));
    expect(await upload.complete()).toBe("u1");
    expect(tus.bytes).toEqual(wanted);
    expect(tus.length).toBe(60);
  });

  it("is finished by another page, which asks how much is there", async () => {
    const tus = new FakeTus();
    const chunks = new MemoryChunks();
    let isAway = false;
    tus.trouble = () => (isAway ? "cut" : undefined);
    const first = begin(tus, chunks);
    await first.upload.add(piece(1, 2));
    await expect.poll(() => first.progress).toEqual([2]);
    isAway = true;
    await first.upload.add(piece(3, 4));
    const [left] = await chunks.list();
    expect(left).toMatchObject({ path: "/api/uploads/u1", length: 4 });
    tus.bytes.push(3); // half of a piece had arrived
    isAway = false;
    // The first page is gone: only the second one goes on with what is kept.
    const kept = new MemoryChunks();
    await kept.add(left as UploadNote, { offset: 2, bytes: piece(3, 4) });
    expect(await begin(tus, kept, left as UploadNote).upload.complete()).toBe("u1");
    expect(tus.bytes.slice(0, 4)).toEqual([1, 2, 3, 4]);
    expect(tus.length).toBe(4);
  });

  it("gives up what is refused for good, and keeps nothing of it", async () => {
    const tus = new FakeTus();
    tus.trouble = (method) =>
      method === "PATCH" ? Response.json({ code: "payload_too_large" }, { status: 413 }) : undefined;
    const chunks = new MemoryChunks();
    const { upload } = begin(tus, chunks);
    await upload.add(piece(1));
    await expect(upload.done).rejects.toMatchObject({ code: "payload_too_large", status: 413 });
    await upload.add(piece(2)); // what the recorder still had
    expect(await chunks.list()).toEqual([]);
    expect(await chunks.first("k")).toBeUndefined();
  });

  it("waits while there is no room", async () => {
    const tus = new FakeTus();
    let full = 3;
    tus.trouble = (method, when) =>
      method === "PATCH" && when === "before" && full-- > 0
        ? Response.json({ code: "storage_full", retryable: true }, { status: 507 })
        : undefined;
    const { upload, troubles } = begin(tus, new MemoryChunks());
    await upload.add(piece(7));
    expect(upload.id).toBeNull();
    expect(await upload.complete()).toBe("u1");
    expect(upload.id).toBe("u1");
    expect(tus.bytes).toEqual([7]);
    // It is told why it waits, and that it goes on.
    expect(troubles.slice(0, 4)).toEqual(["storage_full", "storage_full", "storage_full", null]);
  });

  it("tells of a network that is away, not of a single failure", async () => {
    const tus = new FakeTus();
    let away = 1;
    tus.trouble = (_, when) => (when === "before" && away-- > 0 ? "cut" : undefined);
    const { upload, progress, troubles } = begin(tus, new MemoryChunks());
    await upload.add(piece(1));
    await expect.poll(() => progress).toEqual([1]);
    away = 3;
    await upload.add(piece(2));
    await upload.complete();
    expect(troubles.filter((code) => code !== null)).toEqual(["network", "network"]);
    expect(troubles.at(-1)).toBeNull();
  });

  it("tells of an answer that takes long, before it is given up", async () => {
    vi.useFakeTimers();
    try {
      const { upload, troubles } = begin({ rest: { send: () => new Promise(() => {}) } }, new MemoryChunks());
      await upload.add(piece(1));
      await vi.advanceTimersByTimeAsync(14_000);
      expect(troubles).toEqual([]);
      await vi.advanceTimersByTimeAsync(1000);
      expect(troubles).toEqual(["timeout"]);
    } finally {
      vi.useRealTimers();
    }
  });

  it("gives up where this user may not record", async () => {
    const tus = new FakeTus();
    tus.trouble = (method) => (method === "POST" ? Response.json({ code: "forbidden" }, { status: 403 }) : undefined);
    const { upload } = begin(tus, new MemoryChunks());
    await upload.add(piece(1));
    await expect(upload.done).rejects.toMatchObject({ code: "forbidden", status: 403 });
    expect(tus.requests).toEqual(["POST"]);
  });
});

describe("the grid", () => {
  it("has a tile for each, inside, of one size, and none over another", () => {
    for (let count = 1; count <= 17; count++) {
      const tiles = gridOf(count, 1280, 720);
      expect(tiles).toHaveLength(count);
      for (const [i, tile] of tiles.entries()) {
        expect(tile.x).toBeGreaterThanOrEqual(0);
        expect(tile.y).toBeGreaterThanOrEqual(0);
        expect(tile.x + tile.width).toBeLessThanOrEqual(1280);
        expect(tile.y + tile.height).toBeLessThanOrEqual(720);
        const isApart = (other: typeof tile) =>
          other.x >= tile.x + tile.width ||
          tile.x >= other.x + other.width ||
          other.y >= tile.y + tile.height ||
          tile.y >= other.y + other.height;
        expect(tiles.every((other, k) => k === i || isApart(other))).toBe(true);
      }
    }
    expect(gridOf(0, 1280, 720)).toEqual([]);
    expect(new Set(gridOf(4, 1280, 720).map(({ x }) => x)).size).toBe(2); // two by two
  });
});

describe("the type", () => {
  it("is WebM where there is any, MP4 where not, none where the browser has none", () => {
    expect(pickType(true, () => true)).toBe("video/webm;codecs=vp9,opus");
    expect(pickType(true, (type) => !type.includes("vp9"))).toBe("video/webm;codecs=vp8,opus");
    expect(pickType(true, (type) => type.endsWith("mp4"))).toBe("video/mp4");
    expect(pickType(false, () => true)).toBe("audio/webm;codecs=opus");
    expect(pickType(true, () => false)).toBeUndefined();
    expect(pickType(false, (type) => type.endsWith("mp4"))).toBe("audio/mp4");
    // As the file is called.
    for (const type of ["video/mp4", "audio/mp4", "video/mp4;codecs=avc1"]) expect(endingOf(type)).toBe("mp4");
    expect(endingOf("video/webm;codecs=vp8,opus")).toBe("webm");
  });
});

/** Brings one recording to the server by tus 1.0 while it is being made: a chunk at a time, each dropped once it is on the
 *  server's disk. */
import { BellwireError } from "../errors.js";
import type { Rest, RestRequest } from "../server/rest.js";
import type { Chunk, ChunkStore, UploadNote } from "./chunks.js";

export interface UploadPorts {
  rest: Pick<Rest, "send">;
  chunks: ChunkStore;
  /** Resolves after so long, or sooner when the network is back. */
  wait(ms: number): Promise<void>;
  /** Asks with a signal that ends the request after so long, or sooner when an answer is no longer to be expected. */
  within<T>(ms: number, ask: (signal: AbortSignal) => Promise<T>): Promise<T>;
  /** Bytes that the server has. */
  onProgress(sent: number): void;
  /** Why it waits; null: it goes on. */
  onTrouble(error: BellwireError | null): void;
}

const TUS = { "tus-resumable": "1.0.0" };
const TIMEOUT_MS = 60_000;
/** An answer that takes longer is told of, for pieces are small; a request without one is given up then. */
const SLOW_MS = 15_000;
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 15_000;

export class Upload {
  readonly #ports: UploadPorts;
  readonly #done: Promise<string | null>;
  #note: UploadNote;
  /** null: not known, the server has to be asked. */
  #sent: number | null;
  #isComplete = false;
  #isRefused = false;
  #wake: () => void = () => {};
  /** Chunks are written one after the other. */
  #writing: Promise<void> = Promise.resolve();

  /** Begins at once, and goes on with one that was left. */
  constructor(ports: UploadPorts, note: UploadNote) {
    this.#ports = ports;
    this.#note = note;
    this.#sent = note.path === null ? 0 : null;
    this.#done = this.#run();
    this.#done.catch(() => {}); // whoever asks for it hears of it
  }

  /** Resolves with the recording's id when the server has it all; null: nothing was recorded. Rejects when it never
   *  will; while the network is away it waits. */
  get done(): Promise<string | null> {
    return this.#done;
  }

  /** Of the upload at the server, and of the recording that it becomes; null until it is made. */
  get id(): string | null {
    return this.#note.path?.split("/").at(-1) ?? null;
  }

  /** Resolves when the bytes are kept here. Rejects when they cannot be. Of a recording that was refused nothing is kept. */
  add(bytes: ArrayBuffer): Promise<void> {
    if (this.#isRefused) return Promise.resolve();
    const chunk = { offset: this.#note.length, bytes };
    this.#note = { ...this.#note, length: chunk.offset + bytes.byteLength };
    const note = this.#note;
    this.#writing = this.#writing.then(async () => {
      // The path may have become known meanwhile.
      await this.#ports.chunks.add({ ...note, path: this.#note.path }, chunk);
      this.#wake();
    });
    return this.#writing;
  }

  /** There is no more to come. */
  complete(): Promise<string | null> {
    this.#isComplete = true;
    this.#wake();
    return this.#done;
  }

  async #run(): Promise<string | null> {
    for (;;) {
      const woken = new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      const isLast = this.#isComplete;
      await this.#writing;
      const chunk = await this.#ports.chunks.first(this.#note.key);
      if (chunk) await this.#insist(() => this.#send(chunk));
      else if (isLast) return this.#finish();
      else await woken;
    }
  }

  async #finish(): Promise<string | null> {
    const { key, length } = this.#note;
    if (length > 0) await this.#insist(() => this.#tellLength());
    await this.#ports.chunks.remove(key);
    return this.id;
  }

  /** Tries until it is done or refused for good; then nothing of it is kept. */
  async #insist(step: () => Promise<void>): Promise<void> {
    for (let ms = FIRST_WAIT_MS; ; ms = Math.min(2 * ms, LONGEST_WAIT_MS)) {
      const slow = setTimeout(() => this.#ports.onTrouble(new BellwireError("timeout")), SLOW_MS);
      try {
        await step().finally(() => clearTimeout(slow));
        return this.#ports.onTrouble(null);
      } catch (thrown) {
        const error = BellwireError.from(thrown, "internal");
        this.#sent = null;
        if (!mayPass(error)) return await this.#giveUp(error);
        if (ms > FIRST_WAIT_MS || isNoBlip(error)) this.#ports.onTrouble(error);
        await this.#ports.wait(error.retryAfterMs ?? ms);
      }
    }
  }

  async #giveUp(error: BellwireError): Promise<never> {
    this.#isRefused = true;
    await this.#writing.catch(() => {}); // what is being kept would come after the removal
    await this.#ports.chunks.remove(this.#note.key);
    throw error;
  }

  async #send({ offset, bytes }: Chunk): Promise<void> {
    const path = this.#note.path ?? (await this.#create());
    this.#sent ??= await this.#ask(path);
    const rest = bytes.slice(Math.max(0, this.#sent - offset));
    if (rest.byteLength > 0) await this.#patch(path, rest);
    await this.#ports.chunks.drop(this.#note.key, offset);
    this.#ports.onProgress(this.#sent);
  }

  async #tellLength(): Promise<void> {
    const { path, length } = this.#note;
    if (path === null) return;
    try {
      this.#sent ??= await this.#ask(path);
      await this.#patch(path, new ArrayBuffer(0), { "upload-length": String(length) });
    } catch (thrown) {
      // An answer was lost, or the server has finished it by itself: what it has is the recording.
      if (!(thrown instanceof BellwireError) || (thrown.status !== 410 && thrown.code !== "upload_gone")) throw thrown;
    }
  }

  async #create(): Promise<string> {
    const { callId, mediaType: filetype, fileName: filename } = this.#note;
    const headers = { "upload-defer-length": "1", "upload-metadata": encode({ callId, filetype, filename }) };
    const answer = await this.#tus("/api/uploads", { method: "POST", headers });
    const location = answer.headers.get("location");
    if (!location) throw new BellwireError("bad_answer", { status: answer.status });
    // Only the id: behind a proxy the server may not know what it is called outside.
    const path = `/api/uploads/${location.split("/").at(-1)}`;
    this.#note = { ...this.#note, path };
    await this.#ports.chunks.save(this.#note);
    return path;
  }

  async #ask(path: string): Promise<number> {
    return offsetOf((await this.#tus(path, { method: "HEAD" })).headers);
  }

  async #patch(path: string, body: ArrayBuffer, more: Record<string, string> = {}): Promise<void> {
    const type = { "content-type": "application/offset+octet-stream" };
    const headers = { ...type, ...more, "upload-offset": String(this.#sent) };
    const answer = await this.#tus(path, { method: "PATCH", headers, body });
    this.#sent = offsetOf(answer.headers);
  }

  #tus(path: string, request: RestRequest): Promise<Response> {
    const { rest, within } = this.#ports;
    const headers = { ...TUS, ...request.headers };
    return within(request.body ? TIMEOUT_MS : SLOW_MS, (signal) => rest.send(path, { ...request, headers, signal }));
  }
}

/** The offset is asked for before the next try; an answer to HEAD has no body that could tell an expired token. */
function mayPass({ code, status, retryable }: BellwireError): boolean {
  return retryable || code === "upload_offset" || status === 401;
}

/** It will not have passed by the next try. */
const isNoBlip = ({ code }: BellwireError) => code === "storage_full";

function offsetOf(headers: Headers): number {
  const offset = Number(headers.get("upload-offset") ?? Number.NaN);
  if (!Number.isSafeInteger(offset) || offset < 0) throw new BellwireError("bad_answer");
  return offset;
}

function encode(metadata: Record<string, string>): string {
  const inBase64 = (text: string) => btoa(String.fromCharCode(...new TextEncoder().encode(text)));
  return Object.entries(metadata)
    .map(([key, value]) => `${key} ${inBase64(value)}`)
    .join(",");
}

/** Where the pieces of a recording wait until the server has them: in IndexedDB, so that they outlive the page. */
import { BellwireError } from "../errors.js";

/** One upload. `userId` tells whose it is, for a browser may be used by several. */
export interface UploadNote {
  key: string;
  userId: string;
  callId: string;
  mediaType: string;
  fileName: string;
  /** Of the upload at the server; null: not made yet. */
  path: string | null;
  /** Bytes recorded so far. */
  length: number;
}

export interface Chunk {
  /** The place of its first byte in the recording. */
  offset: number;
  bytes: ArrayBuffer;
}

export interface ChunkStore {
  list(): Promise<UploadNote[]>;
  save(note: UploadNote): Promise<void>;
  /** The chunk and the note, which tells the new length, are kept both or neither. */
  add(note: UploadNote, chunk: Chunk): Promise<void>;
  /** The one with the lowest offset. */
  first(key: string): Promise<Chunk | undefined>;
  drop(key: string, offset: number): Promise<void>;
  /** The note and all chunks. */
  remove(key: string): Promise<void>;
}

/** For browsers that keep nothing (private windows of some), and for tests. */
export class MemoryChunks implements ChunkStore {
  readonly #notes = new Map<string, UploadNote>();
  readonly #chunks = new Map<string, Chunk[]>();

  async list(): Promise<UploadNote[]> {
    return [...this.#notes.values()];
  }

  async save(note: UploadNote): Promise<void> {
    this.#notes.set(note.key, { ...note });
  }

  async add(note: UploadNote, chunk: Chunk): Promise<void> {
    await this.save(note);
    this.#chunks.set(note.key, [...(this.#chunks.get(note.key) ?? []), chunk]);
  }

  async first(key: string): Promise<Chunk | undefined> {
    return this.#chunks.get(key)?.[0];
  }

  async drop(key: string, offset: number): Promise<void> {
    this.#chunks.set(key, this.#chunks.get(key)?.filter((chunk) => chunk.offset !== offset) ?? []);
  }

  async remove(key: string): Promise<void> {
    this.#notes.delete(key);
    this.#chunks.delete(key);
  }
}

const DATABASE = "bellwire-recordings";

class StoredChunks implements ChunkStore {
  readonly #database: IDBDatabase;

  constructor(database: IDBDatabase) {
    this.#database = database;
  }

  list(): Promise<UploadNote[]> {
    return this.#run("readonly", ({ notes }) => notes.getAll());
  }

  async save(note: UploadNote): Promise<void> {
    await this.#run("readwrite", ({ notes }) => notes.put(note));
  }

  async add(note: UploadNote, chunk: Chunk): Promise<void> {
    await this.#run("readwrite", ({ notes, chunks }) => {
      notes.put(note);
      return chunks.put(chunk.bytes, [note.key, chunk.offset]);
    });
  }

  async first(key: string): Promise<Chunk | undefined> {
    const cursor = await this.#run("readonly", ({ chunks }) => chunks.openCursor(rangeOf(key)));
    if (!cursor) return undefined;
    const [, offset] = cursor.key as [string, number];
    return { offset, bytes: cursor.value };
  }

  async drop(key: string, offset: number): Promise<void> {
    await this.#run("readwrite", ({ chunks }) => chunks.delete([key, offset]));
  }

  async remove(key: string): Promise<void> {
    await this.#run("readwrite", ({ notes, chunks }) => {
      notes.delete(key);
      return chunks.delete(rangeOf(key));
    });
  }

  #run<T>(
    mode: IDBTransactionMode,
    ask: (stores: { notes: IDBObjectStore; chunks: IDBObjectStore }) => IDBRequest<T>,
  ): Promise<T> {
    return new Promise((resolve, reject) => {
      const transaction = this.#database.transaction(["notes", "chunks"], mode);
      const request = ask({ notes: transaction.objectStore("notes"), chunks: transaction.objectStore("chunks") });
      transaction.oncomplete = () => resolve(request.result);
      transaction.onabort = () => reject(troubleOf(transaction.error ?? request.error));
    });
  }
}

function troubleOf(error: DOMException | null): BellwireError {
  return new BellwireError(error?.name === "QuotaExceededError" ? "device_full" : "internal", {
    message: error?.message,
    cause: error,
  });
}

const rangeOf = (key: string) => IDBKeyRange.bound([key, 0], [key, Number.MAX_SAFE_INTEGER]);

/** Opens the browser's store; memory alone where there is none. */
export function openChunks(): Promise<ChunkStore> {
  return new Promise((resolve) => {
    if (typeof indexedDB === "undefined") return resolve(new MemoryChunks());
    const request = indexedDB.open(DATABASE, 1);
    request.onupgradeneeded = () => {
      request.result.createObjectStore("notes", { keyPath: "key" });
      request.result.createObjectStore("chunks");
    };
    request.onsuccess = () => resolve(new StoredChunks(request.result));
    request.onerror = () => resolve(new MemoryChunks());
  });
}

/** What a page leaves behind when it is closed in mid-recording, and how the next one finishes it. */
import type { Client } from "../client.js";
import { type ChunkStore, openChunks, type UploadNote } from "./chunks.js";
import { patienceOf } from "./patience.js";
import { Upload, type UploadPorts } from "./upload.js";

const lockOf = (key: string) => `bellwire-upload-${key}`;

/** Begins or goes on with an upload; as long as it runs no other page takes it up. null: another page has it. */
export function beginUpload(
  client: Client,
  note: UploadNote,
  chunks: ChunkStore,
  { onProgress = () => {}, onTrouble = () => {} }: Partial<Pick<UploadPorts, "onProgress" | "onTrouble">> = {},
): Promise<Upload | null> {
  const make = () => new Upload({ rest: client.rest, chunks, ...patienceOf(client), onProgress, onTrouble }, note);
  const { locks } = navigator;
  if (!locks) return Promise.resolve(make()); // only where a page is not secure, and nothing can be recorded
  return new Promise((resolve, reject) => {
    const hold = async (lock: Lock | null) => {
      const upload = lock && make();
      resolve(upload);
      await upload?.done.catch(() => {}); // who records hears of it
    };
    locks.request(lockOf(note.key), { ifAvailable: true }, hold).catch(reject);
  });
}

/** Finishes what this user's other pages left, as far as it was kept in this browser. Resolves with the recordings' ids;
 *  one that the server refuses is dropped. Needs a client that has been connected once. */
export async function finishUploads(client: Client): Promise<string[]> {
  const userId = client.getSnapshot().user?.id;
  const chunks = await openChunks();
  const own = (await chunks.list()).filter((note) => note.userId === userId);
  const ids = await Promise.all(
    own.map(async (note) => {
      const upload = await beginUpload(client, note, chunks);
      return upload?.complete().catch(() => null) ?? null;
    }),
  );
  return ids.filter((id) => id !== null);
}

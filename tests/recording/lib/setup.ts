// A server with a call that alice and bob are in, and live WebM as a browser's recorder makes it.
import { execFile, execFileSync } from "node:child_process";
import { createHash, randomUUID } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { closeLater, Rest, type Server, startServer, token } from "../../lib/index.js";

export const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

/** One line that the test runner shows. */
export const note = (text: string): void => void process.stdout.write(`note: ${text}\n`);

export interface Scene {
  server: Server;
  callId: string;
  alice: Rest;
  bob: Rest;
  mallory: Rest;
  host: Rest;
}

export const recorderToken = (user: string): string => token({ user, claims: { recorder: true } });

/** Everything that a recording needs: alice may record, bob may not, mallory was never in the call. */
export async function makeScene(args: string[] = [], options: object = {}): Promise<Scene> {
  const server = await startServer({ args: ["--recording-min-free", "1", ...args], ...options });
  return enterScene(server);
}

export async function enterScene(server: Server): Promise<Scene> {
  const host = server.rest({ scope: "server" });
  const alice = new Rest(server.url, recorderToken("alice"));
  const bob = server.rest({ user: "bob" });
  await host.put("/api/channels/room", { name: "Room", members: ["alice", "bob"] });
  const callId = randomUUID();
  await alice.post("/api/calls", { id: callId, channelId: "room", callType: "video", participants: ["bob"] });
  await bob.post(`/api/calls/${callId}/join`, {});
  return { server, callId, alice, bob, mallory: server.rest({ user: "mallory" }), host };
}

/** Live WebM (no duration, no index, clusters of unknown or known length) of so many seconds. */
export function liveWebm(seconds: number, kind: "video" | "audio" = "video"): Buffer {
  const dir = mkdtempSync(join(tmpdir(), "bellwire-webm-"));
  const file = join(dir, "live.webm");
  const sound = ["-f", "lavfi", "-i", `sine=frequency=440:duration=${seconds}`];
  const pictures = ["-f", "lavfi", "-i", `testsrc=size=160x120:rate=15:duration=${seconds}`];
  const coding = ["-c:a", "libopus", "-c:v", "libvpx", "-g", "30", "-deadline", "realtime", "-cpu-used", "8"];
  const words = ["-v", "error", "-y", ...(kind === "video" ? pictures : []), ...sound, ...coding];
  execFileSync("ffmpeg", [...words, "-live", "1", "-f", "webm", "-cluster_time_limit", "1000", file]);
  const bytes = readFileSync(file);
  rmSync(dir, { recursive: true });
  return bytes;
}

/** Pictures keep their own times: browsers record at no fixed rate. */
const AS_TIMED = ["-vsync", "passthrough", "-enc_time_base", "-1"];

export interface Probe {
  duration: number;
  streams: string[];
  cues: number;
}

/** What ffprobe and ffmpeg make of it: it must decode without a single complaint. */
export async function probe(bytes: Uint8Array): Promise<Probe> {
  const dir = mkdtempSync(join(tmpdir(), "bellwire-probe-"));
  closeLater(async () => rmSync(dir, { recursive: true, force: true }));
  const file = join(dir, "recording");
  (await import("node:fs")).writeFileSync(file, bytes);
  const run = promisify(execFile);
  const { stdout } = await run("ffprobe", ["-v", "error", "-of", "json", "-show_format", "-show_streams", file]);
  const told = JSON.parse(stdout);
  const decoded = await run("ffmpeg", ["-v", "error", "-i", file, ...AS_TIMED, "-f", "null", "-"]);
  if (decoded.stderr) throw new Error(`ffmpeg complains: ${decoded.stderr}`);
  return {
    duration: Number(told.format.duration),
    streams: told.streams.map((stream: { codec_name: string }) => stream.codec_name),
    cues: 0,
  };
}

/** The first picture after seeking, as its time: close to what was asked for only with an index. */
export async function seek(bytes: Uint8Array, seconds: number): Promise<number> {
  const dir = mkdtempSync(join(tmpdir(), "bellwire-seek-"));
  closeLater(async () => rmSync(dir, { recursive: true, force: true }));
  const file = join(dir, "recording");
  (await import("node:fs")).writeFileSync(file, bytes);
  const words = ["-v", "error", "-read_intervals", `${seconds}%+#1`, "-select_streams", "v:0"];
  const { stdout } = await promisify(execFile)("ffprobe", [
    ...words,
    "-show_entries",
    "packet=pts_time",
    "-of",
    "csv=p=0",
    file,
  ]);
  return Number(stdout.trim().split("\n")[0]?.split(",")[0]);
}

const encode = (metadata: Record<string, string>): string =>
  Object.entries(metadata)
    .map(([key, value]) => `${key} ${Buffer.from(value).toString("base64")}`)
    .join(",");

export interface TusAnswer {
  status: number;
  offset: number;
  headers: Headers;
  body: string;
}

/** One request of the protocol, with nothing added but who asks. */
export async function tus(
  rest: Rest,
  method: string,
  path: string,
  headers: Record<string, string> = {},
  body?: Uint8Array | ReadableStream,
): Promise<TusAnswer> {
  const response = await fetch(new URL(path, rest.url), {
    method,
    headers: { "Tus-Resumable": "1.0.0", authorization: `Bearer ${rest.token}`, ...headers },
    body: body as BodyInit,
    duplex: "half",
  } as RequestInit);
  const offset = Number(response.headers.get("upload-offset") ?? Number.NaN);
  return { status: response.status, offset, headers: response.headers, body: await response.text() };
}

export async function createUpload(
  rest: Rest,
  callId: string,
  length: number | null,
  more: Record<string, string> = {},
) {
  const metadata = encode({ callId, filetype: "video/webm;codecs=vp8,opus", filename: "a call.webm", ...more });
  const size: Record<string, string> =
    length === null ? { "Upload-Defer-Length": "1" } : { "Upload-Length": `${length}` };
  return tus(rest, "POST", "/api/uploads", { ...size, "Upload-Metadata": metadata });
}

export const patch = (
  rest: Rest,
  path: string,
  offset: number,
  body: Uint8Array,
  headers: Record<string, string> = {},
) =>
  tus(
    rest,
    "PATCH",
    path,
    { "Upload-Offset": `${offset}`, "Content-Type": "application/offset+octet-stream", ...headers },
    body,
  );

/** All recordings of a call, page after page. */
export async function listRecordings(rest: Rest, callId: string) {
  const all = [];
  for (let after = ""; ; ) {
    const { body } = await rest.get(`/api/calls/${callId}/recordings${after && `?after=${after}`}`);
    all.push(...(body.recordings ?? []));
    if (!body.hasMore) return all;
    after = all.at(-1).id;
  }
}

/** Waits for the recording that an upload becomes. */
export async function whenReady(rest: Rest, callId: string, id: string, withinMs = 15_000) {
  for (const end = Date.now() + withinMs; Date.now() < end; ) {
    const found = (await listRecordings(rest, callId)).find((recording) => recording.id === id);
    if (found) return found;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`recording ${id} never became ready`);
}

export async function download(rest: Rest, id: string, headers: Record<string, string> = {}) {
  const response = await fetch(`${rest.url}/api/recordings/${id}`, {
    headers: { authorization: `Bearer ${rest.token}`, ...headers },
  });
  return { status: response.status, headers: response.headers, bytes: Buffer.from(await response.arrayBuffer()) };
}

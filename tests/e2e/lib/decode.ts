// What is in a recording, as ffmpeg decodes it: how strong a tone is, and how much of a picture has a colour.
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { closeLater } from "../../lib/index.js";

const RATE = 8000;
/** Samples that are looked at together: a tenth of a second. */
const BLOCK = RATE / 10;

export interface Span {
  /** Seconds. */
  from: number;
  length: number;
}

/** Puts a recording where ffmpeg can read it, until the test is over. */
export async function saveMedia(bytes: Uint8Array): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "bellwire-media-"));
  closeLater(() => rm(folder, { recursive: true, force: true }));
  const file = join(folder, "media");
  await writeFile(file, bytes);
  return file;
}

async function decode(before: string[], file: string, after: string[]): Promise<Buffer> {
  const all = ["-v", "error", ...before, "-i", file, ...after, "-"];
  const { stdout, stderr } = await promisify(execFile)("ffmpeg", all, { encoding: "buffer", maxBuffer: 1 << 27 });
  if (stderr.length) throw new Error(`ffmpeg complains: ${stderr}`);
  return stdout;
}

/** How strong one frequency is in the sound (Goertzel), as a share of all of it. */
export async function strengthIn(file: string, span?: Span): Promise<(hz: number) => number> {
  // Decoded from the beginning: sought in by its sound alone, ffmpeg 5.1 complains of every video without a key frame there.
  const part = span ? ["-ss", span.from.toFixed(3), "-t", span.length.toFixed(3)] : [];
  const bytes = await decode([], file, [...part, "-vn", "-ac", "1", "-ar", `${RATE}`, "-f", "f32le"]);
  const samples = new Float32Array(bytes.buffer, bytes.byteOffset, Math.floor(bytes.length / 4));
  if (samples.length < BLOCK) throw new Error("there is no sound");
  return (hz) => {
    let found = 0;
    let all = 0;
    for (let at = 0; at + BLOCK <= samples.length; at += BLOCK) {
      const { power, energy } = goertzel(samples.subarray(at, at + BLOCK), hz);
      found += power;
      all += energy;
    }
    return found / all;
  };
}

function goertzel(samples: Float32Array, hz: number): { power: number; energy: number } {
  const factor = 2 * Math.cos((2 * Math.PI * hz) / RATE);
  let [s1, s2, energy] = [0, 0, 0];
  for (const sample of samples) {
    [s1, s2] = [sample + factor * s1 - s2, s1];
    energy += sample * sample;
  }
  return { power: (2 * (s1 * s1 + s2 * s2 - factor * s1 * s2)) / samples.length, energy };
}

export type Colour = "red" | "green" | "blue";

/** What part of the picture at that second, after seeking there, is red, green and blue. */
export async function coloursAt(file: string, second: number): Promise<Record<Colour, number>> {
  const words = ["-an", "-frames:v", "1", "-pix_fmt", "rgb24", "-f", "rawvideo"];
  const pixels = await decode(["-ss", second.toFixed(3)], file, words);
  if (pixels.length === 0) throw new Error(`there is no picture at ${second} s`);
  const seen = [0, 0, 0];
  for (let at = 0; at < pixels.length; at += 3) {
    const parts = [...pixels.subarray(at, at + 3)];
    const strongest = parts.indexOf(Math.max(...parts));
    const isPure = parts.every((part, i) => (i === strongest ? part > 120 : part < 90));
    if (isPure) seen[strongest] = (seen[strongest] ?? 0) + 1;
  }
  const [red = 0, green = 0, blue = 0] = seen.map((count) => (count * 3) / pixels.length);
  return { red, green, blue };
}

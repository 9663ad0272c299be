// A loudspeaker that nobody hears: on a machine without any, Firefox never begins to mix sound.
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { closeLater } from "../../lib/lifetime.js";
import { Program } from "../../lib/process.js";

/** Starts PulseAudio with a sink that leads nowhere; resolves with what a program's PULSE_SERVER must be to find it. */
export async function startLoudspeaker(lifetime: "test" | "file" = "file"): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "bellwire-sound-"));
  closeLater(() => rm(folder, { recursive: true, force: true }), lifetime);
  const socket = join(folder, "native");
  const modules = ["module-null-sink", `module-native-protocol-unix auth-anonymous=1 socket=${socket}`];
  const words = ["-n", "--daemonize=no", "--exit-idle-time=-1", ...modules.flatMap((module) => ["-L", module])];
  const env = { ...process.env, HOME: folder, XDG_RUNTIME_DIR: folder };
  const program = new Program("pulseaudio", words, env);
  closeLater(() => program.stop(), lifetime);
  for (let tries = 0; tries < 100 && !existsSync(socket); tries++) await new Promise((done) => setTimeout(done, 100));
  if (!existsSync(socket)) throw new Error(`no loudspeaker:\n${program.stderr}`);
  return `unix:${socket}`;
}

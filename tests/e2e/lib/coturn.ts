// Debian's coturn with time-limited credentials, in a namespace.
import { createHmac } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { closeLater } from "../../lib/lifetime.js";
import { Program } from "../../lib/process.js";
import type { Namespace } from "./namespace.js";

export const turnSecret = "a-turn-secret-of-the-tests-with-32-bytes-or-more";

export interface Coturn {
  /** turn:ADDRESS:PORT without transport. */
  url: string;
  /** Everything that it has told so far. */
  log(): string;
}

export async function startCoturn(
  namespace: Namespace,
  { port = 3478, lifetime = "file" }: { port?: number; lifetime?: "test" | "file" } = {},
): Promise<Coturn> {
  const folder = await mkdtemp(join(tmpdir(), "bellwire-coturn-"));
  closeLater(() => rm(folder, { recursive: true, force: true }), lifetime);
  const config = join(folder, "turnserver.conf");
  const lines = [
    `listening-ip=${namespace.address}`,
    `relay-ip=${namespace.address}`,
    `listening-port=${port}`,
    "min-port=40000",
    "max-port=49999",
    "use-auth-secret",
    `static-auth-secret=${turnSecret}`,
    "realm=bellwire.test",
    "no-cli",
    "no-tls",
    "no-dtls",
    "verbose",
    "log-file=stdout",
    "simple-log",
    `pidfile=${join(folder, "pid")}`,
    `userdb=${join(folder, "turndb")}`,
  ];
  await writeFile(config, `${lines.join("\n")}\n`);
  const [command, ...words] = namespace.wrapper;
  const program = new Program(command, [...words, "turnserver", "-c", config], process.env, folder);
  closeLater(() => program.stop(3000), lifetime);
  await program.until(() => /UDP listener opened/i.exec(program.stdout), "listening coturn");
  return { url: `turn:${namespace.address}:${port}`, log: () => program.stdout };
}

/** The credential that a server sharing the secret would hand out. */
export function turnCredential(user: string, ttl = 600) {
  const username = `${Math.floor(Date.now() / 1000) + ttl}:${user}`;
  return { username, credential: createHmac("sha1", turnSecret).update(username).digest("base64") };
}

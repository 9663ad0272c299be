// A network namespace of the test's own: nothing in it can reach further than the host's end of one cable.
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { closeLater } from "../../lib/lifetime.js";

const ip = (...words: string[]): string => execFileSync("ip", words, { encoding: "utf8", stdio: "pipe" });
let count = 0;

export class Namespace {
  /** Words to put before a command that shall run inside. */
  readonly wrapper: [string, ...string[]];

  constructor(
    readonly name: string,
    /** The namespace's address on the cable, and the host's. */
    readonly address: string,
    readonly hostAddress: string,
    private readonly cable: string,
  ) {
    this.wrapper = ["ip", "netns", "exec", name];
  }

  /** Ends what still runs inside, by pid, and removes the namespace with its cable. */
  async close(): Promise<void> {
    const pids = () => ip("netns", "pids", this.name).split("\n").filter(Boolean).map(Number);
    for (let tries = 0; tries < 50 && pids().length; tries++) {
      for (const pid of pids())
        try {
          process.kill(pid, tries < 10 ? "SIGTERM" : "SIGKILL");
        } catch {
          // It ended by itself meanwhile.
        }
      await new Promise((done) => setTimeout(done, 50));
    }
    ip("link", "del", this.cable);
    ip("netns", "del", this.name);
  }
}

function requireRights(): void {
  if (process.getuid?.() !== 0) throw new Error("browser tests make network namespaces and must be run as root");
}

/** Removes what a test run left behind that was ended before it could clean up. */
function removeOrphans(): void {
  for (const [, name, pid] of ip("netns", "list").matchAll(/^(bw(\d+)n\d+)/gm))
    if (!existsSync(`/proc/${pid}`)) ip("netns", "del", name as string);
}

/** Makes a namespace with `lo` up and one cable to the host; it has no route to anywhere else. */
export function makeNamespace(lifetime: "test" | "file" = "file"): Namespace {
  requireRights();
  if (count === 0) removeOrphans();
  const number = count++;
  const name = `bw${process.pid}n${number}`;
  const outer = `bw${process.pid}h${number}`.slice(0, 15);
  const inner = `bw${process.pid}i${number}`.slice(0, 15);
  // A /30 of 10.64.0.0/10 that belongs to this process.
  const base = (process.pid * 16 + (number % 16)) & 0xfffff;
  const at = (host: number): string => `10.${64 + (base >> 14)}.${(base >> 6) & 255}.${((base & 63) << 2) + host}`;
  try {
    ip("netns", "add", name);
    ip("link", "add", outer, "type", "veth", "peer", "name", inner, "netns", name);
  } catch (error) {
    throw new Error(`network namespaces cannot be made here, and browser tests need them: ${(error as Error).message}`);
  }
  const namespace = new Namespace(name, at(2), at(1), outer);
  closeLater(() => namespace.close(), lifetime);
  ip("addr", "add", `${at(1)}/30`, "dev", outer);
  ip("link", "set", outer, "up");
  ip("-n", name, "link", "set", "lo", "up");
  ip("-n", name, "addr", "add", `${at(2)}/30`, "dev", inner);
  ip("-n", name, "link", "set", inner, "up");
  return namespace;
}

// A network namespace of the test's own: nothing in it can reach further than the host's end of one cable.
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { closeLater } from "../../lib/lifetime.js";

/** Runs `ip` of iproute2. */
export const ip = (...words: string[]): string => execFileSync("ip", words, { encoding: "utf8", stdio: "pipe" });
let count = 0;

export class Namespace {
  /** Words to put before a command that shall run inside. */
  readonly wrapper: [string, ...string[]];

  constructor(
    readonly name: string,
    /** The namespace's address on the cable, and the host's. */
    readonly address: string,
    readonly hostAddress: string,
    private readonly cable?: string,
  ) {
    this.wrapper = ["ip", "netns", "exec", name];
  }

  /** Gives it a default route that ends inside: some programs have no address of their own without one. */
  addDeadEnd(): void {
    ip("-n", this.name, "link", "add", "end0", "type", "veth", "peer", "name", "end1");
    for (const end of ["end0", "end1"]) ip("-n", this.name, "link", "set", end, "up");
    ip("-n", this.name, "route", "add", "default", "dev", "end0", "src", this.address);
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
    if (this.cable) ip("link", "del", this.cable);
    ip("netns", "del", this.name);
  }
}

function requireRights(): void {
  if (process.getuid?.() !== 0) throw new Error("browser tests make network namespaces and must be run as root");
}

/** One that a killed run left, and that may be held by another mount namespace: no reason to fail a new one. */
function removeLeftover(name: string): void {
  try {
    ip("netns", "del", name);
  } catch (error) {
    console.warn(`note: ${name} stays: ${(error as Error).message.trim()}`);
  }
}

/** Removes what a test run left behind that was ended before it could clean up. */
function removeOrphans(): void {
  for (const [, name, pid] of ip("netns", "list").matchAll(/^(bw(\d+)n\d+)/gm))
    if (!existsSync(`/proc/${pid}`)) removeLeftover(name as string);
}

/** Devices added later get no IPv6 address: it would come seconds late, and a browser drops its connections then. */
const onlyIPv4 = "f=/proc/sys/net/ipv6/conf/default/disable_ipv6; [ ! -e $f ] || echo 1 >$f";

function addNamespace(name: string): void {
  try {
    ip("netns", "add", name);
    ip("netns", "exec", name, "sh", "-c", onlyIPv4);
    ip("-n", name, "link", "set", "lo", "up");
  } catch (error) {
    throw new Error(`network namespaces cannot be made here, and browser tests need them: ${(error as Error).message}`);
  }
}

function nextName(): { number: number; name: string } {
  requireRights();
  if (count === 0) removeOrphans();
  const number = count++;
  return { number, name: `bw${process.pid}n${number}` };
}

/** Makes a namespace with `lo` up and no cable at all; `address` is what the caller will give it. */
export function makeIsland(address: string, lifetime: "test" | "file" = "file"): Namespace {
  const { name } = nextName();
  addNamespace(name);
  const namespace = new Namespace(name, address, "");
  closeLater(() => namespace.close(), lifetime);
  return namespace;
}

/** Makes a namespace with `lo` up and one cable to the host; it has no route to anywhere else. */
export function makeNamespace(lifetime: "test" | "file" = "file"): Namespace {
  const { number, name } = nextName();
  const outer = `bw${process.pid}h${number}`.slice(0, 15);
  const inner = `bw${process.pid}i${number}`.slice(0, 15);
  // A /30 of 10.64.0.0/10 that belongs to this process.
  const base = (process.pid * 16 + (number % 16)) & 0xfffff;
  const at = (host: number): string => `10.${64 + (base >> 14)}.${(base >> 6) & 255}.${((base & 63) << 2) + host}`;
  addNamespace(name);
  ip("link", "add", outer, "type", "veth", "peer", "name", inner, "netns", name);
  const namespace = new Namespace(name, at(2), at(1), outer);
  closeLater(() => namespace.close(), lifetime);
  ip("addr", "add", `${at(1)}/30`, "dev", outer);
  ip("link", "set", outer, "up");
  ip("-n", name, "addr", "add", `${at(2)}/30`, "dev", inner);
  ip("-n", name, "link", "set", inner, "up");
  return namespace;
}

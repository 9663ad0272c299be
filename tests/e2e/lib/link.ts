// A link between two namespaces whose delay, jitter, loss and rate a test sets (lib/link.py: this kernel has no netem).
import { fileURLToPath } from "node:url";
import { closeLater } from "../../lib/lifetime.js";
import { Program } from "../../lib/process.js";
import { makeIsland, type Namespace } from "./namespace.js";

export interface WayState {
  /** Milliseconds. */
  delay?: number;
  jitter?: number;
  /** Share of the packets. */
  loss?: number;
  /** Bits per second; 0 or nothing: as much as there is. */
  rate?: number;
}

export interface LinkState extends WayState {
  /** From the first end to the second, and back, where that is not as the other. */
  there?: WayState;
  back?: WayState;
  /** The only ports that pass. */
  udp?: number[];
  tcp?: number[];
}

/** What was done to sound and pictures of one direction. */
export interface WayTold {
  packets: number;
  lost: number;
  bytes: number;
  /** What RFC 3550's estimate tends to for the source with most packets, in milliseconds. */
  jitter: number;
  seconds: number;
}

export interface Link {
  ends: [Namespace, Namespace];
  /** Resolves with what was done since the last time. */
  set(state: LinkState): Promise<{ there: WayTold; back: WayTold }>;
}

/** Two namespaces that reach nothing but each other. */
export async function makeLink(seed = 1): Promise<Link> {
  const ends: [Namespace, Namespace] = [makeIsland("10.90.0.1"), makeIsland("10.90.0.2")];
  const script = fileURLToPath(new URL("link.py", import.meta.url));
  const words = ends.flatMap(({ name, address }) => [name, address]);
  const program = new Program("python3", [script, String(seed), ...words]);
  closeLater(() => program.stop(5000).then(() => {}), "file");
  await program.until(() => /^ready$/m.exec(program.stdout), "both ends of the link");
  let times = 0;
  const set = async (state: LinkState) => {
    times += 1;
    program.write(`${JSON.stringify(state)}\n`);
    const told = () => [...program.stdout.matchAll(/^set (.*)\n/gm)][times - 1]?.[1];
    return JSON.parse(await program.until(told, "the link's new state"));
  };
  return { ends, set };
}

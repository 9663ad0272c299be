// A link between two namespaces whose delay, jitter, loss and rate a test sets (lib/link.py: this kernel has no netem).
import { fileURLToPath } from "node:url";
import { closeLater } from "../../lib/lifetime.js";
import { Program } from "../../lib/process.js";
import { makeIsland, type Namespace } from "./namespace.js";

export interface LinkState {
  /** Milliseconds each way. */
  delay?: number;
  jitter?: number;
  /** Share of the packets, each way. */
  loss?: number;
  /** Bits per second; 0 or nothing: as much as there is. */
  rate?: number;
}

export interface Link {
  ends: [Namespace, Namespace];
  set(state: LinkState): Promise<void>;
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
    await program.until(() => program.stdout.split("set\n").length > times, "the link's new state");
  };
  return { ends, set };
}

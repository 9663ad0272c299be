// How long the faults last: short in `make test`, long in `make faults` (LEDGER_CYCLES), with a seed that is told.
import { join } from "node:path";
import { repository } from "../lib/index.js";

const number = (name: string, otherwise: number): number => Number(process.env[name] ?? otherwise);

/** Ends by kill -9. */
export const cycles = number("LEDGER_CYCLES", 25);

/** True for the long runs of `make faults`. */
export const isLong = cycles > 25;

/** The same seed gives the same moments and choices; what the machine makes of them may differ. */
export const seed = number("LEDGER_SEED", isLong ? Date.now() % 1_000_000 : 1);

/** One line that the test runner shows. */
export function note(text: string): void {
  console.log(`note: ${text}`);
}

/** The environment that makes the server's surroundings worse; server/tests/faults/shim.c tells what there is. */
export const shim = (faults: Record<string, string>): Record<string, string> => ({
  LD_PRELOAD: join(repository, "build/server/tests/faults/libshim.so"),
  ...faults,
});

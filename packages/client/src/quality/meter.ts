/** Looks at one connection every two seconds and says how good it is. */
import type { Quality } from "../generated/events.js";
import { type Hint, hintOf } from "./hint.js";
import { levelNumber, Steady } from "./level.js";
import { type Switches, sampleBetween, scoreOf, type Values } from "./sample.js";
import { readTotals, type Totals } from "./totals.js";

export const SAMPLE_EVERY_MS = 2000;

export interface Measured {
  /** Milliseconds of performance.now(). */
  at: number;
  values: Values;
  level: Quality | null;
  hint: Hint | null;
}

export interface MeterPorts {
  /** Whether media gets through at all. */
  isFlowing(): boolean;
  sends(): Switches;
  expects(): Switches;
  onMeasured(measured: Measured): void;
}

export class Meter {
  readonly #pc: RTCPeerConnection;
  readonly #ports: MeterPorts;
  readonly #steady = new Steady();
  readonly #timer: ReturnType<typeof setInterval>;
  #last: Totals | null = null;

  constructor(pc: RTCPeerConnection, ports: MeterPorts) {
    this.#pc = pc;
    this.#ports = ports;
    const look = () => {
      // A connection that is being closed rejects; there is nothing to see any more.
      this.#look().catch(() => {});
    };
    this.#timer = setInterval(look, SAMPLE_EVERY_MS);
    look();
  }

  close(): void {
    clearInterval(this.#timer);
  }

  async #look(): Promise<void> {
    const report = await this.#pc.getStats();
    const totals = readTotals(report, performance.now());
    const before = this.#last;
    this.#last = totals;
    if (before && totals.at > before.at) this.#tell(before, totals);
  }

  #tell(before: Totals, totals: Totals): void {
    const values = sampleBetween(before, totals, this.#ports.sends(), this.#ports.expects());
    const score = this.#ports.isFlowing() ? scoreOf(values) : 0;
    const level = score === null ? this.#steady.level : this.#steady.take(score);
    values.level = level && levelNumber(level);
    const hint = level === "excellent" ? null : hintOf(values);
    this.#ports.onMeasured({ at: totals.at, values, level, hint });
  }
}

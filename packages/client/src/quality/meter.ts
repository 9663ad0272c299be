/** Looks at one connection every second, over the last two, and says how good it is. Every second look is a sample that
 *  is kept: those follow each other without a gap. */
import type { Quality } from "../generated/events.js";
import { Advice, type Hint, hintOf } from "./hint.js";
import { levelNumber, Steady, worse } from "./level.js";
import { type Sample, type Switches, sampleBetween, type Values } from "./sample.js";
import { readTotals, type Totals } from "./totals.js";

const LOOK_EVERY_MS = 1000;
/** Looks that a judgement goes back, and of which the last is kept. */
const WINDOW = 2;

export interface Measured {
  /** Milliseconds of performance.now(). */
  at: number;
  values: Values;
  /** To be kept. */
  isSample: boolean;
  level: Quality | null;
  /** How well media comes from there, and how well it gets there as far as the newest word of it tells; the level is the
   *  worse of both. */
  arrives: Quality | null;
  leaves: Quality | null;
  hint: Hint | null;
}

export interface MeterPorts {
  /** Whether media gets through at all. */
  isFlowing(): boolean;
  sends(): Switches;
  expects(): Switches;
  /** When the far device last said anew how it hears us (performance.now()); its word counts for more than an older report of
   *  its browser, of which a next one may be seven seconds away. */
  toldAt(): number;
  onMeasured(measured: Measured): void;
}

export class Meter {
  readonly #pc: RTCPeerConnection;
  readonly #ports: MeterPorts;
  readonly #arrives = new Steady();
  readonly #advice = new Advice();
  readonly #timer: ReturnType<typeof setInterval>;
  #leaves = new Steady();
  #nLooks = 0;
  /** The last looks, oldest first. */
  #seen: Totals[] = [];

  constructor(pc: RTCPeerConnection, ports: MeterPorts) {
    this.#pc = pc;
    this.#ports = ports;
    const look = () => {
      // A connection that is being closed rejects; there is nothing to see any more.
      this.#look().catch(() => {});
    };
    this.#timer = setInterval(look, LOOK_EVERY_MS);
    look();
  }

  close(): void {
    clearInterval(this.#timer);
  }

  async #look(): Promise<void> {
    const report = await this.#pc.getStats();
    const totals = readTotals(report, performance.now());
    // The first second alone says little: pictures are still beginning.
    const before = this.#seen.length === WINDOW ? this.#seen[0] : undefined;
    this.#seen = [...this.#seen, totals].slice(-WINDOW);
    this.#nLooks += 1;
    if (before && totals.at > before.at) this.#tell(before, totals);
  }

  #tell(before: Totals, totals: Totals): void {
    const sample = sampleBetween(before, totals, this.#ports.sends(), this.#ports.expects());
    this.#judge(sample, reportedAt(totals));
    const { values } = sample;
    const [arrives, leaves] = [this.#arrives.level, this.#leaves.level];
    const level = worse(arrives, leaves);
    values.level = level && levelNumber(level);
    const hint = this.#advice.take(hintOf(values), level === "excellent");
    const isSample = this.#nLooks % WINDOW === 1;
    this.#ports.onMeasured({ at: totals.at, values, isSample, level, arrives, leaves, hint });
  }

  #judge({ inScore, outScore }: Sample, reportedAt: number): void {
    const isFlowing = this.#ports.isFlowing();
    const score = isFlowing ? inScore : 0;
    if (score !== null) this.#arrives.take(score);
    if (this.#ports.toldAt() > reportedAt) this.#leaves = new Steady();
    else if (isFlowing && outScore !== null) this.#leaves.take(outScore);
  }
}

/** When the far end last reported of anything. */
const reportedAt = ({ out }: Totals) => Math.max(out.audio.reportedAt ?? 0, out.video.reportedAt ?? 0);

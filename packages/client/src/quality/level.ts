/** From scores to the four words, without wavering: down at once when it is bad, up only when it stays better. */
import type { Quality } from "../generated/events.js";

const LEVELS: readonly Quality[] = ["excellent", "good", "fair", "poor"];
/** Of R: G.107 Annex B calls people from 80 on satisfied, below 70 many of them not, below 60 nearly all. */
const BORDERS = [80, 70, 60];
const MARGIN = 3;
const DOWN_AFTER = 2;
const UP_AFTER = 3;

export const levelNumber = (quality: Quality) => LEVELS.indexOf(quality) + 1;
export const worse = (a: Quality | null, b: Quality | null) =>
  !a || !b ? (a ?? b) : levelNumber(a) > levelNumber(b) ? a : b;

export const better = (a: Quality | null, b: Quality | null) => (a && b && worse(a, b) === a ? b : (a ?? b));

const indexOf = (score: number) => BORDERS.filter((border) => score < border).length;

export class Steady {
  #index: number | null = null;
  #streak = 0;

  get level(): Quality | null {
    return this.#index === null ? null : (LEVELS[this.#index] ?? null);
  }

  /** Takes the next score. */
  take(score: number): Quality | null {
    const now = this.#index;
    const down = indexOf(score);
    const up = indexOf(score - MARGIN);
    if (now === null) this.#index = down;
    else if (down > now) this.#move(down, Math.min(-1, this.#streak - 1), down - now > 1 ? 1 : DOWN_AFTER);
    else if (up < now) this.#move(up, Math.max(1, this.#streak + 1), UP_AFTER);
    else this.#streak = 0;
    return this.level;
  }

  #move(index: number, streak: number, needed: number): void {
    this.#streak = streak;
    if (Math.abs(streak) < needed) return;
    this.#index = index;
    this.#streak = 0;
  }
}

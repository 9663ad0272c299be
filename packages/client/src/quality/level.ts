/** From scores to the four words, without wavering: down at once when it is bad, up soon when it stays better, and ever
 *  later when that does not last. */
import type { Quality } from "../generated/events.js";

const LEVELS: readonly Quality[] = ["excellent", "good", "fair", "poor"];
/** Of R: G.107 Annex B calls people from 80 on satisfied, below 70 many of them not, below 60 nearly all. */
const BORDERS = [80, 70, 60];
const MARGIN = 3;
/** In looks, one a second. */
const DOWN_AFTER = 2;
const UP_AFTER = 2;
/** A rise that a fall undid within so many looks did not last: the next one has to prove itself for twice as long. */
const LASTS = 60;
const UP_AFTER_MOST = 16;
/** From poor to excellent: nothing wavers so far, so it needs no more proof than at first. */
const LEAP = 3;

export const levelNumber = (quality: Quality) => LEVELS.indexOf(quality) + 1;
export const worse = (a: Quality | null, b: Quality | null) =>
  !a || !b ? (a ?? b) : levelNumber(a) > levelNumber(b) ? a : b;

export const better = (a: Quality | null, b: Quality | null) => (a && b && worse(a, b) === a ? b : (a ?? b));

const indexOf = (score: number) => BORDERS.filter((border) => score < border).length;

export class Steady {
  #index: number | null = null;
  /** Looks in a row that were worse (below 0) or better; and those of them that were better by a leap. */
  #streak = 0;
  #leaps = 0;
  #upAfter = UP_AFTER;
  #sinceRise = Number.POSITIVE_INFINITY;

  get level(): Quality | null {
    return this.#index === null ? null : (LEVELS[this.#index] ?? null);
  }

  /** Takes the next score. */
  take(score: number): Quality | null {
    const now = this.#index;
    const down = indexOf(score);
    const up = indexOf(score - MARGIN);
    this.#sinceRise += 1;
    if (now === null) this.#index = down;
    else if (down > now) this.#fall(down, down - now > 1 ? 1 : DOWN_AFTER);
    else if (up < now) this.#rise(up, now - up >= LEAP);
    else this.#move(now);
    return this.level;
  }

  #fall(index: number, needed: number): void {
    this.#streak = Math.min(-1, this.#streak - 1);
    this.#leaps = 0;
    if (this.#streak > -needed) return;
    const hasLasted = this.#sinceRise >= LASTS;
    this.#upAfter = hasLasted ? Math.max(UP_AFTER, this.#upAfter / 2) : Math.min(UP_AFTER_MOST, 2 * this.#upAfter);
    this.#move(index);
  }

  #rise(index: number, isLeap: boolean): void {
    this.#streak = Math.max(1, this.#streak + 1);
    this.#leaps = isLeap ? this.#leaps + 1 : 0;
    if (this.#streak < this.#upAfter && this.#leaps < UP_AFTER) return;
    this.#sinceRise = 0;
    this.#move(index);
  }

  #move(index: number): void {
    this.#index = index;
    this.#streak = 0;
    this.#leaps = 0;
  }
}

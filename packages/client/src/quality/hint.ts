/** What a person could do about it, in words; the most useful first. */
import type { Values } from "./sample.js";

export type HintCode =
  | "upload-loss"
  | "download-loss"
  | "busy-device"
  | "narrow-upload"
  | "frozen-picture"
  | "long-delay"
  | "uneven";

export interface Hint {
  readonly code: HintCode;
  /** Percent, kbit/s or milliseconds, as the code has it; whole. */
  readonly value: number;
  /** In English; other languages by the code. */
  readonly text: string;
}

const LOSS = 30;
const SENDS_PICTURES = 6;
const CAMERA = 2;

export function hintOf(v: Values): Hint | null {
  const make = (code: HintCode, value: number, text: string): Hint => ({ code, value, text });
  const out = Math.max(v.outAudioLoss ?? 0, v.outVideoLoss ?? 0);
  const inn = Math.max(v.inAudioLoss ?? 0, v.inVideoLoss ?? 0);
  const hasPicture = ((v.sends ?? 0) & SENDS_PICTURES) !== 0;
  const cure = hasPicture ? "turn the camera off" : "go nearer to the router, or use a cable";
  const percent = (share: number) => Math.round(share / 10);
  if (out >= LOSS && out >= inn)
    return make("upload-loss", percent(out), `Your upload loses ${percent(out)} %: ${cure}.`);
  if (inn >= LOSS)
    return make(
      "download-loss",
      percent(inn),
      `${percent(inn)} % of what they send is lost: ask them to turn the camera off.`,
    );
  if (v.limit === 1 && hasPicture)
    return make(
      "busy-device",
      Math.round(v.outFps ?? 0),
      "This device is too busy for your picture: close other programs.",
    );
  const kbps = Math.round(v.availableKbps ?? 0);
  if (v.limit === 2 && hasPicture && kbps > 0 && kbps < 300)
    return make("narrow-upload", kbps, `Your upload has room for ${kbps} kbit/s: turn the camera off.`);
  if (((v.expects ?? 0) & CAMERA) !== 0 && v.inFps != null && v.inFps < 1)
    return make("frozen-picture", 0, "Their picture stands still: nothing of it arrives.");
  const delay = Math.round(v.rtt ?? 0);
  if (delay >= 400) return make("long-delay", delay, `The way is long: an answer takes ${delay} ms. Leave pauses.`);
  const jitter = Math.round(Math.max(v.inAudioJitter ?? 0, v.outJitter ?? 0));
  return jitter >= 50
    ? make("uneven", jitter, `The connection wavers by ${jitter} ms: use a cable, or stop downloads.`)
    : null;
}

/** In looks, one a second: so often a hint must come up before it is given, and so long it stays after the last time;
 *  browsers report of our sound every 7.5 seconds at the latest. */
const GIVEN_AFTER = 2;
const STAYS = 8;
/** A value that moved by more than this share is told anew. */
const MOVED = 0.5;

/** Hints without flicker: one at a time, the same object while nothing is to be said anew. */
export class Advice {
  #given: Hint | null = null;
  #next: HintCode | null = null;
  #nNext = 0;
  #nSilent = 0;

  /** `hint`: what this look would say; `isWell`: there is no need for any. */
  take(hint: Hint | null, isWell: boolean): Hint | null {
    if (isWell) this.#give(null);
    else if (hint === null) this.#miss();
    else if (hint.code === this.#given?.code) this.#repeat(hint);
    else this.#consider(hint);
    return this.#given;
  }

  #give(hint: Hint | null): void {
    this.#given = hint;
    this.#next = null;
    this.#nSilent = 0;
  }

  #miss(): void {
    this.#next = null;
    this.#nSilent += 1;
    if (this.#nSilent > STAYS) this.#give(null);
  }

  #repeat(hint: Hint): void {
    const { value } = this.#given as Hint;
    const hasMoved = Math.abs(hint.value - value) > MOVED * Math.max(value, 1);
    this.#give(hasMoved ? hint : this.#given);
  }

  /** Another than the given one: that keeps its place until the new one has come up again. */
  #consider(hint: Hint): void {
    this.#nNext = hint.code === this.#next ? this.#nNext + 1 : 1;
    this.#next = hint.code;
    if (this.#nNext >= GIVEN_AFTER) this.#give(hint);
  }
}

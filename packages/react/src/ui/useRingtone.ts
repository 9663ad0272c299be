/** Rings: a small bell for who is called, a soft tone for who calls. Both are computed, so that no file is loaded. */
import { useEffect, useState } from "react";
import { resumeOnGesture } from "./gesture.js";

export type RingKind = "incoming" | "outgoing";

interface Strike {
  at: number;
  hz: number;
  gain: number;
  /** Seconds until it has sunk to a third. */
  fade: number;
}

interface Pattern {
  seconds: number;
  strikes: Strike[];
}

/** Longer than a context takes to start that may. */
const BLOCKED_AFTER_MS = 400;

const BELL = [1, 2.01, 2.99, 4.2];

function bell(at: number, hz: number): Strike[] {
  return BELL.map((ratio, i) => ({ at, hz: hz * ratio, gain: 0.16 / (1 + 1.6 * i), fade: 0.5 / (1 + i) }));
}

const PATTERNS: Record<RingKind, Pattern> = {
  incoming: {
    seconds: 3,
    strikes: [...bell(0, 659.3), ...bell(0.18, 830.6), ...bell(0.36, 987.8), ...bell(0.9, 830.6)],
  },
  outgoing: { seconds: 4, strikes: [{ at: 0, hz: 425, gain: 0.05, fade: 0.7 }] },
};

function drawStrike(samples: Float32Array, rate: number, strike: Strike) {
  const begin = Math.floor(strike.at * rate);
  for (let i = begin; i < samples.length; i++) {
    const t = (i - begin) / rate;
    const attack = Math.min(1, t / 0.008);
    const value = strike.gain * attack * Math.exp(-t / strike.fade) * Math.sin(2 * Math.PI * strike.hz * t);
    samples[i] = (samples[i] ?? 0) + value;
  }
}

function startRing(context: AudioContext, kind: RingKind) {
  const { seconds, strikes } = PATTERNS[kind];
  const buffer = context.createBuffer(1, Math.floor(seconds * context.sampleRate), context.sampleRate);
  const samples = buffer.getChannelData(0);
  for (const strike of strikes) drawStrike(samples, context.sampleRate, strike);
  const source = new AudioBufferSourceNode(context, { buffer, loop: true });
  source.connect(context.destination);
  source.start();
}

/** Rings as long as `kind` is not null. Before the first click on a page browsers keep silent; then it begins with that
 *  click, if it still rings. True while the browser keeps it silent. */
export function useRingtone(kind: RingKind | null): boolean {
  const [isBlocked, setBlocked] = useState(false);
  useEffect(() => {
    if (!kind || typeof AudioContext === "undefined") return;
    const context = new AudioContext();
    startRing(context, kind);
    const look = () => setBlocked(context.state === "suspended");
    // A context that may sound says so a moment after it was made.
    const timer = setTimeout(look, BLOCKED_AFTER_MS);
    context.addEventListener("statechange", look);
    const stopWaiting = resumeOnGesture(context);
    return () => {
      clearTimeout(timer);
      context.removeEventListener("statechange", look);
      stopWaiting();
      setBlocked(false);
      context.close().catch(() => {});
    };
  }, [kind]);
  return isBlocked;
}

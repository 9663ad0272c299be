/** How loud a microphone is, as a row of lamps. */
import { type RefObject, useEffect, useRef } from "react";
import { resumeOnGesture } from "./gesture.js";
import { useTexts } from "./texts.js";

export interface LevelMeterProps {
  stream: MediaStream | null;
  /** Shown as silent, whatever the microphone hears. */
  isMuted?: boolean;
}

const EVERY_MS = 66;
/** Decibels below full scale at which the first and the last lamp light up: a quiet room, a loud voice. */
const QUIET_DB = -58;
const LOUD_DB = -18;

/** The root mean square of samples as 0 (silent) to 1 (loud). */
export function levelOf(samples: Float32Array): number {
  let sum = 0;
  for (const sample of samples) sum += sample * sample;
  const decibels = 10 * Math.log10(sum / Math.max(1, samples.length) + 1e-12);
  return Math.min(1, Math.max(0, (decibels - QUIET_DB) / (LOUD_DB - QUIET_DB)));
}

/** Listens to the first audio track; returns how to stop. */
function listen(stream: MediaStream, tell: (level: number) => void): () => void {
  const context = new AudioContext();
  const analyser = new AnalyserNode(context, { fftSize: 1024 });
  const source = context.createMediaStreamSource(stream);
  source.connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  const timer = setInterval(() => {
    analyser.getFloatTimeDomainData(samples);
    tell(levelOf(samples));
  }, EVERY_MS);
  const stopWaiting = resumeOnGesture(context);
  return () => {
    clearInterval(timer);
    stopWaiting();
    context.close().catch(() => {});
  };
}

/** Written to the element itself: fifteen times a second is too often to draw a component. */
function useLevel(ref: RefObject<HTMLMeterElement | null>, stream: MediaStream | null) {
  useEffect(() => {
    const meter = ref.current;
    if (!meter || !stream || stream.getAudioTracks().length === 0 || typeof AudioContext === "undefined") return;
    const show = (level: number) => {
      meter.value = Math.round(level * 20) / 20;
      meter.style.setProperty("--bw-level", String(level));
    };
    const stop = listen(stream, show);
    return () => {
      stop();
      show(0);
    };
  }, [ref, stream]);
}

export function LevelMeter({ stream, isMuted = false }: LevelMeterProps) {
  const texts = useTexts();
  const ref = useRef<HTMLMeterElement>(null);
  useLevel(ref, isMuted ? null : stream);
  return <meter ref={ref} className="bw-level" min={0} max={1} aria-label={texts.microphoneLevel} />;
}

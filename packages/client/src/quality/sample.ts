/** What happened between two looks at a connection, as the numbers that are judged, shown and kept. */
import type { QualityField } from "../generated/events.js";
import { rating } from "./emodel.js";
import type { Totals } from "./totals.js";
import { videoScore } from "./video.js";

/** By the names of the wire; null: not measured. Shares are in thousandths. */
export type Values = Partial<Record<QualityField, number | null>>;

/** What is switched on: at this end, and at the other. */
export interface Switches {
  microphone: boolean;
  camera: boolean;
  screen: boolean;
}

/** A frame of Opus and its look-ahead: what it costs before the network. */
const CODING_MS = 26.5;

const thousandths = (part: number, whole: number) =>
  whole > 0 ? Math.min(1000, (1000 * Math.max(0, part)) / whole) : null;
const ms = (seconds: number | null) => (seconds === null ? null : 1000 * seconds);
const bits = ({ microphone, camera, screen }: Switches) => (microphone ? 1 : 0) + (camera ? 2 : 0) + (screen ? 4 : 0);
const LIMITS = ["none", "cpu", "bandwidth", "other"];

function inbound(a: Totals, b: Totals, seconds: number, expects: Switches): Values {
  const [audio, video] = [b.in.audio, b.in.video];
  const heard = audio.packets - a.in.audio.packets;
  const lost = audio.lost - a.in.audio.lost;
  const seen = video.packets - a.in.video.packets;
  const missed = video.lost - a.in.video.lost;
  const emitted = audio.emitted - a.in.audio.emitted;
  const pictures = expects.camera || expects.screen;
  return {
    inAudioKbps: (8 * (audio.bytes - a.in.audio.bytes)) / seconds / 1000,
    inAudioLoss: thousandths(lost, heard + lost),
    inAudioJitter: ms(audio.jitter),
    concealed: thousandths(audio.concealed - a.in.audio.concealed, audio.played - a.in.audio.played),
    bufferMs: emitted > 0 ? (1000 * (audio.waited - a.in.audio.waited)) / emitted : null,
    ...(pictures && {
      inVideoKbps: (8 * (video.bytes - a.in.video.bytes)) / seconds / 1000,
      inVideoLoss: thousandths(missed, seen + missed),
      inVideoJitter: ms(video.jitter),
      inFps: (video.frames - a.in.video.frames) / seconds,
      frozenMs: 1000 * Math.min(seconds, Math.max(0, video.frozen - a.in.video.frozen)),
      inHeight: video.height || null,
    }),
  };
}

/** The far end's reports; a browser that gives no share gives a count. */
function outLoss(kind: "audio" | "video", a: Totals, b: Totals): number | null {
  const share = b.out[kind].lossShare;
  if (share !== null) return 1000 * share;
  return thousandths(b.out[kind].lost - a.out[kind].lost, b.out[kind].packets - a.out[kind].packets);
}

function outbound(a: Totals, b: Totals, seconds: number, sends: Switches): Values {
  const [audio, video] = [b.out.audio, b.out.video];
  return {
    outAudioKbps: (8 * (audio.bytes - a.out.audio.bytes)) / seconds / 1000,
    outAudioLoss: audio.packets > a.out.audio.packets ? outLoss("audio", a, b) : null,
    outJitter: ms(audio.jitter ?? video.jitter),
    ...((sends.camera || sends.screen) && {
      outVideoKbps: (8 * (video.bytes - a.out.video.bytes)) / seconds / 1000,
      outVideoLoss: video.packets > a.out.video.packets ? outLoss("video", a, b) : null,
      outFps: (video.frames - a.out.video.frames) / seconds,
      outHeight: video.height || null,
      limit: b.limit === null ? null : Math.max(0, LIMITS.indexOf(b.limit)),
    }),
  };
}

const worst = (...scores: (number | null)[]) => {
  const known = scores.filter((score) => score !== null);
  return known.length > 0 ? Math.min(...known) : null;
};

/** Both directions; what was concealed is what the ear missed, and where nobody tells, what was lost. */
function audioScore(v: Values): number | null {
  if (v.rtt == null) return null;
  const heard = (v.concealed ?? v.inAudioLoss ?? 0) / 10;
  const delay = v.rtt / 2 + CODING_MS;
  return worst(
    rating(delay + (v.bufferMs ?? 0), Math.max(heard, (v.inAudioLoss ?? 0) / 20)),
    rating(delay + (v.bufferMs ?? 0), (v.outAudioLoss ?? 0) / 10),
  );
}

function pictureScore(v: Values, expects: Switches, sends: Switches, seconds: number): number | null {
  const seen =
    expects.camera && !expects.screen && v.inFps != null
      ? videoScore({
          fps: v.inFps,
          frozen: (v.frozenMs ?? 0) / 1000 / seconds,
          loss: (v.inVideoLoss ?? 0) / 1000,
          height: v.inHeight ?? null,
        })
      : null;
  const shown =
    sends.camera && v.outFps != null
      ? videoScore({ fps: v.outFps, frozen: 0, loss: (v.outVideoLoss ?? 0) / 1000, height: v.outHeight ?? null })
      : null;
  return worst(seen, shown);
}

export function sampleBetween(a: Totals, b: Totals, sends: Switches, expects: Switches): Values {
  const seconds = Math.max(0.001, (b.at - a.at) / 1000);
  const values: Values = {
    rtt: ms(b.roundTrip),
    ...inbound(a, b, seconds, expects),
    ...outbound(a, b, seconds, sends),
    availableKbps: b.available === null ? null : b.available / 1000,
    path: b.path,
    sends: bits(sends),
    expects: bits(expects),
  };
  values.audioScore = audioScore(values);
  values.videoScore = pictureScore(values, expects, sends, seconds);
  return values;
}

/** One number for the connection; null while nothing is known. */
export const scoreOf = ({ audioScore = null, videoScore = null }: Values) => worst(audioScore, videoScore);

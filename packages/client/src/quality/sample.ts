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

type Kind = "audio" | "video";

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

/** What the far end said last; a browser that gives no share gives a count. */
function outLoss(kind: Kind, a: Totals, b: Totals): number | null {
  if (b.out[kind].packets <= a.out[kind].packets) return null;
  const share = b.out[kind].lossShare;
  if (share !== null) return 1000 * share;
  return thousandths(b.out[kind].lost - a.out[kind].lost, b.out[kind].packets - a.out[kind].packets);
}

/** The same as a measurement of this time: only if the far end has said it since. Of sound it does so every 2.5 to
 *  7.5 seconds, of pictures every second. */
const newLoss = (kind: Kind, a: Totals, b: Totals) =>
  (b.out[kind].reportedAt ?? Number.NEGATIVE_INFINITY) > a.at ? outLoss(kind, a, b) : null;

function outbound(a: Totals, b: Totals, seconds: number, sends: Switches): Values {
  const [audio, video] = [b.out.audio, b.out.video];
  return {
    outAudioKbps: (8 * (audio.bytes - a.out.audio.bytes)) / seconds / 1000,
    outAudioLoss: newLoss("audio", a, b),
    outJitter: ms(audio.jitter ?? video.jitter),
    ...((sends.camera || sends.screen) && {
      outVideoKbps: (8 * (video.bytes - a.out.video.bytes)) / seconds / 1000,
      outVideoLoss: newLoss("video", a, b),
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

/** A score of sound and one of pictures; null: nothing to judge. */
interface Scores {
  audio: number | null;
  video: number | null;
}

/** What was concealed is what the ear missed, and where nobody tells, what was lost. */
function scoreInbound(v: Values, expects: Switches, seconds: number): Scores {
  const missed = Math.max((v.concealed ?? v.inAudioLoss ?? 0) / 10, (v.inAudioLoss ?? 0) / 20);
  const picture = { fps: v.inFps ?? null, frozen: (v.frozenMs ?? 0) / 1000 / seconds, height: v.inHeight ?? null };
  const isJudged = expects.camera && !expects.screen && v.inFps != null;
  return {
    audio: v.rtt == null ? null : rating(delayOf(v), missed),
    video: isJudged ? videoScore({ ...picture, loss: (v.inVideoLoss ?? 0) / 1000 }) : null,
  };
}

function scoreOutbound(v: Values, sends: Switches, a: Totals, b: Totals): Scores {
  const lost = (kind: Kind) => outLoss(kind, a, b) ?? 0;
  const picture = { fps: v.outFps ?? null, frozen: 0, height: v.outHeight ?? null };
  return {
    audio: v.rtt == null ? null : rating(delayOf(v), lost("audio") / 10),
    video: sends.camera && v.outFps != null ? videoScore({ ...picture, loss: lost("video") / 1000 }) : null,
  };
}

const delayOf = (v: Values) => (v.rtt ?? 0) / 2 + CODING_MS + (v.bufferMs ?? 0);

export interface Sample {
  values: Values;
  /** How well media comes from there, and gets there; null while nothing is known. */
  inScore: number | null;
  outScore: number | null;
}

export function sampleBetween(a: Totals, b: Totals, sends: Switches, expects: Switches): Sample {
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
  const [inn, out] = [scoreInbound(values, expects, seconds), scoreOutbound(values, sends, a, b)];
  values.audioScore = worst(inn.audio, out.audio);
  values.videoScore = worst(inn.video, out.video);
  return { values, inScore: worst(inn.audio, inn.video), outScore: worst(out.audio, out.video) };
}

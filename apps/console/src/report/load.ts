/** What a report is made from, asked of the server: as soon as the address is known, while the page's code still loads. */
import { ask, askTimeline, type CallFacts, type QualityAnswer, type TimelineEntry } from "../api.js";
import { tokenAtHand } from "../token.js";

export interface Load {
  /** Plots can be drawn from these two. */
  samples: Promise<{ call: CallFacts; quality: QualityAnswer }>;
  timeline: Promise<TimelineEntry[]>;
}

/** What is plotted and judged, of all columns that there are (protocol: Quality); the export has them all. */
const COLUMNS = [
  ...(["level", "rtt", "expects", "limit", "inFps", "outFps"] as const),
  ...(["inAudioLoss", "inVideoLoss", "inAudioJitter", "inVideoJitter", "inAudioKbps", "inVideoKbps"] as const),
];
export type Column = (typeof COLUMNS)[number];

const pathOf = (callId: string) => `/api/calls/${encodeURIComponent(callId)}`;

function begin(token: string, callId: string): Load {
  const path = pathOf(callId);
  const asked = [
    ask<QualityAnswer>(token, `${path}/quality?fields=${COLUMNS}`),
    ask<{ call: CallFacts }>(token, path),
  ] as const;
  const timeline = askTimeline(token, callId);
  timeline.catch(() => {}); // told by whoever waits for it
  return { samples: Promise.all(asked).then(([quality, { call }]) => ({ call, quality })), timeline };
}

let early: { token: string; callId: string; load: Load } | null = null;

export function loadEarly(): void {
  const token = tokenAtHand();
  const callId = new URLSearchParams(location.search).get("call");
  if (!token || !callId) return;
  early = { token, callId, load: begin(token, callId) };
  early.load.samples.catch(() => {});
}

/** Once what was begun early, from then on anew. */
export function load(token: string, callId: string): Load {
  const begun = early;
  early = null;
  return begun?.token === token && begun.callId === callId ? begun.load : begin(token, callId);
}

/** Every column of every sample, for the export. */
export function askAllSamples(token: string, callId: string): Promise<QualityAnswer> {
  return ask<QualityAnswer>(token, `${pathOf(callId)}/quality`);
}

/** Who came and went while a recording ran, by the place in the recording: from the call's timeline. */
import type { Recording, TimelineEntry } from "@bellwire/client";

export interface RecordingMark {
  /** Seconds from the recording's beginning. */
  at: number;
  userId: string;
  kind: "joined" | "left";
}

/** From this moment of the call on, the recording runs on from a place, or halts there. */
interface Turn {
  ts: number;
  ms: number;
  isRunning: boolean;
}

const KINDS: Readonly<Record<string, RecordingMark["kind"]>> = {
  "participant.joined": "joined",
  "participant.left": "left",
};

/** What the device that recorded has noted. Several recordings of one device stand one after another; each begins at 0,
 *  and bears its id once the server has given it one. */
function turnsOf(timeline: readonly TimelineEntry[], { id, userId }: Recording): Turn[] {
  let run: Turn[] = [];
  let isWanted = false;
  for (const { type, actorId, ts, data } of timeline) {
    if (type !== "client.recording" || actorId !== userId || typeof data.ms !== "number") continue;
    if (data.ms === 0 && isWanted) break;
    if (data.ms === 0) run = [];
    if (data.id === id) isWanted = true;
    run.push({ ts: Date.parse(ts), ms: data.ms, isRunning: data.state === "on" });
  }
  return isWanted ? run.toSorted((a, b) => a.ts - b.ts) : [];
}

/** Milliseconds in the recording; null: it was not running then. */
function placeOf(ts: number, turns: readonly Turn[]): number | null {
  const turn = turns.findLast((one) => one.ts <= ts);
  if (!turn) return null;
  return turn.isRunning ? turn.ms + ts - turn.ts : turn.ms;
}

/** In the order of the recording. Without notes of the device, as if it had been recorded in one go. */
export function marksOf(timeline: readonly TimelineEntry[], recording: Recording): RecordingMark[] {
  const noted = turnsOf(timeline, recording);
  const turns = noted.length > 0 ? noted : [{ ts: Date.parse(recording.startedAt), ms: 0, isRunning: true }];
  const last = turns.at(-1);
  const end = last && !last.isRunning ? last.ts : Number.POSITIVE_INFINITY;
  const marks: RecordingMark[] = [];
  for (const { type, actorId, ts } of timeline) {
    const kind = KINDS[type];
    const moment = Date.parse(ts);
    const ms = kind && moment < end ? placeOf(moment, turns) : null;
    if (!kind || !actorId || ms === null || ms > recording.durationMs) continue;
    marks.push({ at: ms / 1000, userId: actorId, kind });
  }
  return marks;
}

/** What a screen reader is told while a call goes on: the differences that others see. */
import type { CallSnapshot, ParticipantSnapshot } from "@bellwire/client";
import { type FaceOf, nameIn, otherTiles } from "./faces.js";
import type { Texts } from "./texts.js";

const isRunning = (call: CallSnapshot | null) => call !== null && call.state !== "ended" && call.answeredAt !== null;

function aboutPerson(texts: Texts, name: string, was: ParticipantSnapshot, is: ParticipantSnapshot): string | null {
  if (was.isScreenSharing !== is.isScreenSharing)
    return is.isScreenSharing ? texts.sharesScreen(name) : texts.stoppedSharing(name);
  if (was.isMuted !== is.isMuted) return is.isMuted ? texts.muted(name) : texts.unmuted(name);
  if (was.media === "connected" && is.media === "reconnecting") return texts.reconnectsTo(name);
  return null;
}

function comingAndGoing(texts: Texts, before: CallSnapshot, after: CallSnapshot, faceOf: FaceOf): string[] {
  const was = new Map(otherTiles(before, faceOf).map((tile) => [tile.key, tile.name]));
  const is = new Map(otherTiles(after, faceOf).map((tile) => [tile.key, tile.name]));
  const came = [...is].filter(([key]) => !was.has(key)).map(([, name]) => texts.joined(name));
  const went = [...was].filter(([key]) => !is.has(key)).map(([, name]) => texts.left(name));
  return [...came, ...went];
}

function aboutRecording(texts: Texts, before: CallSnapshot, after: CallSnapshot, faceOf: FaceOf): string | null {
  const { state, userId, isOwn } = after.recording;
  if (state === before.recording.state) return null;
  if (state === "none") return before.recording.state === "started" ? texts.recordingEnded : null;
  if (isOwn) return state === "started" ? texts.recording : texts.recordingWaits;
  const name = nameIn(after, userId, null, faceOf);
  return state === "started" ? texts.records(name) : texts.asksToRecord(name);
}

/** One text for all that changed between two snapshots of the same call; empty when nothing did. */
export function announcement(texts: Texts, before: CallSnapshot | null, after: CallSnapshot, faceOf: FaceOf): string {
  if (before === null || before.id !== after.id || after.state === "ended") return "";
  if (!isRunning(before) && isRunning(after)) return texts.begins;
  const said = comingAndGoing(texts, before, after, faceOf);
  const recorded = aboutRecording(texts, before, after, faceOf);
  if (recorded) said.push(recorded);
  for (const is of after.participants) {
    const was = before.participants.find(({ id }) => id === is.id);
    const text = was && was !== is ? aboutPerson(texts, faceOf(is).name, was, is) : null;
    if (text) said.push(text);
  }
  return said.join(". ");
}

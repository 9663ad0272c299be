/** The little that is read in session descriptions. */
import type { IceCandidate, Sdp } from "../generated/events.js";
import type { PeerMessage } from "./ports.js";

export function plain({ type, sdp }: RTCSessionDescription): Sdp {
  return { type, sdp };
}

/** Whether a candidate is of the ICE generation of this description; unnamed ones are taken at their word. */
export function belongsTo(candidate: IceCandidate, sdp: string): boolean {
  const fragment = candidate.usernameFragment ?? / ufrag (\S+)/.exec(candidate.candidate ?? "")?.[1];
  return !fragment || sdp.split(/\r?\n/).includes(`a=ice-ufrag:${fragment}`);
}

/** By what one connection is told from the next: browsers make a certificate for each. Null: not told. */
export function certificateOf(message: PeerMessage): string | null {
  const { sdp } = "offer" in message ? message.offer : "answer" in message ? message.answer : {};
  return /^a=fingerprint:(\S+ \S+)/m.exec(sdp ?? "")?.[1] ?? null;
}

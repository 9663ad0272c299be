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

const generationOf = (sdp: string | undefined) => /^a=ice-ufrag:.*/m.exec(sdp ?? "")?.[0];

/** Whether a description asks for another ICE generation than the one in force. */
export function isNewWay(before: string | undefined, now: string | undefined): boolean {
  return before !== undefined && generationOf(before) !== generationOf(now);
}

/** By what one connection is told from the next: browsers make a certificate for each. Null: not told. */
export function certificateOf(message: PeerMessage): string | null {
  const { sdp } = "offer" in message ? message.offer : "answer" in message ? message.answer : {};
  return /^a=fingerprint:(\S+ \S+)/m.exec(sdp ?? "")?.[1] ?? null;
}

const setupOf = (sdp: string | undefined) => /^a=setup:(active|passive)/m.exec(sdp ?? "")?.[1];

/** An answer with the part in the encryption that the other side has had from the start. Firefox may claim the other part when
 *  asked for a new way; it keeps the one it has all the same, and a browser that believed it would refuse the answer. */
export function keepRole(answer: Sdp, { currentRemoteDescription, currentLocalDescription }: RTCPeerConnection): Sdp {
  const own = setupOf(currentLocalDescription?.sdp);
  const role = setupOf(currentRemoteDescription?.sdp) ?? (own && (own === "active" ? "passive" : "active"));
  return role ? { ...answer, sdp: (answer.sdp ?? "").replace(/^a=setup:\w+/gm, `a=setup:${role}`) } : answer;
}

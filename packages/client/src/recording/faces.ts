/** Who and what of a call is in a recording: everyone's voice and picture, and the screens that are shared. */
import type { CallSnapshot } from "../types.js";

export interface Source {
  /** Stays the same as long as it is the same person's camera or screen. */
  key: string;
  name: string;
  stream: MediaStream | null;
  isScreen: boolean;
  /** Its picture is on; what is off is drawn as a name. */
  hasPicture: boolean;
}

/** Screens first, then oneself, then the others in the call's order. */
export function sourcesOf({ participants, local }: CallSnapshot, ownName: string): Source[] {
  const present = participants.filter(({ socketId }) => socketId !== null);
  const own = { id: "self", name: ownName, userId: ownName, isVideoEnabled: local.isCameraEnabled };
  const all = [{ ...local, ...own }, ...present];
  const screens = all
    .filter(({ isScreenSharing, screenStream }) => isScreenSharing && screenStream)
    .map(({ id, name, userId, screenStream: stream }) => {
      return { key: `${id} screen`, name: name ?? userId, stream, isScreen: true, hasPicture: true };
    });
  const faces = all.map(({ id, name, userId, stream, isVideoEnabled: hasPicture }) => {
    return { key: id, name: name ?? userId, stream, isScreen: false, hasPicture };
  });
  return [...screens, ...faces];
}

/** From the client's snapshots to what the screens draw. */
import type {
  CallSnapshot,
  Hint,
  HistoryCall,
  LocalSnapshot,
  ParticipantSnapshot,
  Quality,
  User,
} from "@bellwire/client";
import type { Face } from "./Avatar.js";
import type { HistoryEntry } from "./CallHistory.js";
import type { TileFace } from "./ParticipantTile.js";
import type { Texts } from "./texts.js";

/** What is known of a user: at least the id. */
export interface Known {
  userId: string;
  name: string | null;
  avatarUrl: string | null;
}

/** How a host shows its users; by default as the server knows them. */
export type FaceOf = (known: Known) => Face;

export const plainFace: FaceOf = ({ userId, name, avatarUrl }) => ({ id: userId, name: name ?? userId, avatarUrl });

const CONNECTIONS: Record<ParticipantSnapshot["media"], TileFace["connection"]> = {
  new: "connecting",
  connecting: "connecting",
  connected: "connected",
  reconnecting: "reconnecting",
  failed: "failed",
};

/** Of somebody in the call, oneself too. */
export function nameIn(call: CallSnapshot, userId: string | null, own: User | null, faceOf: FaceOf): string {
  const known = call.participants.find((one) => one.userId === userId);
  const { name = null, avatarUrl = null } = known ?? (own?.id === userId ? own : {});
  return faceOf({ userId: userId ?? "", name, avatarUrl }).name;
}

function isInCall({ state, socketId }: ParticipantSnapshot): boolean {
  return socketId !== null || state === "joined" || state === "reconnecting";
}

function participantTile(participant: ParticipantSnapshot, faceOf: FaceOf): TileFace {
  const isAway = participant.state === "reconnecting";
  return {
    ...faceOf(participant),
    key: participant.id,
    stream: participant.stream,
    screen: participant.isScreenSharing ? participant.screenStream : null,
    isMuted: participant.isMuted,
    isVideoEnabled: participant.isVideoEnabled,
    isSpeaking: participant.isSpeaking,
    connection: isAway ? "reconnecting" : CONNECTIONS[participant.media],
    quality: participant.connectionQuality,
    path: participant.connectionPath,
    hint: participant.connectionHint,
  };
}

/** What is worth saying to the user: only of connections that people hear are bad, the worst first. */
export function adviceFor(participants: readonly ParticipantSnapshot[]): Hint | null {
  const ofLevel = (quality: Quality) =>
    participants.find((one) => one.connectionQuality === quality && one.connectionHint !== null);
  return (ofLevel("poor") ?? ofLevel("fair"))?.connectionHint ?? null;
}

/** Everyone else who has a device in the call. */
export function otherTiles(call: CallSnapshot, faceOf: FaceOf): TileFace[] {
  return call.participants.filter(isInCall).map((participant) => participantTile(participant, faceOf));
}

/** While the devices of a call are being opened, what was wished counts: a button that flickers helps nobody. */
export function ownTile(local: LocalSnapshot, wantsVideo: boolean, face: Face): TileFace {
  const isOpening = local.stream === null && local.error === null;
  return {
    ...face,
    key: "own",
    stream: local.stream,
    isMuted: !local.isMicrophoneEnabled && !isOpening,
    isVideoEnabled: local.isCameraEnabled || (isOpening && wantsVideo),
    isLocal: true,
  };
}

/** Whom a call is with, as one face: the other person, or the group under its people's names. */
export function peerOf(
  people: readonly Known[],
  call: { id: string; mode: string },
  faceOf: FaceOf,
  texts: Texts,
): Face {
  const [first] = people;
  const isGroup = call.mode === "group";
  if (!first) return { id: call.id, name: isGroup ? texts.group : texts.someone, isGroup };
  if (people.length === 1) return faceOf(first);
  return { id: call.id, isGroup: true, name: people.map((known) => faceOf(known).name).join(", ") };
}

export function historyEntry(call: HistoryCall, myId: string, faceOf: FaceOf, texts: Texts): HistoryEntry {
  const others = call.participants.filter((participant) => participant.userId !== myId);
  return {
    id: call.id,
    peer: peerOf(others, call, faceOf, texts),
    callType: call.callType,
    direction: call.direction,
    outcome: call.outcome,
    startedAt: new Date(call.startedAt),
    duration: call.duration,
  };
}

/** What an application sees: immutable snapshots, and the words in them. */
import type { BellwireError } from "./errors.js";
import type {
  CallMode,
  CallType,
  Direction,
  EndReason,
  Metadata,
  ParticipantState,
  Quality,
  RecordingPolicy,
  Role,
  Topology,
  User,
} from "./generated/events.js";
import type { Hint } from "./quality/hint.js";
import type { ConnectionPath } from "./quality/path.js";

/** The connection to the server. `failed` stays until `connect()` is called again. */
export type ConnectionState = "idle" | "connecting" | "connected" | "reconnecting" | "failed";

/**
 * A call as this device sees it.
 *
 *   idle -> ringing-out -> connecting -> active <-> reconnecting -> ended
 *           ringing-in  -^
 *
 * `connecting`: answered, media does not flow yet. `reconnecting`: media did flow and has stopped.
 */
export type CallState = "idle" | "ringing-out" | "ringing-in" | "connecting" | "active" | "reconnecting" | "ended";

/** The server's reasons, and those that concern this device alone: another device of the same user answered or
 *  declined, the call was moved to another device, this device left a call that goes on, or it could not be begun. */
export type CallEndReason = EndReason | "answered_elsewhere" | "declined_elsewhere" | "moved" | "left" | "failed";

/** Media between this device and one other. */
export type MediaState = "new" | "connecting" | "connected" | "reconnecting" | "failed";

/** One device of someone else in the call, or someone who has no device in it. */
export interface ParticipantSnapshot {
  /** Unique in the call: the leg's id, or the user's while they have none. */
  readonly id: string;
  readonly userId: string;
  readonly name: string | null;
  readonly avatarUrl: string | null;
  readonly role: Role;
  readonly state: ParticipantState;
  /** The leg; null while the person has no device in the call. */
  readonly socketId: string | null;
  /** Voice and camera; null until media is set up. Tracks come and go in the same stream. */
  readonly stream: MediaStream | null;
  readonly screenStream: MediaStream | null;
  readonly isMuted: boolean;
  readonly isVideoEnabled: boolean;
  readonly isScreenSharing: boolean;
  readonly isSpeaking: boolean;
  /** How well media gets through to them and from them: the worse of what was measured here and of what they say. */
  readonly connectionQuality: Quality | null;
  /** What could be done about it; null while there is nothing to say. */
  readonly connectionHint: Hint | null;
  /** How media travels: directly, or over a relay, and how this device reaches that; null before it flows. */
  readonly connectionPath: ConnectionPath | null;
  readonly media: MediaState;
}

/** What this device sends. */
export interface LocalSnapshot {
  /** For the own picture: voice and camera; null while nothing is open. A new object whenever a track came or went. */
  readonly stream: MediaStream | null;
  readonly screenStream: MediaStream | null;
  readonly isMicrophoneEnabled: boolean;
  readonly isCameraEnabled: boolean;
  readonly isScreenSharing: boolean;
  /** The last trouble with a device: no_microphone, permission_denied … The call goes on without it. */
  readonly error: BellwireError | null;
}

/** Moments of this call, in milliseconds of performance.now(). */
export interface CallTimings {
  /** The user accepted, or heard that the other side did. */
  readonly accepted: number | null;
  readonly connected: number | null;
  /** The first remote picture was decoded (audio calls: the first sound arrived). */
  readonly firstFrame: number | null;
}

/** Whether the call is recorded, the same for everyone in it. */
export interface RecordingSnapshot {
  /** `requested`: it waits until everybody has agreed, and nobody records meanwhile. */
  readonly state: "none" | "requested" | "started";
  /** null until the server has told. */
  readonly policy: RecordingPolicy | null;
  /** Who records, or wants to. */
  readonly userId: string | null;
  /** It is this device that records, or wants to. */
  readonly isOwn: boolean;
  /** This user has agreed, or need not be asked since the wish is their own. */
  readonly hasAgreed: boolean;
  /** Milliseconds of this machine's clock. */
  readonly since: number | null;
}

export interface CallSnapshot {
  readonly id: string;
  readonly channelId: string;
  readonly callType: CallType;
  readonly mode: CallMode;
  /** Every device connected to every other, or all to a forwarding server, which then is one more leg. */
  readonly topology: Topology;
  readonly direction: Direction;
  readonly state: CallState;
  readonly startedBy: string;
  /** Outgoing: at least one device rings. */
  readonly isRemoteRinging: boolean;
  /** Outgoing: no device of theirs answers; the call rings on in case one comes. */
  readonly isUnreachable: boolean;
  /** Incoming: one is in another call; show it, do not ring. */
  readonly isWaiting: boolean;
  /** Milliseconds of this machine's clock (Date.now()), corrected for the difference to the server's. */
  readonly ringExpiresAt: number | null;
  readonly answeredAt: number | null;
  readonly endedAt: number | null;
  readonly endReason: CallEndReason | null;
  readonly endedBy: string | null;
  /** Whole seconds, as the server tells them with the end. */
  readonly duration: number;
  readonly metadata: Metadata;
  /** Everyone but this device. */
  readonly participants: readonly ParticipantSnapshot[];
  readonly local: LocalSnapshot;
  readonly recording: RecordingSnapshot;
  /** Why the call could not be made, or what last went wrong in it. */
  readonly error: BellwireError | null;
  readonly timings: CallTimings;
}

export interface ClientSnapshot {
  readonly connection: ConnectionState;
  /** Why the connection failed or is lost; null while it stands. */
  readonly error: BellwireError | null;
  /** Who one is; null before the first connection. */
  readonly user: User | null;
  /** The call that was made or accepted here last; it stays after its end until it is dismissed. */
  readonly current: CallSnapshot | null;
  /** Calls that ring here, oldest first. */
  readonly incoming: readonly CallSnapshot[];
  /** Live calls of this user that other devices are in, or that were left by a reload: `client.join(id)` enters. */
  readonly joinable: readonly JoinableCall[];
}

export interface JoinableCall {
  readonly id: string;
  readonly channelId: string;
  readonly callType: CallType;
  readonly mode: CallMode;
  readonly startedBy: string;
}

/** What to open when a call begins. */
export interface MediaChoice {
  audio?: boolean;
  video?: boolean;
}

export interface CallOptions {
  channelId: string;
  /** One person. */
  to?: string;
  /** Several; nobody at all means everyone in the channel. */
  participants?: string[];
  type?: CallType;
  mode?: CallMode;
  /** How long it rings, in milliseconds. */
  ringTimeout?: number;
  metadata?: Metadata;
  /** What to open; by default what the type says. */
  media?: MediaChoice;
}

export type DeviceKind = "microphone" | "camera" | "speaker";

export interface DeviceInfo {
  readonly deviceId: string;
  readonly kind: DeviceKind;
  /** Empty until the browser has given permission once. */
  readonly label: string;
}

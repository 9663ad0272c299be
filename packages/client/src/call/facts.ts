/** What is known of a call, by where it was heard from. */

import type { Call as CallData, Participant, Role, ServerEvents, Topology } from "../generated/events.js";
import type { CallOptions } from "../types.js";
import type { CallFacts } from "./ports.js";

const UNANSWERED = { answeredAt: null, endedAt: null, endedBy: null, duration: 0, recording: null };
/** Until the server says otherwise. */
const topology: Topology = "p2p";

export function factsOfOptions(options: CallOptions, id: string, ownUserId: string): CallFacts {
  const { channelId, type: callType = "video", to, participants, metadata = {} } = options;
  const isDirect = to !== undefined || participants?.length === 1;
  const mode = options.mode ?? (isDirect ? "direct" : "group");
  const facts = { id, channelId, callType, mode, topology, startedBy: ownUserId, metadata, ringExpiresAt: null };
  return { ...facts, ...UNANSWERED, direction: "outgoing", isWaiting: false };
}

export function factsOfIncoming(payload: ServerEvents["call.incoming"]): CallFacts {
  const {
    callId: id,
    channelId,
    callType,
    mode,
    initiator: startedBy,
    ringExpiresAt,
    metadata,
    waiting = false,
  } = payload;
  const facts = { id, channelId, callType, mode, topology, startedBy, ringExpiresAt, metadata };
  return { ...facts, ...UNANSWERED, direction: "incoming", isWaiting: waiting };
}

export function factsOfData(data: CallData, ownUserId: string): CallFacts {
  const { id, channelId, callType, mode, topology, startedBy, metadata } = data;
  const { ringExpiresAt, answeredAt, endedAt, endedBy, duration, recording = null } = data;
  return {
    ...{ id, channelId, callType, mode, topology, startedBy, metadata },
    ...{ ringExpiresAt, answeredAt, endedAt, endedBy, duration, recording },
    ...{ direction: startedBy === ownUserId ? "outgoing" : "incoming", isWaiting: false },
  };
}

const person = (userId: string, role: Role, name: string | null, avatarUrl: string | null): Participant => ({
  ...{ userId, name, avatarUrl, role, state: role === "caller" ? "joined" : "invited" },
  ...{ joinedAt: null, leftAt: null, talkSeconds: 0, relayedBytes: 0 },
  ...{ isMuted: false, isVideoEnabled: false, isScreenSharing: false, connectionQuality: null },
});

/** Whom one calls, until the server has told more of them. */
export function rosterOfOptions({ to, participants }: CallOptions): Participant[] {
  const called = participants ?? (to === undefined ? [] : [to]);
  return called.map((userId) => person(userId, "callee", null, null));
}

/** The people that an incoming call names; more is told when it is accepted. */
export function rosterOfIncoming(payload: ServerEvents["call.incoming"], ownUserId: string): Participant[] {
  const { initiator, initiatorName, initiatorAvatarUrl, participants } = payload;
  const others = participants.filter((userId) => userId !== initiator && userId !== ownUserId);
  const caller = person(initiator, "caller", initiatorName, initiatorAvatarUrl);
  return [caller, ...others.map((userId) => person(userId, "callee", null, null))];
}

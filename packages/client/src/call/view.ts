/** What a call shows of itself: the snapshot, with everything in it that has not changed kept as it was. */

import type { BellwireError } from "../errors.js";
import { reuse } from "../peer/legs.js";
import type {
  CallEndReason,
  CallSnapshot,
  CallState,
  CallTimings,
  LocalSnapshot,
  ParticipantSnapshot,
  RecordingSnapshot,
} from "../types.js";
import type { CallFacts, CallPorts } from "./ports.js";

export interface CallNow {
  facts: CallFacts;
  state: CallState;
  isAnswered: boolean;
  /** This device's place in the call. */
  ownLeg: string | undefined;
  /** What this user said when asked whether the call may be recorded. */
  hasAgreed: boolean;
  isRemoteRinging: boolean;
  isUnreachable: boolean;
  endReason: CallEndReason | null;
  error: BellwireError | null;
  timings: CallTimings;
  local: LocalSnapshot;
  participants: readonly ParticipantSnapshot[];
}

export class CallView {
  readonly #localTime: CallPorts["localTime"];
  #participants: readonly ParticipantSnapshot[] = [];
  #local: LocalSnapshot | undefined;
  #recording: RecordingSnapshot | undefined;

  constructor(localTime: CallPorts["localTime"]) {
    this.#localTime = localTime;
  }

  make({ facts, participants, local, isAnswered, ownLeg, hasAgreed, ...now }: CallNow): CallSnapshot {
    const { id, channelId, callType, mode, topology, direction, startedBy } = facts;
    const { isWaiting, endedBy, duration, metadata } = facts;
    this.#participants = sameList(this.#participants, participants);
    this.#local = reuse(this.#local, local);
    this.#recording = reuse(this.#recording, this.#recordingOf(facts, ownLeg, hasAgreed));
    return {
      ...{ id, channelId, callType, mode, topology, direction, startedBy, isWaiting, endedBy, duration, metadata },
      ...now,
      ringExpiresAt: this.#localTime(facts.ringExpiresAt),
      answeredAt: isAnswered ? this.#localTime(facts.answeredAt) : null,
      endedAt: this.#localTime(facts.endedAt),
      participants: this.#participants,
      local: this.#local,
      recording: this.#recording,
    };
  }

  #recordingOf({ recording }: CallFacts, ownLeg: string | undefined, hasAgreed: boolean): RecordingSnapshot {
    const { state = "none", policy = null, userId = null, socketId = null, since = null } = recording ?? {};
    const isOwn = state !== "none" && socketId !== null && socketId === ownLeg;
    return { state, policy, userId, isOwn, hasAgreed, since: this.#localTime(since) };
  }
}

/** The old list if it holds the same objects. */
export function sameList<T>(old: readonly T[], next: readonly T[]): readonly T[] {
  return old.length === next.length && old.every((entry, i) => entry === next[i]) ? old : next;
}

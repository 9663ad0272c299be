/** What each event of the server does to a call. */

import { BellwireError } from "../errors.js";
import type { LegInfo, RecordingState, Self, ServerEvents } from "../generated/events.js";
import type { Legs } from "../peer/legs.js";
import type { ServerEvent } from "../server/signaling.js";
import type { CallEndReason } from "../types.js";
import type { Phase, Ringing } from "./life.js";
import type { CallFacts } from "./ports.js";

/** What a handler may do with a call. */
export interface CallInside {
  readonly legs: Legs;
  phase(): Phase;
  ownLeg(): string | undefined;
  answered(at: string): void;
  ended(reason: CallEndReason, facts?: Partial<CallFacts>): void;
  ringing(change: Partial<Ringing>): void;
  recording(state: RecordingState): void;
  entered(self: Self, participants: readonly LegInfo[]): void;
  trouble(error: BellwireError): void;
}

const NOT_RECORDED = { state: "none", userId: null, socketId: null, since: null } as const;

type Handlers = { [E in keyof ServerEvents]?: (call: CallInside, payload: ServerEvents[E]) => void };

const HANDLERS: Handlers = {
  "call.ringing": (call, { userId }) => {
    call.ringing({ isRemoteRinging: true, isUnreachable: false });
    call.legs.updatePerson(userId, { state: "ringing" });
  },
  "call.busy": (call, { userId }) => call.legs.updatePerson(userId, { state: "busy" }),
  "call.unreachable": (call) => call.ringing({ isUnreachable: true }),
  "call.accepted": (call, { userId, answeredAt }) => {
    call.legs.updatePerson(userId, { state: "joined" });
    if (call.phase() !== "ringing-in") call.answered(answeredAt);
  },
  "call.declined": (call, { userId }) => call.legs.updatePerson(userId, { state: "declined" }),
  "call.answered-elsewhere": (call) => {
    if (call.phase() === "ringing-in") call.ended("answered_elsewhere");
  },
  "call.declined-elsewhere": (call) => {
    if (call.phase() === "ringing-in") call.ended("declined_elsewhere");
  },
  "call.cancelled": (call, { reason }) => call.ended(reason),
  "call.missed": (call, { reason }) => call.ended(reason),
  "call.ended": (call, { reason, answeredAt, endedAt, endedBy, duration }) =>
    call.ended(reason, { answeredAt, endedAt, endedBy, duration }),
  "call.moved": (call, { socketId }) => {
    if (socketId === call.ownLeg()) call.ended("moved");
  },
  "call.participants": (call, { self, participants, roster, recording }) => {
    call.legs.setRoster(roster);
    if (recording) call.recording(recording);
    call.entered(self, participants);
  },
  "call.recording": (call, { state, policy, userId, socketId, ts }) => {
    // Who agreed is told of too; whether it goes on then comes by itself.
    if (state === "requested" || state === "started") call.recording({ state, policy, userId, socketId, since: ts });
    else if (state !== "consented") call.recording({ ...NOT_RECORDED, policy });
  },
  "call.error": (call, payload) => call.trouble(new BellwireError(payload.code, payload)),

  "participant.joined": (call, { socketId, userId, name, isMuted, isVideoEnabled, isScreenSharing }) => {
    if (socketId === call.ownLeg()) return;
    call.legs.updatePerson(userId, { state: "joined" });
    call.legs.add({ socketId, userId, name, isMuted, isVideoEnabled, isScreenSharing }, false);
  },
  "participant.left": ({ legs }, { socketId, userId }) => {
    legs.remove(socketId);
    if (!legs.hasUser(userId)) legs.updatePerson(userId, { state: "left" });
  },
  "participant.reconnecting": ({ legs }, { socketId }) => legs.update(socketId, { isReconnecting: true }),
  "participant.resumed": ({ legs }, { socketId }) => {
    legs.update(socketId, { isReconnecting: false });
    legs.returned(socketId);
  },
  "participant.muted": ({ legs }, { socketId, isMuted }) => legs.update(socketId, { isMuted }),
  "participant.video-toggled": ({ legs }, { socketId, isVideoEnabled }) => legs.update(socketId, { isVideoEnabled }),
  "participant.screen-toggled": ({ legs }, { socketId, isScreenSharing }) => legs.update(socketId, { isScreenSharing }),
  "participant.quality": ({ legs }, { socketId, connectionQuality }) => legs.hears(socketId, connectionQuality),
};

/** Events that are unknown, or mean nothing to a call, are passed over. */
export function handleCallEvent(call: CallInside, { name, payload }: ServerEvent): void {
  const handler = HANDLERS[name] as ((call: CallInside, payload: unknown) => void) | undefined;
  handler?.(call, payload);
}

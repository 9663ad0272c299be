/** What is told of people of whom no device is in the call. */
import type { Participant } from "../generated/events.js";
import type { ParticipantSnapshot } from "../types.js";

export function personSnapshot(person: Participant): ParticipantSnapshot {
  const { userId, name, avatarUrl, role, state, isMuted, connectionQuality } = person;
  return {
    ...{ id: userId, userId, name, avatarUrl, role, state, isMuted, connectionQuality },
    ...{ socketId: null, stream: null, screenStream: null },
    ...{
      isVideoEnabled: false,
      isScreenSharing: false,
      isSpeaking: false,
      media: "new",
      connectionHint: null,
      connectionPath: null,
    },
  };
}

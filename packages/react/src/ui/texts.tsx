/** Every word that the screens say, in English, to be replaced one by one or all at once. */
import type { ErrorCode, LocalErrorCode } from "@bellwire/client";
import { createContext, type ReactNode, useContext, useMemo } from "react";

export const englishTexts = {
  accept: "Accept",
  acceptWithVideo: "Accept with video",
  audioOnly: "Audio only",
  decline: "Decline",
  cancel: "Cancel",
  hangUp: "Hang up",
  dismiss: "Dismiss",
  close: "Close",
  you: "You",

  incomingVideo: "Incoming video call",
  incomingAudio: "Incoming audio call",
  incomingGroup: "Incoming group call",
  waiting: "Another call is waiting",
  calling: (name: string) => `Calling ${name}…`,
  statusCalling: "Connecting to their devices",
  statusRinging: "Ringing",
  statusUnreachable: "None of their devices answers yet",
  statusConnecting: "Connecting",

  mute: "Mute",
  unmute: "Unmute",
  cameraOn: "Turn camera on",
  cameraOff: "Turn camera off",
  shareScreen: "Share screen",
  stopSharing: "Stop sharing",
  soundOn: "Turn sound on",
  soundOff: "Turn sound off",
  camera: "Camera",
  share: "Share",
  stop: "Stop",
  sound: "Sound",
  controls: "Call controls",
  call: "Call",
  waitingForOthers: "Waiting for the others",
  callWith: (names: string) => `Call with ${names}`,
  duration: "Duration",

  muted: (name: string) => `${name} is muted`,
  unmuted: (name: string) => `${name} is no longer muted`,
  joined: (name: string) => `${name} joined`,
  left: (name: string) => `${name} left`,
  mutedMark: "Muted",
  cameraIsOff: "Camera off",
  sharesScreen: (name: string) => `${name} shares the screen`,
  tileConnecting: "Connecting…",
  tileReconnecting: "Reconnecting…",
  tileFailed: "No connection",
  reconnectsTo: (name: string) => `The connection to ${name} is interrupted`,
  soundIsOff: "Sound off",
  clickToHear: "Click to hear",
  weakConnection: "Weak connection",
  begins: "The call begins",

  callAgain: "Call again",
  callGoesOn: "A call of yours goes on.",
  returnToCall: "Return",
  endedWith: (duration: string) => `Call ended · ${duration}`,
  ended: "Call ended",
  noAnswer: "No answer",
  declinedBy: (name: string) => `${name} declined`,
  busy: (name: string) => `${name} is in another call`,
  cancelled: "Call cancelled",
  cancelledBy: (name: string) => `${name} hung up before the answer`,
  missedFrom: (name: string) => `You missed a call from ${name}`,
  youDeclined: "You declined",
  youLeft: "You left the call",
  callerLost: (name: string) => `${name} lost the connection`,
  connectionLost: "The connection was lost",
  connectFailed: "The call could not connect",
  endedByHost: "The host ended the call",
  maxDuration: "The longest call time was reached",
  serverRestart: "The call ended when the server restarted",
  answeredElsewhere: "Answered on another device",
  declinedElsewhere: "Declined on another device",
  movedElsewhere: "The call moved to another device",

  history: "Calls",
  historyEmptyTitle: "No calls yet",
  historyEmptyText: "Whom you call, and who calls you, will be listed here.",
  historyError: "The list of calls could not be loaded.",
  historyMore: "Show earlier calls",
  tryAgain: "Try again",
  callBack: (name: string) => `Call back ${name}`,
  someone: "Someone",
  group: "Group call",
  yesterday: "Yesterday",
  outcome: {
    completed: "Talked",
    ongoing: "In progress",
    failed: "Did not connect",
    missed: "Missed",
    declined: "Declined",
    no_answer: "No answer",
    cancelled: "Cancelled",
    busy: "Busy",
  },
  incoming: "Incoming",
  outgoing: "Outgoing",

  connecting: "Connecting to the server…",
  reconnecting: "Connection lost. Reconnecting…",
  reconnectingInCall: "Connection to the server lost. Your call goes on while we reconnect.",
  offline: "No connection to the server.",

  /** By the code of the error. */
  errors: {
    no_camera: "No camera was found. The call goes on with sound only.",
    no_microphone: "No microphone was found. The others cannot hear you.",
    permission_denied:
      "The browser may not use your microphone or camera. You see and hear the others; to be heard, allow it beside the page's address and turn it on again.",
    device_in_use: "Another program uses your microphone or camera. Close it there and turn it on again.",
    device_lost: "The microphone or camera was unplugged.",
    media_failed: "The microphone or camera could not be opened.",
    not_supported: "This browser cannot do that here. Calls need a current browser and an https page.",
    connection_failed: "No way to the other side was found. A firewall may be blocking the call.",
    network: "The server does not answer.",
    timeout: "The server did not answer in time.",
    not_connected: "There is no connection to the server yet.",
    token_failed: "Signing in failed.",
    token_missing: "You are not signed in.",
    token_invalid: "Signing in failed.",
    token_expired: "You are not signed in any more.",
    channel_not_found: "There is no such channel, or you are not a member of it.",
    not_a_member: "Whom you call is not a member of this channel.",
    caller_busy: "You are in another call.",
    call_not_found: "This call does not exist any more.",
    call_ended: "This call is over.",
    call_full: "This call is full.",
    too_many_participants: "So many people cannot be called at once.",
    forbidden: "You may not do that.",
    overloaded: "The server is busy. Try again in a moment.",
    draining: "The server restarts. Try again in a moment.",
    store_unavailable: "The server cannot store calls at the moment. Try again in a moment.",
    rate_limited: "Too many calls in a short time. Wait a moment and try again.",
  } satisfies Partial<Record<ErrorCode | LocalErrorCode, string>>,
};

export type Texts = typeof englishTexts;

const TextsContext = createContext<Texts>(englishTexts);

/** Replaces some or all texts for the screens inside. */
export function TextsProvider({ texts, children }: { texts: Partial<Texts>; children: ReactNode }) {
  const above = useContext(TextsContext);
  const merged = useMemo(() => ({ ...above, ...texts }), [above, texts]);
  return <TextsContext.Provider value={merged}>{children}</TextsContext.Provider>;
}

export function useTexts(): Texts {
  return useContext(TextsContext);
}

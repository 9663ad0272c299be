/** @bellwire/client: voice and video calls in the browser, without a framework. */
export { Call, type CallEvents } from "./call/call.js";
export { Client, type ClientEvents, type ClientOptions, createClient } from "./client.js";
export type { Emitter, Listener } from "./emitter.js";
export { BellwireError, type BellwireErrorFacts, type LocalErrorCode } from "./errors.js";
export type { HistoryPage, RecordingLink, RecordingPage, Timeline, TimelineEntry } from "./generated/api.js";
export { ERRORS, type ErrorCode } from "./generated/errors.js";
export type {
  CallMode,
  CallStatus,
  CallType,
  Direction,
  EndReason,
  HistoryCall,
  Metadata,
  Outcome,
  Participant,
  ParticipantState,
  Quality,
  Recording,
  RecordingPolicy,
  Role,
  Topology,
  User,
} from "./generated/events.js";
export type { Devices, DevicesSnapshot } from "./media/devices.js";
export type { Media, MediaRequest } from "./media/media.js";
export type { Platform, SocketLike } from "./platform.js";
export type { Hint, HintCode } from "./quality/hint.js";
export type { ConnectionPath } from "./quality/path.js";
export type { HistoryQuery } from "./server/requests.js";
export type { GetToken } from "./server/rest.js";
export type * from "./types.js";

/** @bellwire/client/compat: the names of an older calls SDK, so that code written for it runs on bellwire. */
export { CallRecordingService, type RecordingOptions } from "./recordingService.js";
export { StreamTeller } from "./streams.js";
export { type CompatToken, WebRTCClient, type WebRTCClientEvents } from "./webrtcClient.js";

/** The ready-made screens. Each takes data and callbacks; `CallScreen` ties them to a client. */
export { Avatar, type AvatarProps, type Face } from "./Avatar.js";
export { CallControls, type CallControlsProps } from "./CallControls.js";
export { CallEnded, type CallEndedProps } from "./CallEnded.js";
export { CallHistory, type CallHistoryProps, type HistoryEntry } from "./CallHistory.js";
export { CallTimer } from "./CallTimer.js";
export { CallView, type CallViewProps } from "./CallView.js";
export { ConnectionBanner, type ConnectionBannerProps } from "./ConnectionBanner.js";
export { type EndFacts, endedText } from "./endedText.js";
export { formatDuration, formatMoment } from "./format.js";
export { IncomingCallDialog, type IncomingCallDialogProps } from "./IncomingCallDialog.js";
export { CameraIcon, PhoneIcon } from "./icons.js";
export { Notice, type NoticeProps } from "./Notice.js";
export { OutgoingCall, type OutgoingCallProps } from "./OutgoingCall.js";
export { ParticipantTile, type ParticipantTileProps, type TileFace } from "./ParticipantTile.js";
export { englishTexts, type Texts, TextsProvider, useTexts } from "./texts.js";
export { type RingKind, useRingtone } from "./useRingtone.js";

/** The ready-made screens. Each takes data and callbacks; `CallScreen` ties them to a client. */
export { Avatar, type AvatarProps, type Face } from "./Avatar.js";
export { CallControls, type CallControlsProps, Control, type ControlProps } from "./CallControls.js";
export { CallEnded, type CallEndedProps } from "./CallEnded.js";
export { CallHistory, type CallHistoryProps, type HistoryEntry } from "./CallHistory.js";
export { CallRecordings, type CallRecordingsProps } from "./CallRecordings.js";
export { CallScreen, type CallScreenProps } from "./CallScreen.js";
export { CallTimer } from "./CallTimer.js";
export { CallView, type CallViewProps } from "./CallView.js";
export { ConnectionBanner, type ConnectionBannerProps } from "./ConnectionBanner.js";
export { DeviceFields, type DeviceFieldsProps } from "./DeviceFields.js";
export { DeviceMenu } from "./DeviceMenu.js";
export { type EndFacts, endedText } from "./endedText.js";
export { errorText, recordingErrorText } from "./errorText.js";
export { type FaceOf, type Known, plainFace } from "./faces.js";
export { formatDuration, formatMoment } from "./format.js";
export { IncomingCallDialog, type IncomingCallDialogProps } from "./IncomingCallDialog.js";
export { CameraIcon, PhoneIcon } from "./icons.js";
export { LevelMeter, type LevelMeterProps } from "./LevelMeter.js";
export { Notice, type NoticeProps } from "./Notice.js";
export { OngoingCalls, type OngoingCallsProps } from "./OngoingCalls.js";
export { OutgoingCall, type OutgoingCallProps } from "./OutgoingCall.js";
export { ParticipantTile, type ParticipantTileProps, ScreenTile, type TileFace } from "./ParticipantTile.js";
export type { PeopleLayout } from "./People.js";
export { PreJoin, type PreJoinProps } from "./PreJoin.js";
export { QualityBadge, type QualityBadgeProps } from "./QualityBadge.js";
export { QualityHint, type QualityHintProps } from "./QualityHint.js";
export { RecentCalls, type RecentCallsProps } from "./RecentCalls.js";
export {
  RecordControls,
  type RecordControlsProps,
  RecordingBadge,
  type RecordingBadgeProps,
  RecordingConsent,
  type RecordingConsentProps,
  RecordingUpload,
  type RecordingUploadProps,
} from "./Recording.js";
export { type PlayerMark, RecordingPlayer, type RecordingPlayerProps } from "./RecordingPlayer.js";
export { englishTexts, type Texts, TextsProvider, useTexts } from "./texts.js";
export { type RingKind, useRingtone } from "./useRingtone.js";

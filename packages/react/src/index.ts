/** bellwire for React: a provider, and hooks over the client's snapshots. Screens are in @bellwire/react/ui. */

export { useClient } from "./context.js";
export {
  type CallActions,
  type UseCall,
  type UseConnection,
  type UseIncomingCall,
  type UseLocalMedia,
  useCall,
  useConnection,
  useConnectionQuality,
  useIncomingCall,
  useLocalMedia,
  useParticipant,
  useParticipants,
} from "./hooks.js";
export { MediaView, type MediaViewProps } from "./MediaView.js";
export { BellwireProvider, type BellwireProviderProps } from "./provider.js";
export { type RingKind, useRingtone } from "./ui/useRingtone.js";
export { type UseCallHistory, useCallHistory } from "./useCallHistory.js";
export { type UseDevices, useDevices } from "./useDevices.js";
export { type UseMediaPreview, useMediaPreview } from "./useMediaPreview.js";
export { type UseRecording, useRecording, useUnfinishedRecordings } from "./useRecording.js";

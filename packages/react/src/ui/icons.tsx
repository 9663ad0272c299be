/** The icons, drawn on a 24-unit grid with one round pen; they say nothing to a screen reader, the button does. */
import type { ReactNode } from "react";

function icon(drawing: ReactNode) {
  return function Icon() {
    return (
      <svg className="bw-icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
        {drawing}
      </svg>
    );
  };
}

const handset =
  "M5 4.5h3.2l1.6 4-2 1.5a12 12 0 0 0 6.2 6.2l1.5-2 4 1.6V19a1.8 1.8 0 0 1-1.9 1.8A16 16 0 0 1 3.2 6.4 1.8 1.8 0 0 1 5 4.5Z";
const microphone = (
  <>
    <rect x="9" y="3" width="6" height="11" rx="3" />
    <path d="M5.5 11.5a6.5 6.5 0 0 0 13 0M12 18v3M9 21h6" />
  </>
);
const camera = (
  <>
    <rect x="2.5" y="6.5" width="12.5" height="11" rx="2.5" />
    <path d="m15 10.8 5-3a.8.8 0 0 1 1.2.7v7a.8.8 0 0 1-1.2.7l-5-3" />
  </>
);
const slash = <path d="M4 3.5 20.5 20" />;
const speaker = <path d="M4 9.5h3.2L11.5 6v12l-4.3-3.5H4Z" />;

export const PhoneIcon = icon(<path d={handset} />);
export const HangUpIcon = icon(
  <path d="M2.6 13.2c-.3-1 0-1.9.8-2.6a13 13 0 0 1 17.2 0c.8.7 1.1 1.6.8 2.6l-.4 1.5c-.2.8-1 1.3-1.8 1.1l-2.6-.6c-.7-.2-1.2-.8-1.2-1.5v-1.6a12 12 0 0 0-6.8 0v1.6c0 .7-.5 1.3-1.2 1.5l-2.6.6c-.8.2-1.6-.3-1.8-1.1Z" />,
);
export const MicIcon = icon(microphone);
export const MicOffIcon = icon(
  <>
    {microphone}
    {slash}
  </>,
);
export const CameraIcon = icon(camera);
export const CameraOffIcon = icon(
  <>
    {camera}
    {slash}
  </>,
);
export const ScreenIcon = icon(
  <>
    <rect x="2.5" y="4" width="19" height="13" rx="2.5" />
    <path d="M8.5 21h7M12 13.8V8M9.3 10.5 12 7.8l2.7 2.7" />
  </>,
);
export const SoundIcon = icon(
  <>
    {speaker}
    <path d="M15 9.3a4 4 0 0 1 0 5.4M17.7 6.8a7.5 7.5 0 0 1 0 10.4" />
  </>,
);
export const SoundOffIcon = icon(
  <>
    {speaker}
    <path d="m15.5 9.7 4.6 4.6M20.1 9.7l-4.6 4.6" />
  </>,
);
export const RecordIcon = icon(
  <>
    <circle cx="12" cy="12" r="9" />
    <circle cx="12" cy="12" r="4.5" fill="currentColor" />
  </>,
);
export const PauseIcon = icon(<path d="M8.5 5v14M15.5 5v14" />);
export const PlayIcon = icon(<path d="M8 5.2v13.6L19 12Z" />);
export const FullScreenIcon = icon(<path d="M4 9V4h5M15 4h5v5M20 15v5h-5M9 20H4v-5" />);
export const DownloadIcon = icon(<path d="M12 4v11M7.5 10.8 12 15.3l4.5-4.5M4.5 19.5h15" />);
export const CloseIcon = icon(<path d="m6 6 12 12M18 6 6 18" />);
export const WarnIcon = icon(
  <>
    <path d="M12 4 2.8 19.5h18.4Z" />
    <path d="M12 10v4.5M12 17v.1" />
  </>,
);
export const IncomingIcon = icon(<path d="M18 6 7 17M7 9v8h8" />);
export const OutgoingIcon = icon(<path d="M6 18 17 7M9 7h8v8" />);
export const MissedIcon = icon(<path d="m4 7 7 7 9-9M4 13V7h6" />);
export const DevicesIcon = icon(
  <>
    <path d="M3.5 7h8M16 7h4.5M3.5 17H8M12.5 17h8" />
    <circle cx="13.8" cy="7" r="2.3" />
    <circle cx="10.2" cy="17" r="2.3" />
  </>,
);
export const GridIcon = icon(
  <>
    <rect x="3.5" y="4.5" width="7.2" height="6.4" rx="1.6" />
    <rect x="13.3" y="4.5" width="7.2" height="6.4" rx="1.6" />
    <rect x="3.5" y="13.4" width="7.2" height="6.4" rx="1.6" />
    <rect x="13.3" y="13.4" width="7.2" height="6.4" rx="1.6" />
  </>,
);
export const SpeakerViewIcon = icon(
  <>
    <rect x="3" y="4.5" width="12" height="15" rx="2" />
    <rect x="17.5" y="4.5" width="3.5" height="4" rx="1" />
    <rect x="17.5" y="10" width="3.5" height="4" rx="1" />
    <rect x="17.5" y="15.5" width="3.5" height="4" rx="1" />
  </>,
);
export const PinIcon = icon(<path d="M9 3.5h6l-.8 6 2.8 3.5H7l2.8-3.5ZM12 13v7.5" />);
export const GroupIcon = icon(
  <>
    <circle cx="9" cy="8.5" r="3.2" />
    <path d="M3 19a6 6 0 0 1 12 0M15.5 5.6a3.2 3.2 0 0 1 0 5.8M17.5 13.6A6 6 0 0 1 21 19" />
  </>,
);

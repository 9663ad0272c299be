/** The row of round buttons under a call. Each is given by its callback: without one there is no button. */
import type { ReactNode, RefObject } from "react";
import {
  CameraIcon,
  CameraOffIcon,
  HangUpIcon,
  MicIcon,
  MicOffIcon,
  ScreenIcon,
  SoundIcon,
  SoundOffIcon,
} from "./icons.js";
import { useTexts } from "./texts.js";

export interface CallControlsProps {
  isMuted: boolean;
  isVideoEnabled: boolean;
  isScreenSharing?: boolean | undefined;
  isSoundOff?: boolean | undefined;
  onToggleMute?: (() => void) | undefined;
  onToggleVideo?: (() => void) | undefined;
  onToggleScreen?: (() => void) | undefined;
  onToggleSound?: (() => void) | undefined;
  onHangUp?: (() => void) | undefined;
  /** What the red button is called: "Hang up" unless given. */
  hangUpLabel?: string | undefined;
  /** More buttons, before the red one. */
  children?: ReactNode;
}

export interface ControlProps {
  /** The name of the action, read out and shown as a hint. */
  label: string;
  /** The one word under the icon, part of the label. */
  word: string;
  icon: ReactNode;
  /** What it switches is off, or asks for attention: the disc is bright. */
  isOff?: boolean;
  isDanger?: boolean;
  shortcut?: string;
  onClick: () => void;
  buttonRef?: RefObject<HTMLButtonElement | null>;
  "aria-haspopup"?: "dialog" | "menu";
  "aria-expanded"?: boolean;
  "aria-controls"?: string;
}

/** One of the round buttons; host pages put their own beside ours with it. */
export function Control({ label, word, icon, isOff, isDanger, shortcut, buttonRef, ...button }: ControlProps) {
  const kind = isDanger ? " bw-control--danger" : isOff ? " bw-control--off" : "";
  return (
    <button
      {...button}
      ref={buttonRef}
      type="button"
      className={`bw-control${kind}`}
      aria-label={label}
      aria-keyshortcuts={shortcut}
      title={shortcut ? `${label} (${shortcut})` : label}
    >
      <span className="bw-control__disc">{icon}</span>
      <span className="bw-control__word">{word}</span>
    </button>
  );
}

function SoundControl({ isOff, onClick }: { isOff: boolean; onClick: () => void }) {
  const texts = useTexts();
  return (
    <Control
      label={isOff ? texts.soundOn : texts.soundOff}
      word={texts.sound}
      icon={isOff ? <SoundOffIcon /> : <SoundIcon />}
      isOff={isOff}
      onClick={onClick}
    />
  );
}

export function CallControls(props: CallControlsProps) {
  const { isMuted, isVideoEnabled, isScreenSharing = false, isSoundOff = false } = props;
  const texts = useTexts();
  return (
    <fieldset className="bw-controls" aria-label={texts.controls}>
      {props.onToggleMute && (
        <Control
          label={isMuted ? texts.unmute : texts.mute}
          word={isMuted ? texts.unmute : texts.mute}
          icon={isMuted ? <MicOffIcon /> : <MicIcon />}
          isOff={isMuted}
          shortcut="M"
          onClick={props.onToggleMute}
        />
      )}
      {props.onToggleVideo && (
        <Control
          label={isVideoEnabled ? texts.cameraOff : texts.cameraOn}
          word={texts.camera}
          icon={isVideoEnabled ? <CameraIcon /> : <CameraOffIcon />}
          isOff={!isVideoEnabled}
          shortcut="V"
          onClick={props.onToggleVideo}
        />
      )}
      {props.onToggleScreen && (
        <Control
          label={isScreenSharing ? texts.stopSharing : texts.shareScreen}
          word={isScreenSharing ? texts.stop : texts.share}
          icon={<ScreenIcon />}
          isOff={isScreenSharing}
          onClick={props.onToggleScreen}
        />
      )}
      {props.onToggleSound && <SoundControl isOff={isSoundOff} onClick={props.onToggleSound} />}
      {props.children}
      {props.onHangUp && (
        <Control
          label={props.hangUpLabel ?? texts.hangUp}
          word={props.hangUpLabel ?? texts.hangUp}
          icon={<HangUpIcon />}
          isDanger
          onClick={props.onHangUp}
        />
      )}
    </fieldset>
  );
}

/** Before a call: how one looks and sounds, which devices are used, and the button that goes in. */
import type { BellwireError, MediaChoice } from "@bellwire/client";
import { type ReactNode, useId } from "react";
import { useDevices } from "../useDevices.js";
import { type UseMediaPreview, useMediaPreview } from "../useMediaPreview.js";
import { Avatar, type Face } from "./Avatar.js";
import { CallControls } from "./CallControls.js";
import { DeviceFields } from "./DeviceFields.js";
import { errorText } from "./errorText.js";
import { LevelMeter } from "./LevelMeter.js";
import { Notice } from "./Notice.js";
import { useTexts } from "./texts.js";
import { useMediaElement } from "./useMediaElement.js";

export interface PreJoinProps {
  /** Oneself, for the place of a picture that is off. */
  own: Face;
  title?: ReactNode;
  /** One line under the title: whom one will meet. */
  subtitle?: ReactNode;
  /** What to begin with; by default what was chosen the last time. */
  media?: MediaChoice;
  joinLabel?: string;
  /** Goes in with what is switched on. */
  onJoin: (media: Required<MediaChoice>) => void;
  onCancel?: () => void;
}

function Picture({ own, preview }: { own: Face; preview: UseMediaPreview }) {
  const texts = useTexts();
  const { ref, hasPicture, onPicture } = useMediaElement(preview.stream);
  const isShown = hasPicture && preview.isCameraEnabled;
  const said = preview.isOpening ? texts.openingDevices : preview.isCameraEnabled ? null : texts.cameraIsOff;
  return (
    <div className="bw-preview">
      {!isShown && <Avatar face={own} size={88} />}
      <video
        ref={ref}
        className="bw-preview__video"
        hidden={!isShown}
        autoPlay
        playsInline
        muted
        onLoadedData={onPicture}
      />
      {!isShown && (
        <p className="bw-preview__status" role="status">
          {said}
        </p>
      )}
      <div className="bw-preview__controls">
        <CallControls
          isMuted={!preview.isMicrophoneEnabled}
          isVideoEnabled={preview.isCameraEnabled}
          onToggleMute={() => preview.setMicrophoneEnabled(!preview.isMicrophoneEnabled)}
          onToggleVideo={() => preview.setCameraEnabled(!preview.isCameraEnabled)}
        />
      </div>
    </div>
  );
}

/** What is missing and what can be done; without devices one may still go in, to see and to hear. */
function Trouble({ error, onRetry }: { error: BellwireError; onRetry: () => void }) {
  const texts = useTexts();
  return <Notice action={{ label: texts.tryAgain, onClick: onRetry }}>{errorText(texts, error)}</Notice>;
}

export function PreJoin(props: PreJoinProps): ReactNode {
  const { own, title, subtitle, media, joinLabel, onJoin, onCancel } = props;
  const texts = useTexts();
  const id = useId();
  const devices = useDevices();
  const preview = useMediaPreview(media);
  const { stream, error, isMicrophoneEnabled, isCameraEnabled } = preview;
  return (
    <section className="bw bw-prejoin" aria-labelledby={id}>
      <Picture own={own} preview={preview} />
      <div className="bw-prejoin__side">
        <div>
          <h2 id={id} className="bw-prejoin__title">
            {title ?? texts.readyToJoin}
          </h2>
          {subtitle && <p className="bw-prejoin__subtitle">{subtitle}</p>}
        </div>
        {error && <Trouble error={error} onRetry={preview.retry} />}
        <DeviceFields devices={devices} level={<LevelMeter stream={stream} isMuted={!isMicrophoneEnabled} />} />
        <div className="bw-prejoin__actions">
          <button
            type="button"
            className="bw-button bw-button--primary"
            onClick={() => onJoin({ audio: isMicrophoneEnabled, video: isCameraEnabled })}
          >
            {joinLabel ?? texts.join}
          </button>
          {onCancel && (
            <button type="button" className="bw-button" onClick={onCancel}>
              {texts.cancel}
            </button>
          )}
        </div>
      </div>
    </section>
  );
}

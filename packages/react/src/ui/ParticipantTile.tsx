/** One participant: the picture, or the avatar while there is none, with name and marks. */
import type { ReactNode } from "react";
import { Avatar, type Face } from "./Avatar.js";
import { CameraOffIcon, MicOffIcon, SoundOffIcon, WarnIcon } from "./icons.js";
import { useTexts } from "./texts.js";
import { useMediaElement } from "./useMediaElement.js";

export interface TileFace extends Face {
  /** Tells tiles apart, also two devices of the same person; the id unless given. */
  key?: string;
  stream: MediaStream | null;
  /** What this participant's screen shows, while it is shared. */
  screen?: MediaStream | null;
  isMuted: boolean;
  isVideoEnabled: boolean;
  isSpeaking?: boolean;
  isLocal?: boolean;
  /** Whether media flows to and from this participant. */
  connection?: "connecting" | "connected" | "reconnecting" | "failed" | undefined;
  isWeak?: boolean;
}

export interface ParticipantTileProps {
  face: TileFace;
  /** "main" fills its place, "many" is one of several, "own" is the small one in the corner. */
  place: "main" | "many" | "own";
  /** Play no sound, whatever the stream holds. */
  silent?: boolean;
}

const AVATAR_SIZES = { main: 112, many: 72, own: 44 };

function Mark({ label, icon: Icon }: { label: string; icon: () => ReactNode }) {
  return (
    <span className="bw-tile__mark" role="img" aria-label={label} title={label}>
      <Icon />
    </span>
  );
}

function Label({ face, place, silent }: ParticipantTileProps) {
  const texts = useTexts();
  return (
    <figcaption className="bw-tile__label">
      {face.isMuted && <Mark label={texts.mutedMark} icon={MicOffIcon} />}
      {!face.isVideoEnabled && place !== "own" && <Mark label={texts.cameraIsOff} icon={CameraOffIcon} />}
      {silent && !face.isLocal && <Mark label={texts.soundIsOff} icon={SoundOffIcon} />}
      {face.isWeak && <Mark label={texts.weakConnection} icon={WarnIcon} />}
      <span className="bw-tile__name">{face.isLocal ? texts.you : face.name}</span>
    </figcaption>
  );
}

function Status({ face, isBlocked }: { face: TileFace; isBlocked: boolean }) {
  const texts = useTexts();
  const said = {
    connecting: texts.tileConnecting,
    reconnecting: texts.tileReconnecting,
    failed: texts.tileFailed,
    connected: isBlocked ? texts.clickToHear : null,
  }[face.connection ?? "connected"];
  return said && <p className="bw-tile__status">{said}</p>;
}

export function ParticipantTile(props: ParticipantTileProps) {
  const { face, place, silent = false } = props;
  const { ref, hasPicture, isBlocked, onPicture } = useMediaElement(face.stream);
  const showsPicture = hasPicture && face.isVideoEnabled;
  const names = ["bw-tile", `bw-tile--${place}`];
  if (face.isSpeaking && !face.isMuted) names.push("bw-tile--speaking");
  if (face.isLocal) names.push("bw-tile--mirrored");
  return (
    <figure className={names.join(" ")} data-participant={face.id}>
      {!showsPicture && <Avatar face={face} size={AVATAR_SIZES[place]} />}
      {/* It stays when there is no picture, for the sound comes out of it too. */}
      <video
        ref={ref}
        hidden={!showsPicture}
        autoPlay
        playsInline
        muted={silent || face.isLocal === true}
        onLoadedData={onPicture}
        onResize={onPicture}
      />
      <Status face={face} isBlocked={isBlocked} />
      <Label {...props} />
    </figure>
  );
}

/** A shared screen, whole and never mirrored. */
export function ScreenTile({ face, silent = false }: { face: TileFace; silent?: boolean }) {
  const texts = useTexts();
  const { ref, onPicture } = useMediaElement(face.screen ?? null);
  return (
    <figure className="bw-tile bw-tile--screen">
      <video ref={ref} autoPlay playsInline muted={silent} onLoadedData={onPicture} />
      <figcaption className="bw-tile__label">
        <span className="bw-tile__name">{texts.sharesScreen(face.name)}</span>
      </figcaption>
    </figure>
  );
}

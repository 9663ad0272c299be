/** One participant: the picture, or the avatar while there is none, with name and marks. */
import type { ConnectionPath, Hint, Quality } from "@bellwire/client";
import type { ReactNode } from "react";
import { Avatar, type Face } from "./Avatar.js";
import { CameraOffIcon, MicOffIcon, PinIcon, SoundOffIcon } from "./icons.js";
import { QualityBadge } from "./QualityBadge.js";
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
  quality?: Quality | null;
  /** How media travels, and what could be done about a weak connection: for the badge. */
  path?: ConnectionPath | null;
  hint?: Hint | null;
}

export interface ParticipantTileProps {
  face: TileFace;
  /** "main" fills its place, "many" is one of several, "featured" the large one of them, "own" the small one in the
   *  corner. */
  place: "main" | "many" | "featured" | "own";
  /** Play no sound, whatever the stream holds. */
  silent?: boolean;
  /** The loudspeaker, where the browser can choose one. */
  speakerId?: string | null;
  /** Keeps it large, or no longer. */
  onPin?: (() => void) | undefined;
  isPinned?: boolean;
}

const AVATAR_SIZES = { main: 112, many: 72, featured: 112, own: 44 };

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
      <span className="bw-tile__name">{face.isLocal ? texts.you : face.name}</span>
      <QualityBadge quality={face.quality ?? null} path={face.path ?? null} hint={face.hint ?? null} />
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

function PinButton({ face, isPinned, onPin }: { face: TileFace; isPinned: boolean; onPin: () => void }) {
  const texts = useTexts();
  const label = isPinned ? texts.unpin(face.name) : texts.pin(face.name);
  return (
    <button
      type="button"
      className={isPinned ? "bw-tile__pin bw-tile__pin--on" : "bw-tile__pin"}
      aria-label={label}
      aria-pressed={isPinned}
      title={label}
      onClick={onPin}
    >
      <PinIcon />
    </button>
  );
}

function tileClass({ face, place }: ParticipantTileProps): string {
  const names = ["bw-tile", `bw-tile--${place}`];
  if (face.isSpeaking && !face.isMuted) names.push("bw-tile--speaking");
  if (face.isLocal) names.push("bw-tile--mirrored");
  return names.join(" ");
}

export function ParticipantTile(props: ParticipantTileProps) {
  const { face, place, silent = false, speakerId = null, isPinned = false, onPin } = props;
  const { ref, hasPicture, isBlocked, onPicture } = useMediaElement(face.stream, face.isLocal ? null : speakerId);
  const showsPicture = hasPicture && face.isVideoEnabled;
  return (
    <figure className={tileClass(props)} data-participant={face.id}>
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
      {onPin && <PinButton face={face} isPinned={isPinned} onPin={onPin} />}
    </figure>
  );
}

/** A shared screen, whole and never mirrored. */
export function ScreenTile({ face, silent = false }: { face: TileFace; silent?: boolean }) {
  const texts = useTexts();
  const { ref, onPicture } = useMediaElement(face.screen ?? null);
  return (
    <figure className="bw-tile bw-tile--featured bw-tile--screen">
      <video ref={ref} autoPlay playsInline muted={silent} onLoadedData={onPicture} />
      <figcaption className="bw-tile__label">
        <span className="bw-tile__name">{texts.sharesScreen(face.name)}</span>
      </figcaption>
    </figure>
  );
}

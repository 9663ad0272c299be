/** One participant: the picture, or the avatar while there is none, with name and marks. */
import { Avatar, type Face } from "./Avatar.js";
import { CameraOffIcon, MicOffIcon, SoundOffIcon, WarnIcon } from "./icons.js";
import { useTexts } from "./texts.js";
import { useMediaElement } from "./useMediaElement.js";

export interface TileFace extends Face {
  stream: MediaStream | null;
  isMuted: boolean;
  isVideoEnabled: boolean;
  isScreenSharing?: boolean;
  isSpeaking?: boolean;
  isLocal?: boolean;
  /** Whether media flows to and from this participant. */
  connection?: "connecting" | "connected" | "reconnecting";
  isWeak?: boolean;
}

export interface ParticipantTileProps {
  face: TileFace;
  /** "main" fills its place, "grid" is one of many, "own" is the small one in the corner. */
  place: "main" | "grid" | "own";
  /** Play no sound, whatever the stream holds. */
  silent?: boolean;
}

function tileClass({ face, place }: ParticipantTileProps): string {
  const names = ["bw-tile", `bw-tile--${place}`];
  if (face.isSpeaking && !face.isMuted) names.push("bw-tile--speaking");
  if (face.isLocal && !face.isScreenSharing) names.push("bw-tile--mirrored");
  if (face.isScreenSharing) names.push("bw-tile--screen");
  return names.join(" ");
}

function TileStatus({ face, isBlocked }: { face: TileFace; isBlocked: boolean }) {
  const texts = useTexts();
  if (face.connection === "reconnecting") return <p className="bw-tile__status">{texts.tileReconnecting}</p>;
  if (face.connection === "connecting") return <p className="bw-tile__status">{texts.tileConnecting}</p>;
  if (isBlocked) return <p className="bw-tile__status">{texts.clickToHear}</p>;
  return null;
}

function TileMarks({ face, place, silent }: ParticipantTileProps) {
  const texts = useTexts();
  const label = face.isLocal ? texts.you : face.name;
  return (
    <div className="bw-tile__label">
      {face.isMuted && (
        <span className="bw-tile__mark" role="img" aria-label={texts.mutedMark} title={texts.mutedMark}>
          <MicOffIcon />
        </span>
      )}
      {!face.isVideoEnabled && !face.isScreenSharing && place !== "own" && (
        <span className="bw-tile__mark" role="img" aria-label={texts.cameraIsOff} title={texts.cameraIsOff}>
          <CameraOffIcon />
        </span>
      )}
      {silent && !face.isLocal && (
        <span className="bw-tile__mark" role="img" aria-label={texts.soundIsOff} title={texts.soundIsOff}>
          <SoundOffIcon />
        </span>
      )}
      {face.isWeak && (
        <span className="bw-tile__mark" role="img" aria-label={texts.weakConnection} title={texts.weakConnection}>
          <WarnIcon />
        </span>
      )}
      <span className="bw-tile__name">{label}</span>
    </div>
  );
}

export function ParticipantTile(props: ParticipantTileProps) {
  const { face, place, silent = false } = props;
  const texts = useTexts();
  const { ref, hasPicture, isBlocked, onPicture } = useMediaElement(face.stream);
  const showsPicture = hasPicture && (face.isVideoEnabled || face.isScreenSharing === true);
  return (
    <figure className={tileClass(props)} aria-label={face.isLocal ? texts.youNamed(face.name) : face.name}>
      {!showsPicture && <Avatar face={face} size={place === "own" ? 44 : place === "grid" ? 72 : 112} />}
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
      <TileStatus face={face} isBlocked={isBlocked} />
      <TileMarks {...props} />
    </figure>
  );
}

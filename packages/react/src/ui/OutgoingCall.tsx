/** The screen of a caller until somebody answers. */
import type { ReactNode } from "react";
import { Avatar, type Face } from "./Avatar.js";
import { CallControls, type CallControlsProps } from "./CallControls.js";
import { ParticipantTile, type TileFace } from "./ParticipantTile.js";
import { Stage } from "./Stage.js";
import { useTexts } from "./texts.js";
import { useRingtone } from "./useRingtone.js";

export interface OutgoingCallProps {
  callee: Face;
  progress: "calling" | "ringing" | "unreachable" | "connecting";
  /** The own picture, if the camera is on. */
  own: TileFace;
  /** Whether the caller hears the tone of waiting. */
  ringback?: boolean;
  notice?: ReactNode;
  onToggleMute?: CallControlsProps["onToggleMute"];
  onToggleVideo?: CallControlsProps["onToggleVideo"];
  onCancel: () => void;
}

export function OutgoingCall({ callee, progress, own, ringback = true, ...rest }: OutgoingCallProps) {
  const texts = useTexts();
  useRingtone(ringback && progress === "ringing" ? "outgoing" : null);
  const status = {
    calling: texts.statusCalling,
    ringing: texts.statusRinging,
    unreachable: texts.statusUnreachable,
    connecting: texts.statusConnecting,
  }[progress];
  const title = texts.calling(callee.name);
  return (
    <Stage
      label={title}
      title={title}
      subtitle={<span role="status">{status}</span>}
      notice={rest.notice}
      keys={{ m: rest.onToggleMute, v: rest.onToggleVideo }}
      controls={
        <CallControls
          isMuted={own.isMuted}
          isVideoEnabled={own.isVideoEnabled}
          onToggleMute={rest.onToggleMute}
          onToggleVideo={rest.onToggleVideo}
          onHangUp={rest.onCancel}
          hangUpLabel={texts.cancel}
        />
      }
    >
      <div className="bw-stage__center">
        <Avatar face={callee} size={128} pulse={progress === "ringing"} />
      </div>
      {own.isVideoEnabled && <ParticipantTile face={own} place="own" />}
    </Stage>
  );
}

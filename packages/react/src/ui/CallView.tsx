/** A running call: the others large, oneself small; many people stand in a grid. */
import type { CSSProperties, ReactNode } from "react";
import { CallControls, type CallControlsProps } from "./CallControls.js";
import { CallTimer } from "./CallTimer.js";
import { ParticipantTile, type TileFace } from "./ParticipantTile.js";
import { Stage } from "./Stage.js";
import { useTexts } from "./texts.js";

export interface CallViewProps
  extends Pick<CallControlsProps, "onToggleMute" | "onToggleVideo" | "onToggleScreen" | "onToggleSound" | "onHangUp"> {
  own: TileFace;
  others: TileFace[];
  /** When the call was answered, in milliseconds of this machine's clock; null until then. */
  answeredAt: number | null;
  /** Whether the others are heard here. */
  isSoundOff?: boolean;
  /** A sentence about trouble, above the people. */
  notice?: ReactNode;
}

function columnsFor(people: number): number {
  return people === 3 ? 3 : Math.ceil(Math.sqrt(people));
}

function People({ own, others, isSoundOff }: Pick<CallViewProps, "own" | "others"> & { isSoundOff: boolean }) {
  const texts = useTexts();
  const [only] = others;
  if (!only) {
    return (
      <>
        <p className="bw-stage__center bw-stage__waiting">{texts.waitingForOthers}</p>
        <ParticipantTile face={own} place="own" />
      </>
    );
  }
  if (others.length === 1) {
    return (
      <>
        <ParticipantTile key={only.id} face={only} place="main" silent={isSoundOff} />
        <ParticipantTile face={own} place="own" />
      </>
    );
  }
  return (
    <div className="bw-grid" style={{ "--bw-columns": columnsFor(others.length + 1) } as CSSProperties}>
      {others.map((face) => (
        <ParticipantTile key={face.id} face={face} place="grid" silent={isSoundOff} />
      ))}
      <ParticipantTile face={own} place="grid" />
    </div>
  );
}

export function CallView({ own, others, answeredAt, isSoundOff = false, notice, ...actions }: CallViewProps) {
  const texts = useTexts();
  const names = others.map((face) => face.name).join(", ");
  return (
    <Stage
      label={names ? texts.callWith(names) : texts.call}
      title={names || texts.call}
      subtitle={answeredAt === null ? texts.statusConnecting : <CallTimer since={answeredAt} />}
      notice={notice}
      keys={{ m: actions.onToggleMute, v: actions.onToggleVideo }}
      controls={
        <CallControls
          isMuted={own.isMuted}
          isVideoEnabled={own.isVideoEnabled}
          isScreenSharing={own.isScreenSharing}
          isSoundOff={isSoundOff}
          {...actions}
        />
      }
    >
      <People own={own} others={others} isSoundOff={isSoundOff} />
    </Stage>
  );
}

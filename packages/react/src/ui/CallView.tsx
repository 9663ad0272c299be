/** A running call: the others large, oneself small; many people stand in a grid, around a screen that one shares. */
import type { CSSProperties, ReactNode } from "react";
import { CallControls, type CallControlsProps } from "./CallControls.js";
import { CallTimer } from "./CallTimer.js";
import { ParticipantTile, type ParticipantTileProps, ScreenTile, type TileFace } from "./ParticipantTile.js";
import { Stage } from "./Stage.js";
import { useTexts } from "./texts.js";

export interface CallViewProps
  extends Pick<CallControlsProps, "onToggleMute" | "onToggleVideo" | "onToggleScreen" | "onToggleSound" | "onHangUp"> {
  own: TileFace;
  others: TileFace[];
  /** When the call was answered, in milliseconds of this machine's clock; null until then. */
  answeredAt: number | null;
  /** The others are not heard here. */
  isSoundOff?: boolean;
  /** One's own screen is shared. */
  isScreenSharing?: boolean;
  /** A sentence about trouble, above the people. */
  notice?: ReactNode;
}

function columnsFor(people: number): number {
  return people === 3 ? 3 : Math.ceil(Math.sqrt(people));
}

interface Places {
  layout: "pair" | "grid" | "screen";
  of: (face: TileFace) => ParticipantTileProps["place"];
}

function placesFor(others: TileFace[], screen: TileFace | undefined): Places {
  if (screen) return { layout: "screen", of: () => "many" };
  if (others.length > 1) return { layout: "grid", of: () => "many" };
  return { layout: "pair", of: (face) => (face.isLocal ? "own" : "main") };
}

/** All tiles are children of one element in every layout, so that a change of layout interrupts no sound. */
function People({ own, others, isSoundOff }: { own: TileFace; others: TileFace[]; isSoundOff: boolean }) {
  const texts = useTexts();
  const screen = others.find((face) => face.screen);
  const places = placesFor(others, screen);
  const style = { "--bw-columns": columnsFor(others.length + 1) } as CSSProperties;
  return (
    <div className={`bw-people bw-people--${places.layout}`} style={style}>
      {screen && <ScreenTile key={`screen of ${screen.key ?? screen.id}`} face={screen} silent={isSoundOff} />}
      {others.length === 0 && <p className="bw-stage__waiting">{texts.waitingForOthers}</p>}
      {[...others, own].map((face) => (
        <ParticipantTile key={face.key ?? face.id} face={face} place={places.of(face)} silent={isSoundOff} />
      ))}
    </div>
  );
}

export function CallView(props: CallViewProps) {
  const { own, others, answeredAt, isSoundOff = false, isScreenSharing = false, notice, ...actions } = props;
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
          isScreenSharing={isScreenSharing}
          isSoundOff={isSoundOff}
          {...actions}
        />
      }
    >
      <People own={own} others={others} isSoundOff={isSoundOff} />
    </Stage>
  );
}

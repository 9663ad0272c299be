/** A running call: the people, what goes on above them, the controls below. */
import { type ReactNode, useState } from "react";
import { CallControls, type CallControlsProps } from "./CallControls.js";
import { CallTimer } from "./CallTimer.js";
import { GridIcon, SpeakerViewIcon } from "./icons.js";
import { Notice } from "./Notice.js";
import type { TileFace } from "./ParticipantTile.js";
import { People, type PeopleLayout } from "./People.js";
import { Stage } from "./Stage.js";
import { useTexts } from "./texts.js";

export interface CallViewProps
  extends Pick<CallControlsProps, "onToggleMute" | "onToggleVideo" | "onToggleScreen" | "onToggleSound"> {
  own: TileFace;
  others: TileFace[];
  /** When the call was answered, in milliseconds of this machine's clock; null until then. */
  answeredAt: number | null;
  /** Instead of the time: media has stopped and is being brought back. */
  isReconnecting?: boolean;
  /** The others are not heard here. */
  isSoundOff?: boolean;
  /** The loudspeaker, where the browser can choose one. */
  speakerId?: string | null;
  /** One's own screen is shared. */
  isScreenSharing?: boolean;
  /** The sign that the call is recorded, beside the time. */
  recording?: ReactNode;
  /** A sentence about trouble, above the people. */
  notice?: ReactNode;
  /** More buttons beside ours: the devices, a recording, what the host has. */
  extraControls?: ReactNode;
  onHangUp: () => void;
}

function LayoutButton({ layout, onChange }: { layout: PeopleLayout; onChange: (layout: PeopleLayout) => void }) {
  const texts = useTexts();
  const other = layout === "grid" ? "speaker" : "grid";
  const label = other === "grid" ? texts.showGrid : texts.showSpeaker;
  return (
    <button
      type="button"
      className="bw-button bw-button--round bw-button--plain"
      aria-label={label}
      aria-keyshortcuts="L"
      title={`${label} (L)`}
      onClick={() => onChange(other)}
    >
      {other === "grid" ? <GridIcon /> : <SpeakerViewIcon />}
    </button>
  );
}

function SharingNotice({ onStop }: { onStop: (() => void) | undefined }) {
  const texts = useTexts();
  return (
    <Notice kind="info" action={onStop && { label: texts.stop, onClick: onStop }}>
      {texts.youShare}
    </Notice>
  );
}

function Subtitle({ answeredAt, isReconnecting }: Pick<CallViewProps, "answeredAt" | "isReconnecting">) {
  const texts = useTexts();
  if (answeredAt === null) return texts.statusConnecting;
  return isReconnecting ? texts.tileReconnecting : <CallTimer since={answeredAt} />;
}

export function CallView(props: CallViewProps) {
  const { own, others, isSoundOff = false, isScreenSharing = false, notice, extraControls, ...rest } = props;
  const texts = useTexts();
  const [layout, setLayout] = useState<PeopleLayout>("grid");
  const names = others.map((face) => face.name).join(", ");
  const canChoose = others.length > 1 && !others.some((face) => face.screen);
  return (
    <Stage
      label={names ? texts.callWith(names) : texts.call}
      title={names || texts.call}
      subtitle={
        <>
          <Subtitle answeredAt={rest.answeredAt} isReconnecting={rest.isReconnecting} />
          {rest.recording}
        </>
      }
      actions={canChoose && <LayoutButton layout={layout} onChange={setLayout} />}
      notice={
        <>
          {notice}
          {isScreenSharing && <SharingNotice onStop={rest.onToggleScreen} />}
        </>
      }
      keys={{
        m: rest.onToggleMute,
        v: rest.onToggleVideo,
        l: canChoose ? () => setLayout(layout === "grid" ? "speaker" : "grid") : undefined,
      }}
      controls={
        <CallControls
          isMuted={own.isMuted}
          isVideoEnabled={own.isVideoEnabled}
          isScreenSharing={isScreenSharing}
          isSoundOff={isSoundOff}
          onToggleMute={rest.onToggleMute}
          onToggleVideo={rest.onToggleVideo}
          onToggleScreen={rest.onToggleScreen}
          onToggleSound={rest.onToggleSound}
          onHangUp={rest.onHangUp}
        >
          {extraControls}
        </CallControls>
      }
    >
      <People own={own} others={others} layout={layout} isSoundOff={isSoundOff} speakerId={rest.speakerId} />
    </Stage>
  );
}

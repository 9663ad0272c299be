/** What is seen of a recording: the buttons of who records, the sign for everyone, and the question of consent. */
import type { BellwireError } from "@bellwire/client";
import type { RecorderOptions, RecorderSnapshot } from "@bellwire/client/recording";
import { useEffect, useRef } from "react";
import { Control } from "./CallControls.js";
import { formatDuration, formatSize } from "./format.js";
import { PauseIcon, RecordIcon } from "./icons.js";
import { Popover } from "./Popover.js";
import { type Texts, useTexts } from "./texts.js";

export interface RecordControlsProps {
  /** null: this device does not record. */
  recorder: Pick<RecorderSnapshot, "state"> | null;
  /** It is a video call: the button asks whether the picture shall be recorded too. */
  hasPicture?: boolean;
  onStart: (options?: Pick<RecorderOptions, "video">) => void;
  onStop: () => void;
  onPause: () => void;
  onResume: () => void;
}

const BEFORE_OR_AFTER: ReadonlySet<string> = new Set(["idle", "uploading", "done", "failed"]);

type StartProps = Required<Pick<RecordControlsProps, "hasPicture" | "onStart">>;

function StartControl({ hasPicture, onStart }: StartProps) {
  const texts = useTexts();
  const face = { label: texts.recordCall, word: texts.record, icon: <RecordIcon /> };
  if (!hasPicture) return <Control {...face} onClick={() => onStart()} />;
  return (
    <Popover label={texts.recordCall} renderButton={(tie) => <Control {...tie} {...face} />}>
      <div className="bw-record-choice">
        <button type="button" className="bw-button bw-button--primary" onClick={() => onStart({ video: true })}>
          {texts.recordPicture}
        </button>
        <button type="button" className="bw-button" onClick={() => onStart({ video: false })}>
          {texts.recordSound}
        </button>
      </div>
    </Popover>
  );
}

export function RecordControls(props: RecordControlsProps) {
  const { recorder, hasPicture = false, onStart, onStop, onPause, onResume } = props;
  const texts = useTexts();
  const state = recorder?.state ?? "idle";
  const isOn = !BEFORE_OR_AFTER.has(state);
  const isBegun = useRef(false);
  const stop = useRef<HTMLButtonElement>(null);
  // The button that was pressed is gone: the focus goes to what has come in its place.
  useEffect(() => {
    if (isOn && isBegun.current) stop.current?.focus();
    isBegun.current = false;
  }, [isOn]);
  const begin: StartProps["onStart"] = (options) => {
    isBegun.current = true;
    onStart(options);
  };
  if (!isOn) return <StartControl hasPicture={hasPicture} onStart={begin} />;
  const isPaused = state === "paused";
  return (
    <>
      {(isPaused || state === "recording") && (
        <Control
          label={isPaused ? texts.resumeRecording : texts.pauseRecording}
          word={isPaused ? texts.resume : texts.pause}
          icon={isPaused ? <RecordIcon /> : <PauseIcon />}
          isOff={isPaused}
          onClick={isPaused ? onResume : onPause}
        />
      )}
      <Control
        label={texts.stopRecording}
        word={texts.stop}
        icon={<RecordIcon />}
        isOff
        buttonRef={stop}
        onClick={onStop}
      />
    </>
  );
}

export interface RecordingBadgeProps {
  /** Who records. */
  name: string;
  isWaiting?: boolean;
  /** What this device has recorded, if it is the one. */
  recorder?: Pick<RecorderSnapshot, "state" | "elapsedMs" | "bytes"> | null;
}

/** For everyone, all the time that a call is recorded. */
export function RecordingBadge({ name, isWaiting = false, recorder = null }: RecordingBadgeProps) {
  const texts = useTexts();
  const facts = recorder && `${formatDuration(Math.floor(recorder.elapsedMs / 1000))} · ${formatSize(recorder.bytes)}`;
  const isStill = isWaiting || recorder?.state === "paused";
  const text = isWaiting
    ? texts.recordingWaits
    : recorder?.state === "paused"
      ? texts.recordingPaused
      : texts.recording;
  return (
    <span
      className={isStill ? "bw-recording bw-recording--still" : "bw-recording"}
      title={isWaiting ? texts.asksToRecord(name) : texts.records(name)}
    >
      {text}
      {facts && <span className="bw-recording__facts">{facts}</span>}
    </span>
  );
}

export interface RecordingUploadProps {
  bytes: number;
  sentBytes: number;
  /** Why it waits; null: it is being sent. */
  trouble?: BellwireError | null;
}

/** After the end of a recording, until the server has the rest of it. */
export function RecordingUpload({ bytes, sentBytes, trouble = null }: RecordingUploadProps) {
  const texts = useTexts();
  const done = texts.sentOf(formatSize(sentBytes), formatSize(bytes));
  return (
    <span className="bw-recording-upload">
      {trouble ? `${waitingText(texts, trouble)} ${texts.keepPageOpen}` : texts.recordingSending}
      <progress max={Math.max(1, bytes)} value={sentBytes} aria-label={texts.recordingSending} aria-valuetext={done} />
      <span className="bw-recording__facts">{done}</span>
    </span>
  );
}

/** Why a recording cannot be sent now, in a sentence. */
export function waitingText(texts: Texts, { code }: BellwireError): string {
  return texts.recordingWaitsFor[code] ?? texts.recordingWaitsHere;
}

export interface RecordingConsentProps {
  /** Who wants to record. */
  name: string;
  onAgree: () => void;
  onRefuse: () => void;
}

/** Not modal: one can hang up instead of answering. */
export function RecordingConsent({ name, onAgree, onRefuse }: RecordingConsentProps) {
  const texts = useTexts();
  return (
    <div className="bw-notice bw-notice--info" role="alertdialog" aria-label={texts.asksToRecord(name)}>
      <span className="bw-notice__text">
        {texts.asksToRecord(name)} {texts.consentQuestion}
      </span>
      <button type="button" className="bw-button" onClick={onRefuse}>
        {texts.refuseRecording}
      </button>
      <button type="button" className="bw-button bw-button--primary" onClick={onAgree}>
        {texts.agreeToRecording}
      </button>
    </div>
  );
}

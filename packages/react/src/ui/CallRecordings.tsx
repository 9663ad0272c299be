/** The recordings of one call, asked for when somebody wants to see them, each with a player. */
import type { BellwireError } from "@bellwire/client";
import { useState } from "react";
import { useConnection } from "../hooks.js";
import { errorText } from "./errorText.js";
import { formatDuration, formatSize } from "./format.js";
import { RecordingPlayer } from "./RecordingPlayer.js";
import { useTexts } from "./texts.js";
import { type PlayableRecording, useRecordings } from "./useRecordings.js";

export interface CallRecordingsProps {
  callId: string;
  /** With whom the call was. */
  name: string;
  /** How somebody in the call is called; by default by the id. */
  nameOf?: (userId: string) => string;
}

export function CallRecordings({ callId, name, nameOf = (userId) => userId }: CallRecordingsProps) {
  const texts = useTexts();
  const { user } = useConnection();
  const { list, load, remove } = useRecordings(callId);
  return (
    <details className="bw-recordings" onToggle={({ currentTarget }) => currentTarget.open && load()}>
      <summary>
        {texts.recordings}
        <span className="bw-visually-hidden"> {texts.reportWith(name)}</span>
      </summary>
      {list === "loading" && <p role="status">{texts.recordingsLoading}</p>}
      {list === "failed" && <Failure text={texts.recordingsError} onRetry={load} />}
      {Array.isArray(list) && list.length === 0 && <p role="status">{texts.recordingsNone}</p>}
      {Array.isArray(list) &&
        list.map((recording) => (
          <One
            key={recording.id}
            recording={recording}
            nameOf={nameOf}
            onRetry={load}
            onDelete={recording.userId === user?.id ? () => remove(recording.id) : undefined}
          />
        ))}
    </details>
  );
}

function Failure({ text, onRetry }: { text: string; onRetry: () => void }) {
  const texts = useTexts();
  return (
    <p className="bw-recordings__failure" role="alert">
      {text}{" "}
      <button type="button" className="bw-recordings__link" onClick={onRetry}>
        {texts.tryAgain}
      </button>
    </p>
  );
}

interface OneProps {
  recording: PlayableRecording;
  nameOf: (userId: string) => string;
  onRetry: () => void;
  /** Only for who made it. */
  onDelete: (() => Promise<void>) | undefined;
}

function One({ recording, nameOf, onRetry, onDelete }: OneProps) {
  const texts = useTexts();
  const { src, mediaType, durationMs, fileSize, isCut, userId } = recording;
  // A new address is worth another try.
  const [brokenSrc, setBrokenSrc] = useState<string | null>(null);
  const facts = [
    durationMs > 0 ? formatDuration(durationMs / 1000) : "",
    formatSize(fileSize),
    userId ? texts.recordedBy(nameOf(userId)) : "",
    isCut ? texts.recordingIsCut : "",
  ];
  return (
    <figure className="bw-recordings__one">
      {brokenSrc === src ? (
        <Failure text={texts.recordingUnplayable} onRetry={onRetry} />
      ) : (
        <RecordingPlayer
          src={src}
          isAudio={mediaType.startsWith("audio/")}
          duration={durationMs / 1000}
          marks={recording.marks.map(({ at, kind, userId }) => ({ at, kind, text: texts[kind](nameOf(userId)) }))}
          onError={() => setBrokenSrc(src)}
        />
      )}
      <figcaption>
        {facts.filter(Boolean).join(" · ")}
        {onDelete && <Deletion onDelete={onDelete} />}
      </figcaption>
    </figure>
  );
}

/** Asks once more: it is gone for everyone. */
function Deletion({ onDelete }: { onDelete: () => Promise<void> }) {
  const texts = useTexts();
  const [state, setState] = useState<"new" | "asking" | "kept">("new");
  const [error, setError] = useState<BellwireError | null>(null);
  // The button that was pressed is gone: the focus goes to what has come in its place, and not to what deletes.
  const button = (text: string, onClick: () => void, takesFocus = false) => (
    <button
      type="button"
      className="bw-recordings__link"
      onClick={onClick}
      ref={takesFocus ? (element) => element?.focus() : undefined}
    >
      {text}
    </button>
  );
  return (
    <span className="bw-recordings__deletion" role="status">
      {error && `${errorText(texts, error)} `}
      {state === "asking" ? (
        <>
          {texts.deleteRecordingQuestion} {button(texts.deleteRecording, () => void onDelete().catch(setError))}{" "}
          {button(texts.keepRecording, () => setState("kept"), true)}
        </>
      ) : (
        button(`${texts.deleteRecording}…`, () => setState("asking"), state === "kept")
      )}
    </span>
  );
}

/** The recording of a running call, tied to the client: what CallScreen puts into the places of a CallView. */
import type { CallSnapshot } from "@bellwire/client";
import { type ReactNode, useState } from "react";
import { useConnection } from "../hooks.js";
import { type UseRecording, useRecording } from "../useRecording.js";
import { recordingErrorText } from "./errorText.js";
import { type FaceOf, nameIn } from "./faces.js";
import { Notice } from "./Notice.js";
import { RecordControls, RecordingBadge, RecordingConsent, RecordingUpload, waitingText } from "./Recording.js";
import { useTexts } from "./texts.js";

export interface RecordingParts {
  badge: ReactNode;
  notice: ReactNode;
  controls: ReactNode;
}

/** `canRecord`: this user's token allows it, so there is a button. The sign and the question are there for everyone. */
export function useRecordingParts(call: CallSnapshot, faceOf: FaceOf, canRecord: boolean): RecordingParts {
  const own = useRecording();
  const { user } = useConnection();
  const { recorder } = own;
  const name = nameIn(call, own.recording?.userId ?? null, user, faceOf);
  const isRecorded = own.recording !== null && own.recording.state !== "none";
  const isFree = !isRecorded || own.recording?.isOwn;
  return {
    badge: isRecorded && (
      <RecordingBadge
        name={name}
        isWaiting={own.recording?.state === "requested"}
        recorder={own.recording?.isOwn ? recorder : null}
      />
    ),
    notice: <Notices own={own} name={name} />,
    controls: canRecord && isFree && own.recording?.policy !== "off" && (
      <RecordControls
        recorder={recorder}
        hasPicture={call.callType === "video"}
        onStart={own.start}
        onStop={own.stop}
        onPause={own.pause}
        onResume={own.resume}
      />
    ),
  };
}

function Notices({ own, name }: { own: UseRecording; name: string }) {
  const texts = useTexts();
  const [seen, setSeen] = useState<unknown>(null);
  const { recorder, isAsked } = own;
  const error = recorder?.error ?? null;
  const trouble = recorder?.trouble ?? null;
  return (
    <>
      {isAsked && <RecordingConsent name={name} onAgree={own.agree} onRefuse={own.refuse} />}
      {recorder?.state === "uploading" && (
        <Notice kind="info">
          <RecordingUpload bytes={recorder.bytes} sentBytes={recorder.sentBytes} trouble={trouble} />
        </Notice>
      )}
      {trouble && recorder?.state !== "uploading" && <Notice kind="info">{waitingText(texts, trouble)}</Notice>}
      {error && error !== seen && <Notice onDismiss={() => setSeen(error)}>{recordingErrorText(texts, error)}</Notice>}
    </>
  );
}

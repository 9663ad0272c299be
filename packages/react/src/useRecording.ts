/** Recording of a call: what everyone is told of it, what is asked of this user, and the recorder of this device. */
import type { Call, RecordingSnapshot } from "@bellwire/client";
import { CallRecorder, finishUploads, type RecorderOptions, type RecorderSnapshot } from "@bellwire/client/recording";
import { useEffect, useMemo, useState } from "react";
import { useClient, useSnapshot } from "./context.js";
import { useCall } from "./hooks.js";

export interface UseRecording {
  /** The same for everyone in the call; null: there is no call. */
  recording: RecordingSnapshot | null;
  /** Somebody asks whether they may record, and this user has not answered yet. */
  isAsked: boolean;
  agree: () => void;
  /** Ends the recording for all. */
  refuse: () => void;
  /** What this device records or recorded last; null: nothing. Its `error` tells why it could not. */
  recorder: RecorderSnapshot | null;
  /** From a click. Needs a token that may record. */
  start: (options?: RecorderOptions) => void;
  stop: () => void;
  pause: () => void;
  resume: () => void;
}

const quietly = (promise: Promise<unknown>) => {
  promise.catch(() => {});
};

/** The recorder lives as long as the call, also when the component does not. Use it in one place of a page. */
export function useRecording(given?: Call | null): UseRecording {
  const client = useClient();
  const { handle } = useCall(given);
  const userId = useSnapshot(client, (s) => s.user?.id ?? null, null);
  const recording = useSnapshot(handle, (s): RecordingSnapshot | null => s.recording, null);
  const [own, setOwn] = useState<{ call: Call; recorder: CallRecorder } | null>(null);
  const current = own && own.call === handle ? own.recorder : null;
  const recorder = useSnapshot(current, (s): RecorderSnapshot | null => s, null);
  const actions = useMemo(
    () => ({
      agree: () => handle && quietly(handle.consentToRecording()),
      refuse: () => handle && quietly(handle.consentToRecording(false)),
      start: (options?: RecorderOptions) => {
        if (!handle) return;
        const fresh = new CallRecorder(client, handle, options);
        setOwn({ call: handle, recorder: fresh });
        quietly(fresh.start());
      },
      stop: () => current && quietly(current.stop()),
      pause: () => current?.pause(),
      resume: () => current?.resume(),
    }),
    [client, handle, current],
  );
  const isAsked = recording?.state === "requested" && recording.userId !== userId && !recording.hasAgreed;
  return { recording, isAsked, recorder, ...actions };
}

/** Finishes what this user's earlier pages recorded and could not send any more. */
export function useUnfinishedRecordings(isWanted = true): void {
  const client = useClient();
  const userId = useSnapshot(client, (s) => s.user?.id ?? null, null);
  useEffect(() => {
    if (isWanted && userId !== null) quietly(finishUploads(client));
  }, [client, userId, isWanted]);
}

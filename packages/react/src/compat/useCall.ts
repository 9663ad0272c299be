/** One call by its id, with the names that the old hook returned. */
import type { BellwireError, CallSnapshot, CallState, ParticipantSnapshot } from "@bellwire/client";
import { useEffect, useMemo, useState } from "react";
import { useClient, useSnapshot } from "../context.js";
import { holdCall } from "./holdCall.js";

export interface CompatCall {
  localStream: MediaStream | null;
  /** By socketId: one device of somebody in the call. */
  remoteStreams: Map<string, MediaStream>;
  isMuted: boolean;
  isVideoEnabled: boolean;
  toggleMute: () => void;
  toggleVideo: () => void;
  endCall: () => void;
  /** Beyond the old hook. */
  state: CallState;
  error: BellwireError | null;
}

const NOBODY: readonly ParticipantSnapshot[] = [];

/** Joins the call (or answers it) while the component is there, with the devices that the call's type wants. The client
 *  is the BellwireProvider's; who one is says its token, `userId` is not looked at. */
export function useCall(callId: string, _userId?: string): CompatCall {
  const client = useClient();
  const refusal = usePlace(callId);
  const call = useSnapshot(client, () => client.getCall(callId), null);
  const snapshot = useSnapshot(call, (s): CallSnapshot | null => s, null);
  const participants = snapshot?.participants ?? NOBODY;
  const remoteStreams = useMemo(() => streamsOf(participants), [participants]);
  const actions = useMemo(() => {
    // Asked at the click: two quick clicks are on and off again. What fails is in `error`.
    const now = () => call?.getSnapshot().local;
    return {
      toggleMute: () => void call?.setMicrophoneEnabled(!now()?.isMicrophoneEnabled).catch(() => {}),
      toggleVideo: () => void call?.setCameraEnabled(!now()?.isCameraEnabled).catch(() => {}),
      endCall: () => void call?.hangUp(),
    };
  }, [call]);
  return {
    localStream: snapshot?.local.stream ?? null,
    remoteStreams,
    isMuted: snapshot ? !snapshot.local.isMicrophoneEnabled : false,
    isVideoEnabled: snapshot ? snapshot.local.isCameraEnabled : true,
    ...actions,
    state: snapshot?.state ?? "idle",
    error: refusal ?? snapshot?.local.error ?? snapshot?.error ?? null,
  };
}

/** Holds this device's place in the call; the refusal, if there was one. */
function usePlace(callId: string): BellwireError | null {
  const client = useClient();
  const [refusal, setRefusal] = useState<BellwireError | null>(null);
  useEffect(() => {
    let isHere = true;
    setRefusal(null);
    const { joining, release } = holdCall(client, callId);
    joining.catch((error: BellwireError) => isHere && setRefusal(error));
    return () => {
      isHere = false;
      release();
    };
  }, [client, callId]);
  return refusal;
}

function streamsOf(participants: readonly ParticipantSnapshot[]): Map<string, MediaStream> {
  const streams = new Map<string, MediaStream>();
  for (const { socketId, stream } of participants) if (socketId && stream) streams.set(socketId, stream);
  return streams;
}

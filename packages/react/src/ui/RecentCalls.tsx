/** The user's own history, tied to the client, with a way to call back. */
import type { ReactNode } from "react";
import { useCall, useConnection } from "../hooks.js";
import { useCallHistory } from "../useCallHistory.js";
import { CallHistory, type HistoryEntry } from "./CallHistory.js";
import { CallRecordings } from "./CallRecordings.js";
import { type FaceOf, historyEntry, plainFace } from "./faces.js";
import { useTexts } from "./texts.js";

export interface RecentCallsProps {
  /** Only the calls of this channel. */
  channelId?: string;
  faceOf?: FaceOf;
  /** As of CallHistory. */
  reportOf?: ((entry: HistoryEntry) => string) | undefined;
  /** A player for the recordings of a call. */
  showRecordings?: boolean;
}

export function RecentCalls({
  channelId,
  faceOf = plainFace,
  reportOf,
  showRecordings = false,
}: RecentCallsProps): ReactNode {
  const texts = useTexts();
  const { user, state } = useConnection();
  const { call, start } = useCall();
  const history = useCallHistory({ ...(channelId === undefined ? {} : { channelId }), limit: 20 });
  const myId = user?.id ?? "";
  const canCall = state === "connected" && (call === null || call.state === "ended");

  const callBack = ({ id }: HistoryEntry) => {
    const old = history.calls.find((one) => one.id === id);
    if (!old) return;
    const participants = old.participants.map(({ userId }) => userId).filter((userId) => userId !== myId);
    if (participants.length > 0) start({ channelId: old.channelId, participants, mode: old.mode, type: old.callType });
  };
  const namesIn = (id: string) => (userId: string) => {
    const people = history.calls.find((one) => one.id === id)?.participants ?? [];
    const known = people.find((one) => one.userId === userId);
    return userId === myId ? texts.you : faceOf(known ?? { userId, name: null, avatarUrl: null }).name;
  };
  return (
    <CallHistory
      entries={user ? history.calls.map((one) => historyEntry(one, myId, faceOf, texts)) : []}
      isLoading={history.isLoading || !user}
      hasFailed={history.error !== null}
      hasMore={history.hasMore}
      onLoadMore={history.loadMore}
      onRetry={history.reload}
      isCallDisabled={!canCall}
      onCallBack={callBack}
      reportOf={reportOf}
      detailsOf={
        showRecordings
          ? ({ id, peer }) => <CallRecordings callId={id} name={peer.name} nameOf={namesIn(id)} />
          : undefined
      }
    />
  );
}

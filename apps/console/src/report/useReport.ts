/** What is known of one call, read anew for as long as the call runs. */
import { useCallback, useEffect, useState } from "react";
import { ApiError, type QualityAnswer, type TimelineEntry } from "../api.js";
import type { Session } from "../session.js";
import { load } from "./load.js";
import { makeReport, type Report } from "./model.js";

export interface Loaded {
  report: Report;
  timeline: TimelineEntry[];
  quality: QualityAnswer;
}

/** Pauses between two readings of a running call; longer where reading takes long. */
const FOLLOW_EVERY_MS = 1500;
const FOLLOW_SHARE = 10;

async function loadAll(token: string, callId: string): Promise<Loaded> {
  const begun = load(token, callId);
  const [{ call, quality }, timeline] = await Promise.all([begun.samples, begun.timeline]);
  return { report: makeReport(call, quality), timeline, quality };
}

export const wordsOf = (error: Error) =>
  error instanceof ApiError && error.status === 404
    ? "There is no such call, or it is not yours to see."
    : error.message;

/** Calls `read` after a pause, and as soon as the page is looked at again. */
function useFollowing(isOn: boolean, since: unknown, pause: number, read: () => void): void {
  useEffect(() => {
    if (!isOn || since === null) return;
    const look = () => !document.hidden && read();
    const timer = setTimeout(look, pause);
    document.addEventListener("visibilitychange", look);
    return () => {
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", look);
    };
  }, [isOn, since, pause, read]);
}

export function useReport({ token, drop }: Session, callId: string) {
  const [loaded, setLoaded] = useState<Loaded | null>(null);
  const [trouble, setTrouble] = useState<string | null>(null);
  const [pause, setPause] = useState(FOLLOW_EVERY_MS);
  const reload = useCallback(() => {
    if (!token || !callId) return;
    setTrouble(null);
    const from = performance.now();
    loadAll(token, callId)
      .then(setLoaded, (error: Error) => {
        if (error instanceof ApiError && error.status === 401) drop();
        setTrouble(wordsOf(error));
      })
      .finally(() => setPause(Math.max(FOLLOW_EVERY_MS, FOLLOW_SHARE * (performance.now() - from))));
  }, [token, callId, drop]);
  useEffect(reload, [reload]);
  useFollowing(loaded !== null && !loaded.report.call.endedAt, loaded, pause, reload);
  return { loaded, trouble, reload, setTrouble };
}

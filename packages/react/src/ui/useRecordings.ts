/** The recordings of one call with the marks of who came and went, asked for when somebody wants to see them. */
import type { Client, Recording, RecordingLink, RecordingPage, Timeline, TimelineEntry } from "@bellwire/client";
import { useCallback, useState } from "react";
import { useClient } from "../context.js";
import { marksOf, type RecordingMark } from "./recordingMarks.js";

export interface PlayableRecording extends Recording {
  /** Signed, and good for a while: a player can send no token. */
  src: string;
  marks: RecordingMark[];
}

/** Enough for the longest calls; what is beyond has no marks. */
const MAX_PAGES = 20;

async function timelineOf(client: Client, callId: string): Promise<TimelineEntry[]> {
  const all: TimelineEntry[] = [];
  let after: number | undefined;
  for (let page = 0; page < MAX_PAGES; page++) {
    const path = `/api/calls/${encodeURIComponent(callId)}/timeline`;
    const { events, hasMore } = await client.rest.request<Timeline>(path, { query: { after } });
    all.push(...events);
    after = events.findLast(({ seq }) => seq !== null)?.seq ?? undefined;
    if (!hasMore || after === undefined) break;
  }
  return all;
}

async function loadAll(client: Client, callId: string): Promise<PlayableRecording[]> {
  const path = `/api/calls/${encodeURIComponent(callId)}/recordings`;
  const { recordings } = await client.rest.request<RecordingPage>(path);
  if (recordings.length === 0) return [];
  const timeline = await timelineOf(client, callId).catch(() => []); // they play without marks
  return Promise.all(
    recordings.map(async (recording) => {
      const { url } = await client.rest.request<RecordingLink>(`/api/recordings/${recording.id}/link`);
      return { ...recording, src: client.rest.at(url), marks: marksOf(timeline, recording) };
    }),
  );
}

export function useRecordings(callId: string) {
  const client = useClient();
  const [list, setList] = useState<PlayableRecording[] | "loading" | "failed">("loading");
  const load = useCallback(() => {
    loadAll(client, callId).then(setList, () => setList("failed"));
  }, [client, callId]);
  /** Rejects when this user may not. */
  const remove = async (id: string) => {
    await client.rest.send(`/api/recordings/${id}`, { method: "DELETE" });
    setList((old) => (Array.isArray(old) ? old.filter((one) => one.id !== id) : old));
  };
  return { list, load, remove };
}

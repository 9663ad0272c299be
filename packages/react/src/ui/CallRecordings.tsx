/** The recordings of one call, asked for when somebody wants to see them, each in the browser's own player. */
import type { Recording, RecordingLink, RecordingPage } from "@bellwire/client";
import { useState } from "react";
import { useClient } from "../context.js";
import { formatDuration, formatSize } from "./format.js";
import { useTexts } from "./texts.js";

interface Playable extends Recording {
  /** Signed, and good for a while: a player can send no token. */
  src: string;
}

export interface CallRecordingsProps {
  callId: string;
  /** With whom the call was. */
  name: string;
}

export function CallRecordings({ callId, name }: CallRecordingsProps) {
  const client = useClient();
  const texts = useTexts();
  const [list, setList] = useState<Playable[] | "loading" | "failed">("loading");

  const load = async () => {
    setList("loading");
    const { recordings } = await client.rest.request<RecordingPage>(
      `/api/calls/${encodeURIComponent(callId)}/recordings`,
    );
    const linked = recordings.map(async (recording) => {
      const { url } = await client.rest.request<RecordingLink>(`/api/recordings/${recording.id}/link`);
      return { ...recording, src: client.rest.at(url) };
    });
    setList(await Promise.all(linked));
  };

  return (
    <details
      className="bw-recordings"
      onToggle={({ currentTarget }) => currentTarget.open && void load().catch(() => setList("failed"))}
    >
      <summary>
        {texts.recordings}
        <span className="bw-visually-hidden"> {texts.reportWith(name)}</span>
      </summary>
      {list === "loading" && <p>{texts.recordingsLoading}</p>}
      {list === "failed" && <p role="alert">{texts.recordingsError}</p>}
      {Array.isArray(list) && list.length === 0 && <p>{texts.recordingsNone}</p>}
      {Array.isArray(list) && list.map((recording) => <Player key={recording.id} recording={recording} />)}
    </details>
  );
}

function Player({ recording: { src, mediaType, durationMs, fileSize } }: { recording: Playable }) {
  const texts = useTexts();
  const facts = [durationMs > 0 ? formatDuration(durationMs / 1000) : "", formatSize(fileSize)].filter(Boolean);
  const player = { controls: true, preload: "metadata", src, "aria-label": texts.recording } as const;
  return (
    <figure className="bw-recordings__one">
      {/* biome-ignore-start lint/a11y/useMediaCaption: nobody has written down what was said in a call */}
      {mediaType.startsWith("audio/") ? <audio {...player} /> : <video {...player} />}
      {/* biome-ignore-end lint/a11y/useMediaCaption: as above */}
      <figcaption>{facts.join(" · ")}</figcaption>
    </figure>
  );
}

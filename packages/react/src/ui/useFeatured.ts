/** Whom the speaker view shows large: who was pinned, else who spoke last. */
import { useEffect, useState } from "react";
import type { TileFace } from "./ParticipantTile.js";

/** A cough is not a speech. */
const SPEAKS_FOR_MS = 400;

const keyOf = (face: TileFace) => face.key ?? face.id;

export interface Featured {
  /** The face to show large; undefined while nobody is there. */
  face: TileFace | undefined;
  pinned: string | null;
  /** Pins a face by its key, or lets go of it. */
  togglePin: (key: string) => void;
}

export function useFeatured(others: readonly TileFace[]): Featured {
  const [last, setLast] = useState<string | null>(null);
  const [pinned, setPinned] = useState<string | null>(null);
  const speaking = others.filter((face) => face.isSpeaking && !face.isMuted).map(keyOf);
  // Whoever has the word keeps it until somebody else speaks alone.
  const next = last !== null && speaking.includes(last) ? last : (speaking[0] ?? null);

  useEffect(() => {
    if (next === null || next === last) return;
    const timer = setTimeout(() => setLast(next), SPEAKS_FOR_MS);
    return () => clearTimeout(timer);
  }, [next, last]);

  const find = (key: string | null) => others.find((face) => keyOf(face) === key);
  return {
    face: find(pinned) ?? find(last) ?? others[0],
    pinned: find(pinned) ? pinned : null,
    togglePin: (key) => setPinned((old) => (old === key ? null : key)),
  };
}

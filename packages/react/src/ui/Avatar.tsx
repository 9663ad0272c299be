/** A round picture of somebody, or the first letters of the name on a colour that stays theirs. */
import type { CSSProperties } from "react";
import { GroupIcon } from "./icons.js";

export interface Face {
  id: string;
  name: string;
  avatarUrl?: string | null;
  /** Several people under one name. */
  isGroup?: boolean;
}

export interface AvatarProps {
  face: Face;
  /** Edge in CSS pixels, 40 if not given. */
  size?: number;
  /** Rings of waiting go out from it. */
  pulse?: boolean;
}

/** "Alice" → "A", "Ada Lovelace" → "AL". */
export function initials(name: string): string {
  const words = name.trim().split(/\s+/).filter(Boolean);
  const picked = words.length > 1 ? [words[0], words[words.length - 1]] : words;
  const letters = picked.map((word) => Array.from(word ?? "")[0] ?? "");
  return letters.join("").toUpperCase() || "?";
}

/** A hue that depends on the id alone. */
export function hueOf(id: string): number {
  let hash = 7;
  for (const char of id) hash = (hash * 33 + (char.codePointAt(0) ?? 0)) % 360_000;
  return (hash * 73) % 360;
}

function Inside({ face }: { face: Face }) {
  if (face.avatarUrl) return <img src={face.avatarUrl} alt="" referrerPolicy="no-referrer" />;
  return face.isGroup ? <GroupIcon /> : initials(face.name);
}

export function Avatar({ face, size = 40, pulse = false }: AvatarProps) {
  const style = { "--bw-avatar-size": `${size}px`, "--bw-avatar-hue": hueOf(face.id) } as CSSProperties;
  return (
    <span className={pulse ? "bw-avatar bw-avatar--pulse" : "bw-avatar"} style={style} aria-hidden="true">
      <Inside face={face} />
    </span>
  );
}

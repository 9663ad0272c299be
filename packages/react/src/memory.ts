/** What this browser remembers of its user's devices, so that nobody has to choose the good microphone twice. */
import type { DeviceKind } from "@bellwire/client";

export interface DeviceMemory {
  /** The chosen devices' ids; null means the system's default. */
  selected: Record<DeviceKind, string | null>;
  /** Whether one came in with the microphone and the camera on, the last time one was asked. */
  audio: boolean;
  video: boolean;
}

const KEY = "bellwire-devices";
const KINDS = ["microphone", "camera", "speaker"] as const;
/** Browsers make ids of 64 characters; anything much longer was not written by us. */
const MAX_ID_LENGTH = 512;

const isId = (value: unknown): value is string => typeof value === "string" && value.length <= MAX_ID_LENGTH;

function stored(): Partial<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(localStorage.getItem(KEY) ?? "{}");
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {}; // no storage in this frame, or another's text in it
  }
}

export function recallDevices(): DeviceMemory {
  const found = stored();
  const selected = Object.fromEntries(KINDS.map((kind) => [kind, isId(found[kind]) ? found[kind] : null]));
  return {
    selected: selected as DeviceMemory["selected"],
    audio: found.audio !== false,
    video: found.video !== false,
  };
}

export function rememberDevices(change: Partial<DeviceMemory>): void {
  const { selected, ...wishes } = { ...recallDevices(), ...change };
  try {
    localStorage.setItem(KEY, JSON.stringify({ ...selected, ...wishes }));
  } catch {
    // Without storage nothing is remembered, and all else works.
  }
}

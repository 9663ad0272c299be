/** Entering a call over a connection that may come and go. */

import { BellwireError } from "../errors.js";
import type { LocalMarks } from "../media/local.js";
import type { Answer } from "../server/signaling.js";
import type { CallEndReason } from "../types.js";
import type { CallPorts } from "./ports.js";

const TRIES = 3;
const CONNECT_WAIT_MS = 10_000;

export interface JoinWish {
  callId: string;
  takeover?: boolean;
  marks(): LocalMarks;
  /** The user no longer wants it. */
  isOver(): boolean;
}

export interface Joined {
  answer: Answer<"call.join">;
  /** The marks that the join carried. */
  told: LocalMarks;
}

/** Asks again what was lost with the connection. null: it is over. Rejects with the server's refusal, or timeout. */
export async function joinCall(signaling: CallPorts["signaling"], wish: JoinWish): Promise<Joined | null> {
  for (let tries = 1; ; tries++) {
    try {
      await signaling.whenConnected(CONNECT_WAIT_MS);
      if (wish.isOver()) return null;
      const { isMuted, isVideoEnabled } = wish.marks();
      const payload = { callId: wish.callId, isMuted, isVideoEnabled, ...(wish.takeover ? { takeover: true } : {}) };
      const answer = await signaling.request("call.join", payload);
      return { answer, told: { isMuted, isVideoEnabled, isScreenSharing: false } };
    } catch (thrown) {
      const error = BellwireError.from(thrown, "internal");
      const isLost = error.code === "not_connected" || error.code === "timeout";
      if (!isLost || tries >= TRIES || wish.isOver()) throw error;
    }
  }
}

/** How a call ended for this device, when a refusal to join tells it; undefined when it may be tried again. */
export function endByRefusal(code: string, wasInCall: boolean): CallEndReason | undefined {
  if (code === "answered_elsewhere" || code === "declined_elsewhere") return code;
  if (code === "call_ended" || code === "call_not_found") return wasInCall ? "connection_lost" : "cancelled";
  return undefined;
}

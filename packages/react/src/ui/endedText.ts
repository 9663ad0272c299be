/** How a call ended, in a sentence for the one who reads it. */
import { formatDuration } from "./format.js";
import type { Texts } from "./texts.js";

export interface EndFacts {
  /** The call's endReason, or what took it away from this device alone. */
  reason: string | null;
  /** Seconds of talk; 0 when it was never answered. */
  duration: number;
  direction: "incoming" | "outgoing";
  peerName: string;
}

function unanswered(texts: Texts, { reason, direction, peerName }: EndFacts): string | null {
  const isMine = direction === "outgoing";
  switch (reason) {
    case "declined":
      return isMine ? texts.declinedBy(peerName) : texts.youDeclined;
    case "cancelled":
      return isMine ? texts.cancelled : texts.cancelledBy(peerName);
    case "no_answer":
      return isMine ? texts.noAnswer : texts.missedFrom(peerName);
    case "busy":
      return isMine ? texts.busy(peerName) : texts.missedFrom(peerName);
    case "caller_lost":
      return isMine ? texts.connectionLost : texts.callerLost(peerName);
    case "answered_elsewhere":
      return texts.answeredElsewhere;
    case "declined_elsewhere":
      return texts.declinedElsewhere;
    default:
      return null;
  }
}

function apart(texts: Texts, reason: string | null): string | null {
  switch (reason) {
    case "connection_lost":
      return texts.connectionLost;
    case "connect_failed":
      return texts.connectFailed;
    case "ended_by_host":
    case "ended_by_api":
      return texts.endedByHost;
    case "max_duration":
      return texts.maxDuration;
    case "server_restart":
      return texts.serverRestart;
    case "left":
      return texts.youLeft;
    case "moved":
      return texts.movedElsewhere;
    default:
      return null;
  }
}

export function endedText(texts: Texts, facts: EndFacts): string {
  const talked = facts.duration > 0 ? texts.endedWith(formatDuration(facts.duration)) : null;
  return unanswered(texts, facts) ?? apart(texts, facts.reason) ?? talked ?? texts.ended;
}

/** How a call went for one person in it, worked out from the call (the server does the same for /api/users/me/calls). */
import type { Call, Direction, HistoryCall, Outcome, Participant } from "../generated/events.js";

export function historyOf(call: Call, userId: string): HistoryCall {
  const direction: Direction = call.startedBy === userId ? "outgoing" : "incoming";
  const person = call.participants.find((p) => p.userId === userId);
  return { ...call, direction, outcome: outcomeOf(call, direction, person) };
}

function outcomeOf(call: Call, direction: Direction, person: Participant | undefined): Outcome {
  if (call.status === "ringing" || call.status === "active")
    return person && isOut(person) ? personal(person, call) : "ongoing";
  if (call.answeredAt !== null && (direction === "outgoing" || person?.joinedAt))
    return person ? personal(person, call) : "completed";
  if (direction === "outgoing") return unanswered(call);
  return person?.state === "declined" ? "declined" : "missed";
}

/** Done with the call, though it may go on for others. */
function isOut(person: Participant): boolean {
  return ["left", "declined", "missed", "cancelled", "busy"].includes(person.state);
}

function personal(person: Participant, call: Call): Outcome {
  if (person.state === "declined") return "declined";
  if (person.state === "missed" || person.state === "cancelled" || person.state === "busy") return "missed";
  return call.endReason === "connect_failed" ? "failed" : "completed";
}

function unanswered(call: Call): Outcome {
  if (call.status === "declined") return "declined";
  if (call.endReason === "busy") return "busy";
  return call.endReason === "no_answer" ? "no_answer" : "cancelled";
}

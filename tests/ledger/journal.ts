// What clients write down: every answer that was given to them and every event that they heard, in order.
import type { Payload } from "../lib/index.js";

export interface Entry {
  /** Place in the journal. */
  n: number;
  /** Wall time in milliseconds. */
  at: number;
  kind: "ack" | "refusal" | "event";
  user: string;
  /** The device that heard it; "" for REST. */
  device: string;
  /** The event's name, or what was asked: "POST create", "call.join". */
  what: string;
  callId: string;
  /** Of a numbered event, or of the call in an answer; 0 = none. */
  seq: number;
  payload: Payload;
}

export class Journal {
  readonly entries: Entry[] = [];
  /** Devices that are connected when all is over: they must have heard how each of their calls ended. */
  readonly present = new Set<string>();

  /** An answer: an acknowledgement when it succeeded, else a refusal (which promises nothing). */
  answer(user: string, device: string, what: string, ok: boolean, payload: Payload): void {
    const call = ok ? payload?.call : undefined;
    this.write({
      kind: ok ? "ack" : "refusal",
      user,
      device,
      what,
      callId: call?.id ?? "",
      seq: call?.seq ?? 0,
      payload,
    });
  }

  event(user: string, device: string, what: string, payload: Payload): void {
    this.write({ kind: "event", user, device, what, callId: payload?.callId ?? "", seq: payload?.seq ?? 0, payload });
  }

  count(kind: Entry["kind"]): number {
    return this.entries.filter((entry) => entry.kind === kind).length;
  }

  private write(entry: Omit<Entry, "n" | "at">): void {
    this.entries.push({ n: this.entries.length, at: Date.now(), ...entry });
  }
}

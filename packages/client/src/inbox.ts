/** What the server tells, brought to the calls that it concerns: new ones ring, known ones hear their events. */
import { Call } from "./call/call.js";
import { factsOfData, factsOfIncoming, rosterOfIncoming } from "./call/facts.js";
import type { CallFacts, CallPorts } from "./call/ports.js";
import type { CallBook } from "./callBook.js";
import { BellwireError } from "./errors.js";
import type { Call as CallData, ServerEvents, SyncCall } from "./generated/events.js";
import type { PeerMessage } from "./peer/ports.js";
import type { ServerEvent } from "./server/signaling.js";

export interface InboxPorts {
  book: CallBook;
  /** For the calls that begin here. */
  call: CallPorts;
  onIncoming(call: Call): void;
  /** Who one is and what time it is there. */
  onSync(sync: ServerEvents["sync"]): void;
  /** Some call has reached the history. */
  onHistory(): void;
  fetchCall(callId: string): Promise<CallData>;
}

type SignalEvent = Extract<ServerEvent, { name: "call.offer" | "call.answer" | "call.ice-candidate" }>;

export class Inbox {
  readonly #ports: InboxPorts;
  readonly #book: CallBook;

  constructor(ports: InboxPorts) {
    this.#ports = ports;
    this.#book = ports.book;
  }

  take(event: ServerEvent): void {
    switch (event.name) {
      case "sync":
        return this.#onSync(event.payload);
      case "call.incoming":
        return this.#onIncoming(event.payload);
      case "call.active":
        return this.#book.offer({ ...event.payload, id: event.payload.callId, mode: "group" });
      case "call.offer":
      case "call.answer":
      case "call.ice-candidate":
        return this.#onSignal(event);
      case "auth.expiring":
      case "server.draining":
        return;
      default:
        return this.#onCallEvent(event, event.payload.callId);
    }
  }

  #onCallEvent(event: ServerEvent, callId: string | undefined): void {
    if (callId === undefined) return;
    if (event.name === "call.ended") this.#book.withdraw(callId);
    const call = this.#book.live(callId);
    // Another device of the same user is in it now: this one may take its place.
    if (event.name === "call.answered-elsewhere" && call) this.#book.offer(call.getSnapshot());
    call?.handle(event);
    // One that did not ring here, or no longer does: only the history has changed.
    if (event.name === "call.ended" || event.name === "call.missed") this.#ports.onHistory();
  }

  #onIncoming(payload: ServerEvents["call.incoming"]): void {
    if (this.#book.live(payload.callId)) return;
    const call = this.#ring(factsOfIncoming(payload), payload.msLeft);
    call.setRoster(rosterOfIncoming(payload, this.#ports.call.ownUserId()));
    this.#ports.onIncoming(call);
  }

  #ring(facts: CallFacts, msLeft: number): Call {
    const ports = this.#ports.call;
    const call = new Call(ports, facts, "ringing-in");
    this.#book.ring(call, msLeft);
    ports.signaling.say("call.ack", { callId: call.id });
    void ports.iceServers(); // so that they are there when it is accepted
    return call;
  }

  #onSignal(event: SignalEvent): void {
    const { from, callId } = event.payload;
    const { current } = this.#book;
    const named = callId === undefined ? current : this.#book.live(callId);
    const call = this.#book.all().find((c) => c.hasLeg(from)) ?? named;
    call?.receive(event.payload, messageOf(event));
  }

  #onSync(sync: ServerEvents["sync"]): void {
    this.#ports.onSync(sync);
    this.#book.withdrawAll();
    const live = new Set(sync.calls.map((data) => data.id));
    for (const call of this.#book.all())
      if (!live.has(call.id) && !this.#book.isUnborn(call)) void this.#askHowItEnded(call);
    for (const data of sync.calls) this.#syncCall(data, sync.user.id);
  }

  #syncCall(data: SyncCall, userId: string): void {
    const known = this.#book.live(data.id);
    if (known) return known.resync(data);
    const own = data.participants.find((p) => p.userId === userId);
    const isRinging = own?.role !== "caller" && (own?.state === "invited" || own?.state === "ringing");
    if (isRinging && data.msLeft !== undefined) {
      const call = this.#ring(factsOfData(data, userId), data.msLeft);
      call.setRoster(data.participants);
      this.#ports.onIncoming(call);
    } else if (data.status === "active") {
      this.#book.offer(data);
    }
  }

  /** It ended while we were away. */
  async #askHowItEnded(call: Call): Promise<void> {
    try {
      call.take(await this.#ports.fetchCall(call.id));
      if (call.state === "ringing-in") call.end("answered_elsewhere");
    } catch (thrown) {
      const error = BellwireError.from(thrown, "internal");
      if (error.code === "call_not_found") call.end("connection_lost");
      else this.#ports.call.onError(error);
    }
  }
}

/** Without what the server added; the numbers are our own, and other clients may send none. */
function messageOf({ name, payload }: SignalEvent): PeerMessage {
  const { n, after, dropped } = payload as { n?: number; after?: number; dropped?: number };
  if (name === "call.offer") return { offer: payload.offer, n, after };
  if (name === "call.answer") return { answer: payload.answer, n, dropped };
  return { candidate: payload.candidate };
}

/** The calls that one client knows: those that are not over, the one that is shown, and those that could be joined. */
import type { Call } from "./call/call.js";
import { sameList } from "./call/view.js";
import type { CallSnapshot, JoinableCall } from "./types.js";

/** An unanswered call that the server says nothing more about (we may be offline) stops ringing by itself. */
const RING_GRACE_MS = 5000;

export class CallBook {
  /** Those that are not over. */
  readonly #calls = new Set<Call>();
  /** Not yet known to the server. */
  readonly #unborn = new Set<Call>();
  readonly #ringTimers = new Map<Call, ReturnType<typeof setTimeout>>();
  readonly #joinable = new Map<string, JoinableCall>();
  readonly #onChange: () => void;
  #current: Call | null = null;
  #lastIncoming: readonly CallSnapshot[] = [];
  #lastJoinable: readonly JoinableCall[] | null = null;

  constructor(onChange: () => void) {
    this.#onChange = onChange;
  }

  /** A copy: calls may end while one goes through them. */
  all(): Call[] {
    return [...this.#calls];
  }

  get current(): Call | null {
    return this.#current;
  }

  /** A call that is not over, or the one that was the current one. */
  get(id: string): Call | null {
    return this.live(id) ?? (this.#current?.id === id ? this.#current : null);
  }

  live(id: string): Call | undefined {
    return this.all().find((call) => call.id === id);
  }

  add(call: Call): Call {
    this.#calls.add(call);
    this.#onChange();
    return call;
  }

  /** One that is being made: the server does not know of it yet. */
  expect(call: Call): void {
    this.#current = this.add(call);
    this.#unborn.add(call);
  }

  born(call: Call): void {
    this.#unborn.delete(call);
  }

  isUnborn(call: Call): boolean {
    return this.#unborn.has(call);
  }

  ring(call: Call, msLeft: number): void {
    this.add(call);
    const stop = () => call.state === "ringing-in" && call.end("no_answer");
    this.#ringTimers.set(call, setTimeout(stop, msLeft + RING_GRACE_MS));
  }

  /** Makes it the one that is shown. One is in one call at a time: the one before is left. */
  show(call: Call): void {
    const before = this.#current;
    this.#current = call;
    if (before && before !== call && isLive(before)) void before.hangUp();
  }

  changed(call: Call): void {
    if (call !== this.#current && this.#calls.has(call) && isLive(call)) this.show(call);
    this.#onChange();
  }

  ended(call: Call): void {
    this.#calls.delete(call);
    clearTimeout(this.#ringTimers.get(call));
    this.#ringTimers.delete(call);
    this.#onChange();
  }

  /** Puts the current call away; without one that it has to be, whichever it is. */
  dismiss(only?: Call): void {
    if (only && (only !== this.#current || only.state !== "ended")) return;
    this.#current = null;
    this.#onChange();
  }

  // ---- Calls that other devices are in

  offer({ id, channelId, callType, mode, startedBy }: JoinableCall): void {
    this.#joinable.set(id, { id, channelId, callType, mode, startedBy });
    this.#changedJoinable();
  }

  withdraw(id: string): void {
    if (this.#joinable.delete(id)) this.#changedJoinable();
  }

  withdrawAll(): void {
    this.#joinable.clear();
    this.#changedJoinable();
  }

  snapshot(): { current: CallSnapshot | null; incoming: readonly CallSnapshot[]; joinable: readonly JoinableCall[] } {
    const ringing = this.all().filter((call) => call.state === "ringing-in");
    this.#lastIncoming = sameList(
      this.#lastIncoming,
      ringing.map((call) => call.getSnapshot()),
    );
    this.#lastJoinable ??= [...this.#joinable.values()];
    return {
      current: this.#current?.getSnapshot() ?? null,
      incoming: this.#lastIncoming,
      joinable: this.#lastJoinable,
    };
  }

  #changedJoinable(): void {
    this.#lastJoinable = null;
    this.#onChange();
  }
}

/** This device takes part in it; ringing is not yet that. */
export function isLive({ state }: Call): boolean {
  return state !== "ringing-in" && state !== "ended";
}

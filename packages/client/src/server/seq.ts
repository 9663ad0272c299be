/** Drops events of a call that are not newer than the last one seen: a resumed session hears some of them twice. */
const MAX_CALLS = 64;

export class SeqFilter {
  readonly #last = new Map<string, number>();

  /** Events without a number always pass. */
  isNew(callId: string | undefined, seq: number | undefined): boolean {
    if (callId === undefined || seq === undefined) return true;
    if (seq <= (this.#last.get(callId) ?? 0)) return false;
    // Taken out first, so that the order of the map is that of use, and the oldest goes when there are many.
    this.#last.delete(callId);
    this.#last.set(callId, seq);
    const [oldest] = this.#last.keys();
    if (this.#last.size > MAX_CALLS && oldest !== undefined) this.#last.delete(oldest);
    return true;
  }

  /** For the next connection's `auth.lastSeq`. */
  of(callIds: Iterable<string>): Record<string, number> {
    const out: Record<string, number> = {};
    for (const id of callIds) out[id] = this.#last.get(id) ?? 0;
    return out;
  }
}

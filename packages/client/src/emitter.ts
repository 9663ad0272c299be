/** Typed events. A listener that throws harms neither the others nor the one who emits. */
export type Listener<T> = (payload: T) => void;

export class Emitter<Events> {
  readonly #listeners = new Map<keyof Events, Set<Listener<never>>>();

  /** Returns the way back: call it to stop listening. */
  on<K extends keyof Events>(event: K, listener: Listener<Events[K]>): () => void {
    const set = this.#listeners.get(event) ?? new Set();
    this.#listeners.set(event, set);
    set.add(listener as Listener<never>);
    return () => this.off(event, listener);
  }

  off<K extends keyof Events>(event: K, listener: Listener<Events[K]>): void {
    this.#listeners.get(event)?.delete(listener as Listener<never>);
  }

  protected emit<K extends keyof Events>(event: K, payload: Events[K]): void {
    for (const listener of [...(this.#listeners.get(event) ?? [])]) {
      try {
        (listener as Listener<Events[K]>)(payload);
      } catch (thrown) {
        reportError(thrown);
      }
    }
  }

  protected removeListeners(): void {
    this.#listeners.clear();
  }
}

/** As if nobody had caught it: the page's own error handling sees it, we go on. */
function reportError(thrown: unknown): void {
  queueMicrotask(() => {
    throw thrown;
  });
}

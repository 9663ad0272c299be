/** Immutable snapshots: made when somebody asks, told about once per turn of the event loop. */
export class Store<T> {
  readonly #make: () => T;
  readonly #listeners = new Set<() => void>();
  #snapshot: T | undefined;
  #isTelling = false;

  constructor(make: () => T) {
    this.#make = make;
  }

  /** The same object until something changes. */
  readonly getSnapshot = (): T => {
    this.#snapshot ??= this.#make();
    return this.#snapshot;
  };

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  };

  /** Many changes in one turn make one notification. */
  changed(): void {
    this.#snapshot = undefined;
    if (this.#isTelling) return;
    this.#isTelling = true;
    queueMicrotask(() => {
      this.#isTelling = false;
      for (const listener of [...this.#listeners]) listener();
    });
  }
}

/** A stream of messages with a short memory: who subscribes may also ask for what has just happened. */

export class Bus<T> {
  readonly #capacity: number;
  readonly #recent: T[] = [];
  readonly #listeners = new Set<(message: T) => void>();

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** The last messages, oldest first. */
  get recent(): readonly T[] {
    return this.#recent;
  }

  get listenerCount(): number {
    return this.#listeners.size;
  }

  publish(message: T): void {
    this.#recent.push(message);
    if (this.#recent.length > this.#capacity) this.#recent.shift();
    for (const listener of this.#listeners) listener(message);
  }

  /** Calls `listener` for every later message, until disposed. */
  listen(listener: (message: T) => void): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) };
  }

  /**
   * Yields every message from this call on (not only from the first `next()`), until aborted.
   * A reader that falls more than `limit` messages behind is ended: a stuck client costs bounded memory.
   */
  watch(signal: AbortSignal, limit = 10_000): AsyncIterable<T> {
    const queue: T[] = [];
    let wake = Promise.withResolvers<void>();
    const reader = { lags: false };
    const listening = this.listen((message) => {
      reader.lags ||= queue.length >= limit;
      if (!reader.lags) queue.push(message);
      wake.resolve();
    });
    const stop = () => {
      listening[Symbol.dispose]();
      wake.resolve();
    };
    signal.addEventListener("abort", stop, { once: true });
    return (async function* () {
      try {
        for (;;) {
          yield* queue.splice(0);
          if (signal.aborted || (reader.lags && queue.length === 0)) return;
          if (queue.length > 0) continue;
          await wake.promise;
          wake = Promise.withResolvers<void>();
        }
      } finally {
        signal.removeEventListener("abort", stop);
        stop();
      }
    })();
  }
}

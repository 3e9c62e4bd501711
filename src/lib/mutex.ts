/** One at a time, in the order of asking. `using held = await mutex.lock()` releases at the end of the block. */
export class Mutex {
  #last: Promise<void> | undefined;

  /** Whether somebody has it or waits for it. */
  get isHeld(): boolean {
    return this.#last !== undefined;
  }

  async lock(): Promise<Disposable> {
    const before = this.#last;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#last = promise;
    await before;
    return {
      [Symbol.dispose]: () => {
        if (this.#last === promise) this.#last = undefined;
        resolve();
      },
    };
  }
}

/** One at a time, in the order of asking. `using held = await mutex.lock()` releases at the end of the block. */
export class Mutex {
  #tail: Promise<void> = Promise.resolve();

  async lock(): Promise<Disposable> {
    const before = this.#tail;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#tail = promise;
    await before;
    return { [Symbol.dispose]: resolve };
  }
}

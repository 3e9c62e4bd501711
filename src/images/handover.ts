/** Chunks from one task to another, one at a time: who pushes waits until who reads is done with it. */

export class Handover {
  #chunk: Uint8Array | undefined;
  #pushed = Promise.withResolvers<void>();
  #taken = Promise.withResolvers<void>();
  #abandoned = false;
  #refusal: { readonly error: unknown } | undefined;
  #failure: { readonly error: unknown } | undefined;

  /** Resolves when the reader has asked for the next chunk, or will ask for none any more. Throws what refuse() was given. */
  async push(chunk: Uint8Array): Promise<void> {
    if (this.#refusal !== undefined) throw this.#refusal.error;
    if (this.#abandoned) return;
    this.#chunk = chunk;
    this.#taken = Promise.withResolvers();
    this.#pushed.resolve();
    await this.#taken.promise;
  }

  /** The reader's work has failed: pushing on is of no use. */
  refuse(error: unknown): void {
    this.#refusal = { error };
    this.#taken.resolve();
  }

  /** No more chunks will come. */
  end(): void {
    this.#chunk = undefined;
    this.#pushed.resolve();
  }

  /** What came so far is not all there should be: the reader fails. */
  fail(error: unknown): void {
    this.#failure = { error };
    this.end();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, void> {
    try {
      for (;;) {
        await this.#pushed.promise;
        this.#pushed = Promise.withResolvers();
        if (this.#failure !== undefined) throw this.#failure.error;
        if (this.#chunk === undefined) return;
        yield this.#chunk;
        this.#taken.resolve();
      }
    } finally {
      this.#abandoned = true;
      this.#taken.resolve();
    }
  }
}

/** Bytes that arrive in pieces and are taken in order; tells its source to pause when nobody takes them. */

const PAUSE_BYTES = 1 << 20;

export interface Source {
  pause(): void;
  resume(): void;
}

export class ByteQueue {
  readonly #chunks: Uint8Array[] = [];
  #queuedBytes = 0;
  #ended = false;
  #error: Error | undefined;
  #wake: (() => void) | undefined;
  #source: Source | undefined;
  #paused = false;

  feedFrom(source: Source): void {
    this.#source = source;
  }

  push(chunk: Uint8Array): void {
    this.#chunks.push(chunk);
    this.#queuedBytes += chunk.length;
    if (this.#queuedBytes > PAUSE_BYTES && !this.#paused) {
      this.#paused = true;
      this.#source?.pause();
    }
    this.#wake?.();
  }

  /** Puts back what was taken too much. */
  unshift(chunk: Uint8Array): void {
    if (chunk.length === 0) return;
    this.#chunks.unshift(chunk);
    this.#queuedBytes += chunk.length;
  }

  /** No more will come. What has arrived can still be taken; then `error` is thrown, if there is one. */
  end(error?: Error): void {
    this.#ended = true;
    this.#error ??= error;
    this.#wake?.();
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** The next piece; undefined at the end. */
  async take(): Promise<Uint8Array | undefined> {
    while (this.#chunks.length === 0 && !this.#ended) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#wake = resolve;
      await promise;
    }
    const chunk = this.#chunks.shift();
    if (chunk === undefined && this.#error !== undefined) throw this.#error;
    this.#queuedBytes -= chunk?.length ?? 0;
    this.#letFlow();
    return chunk;
  }

  /** Takes up to and with `end`; undefined when the bytes end before. Throws when `limit` bytes hold none. */
  async takeThrough(end: string, limit: number): Promise<string | undefined> {
    let text = "";
    for (let chunk = await this.take(); chunk !== undefined; chunk = await this.take()) {
      const from = Math.max(0, text.length - end.length + 1);
      text += Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength).toString("latin1");
      const at = text.indexOf(end, from);
      if (at >= 0) {
        const used = at + end.length;
        this.unshift(chunk.subarray(chunk.length - (text.length - used)));
        return text.slice(0, used);
      }
      if (text.length > limit) throw new Error(`no end of line in ${limit} bytes`);
    }
    return undefined;
  }

  #letFlow(): void {
    if (!this.#paused || this.#queuedBytes > PAUSE_BYTES / 4) return;
    this.#paused = false;
    this.#source?.resume();
  }
}

/** Pulls exact amounts out of a stream whose pieces have any size. */

/** What it hands out are views: good until the next call, because a source may reuse its buffer. */
export class ByteReader {
  readonly #source: AsyncIterator<Uint8Array>;
  #rest: Uint8Array = new Uint8Array(0);
  #position = 0;

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#source = source[Symbol.asyncIterator]();
  }

  /** Bytes handed out so far. */
  get position(): number {
    return this.#position;
  }

  /** `length` bytes, or fewer if the stream ends before: none at its end. */
  async read(length: number): Promise<Uint8Array> {
    if (this.#rest.length >= length) return this.#take(length);
    const joined = new Uint8Array(length);
    let filled = 0;
    while (filled < length) {
      const part = await this.some(length - filled);
      if (part === undefined) break;
      joined.set(part, filled);
      filled += part.length;
    }
    return joined.subarray(0, filled);
  }

  /** At least one and at most `limit` bytes without copying, or undefined at the end. */
  async some(limit: number): Promise<Uint8Array | undefined> {
    while (this.#rest.length === 0) {
      const next = await this.#source.next();
      if (next.done === true) return undefined;
      this.#rest = next.value;
    }
    return this.#take(Math.min(limit, this.#rest.length));
  }

  /** Reads past `length` bytes; false if the stream ends before. */
  async skip(length: number): Promise<boolean> {
    for (let left = length; left > 0;) {
      const part = await this.some(left);
      if (part === undefined) return false;
      left -= part.length;
    }
    return true;
  }

  /** Tells the source that nobody will read on. */
  async close(): Promise<void> {
    await this.#source.return?.();
  }

  #take(length: number): Uint8Array {
    const taken = this.#rest.subarray(0, length);
    this.#rest = this.#rest.subarray(length);
    this.#position += length;
    return taken;
  }
}

/** Gathers a stream of small chunks into large ones, and reads ahead: for pipes and disks, where each piece costs a turn. */

/**
 * Pieces of `size` bytes, the last one shorter. While one is being worked on, the next is filled. A piece is a view: good until the next
 * one is asked for.
 */
export async function* inLargePieces(
  source: AsyncIterable<Uint8Array>,
  size: number,
): AsyncGenerator<Uint8Array, void, void> {
  const filler = new Filler(source);
  let [current, next] = [new Uint8Array(size), new Uint8Array(size)];
  let filling = filler.fill(current);
  try {
    for (;;) {
      const length = await filling;
      if (length === 0) return;
      filling = filler.fill(next);
      filling.catch(() => {}); // thrown when it is this piece's turn
      yield current.subarray(0, length);
      [current, next] = [next, current];
    }
  } finally {
    await filling.catch(() => {});
    await filler.close();
  }
}

class Filler {
  readonly #source: AsyncIterator<Uint8Array>;
  #rest: Uint8Array = new Uint8Array(0);

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#source = source[Symbol.asyncIterator]();
  }

  /** How many bytes there were: fewer than `target` holds only at the end. */
  async fill(target: Uint8Array): Promise<number> {
    let filled = 0;
    while (filled < target.length) {
      if (this.#rest.length === 0) {
        const next = await this.#source.next();
        if (next.done === true) break;
        this.#rest = next.value;
      }
      const part = this.#rest.subarray(0, target.length - filled);
      target.set(part, filled);
      filled += part.length;
      this.#rest = this.#rest.subarray(part.length);
    }
    return filled;
  }

  async close(): Promise<void> {
    await this.#source.return?.();
  }
}

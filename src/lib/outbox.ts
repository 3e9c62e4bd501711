/** Bytes on their way to a socket of Bun's, which takes what the kernel takes and forgets the rest. */

/** Of Bun.Socket, what is needed. */
export interface Sink {
  /** How many bytes it has taken; negative: it is closed. */
  write(bytes: Uint8Array): number;
}

/** Less than this in memory is nothing to wait for. */
const ROOMY_BYTES = 256 << 10;

export class Outbox {
  readonly #sink: Sink;
  #unsent: Uint8Array[] = [];
  #size = 0;
  #closed = false;
  #roomy: PromiseWithResolvers<void> | undefined;

  constructor(sink: Sink) {
    this.#sink = sink;
  }

  send(bytes: Uint8Array): void {
    if (this.#closed) return;
    this.#unsent.push(bytes);
    this.#size += bytes.length;
    if (this.#unsent.length === 1) this.flush();
  }

  /** Up to the first that the kernel does not take whole; to be called whenever the socket has drained. */
  flush(): void {
    for (let [bytes] = this.#unsent; bytes !== undefined; [bytes] = this.#unsent) {
      const taken = Math.max(this.#sink.write(bytes), 0);
      this.#size -= taken;
      if (this.#size < ROOMY_BYTES) this.#makeRoom();
      if (taken < bytes.length) {
        this.#unsent[0] = bytes.subarray(taken);
        return;
      }
      this.#unsent.shift();
    }
  }

  /** Resolves when little is left to be sent, or nobody will take it. */
  room(): Promise<void> {
    if (this.#closed || this.#size < ROOMY_BYTES) return Promise.resolve();
    return (this.#roomy ??= Promise.withResolvers()).promise;
  }

  close(): void {
    this.#closed = true;
    this.#unsent = [];
    this.#makeRoom();
  }

  #makeRoom(): void {
    this.#roomy?.resolve();
    this.#roomy = undefined;
  }
}

/** Bytes on their way to a socket of Bun's, which takes what the kernel takes and forgets the rest. */

/** Of Bun.Socket, what is needed. */
export interface Sink {
  /** How many bytes it has taken; negative: it is closed. */
  write(bytes: Uint8Array): number;
}

export class Outbox {
  readonly #sink: Sink;
  #unsent: Uint8Array[] = [];

  constructor(sink: Sink) {
    this.#sink = sink;
  }

  send(bytes: Uint8Array): void {
    this.#unsent.push(bytes);
    if (this.#unsent.length === 1) this.flush();
  }

  /** Up to the first that the kernel does not take whole; to be called whenever the socket has drained. */
  flush(): void {
    for (let [bytes] = this.#unsent; bytes !== undefined; [bytes] = this.#unsent) {
      const taken = Math.max(this.#sink.write(bytes), 0);
      if (taken < bytes.length) {
        this.#unsent[0] = bytes.subarray(taken);
        return;
      }
      this.#unsent.shift();
    }
  }
}

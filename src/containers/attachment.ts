/** Clients at a process: those who come before it has started, and those who may leave it by a key sequence. */
import { EscapeFilter } from "../lib/detach.ts";
import type { AttachStream } from "../runtime/runtime.ts";
import type { Attachment } from "./requests.ts";

/** Which streams of the process are wanted. */
export interface Streams {
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
}

/** An attachment that waits for its process. Input that comes too early waits with it. */
export class PendingAttachment implements Attachment {
  readonly tty: boolean;
  readonly streams: Streams;
  readonly output: AsyncIterable<Uint8Array>;
  readonly #process = Promise.withResolvers<AttachStream | undefined>();
  #cancelled = false;

  constructor(tty: boolean, streams: Streams) {
    this.tty = tty;
    this.streams = streams;
    this.output = outputOf(this.#process.promise);
  }

  /** Of no use to a client that has left meanwhile. */
  connect(stream: AttachStream): void {
    if (this.#cancelled) stream.close();
    else this.#process.resolve(stream);
  }

  /** There will be no process. */
  cancel(): void {
    this.#cancelled = true;
    this.#process.resolve(undefined);
  }

  async write(bytes: Uint8Array): Promise<void> {
    await (await this.#process.promise)?.write(bytes);
  }

  closeInput(): void {
    void this.#process.promise.then((stream) => stream?.closeInput());
  }

  close(): void {
    this.cancel();
    void this.#process.promise.then((stream) => stream?.close());
  }
}

async function* outputOf(process: Promise<AttachStream | undefined>): AsyncGenerator<Uint8Array> {
  const stream = await process;
  if (stream !== undefined) yield* stream.output;
}

/** The same attachment, which `keys` close; `left` is told. */
export function withDetachKeys(attachment: Attachment, keys: Uint8Array, left: () => void): Attachment {
  const filter = new EscapeFilter(keys);
  return {
    tty: attachment.tty,
    output: attachment.output,
    async write(input) {
      const { bytes, detached } = filter.push(input);
      if (bytes.length > 0) await attachment.write(bytes);
      if (!detached) return;
      attachment.close();
      left();
    },
    closeInput: () => attachment.closeInput(),
    close: () => attachment.close(),
  };
}

/** What a client gets who attaches to nothing: `chunks`, then the end. */
export function finishedAttachment(tty: boolean, chunks: readonly Uint8Array[]): Attachment {
  return {
    tty,
    output: (async function* () {
      yield* chunks;
    })(),
    write: async () => {},
    closeInput: () => {},
    close: () => {},
  };
}

/** The engine's side of a connection to a shim: frames up, messages down, each remembered until somebody asks. */
import { FrameDecoder, type ShimMessage } from "../../../src/runtime/frames.ts";
import { PATIENCE_MS, within } from "./within.ts";

export type MessageOf<T extends ShimMessage["type"]> = Bearing<ShimMessage, T>;
/** Also those that bear this type among others. */
type Bearing<M, T> = M extends { readonly type: infer U } ? (T extends U ? M : never) : never;

/** A stream socket whose bytes are kept; `paused` ones are left in the kernel. */
export class Wire {
  readonly #pieces: Uint8Array[] = [];
  readonly #waiting: (() => void)[] = [];
  #socket: Bun.Socket | undefined;
  ended = false;

  static async open(target: { fd: number } | { unix: string }): Promise<Wire> {
    const wire = new Wire();
    const handlers: Bun.SocketHandler = {
      data: (_socket, bytes) => wire.#take(bytes),
      drain: () => wire.#wake(),
      end: () => wire.#end(),
      close: () => wire.#end(),
      error: () => wire.#end(),
    };
    wire.#socket = await Bun.connect({
      ...target,
      allowHalfOpen: true,
      socket: handlers,
    } as Bun.UnixSocketOptions<undefined>);
    return wire;
  }

  #take(bytes: Uint8Array): void {
    this.#pieces.push(Buffer.from(bytes)); // a copy: the socket uses its buffer again
    this.#wake();
  }

  #end(): void {
    this.ended = true;
    this.#wake();
  }

  #wake(): void {
    for (const wake of this.#waiting.splice(0)) wake();
  }

  write(bytes: Uint8Array): void {
    this.#socket?.write(bytes);
    this.#socket?.flush();
  }

  /** Resolves when the kernel has all of it. */
  async writeAll(bytes: Uint8Array): Promise<void> {
    let rest = bytes;
    while (rest.length > 0 && !this.ended) {
      rest = rest.subarray(this.#socket?.write(rest) ?? rest.length);
      if (rest.length > 0) await new Promise<void>((wake) => this.#waiting.push(wake));
    }
  }

  pause(): void {
    this.#socket?.pause();
  }

  resume(): void {
    this.#socket?.resume();
  }

  /** No more from us; what the other side says is still read. */
  shutdown(): void {
    this.#socket?.shutdown();
  }

  close(): void {
    this.#socket?.terminate();
  }

  /** What has come since the last call; empty only at the end. */
  async read(): Promise<Uint8Array> {
    while (this.#pieces.length === 0 && !this.ended)
      await new Promise<void>((wake) => this.#waiting.push(wake));
    return Buffer.concat(this.#pieces.splice(0));
  }
}

/** A connection that speaks in frames. */
export class Control {
  readonly #wire: Wire;
  readonly #decoder = new FrameDecoder();
  readonly messages: ShimMessage[] = [];
  #read = 0;

  constructor(wire: Wire) {
    this.#wire = wire;
  }

  send(frame: Uint8Array): void {
    this.#wire.write(frame);
  }

  close(): void {
    this.#wire.close();
  }

  get ended(): boolean {
    return this.#wire.ended;
  }

  /** The next message of this type, and what comes between is passed over. Throws when the connection ends first. */
  async next<T extends ShimMessage["type"]>(
    type: T,
    fits: (message: MessageOf<T>) => boolean = () => true,
  ): Promise<MessageOf<T>> {
    return within(PATIENCE_MS, `message "${type}"`, async () => {
      for (;;) {
        while (this.#read < this.messages.length) {
          const message = this.messages[this.#read++];
          if (message?.type === type && fits(message as MessageOf<T>)) return message as MessageOf<T>;
        }
        const bytes = await this.#wire.read();
        if (bytes.length === 0)
          throw new Error(`the shim hung up before "${type}"; it said ${describe(this.messages)}`);
        this.messages.push(...this.#decoder.push(bytes));
      }
    });
  }

  /** Everything until the shim hangs up. */
  async rest(): Promise<readonly ShimMessage[]> {
    await this.next("reply", () => false).catch(() => undefined);
    return this.messages;
  }
}

function describe(messages: readonly ShimMessage[]): string {
  return JSON.stringify(messages, (_key, value: unknown) => (typeof value === "bigint" ? `${value}` : value));
}

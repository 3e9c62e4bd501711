/** The engine's end of a shim's control connection: what the shim says, and what it is asked to do. */
import { Outbox } from "../lib/outbox.ts";
import { FrameDecoder, type ShimMessage } from "./frames.ts";

export interface ControlListener {
  /** State, failure, warning, exit; replies are not passed on. */
  message(message: ShimMessage): void;
  /** The shim has hung up, or we have closed. Nothing comes any more. */
  closed(): void;
}

export type Place = { readonly fd: number } | { readonly unix: string };

export class Control {
  readonly #socket: Bun.Socket;
  readonly #replies: Replies;
  /** A shim whose answers nobody reads does not listen. */
  readonly #outbox: Outbox;

  private constructor(socket: Bun.Socket, replies: Replies) {
    this.#socket = socket;
    this.#outbox = new Outbox(socket);
    this.#replies = replies;
  }

  /** Listens from the first byte. */
  static async open(place: Place, listener: ControlListener): Promise<Control> {
    const decoder = new FrameDecoder();
    const replies = new Replies();
    const closed = () => {
      if (replies.close()) listener.closed();
    };
    let control: Control | undefined;
    const socket = await Bun.connect({
      ...(place as { unix: string }), // the cast: one overload takes a path, the other a descriptor, and both fit
      socket: {
        data(self, chunk) {
          try {
            for (const message of decoder.push(chunk))
              if (message.type === "reply") replies.settle(message.errno);
              else listener.message(message);
          } catch {
            self.terminate(); // it does not speak our language: as good as gone
          }
        },
        drain() {
          if (control !== undefined) control.#outbox.flush();
        },
        close: closed,
        error: closed,
      },
    });
    return (control = new Control(socket, replies));
  }

  /** Where there is no shim any more close() tells it. */
  send(frame: Uint8Array): void {
    this.#outbox.send(frame);
  }

  /** A frame that the shim answers: with an errno, 0 where it is done. Undefined where the connection has ended before. */
  async ask(frame: Uint8Array): Promise<number | undefined> {
    const reply = this.#replies.next();
    this.send(frame);
    return await reply;
  }

  close(): void {
    this.#socket.terminate();
  }
}

/** Answers come in the order of the questions. */
class Replies {
  #waiting: ((errno?: number) => void)[] = [];
  #closed = false;

  next(): Promise<number | undefined> {
    if (this.#closed) return Promise.resolve(undefined);
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  settle(errno: number): void {
    this.#waiting.shift()?.(errno);
  }

  /** True the first time. */
  close(): boolean {
    const first = !this.#closed;
    this.#closed = true;
    for (const answer of this.#waiting.splice(0)) answer();
    return first;
  }
}

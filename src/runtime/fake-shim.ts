/** For tests: a shim that says what a test wants it to, and remembers what it was asked. */
import { MSG_STATE, PROTOCOL_VERSION } from "./protocol.ts";

export interface Asked {
  /** Counted from 1. */
  readonly connection: number;
  readonly type: number;
}

export interface Answering {
  say(frame: Uint8Array): void;
  hangUp(): void;
}

export class FakeShim implements Disposable {
  readonly asked: Asked[] = [];
  readonly #server: Bun.UnixSocketListener<number>;
  #connections = 0;

  constructor(directory: string, answer: (asked: Asked, to: Answering) => void) {
    this.#server = Bun.listen<number>({
      unix: `${directory}/shim.sock`,
      socket: {
        open: (socket) => void (socket.data = ++this.#connections),
        data: (socket, bytes) => {
          for (const type of typesOf(Buffer.from(bytes))) {
            const asked = { connection: socket.data, type };
            this.asked.push(asked);
            answer(asked, { say: (frame) => socket.write(frame), hangUp: () => socket.terminate() });
          }
        },
      },
    });
  }

  /** Of the frames that came over that connection, in their order. */
  types(connection: number): number[] {
    return this.asked.filter((asked) => asked.connection === connection).map(({ type }) => type);
  }

  get connections(): number {
    return this.#connections;
  }

  [Symbol.dispose](): void {
    this.#server.stop(true);
  }
}

function* typesOf(bytes: Buffer): Generator<number> {
  for (let at = 0; at < bytes.length; at += 8 + bytes.readUInt32LE(at)) yield bytes.readUInt16LE(at + 4);
}

export function message(type: number, ...words: readonly number[]): Uint8Array {
  const bytes = Buffer.alloc(8 + 4 * words.length);
  bytes.writeUInt32LE(4 * words.length, 0);
  bytes.writeUInt16LE(type, 4);
  for (const [at, word] of words.entries()) bytes.writeUInt32LE(word, 8 + 4 * at);
  return bytes;
}

/** Process 42, or the one that is named, which process 41 looks after; `more` is what a later version says besides. */
export function stateFrame(
  { phase, version = PROTOCOL_VERSION, pid = 42, startTime = 7 }: StateTold,
  ...more: readonly number[]
): Uint8Array {
  return message(MSG_STATE, phase, pid, startTime, 0, 41, version, ...more);
}

interface StateTold {
  readonly phase: number;
  readonly version?: number;
  readonly pid?: number;
  readonly startTime?: number;
}

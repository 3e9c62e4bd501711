/** The streams of a process whose start has been asked for, before it is known whether there will be one. */
import type { Attachment } from "../engine/engine.ts";
import { encodeFrame, STDOUT } from "../wire/stream.ts";
import { messageOf } from "./status.ts";

/** If it cannot be started, the reason stands where its output would have been. */
export function starting(started: Promise<Attachment | undefined>, tty: boolean): Attachment {
  const attached = started.catch((error: unknown) => saying(`${messageOf(error)}\r\n`, tty));
  const then = (act: (attachment: Attachment) => void) => void attached.then((it) => it && act(it));
  return {
    tty,
    output: outputOf(attached),
    write: async (bytes) => (await attached)?.write(bytes),
    closeInput: () => then((attachment) => attachment.closeInput()),
    close: () => then((attachment) => attachment.close()),
  };
}

async function* outputOf(attached: Promise<Attachment | undefined>): AsyncGenerator<Uint8Array> {
  yield* (await attached)?.output ?? [];
}

function saying(text: string, tty: boolean): Attachment {
  return {
    tty,
    output: outputLine(tty ? new TextEncoder().encode(text) : encodeFrame(STDOUT, text)),
    write: async () => {},
    closeInput: () => {},
    close: () => {},
  };
}

async function* outputLine(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

/** Streams of processes and messages in the forms that clients want. */
import type { Attachment } from "../engine/engine.ts";
import { encodeProgress, type Progress, progressError } from "../wire/progress.ts";
import { demultiplex, encodeFrame, SYSTEM_ERROR } from "../wire/stream.ts";
import type { StreamReply } from "./reply.ts";

/** Both output streams as one, without frames: what a websocket carries. */
export function mergeOutput(attachment: Attachment): Attachment {
  return attachment.tty ? attachment : withOutput(attachment, payloads(attachment.output));
}

/** The same, but nothing of its output comes in the next `ms` milliseconds. */
export function holdBack(attachment: Attachment, ms: number): Attachment {
  return withOutput(attachment, delayed(attachment.output, Bun.sleep(ms)));
}

async function* delayed(output: AsyncIterable<Uint8Array>, until: Promise<void>): AsyncGenerator<Uint8Array> {
  await until;
  yield* output;
}

function withOutput(attachment: Attachment, output: AsyncIterable<Uint8Array>): Attachment {
  return {
    tty: attachment.tty,
    output,
    write: (bytes) => attachment.write(bytes),
    closeInput: () => attachment.closeInput(),
    close: () => attachment.close(),
  };
}

async function* payloads(frames: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  for await (const { bytes } of demultiplex(frames)) yield bytes;
}

/** Progress as lines. A failure after the first line is the last line. */
export function progressReply(
  messages: AsyncIterable<Progress>,
  begin: StreamReply["begin"] = "first",
): StreamReply {
  return {
    kind: "stream",
    contentType: "application/json",
    source: progressLines(messages),
    begin,
    failed: (message) => encodeProgress(progressError(message)),
  };
}

async function* progressLines(messages: AsyncIterable<Progress>): AsyncGenerator<string> {
  for await (const message of messages) yield encodeProgress(message);
}

/** One JSON value a line. */
export async function* jsonLinesOf(values: AsyncIterable<unknown>): AsyncGenerator<string> {
  for await (const value of values) yield `${JSON.stringify(value)}\n`;
}

/** How a failing log is told to a client that reads frames. */
export function failedFrame(message: string): Uint8Array {
  return encodeFrame(SYSTEM_ERROR, message);
}

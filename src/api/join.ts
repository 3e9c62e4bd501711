/**
 * Joins a client and a process until the process, or the client, is gone:
 *
 *     client ── receive ──▶ attachment.write      client ends: closeInput, output goes on
 *     client ◀─── send ──── attachment.output     output ends: finish; client gone: close
 */
import type { Attachment } from "../engine/engine.ts";

/** The client's end: a bare connection, or a websocket on one. */
export interface Peer {
  /** Resolves when the client can take more; undefined when it can at once. */
  send(bytes: Uint8Array): Promise<void> | undefined;
  /** Starts to read. Nothing more is read while the promise of `data` is pending. */
  receive(on: {
    data(bytes: Uint8Array): Promise<void> | undefined;
    /** The client has nothing more to say, but still listens. */
    end(): void;
    gone(): void;
  }): void;
  /** Everything has been said. */
  finish(): void;
  readonly gone: boolean;
}

/** Without `stdin`, what the client sends is thrown away. */
export async function join(peer: Peer, attachment: Attachment, { stdin }: { stdin: boolean }): Promise<void> {
  peer.receive({
    // Input for a process that has ended is nobody's fault: its exit is what the client waits for.
    data: (bytes) => (stdin ? attachment.write(bytes).catch(() => {}) : undefined),
    end: () => stdin && attachment.closeInput(),
    gone: () => attachment.close(),
  });
  try {
    await sendAll(attachment.output, peer);
  } finally {
    attachment.close();
    peer.finish();
  }
}

async function sendAll(output: AsyncIterable<Uint8Array>, peer: Peer): Promise<void> {
  for await (const bytes of output) {
    await peer.send(bytes);
    if (peer.gone) return;
  }
}

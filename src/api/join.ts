/**
 * Joins a client and a process until the process, or the client, is gone:
 *
 *     client ── receive ──▶ detach keys ──▶ attachment.write      client ends: closeInput, output goes on
 *     client ◀─── send ──── attachment.output                     output ends: finish; client gone: close
 */
import type { Attachment } from "../engine/engine.ts";
import { DetachKeys } from "./detach.ts";

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

export interface JoinOptions {
  /** Whether what the client sends is the process's input; else it is thrown away. */
  readonly stdin: boolean;
  readonly detachKeys?: Uint8Array | undefined;
}

export async function join(peer: Peer, attachment: Attachment, options: JoinOptions): Promise<void> {
  const keys = options.detachKeys === undefined ? undefined : new DetachKeys(options.detachKeys);
  peer.receive({
    data: (bytes) => (options.stdin ? forward(bytes, attachment, keys) : undefined),
    end: () => options.stdin && attachment.closeInput(),
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

/** Input for a process that has ended is nobody's fault: its exit is what the client waits for. */
function forward(typed: Uint8Array, attachment: Attachment, keys: DetachKeys | undefined) {
  const bytes = keys?.pass(typed) ?? typed;
  if (bytes === "detach") return void attachment.close();
  return bytes.length === 0 ? undefined : attachment.write(bytes).catch(() => {});
}

/** Our streams and those of a process, joined over one hijacked connection. */
import type { Hijacked } from "../client/transport.ts";
import { DEFAULT_DETACH_KEYS, EscapeFilter, parseDetachKeys } from "../lib/detach.ts";
import { BerthError } from "../lib/error.ts";
import { Demultiplexer, SYSTEM_ERROR, STDERR } from "../wire/stream.ts";
import { desk } from "./desk.ts";
import { write, writeQuickly } from "./output.ts";

export interface RelayOptions {
  /** Our standard input goes to the process. */
  readonly stdin: boolean;
  /** The process has a terminal: raw bytes, no frames. */
  readonly tty: boolean;
  /** Ours is set to raw, and the keys that detach are watched for. */
  readonly terminal: boolean;
  readonly detachKeys: string;
}

/** Resolves when the process has closed its output, or when the keys were typed. */
export async function relay(connection: Hijacked, options: RelayOptions): Promise<"ended" | "detached"> {
  const restore = options.terminal ? (await import("./terminal.ts")).makeRaw() : () => {};
  try {
    const output = copyOutput(connection, options.tty);
    if (!options.stdin) return await output;
    // A failing or ending input ends nothing: the output says when the process is done.
    const input = copyInput(connection, options);
    return await Promise.race([output, input]);
  } finally {
    restore();
    connection.close();
  }
}

async function copyOutput({ output }: Hijacked, tty: boolean): Promise<"ended"> {
  const frames = new Demultiplexer();
  for await (const chunk of output) {
    if (tty) write(1, chunk);
    else for (const { stream, bytes } of frames.push(chunk)) await writePiece(stream, bytes);
  }
  await desk().flush();
  return "ended";
}

export async function writePiece(stream: number, bytes: Uint8Array): Promise<void> {
  if (stream !== SYSTEM_ERROR) return await writeQuickly(stream === STDERR ? 2 : 1, bytes);
  throw new BerthError(
    "internal",
    `error from daemon in stream: Error grabbing logs: ${new TextDecoder().decode(bytes)}`,
  );
}

/** Resolves only when the keys were typed; the end of input is passed on. */
async function copyInput(connection: Hijacked, options: RelayOptions): Promise<"detached"> {
  const filter = options.terminal
    ? new EscapeFilter(parseDetachKeys(options.detachKeys || DEFAULT_DETACH_KEYS))
    : undefined;
  for await (const chunk of Bun.stdin.stream()) {
    const { bytes, detached } = filter?.push(chunk) ?? { bytes: chunk, detached: false };
    const taken = bytes.length === 0 || (await connection.write(bytes));
    if (detached) return "detached";
    if (!taken) break;
  }
  connection.closeInput();
  return await new Promise<never>(() => {}); // the output decides
}

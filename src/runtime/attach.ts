/** A client's connection to a process: output down, input up, neither faster than the other side takes it. */
import { closeSync, constants, openSync } from "node:fs";
import { hasErrno } from "../kernel/error.ts";
import { ByteReader } from "../lib/byte-reader.ts";
import { attachFrame, decodeLogFiles } from "./frames.ts";
import { ATTACH_LOG, ATTACH_STDERR, ATTACH_STDIN, ATTACH_STDOUT } from "./protocol.ts";
import type { AttachStream, LogFollower } from "./runtime.ts";

/** The kernel's limit for the path of a socket is 108 bytes with its end. */
const SOCKET_PATH_MAX = 107;
const HIGH_WATER = 256 << 10;
const ENOENT = 2;
const ECONNRESET = 104;
const ECONNREFUSED = 111;

/** Calls `use` with a path of `runDirectory`'s socket that is short enough, whatever the directory is called. */
export async function withSocketPath<T>(runDirectory: string, use: (path: string) => Promise<T>): Promise<T> {
  const path = `${runDirectory}/shim.sock`;
  if (Buffer.byteLength(path) <= SOCKET_PATH_MAX) return await use(path);
  const directory = openSync(runDirectory, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    return await use(`/proc/self/fd/${directory}/shim.sock`);
  } finally {
    closeSync(directory);
  }
}

/** It is in `attached` for as long as it lasts. Where nobody listens any more, it has come to its end already. */
export async function openAttachment(
  runDirectory: string,
  streams: { stdin: boolean; stdout: boolean; stderr: boolean },
  attached: Set<AttachStream>,
): Promise<AttachStream> {
  const flags =
    (streams.stdin ? ATTACH_STDIN : 0) |
    (streams.stdout ? ATTACH_STDOUT : 0) |
    (streams.stderr ? ATTACH_STDERR : 0);
  return await connect(runDirectory, flags, attached);
}

/** Undefined where the process has ended meanwhile: then the files say all. */
export async function openFollower(
  runDirectory: string,
  attached: Set<AttachStream>,
): Promise<LogFollower | undefined> {
  const stream = await connect(runDirectory, ATTACH_LOG, attached);
  const reader = new ByteReader(stream.output);
  const count = await reader.read(8);
  if (count.length < 8) return undefined;
  const files = decodeLogFiles(await reader.read(16 * Buffer.from(count).readUInt32LE(0)));
  return { files, entries: restOf(reader), close: () => stream.close() };
}

async function* restOf(reader: ByteReader): AsyncGenerator<Uint8Array> {
  try {
    for (let bytes = await reader.some(Infinity); bytes !== undefined; bytes = await reader.some(Infinity))
      yield bytes;
  } finally {
    await reader.close();
  }
}

async function connect(
  runDirectory: string,
  flags: number,
  attached: Set<AttachStream>,
): Promise<Attachment> {
  const attachment = new Attachment(() => attached.delete(attachment));
  try {
    await withSocketPath(runDirectory, (path) => attachment.connect(path));
  } catch (error) {
    if (!hasErrno(error, ENOENT, ECONNREFUSED, ECONNRESET)) throw error;
    attachment.close();
    return attachment;
  }
  attached.add(attachment);
  attachment.send(attachFrame(flags));
  return attachment;
}

class Attachment implements AttachStream {
  readonly output: AsyncIterable<Uint8Array> = this.#read();
  readonly #ends: () => void;
  #socket: Bun.Socket | undefined;
  #chunks: Uint8Array[] = [];
  #queued = 0;
  #paused = false;
  #ended = false;
  #wake: (() => void) | undefined;
  #drained: (() => void)[] = [];
  /** Writes wait for one another, so that bytes keep their order. */
  #writing: Promise<void> = Promise.resolve();

  constructor(ends: () => void) {
    this.#ends = ends;
  }

  async connect(unix: string): Promise<void> {
    this.#socket = await Bun.connect({
      unix,
      allowHalfOpen: true,
      socket: {
        data: (_, chunk) => this.#received(chunk),
        drain: () => this.#release(),
        end: () => this.#finish(),
        close: () => this.#finish(),
        error: () => this.#finish(),
      },
    });
  }

  send(frame: Uint8Array): void {
    this.#socket?.write(frame);
  }

  async write(bytes: Uint8Array): Promise<void> {
    const turn = this.#writing.then(() => this.#writeAll(bytes));
    this.#writing = turn;
    await turn;
  }

  closeInput(): void {
    void this.#writing.then(() => this.#socket?.shutdown());
  }

  close(): void {
    this.#socket?.terminate();
    this.#finish();
  }

  async #writeAll(bytes: Uint8Array): Promise<void> {
    for (let rest = bytes; rest.length > 0 && !this.#ended;) {
      const written = this.#socket?.write(rest) ?? 0;
      rest = rest.subarray(Math.max(written, 0));
      if (rest.length > 0) await new Promise<void>((resolve) => this.#drained.push(resolve));
    }
  }

  #received(chunk: Uint8Array): void {
    this.#chunks.push(chunk);
    this.#queued += chunk.length;
    if (this.#queued > HIGH_WATER && !this.#paused) {
      this.#paused = true;
      this.#socket?.pause();
    }
    this.#wake?.();
  }

  async *#read(): AsyncGenerator<Uint8Array> {
    try {
      for (;;) {
        const chunk = this.#chunks.shift();
        if (chunk === undefined && this.#ended) return;
        if (chunk === undefined) await new Promise<void>((resolve) => (this.#wake = resolve));
        else {
          this.#taken(chunk);
          yield chunk;
        }
      }
    } finally {
      this.close();
    }
  }

  #taken(chunk: Uint8Array): void {
    this.#queued -= chunk.length;
    if (!this.#paused || this.#queued > HIGH_WATER / 2) return;
    this.#paused = false;
    this.#socket?.resume();
  }

  #finish(): void {
    this.#ended = true;
    this.#ends();
    this.#wake?.();
    this.#release();
  }

  #release(): void {
    for (const resolve of this.#drained.splice(0)) resolve();
  }
}

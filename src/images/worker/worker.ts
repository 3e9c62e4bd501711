/** The engine's end of a worker: starts the process, puts it into its place, asks it for one thing at a time. */
import { fileURLToPath } from "node:url";
import { type Child, spawn } from "../../kernel/spawn.ts";
import { ByteReader } from "../../lib/byte-reader.ts";
import { BerthError } from "../../lib/error.ts";
import type { PathStat } from "../../wire/requests.ts";
import {
  type Change,
  type Failure,
  FRAME,
  FRAME_HEADER,
  frameHeader,
  MAX_FRAME,
  type PackOptions,
  type Place,
  type Request,
  type UnpackOptions,
  type UnpackResult,
} from "./protocol.ts";

export type { Change, OverlayPlace, PackOptions, Place, UnpackOptions, UnpackResult } from "./protocol.ts";

export interface OpenOptions {
  /** An open file that unpackInput() reads, instead of bytes that the engine passes on. */
  readonly input?: number;
  /** The overlay is wanted for changes() and nothing else. */
  readonly forChanges?: boolean;
}

/** A worker that is inside its place. Dispose it when done; what it still does then is cut off. */
export interface Worker extends AsyncDisposable {
  pack(path: string, options?: PackOptions): AsyncIterable<Uint8Array>;
  unpack(path: string, tar: AsyncIterable<Uint8Array>, options?: UnpackOptions): Promise<UnpackResult>;
  /** Unpacks the file that was given as `input`. */
  unpackInput(path: string, options?: UnpackOptions): Promise<UnpackResult>;
  stat(path: string): Promise<PathStat>;
  changes(): Promise<Change[]>;
  read(path: string, maxBytes: number): Promise<Uint8Array>;
}

/** The executable has the worker as one of its faces; from the sources it is a program of its own. */
function workerCommand(): string[] {
  const isCompiled = import.meta.path.startsWith("/$bunfs/");
  if (isCompiled) return [process.execPath, "worker"];
  return [process.execPath, "--no-env-file", fileURLToPath(new URL("main.ts", import.meta.url))];
}

export async function openWorker(place: Place, options: OpenOptions = {}): Promise<Worker> {
  const input = options.input === undefined ? [] : [options.input];
  const child = spawn(workerCommand(), { stdio: ["pipe", "pipe", 2, ...input], cwd: "/" });
  const worker = new SpawnedWorker(child);
  try {
    await worker.enter(place, options.forChanges === true);
    return worker;
  } catch (error) {
    await worker[Symbol.asyncDispose]();
    throw error;
  }
}

class SpawnedWorker implements Worker {
  readonly #child: Child;
  readonly #frames: AsyncGenerator<Frame, void, void>;
  #busy = false;
  #abandoned = false;

  constructor(child: Child) {
    this.#child = child;
    this.#frames = readFrames(child.stdout);
  }

  async enter(place: Place, changes: boolean): Promise<void> {
    await this.#ask({ do: "enter", place, changes });
  }

  /** Whichever fails first, the archive's sender or the worker, is what is thrown; the worker is then gone. */
  async unpack(
    path: string,
    tar: AsyncIterable<Uint8Array>,
    options: UnpackOptions = {},
  ): Promise<UnpackResult> {
    await this.#begin({ do: "unpack", path, options, fromInput: false });
    try {
      const [result] = await Promise.all([this.#answer(), this.#send(tar)]);
      return result as UnpackResult;
    } catch (error) {
      this.#abandoned = true;
      this.#child.kill("SIGKILL");
      throw error;
    }
  }

  async unpackInput(path: string, options: UnpackOptions = {}): Promise<UnpackResult> {
    return (await this.#ask({ do: "unpack", path, options, fromInput: true })) as UnpackResult;
  }

  async *pack(path: string, options: PackOptions = {}): AsyncGenerator<Uint8Array> {
    await this.#begin({ do: "pack", path, options });
    let whole = false;
    try {
      for (let frame = await this.#next(); frame.type === FRAME.data; frame = await this.#next())
        yield frame.payload;
      whole = true;
    } finally {
      this.#busy = false;
      if (!whole) this.#child.kill("SIGKILL"); // abandoned half way: what is still in the pipe belongs to nobody
    }
  }

  async stat(path: string): Promise<PathStat> {
    return (await this.#ask({ do: "stat", path })) as PathStat;
  }

  async changes(): Promise<Change[]> {
    return (await this.#ask({ do: "changes" })) as Change[];
  }

  async read(path: string, maxBytes: number): Promise<Uint8Array> {
    const parts: Uint8Array[] = [];
    await this.#begin({ do: "read", path, maxBytes });
    for (let frame = await this.#next(); frame.type === FRAME.data; frame = await this.#next())
      parts.push(frame.payload);
    this.#busy = false;
    return Buffer.concat(parts);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#child.exited;
    await this.#frames.return(); // what it wrote and nobody read would keep the pipe open
    await Promise.resolve(this.#child.stdin.end()).catch(() => {}); // bytes that it did not take are nobody's
  }

  async #ask(request: Request): Promise<unknown> {
    await this.#begin(request);
    return await this.#answer();
  }

  async #begin(request: Request): Promise<void> {
    if (this.#busy) throw new BerthError("internal", "worker: asked while it still answers");
    this.#busy = true;
    await this.#write(FRAME.request, Buffer.from(JSON.stringify(request)));
  }

  async #answer(): Promise<unknown> {
    const frame = await this.#next();
    this.#busy = false;
    return JSON.parse(Buffer.from(frame.payload).toString());
  }

  /** The next data or result frame; a failure is thrown as the error that it was over there. */
  async #next(): Promise<Frame> {
    const next = await this.#frames.next();
    if (next.done === true) throw await this.#died();
    if (next.value.type !== FRAME.failure) return next.value;
    this.#busy = false;
    const { code, message } = JSON.parse(Buffer.from(next.value.payload).toString()) as Failure;
    throw new BerthError(code, message);
  }

  async #send(tar: AsyncIterable<Uint8Array>): Promise<void> {
    for await (const chunk of tar) {
      if (this.#abandoned) return;
      for (let at = 0; at < chunk.length; at += MAX_FRAME)
        await this.#write(FRAME.data, chunk.subarray(at, at + MAX_FRAME));
    }
    await this.#write(FRAME.end, new Uint8Array(0));
  }

  /** Waits until the pipe has taken it: that is what slows down a sender that is faster than the disk. */
  async #write(type: number, payload: Uint8Array): Promise<void> {
    try {
      this.#child.stdin.write(frameHeader(type, payload.length));
      if (payload.length > 0) this.#child.stdin.write(payload);
      await this.#child.stdin.flush();
    } catch (error) {
      throw await this.#died(error);
    }
  }

  async #died(cause?: unknown): Promise<BerthError> {
    const exitCode = await this.#child.exited;
    const how = this.#child.signalCode ?? `exit code ${exitCode}`;
    return new BerthError("internal", `the worker process ended in the middle of its work (${how})`, {
      cause,
    });
  }
}

interface Frame {
  readonly type: number;
  readonly payload: Uint8Array;
}

/** Cuts what the worker writes into frames. Results can be long (the changes of a large container): they have no limit here. */
async function* readFrames(stream: ReadableStream<Uint8Array>): AsyncGenerator<Frame, void, void> {
  const reader = new ByteReader(stream);
  try {
    for (;;) {
      const header = await reader.read(FRAME_HEADER);
      if (header.length < FRAME_HEADER) return;
      const type = header[4] ?? 0;
      const length = new DataView(header.buffer, header.byteOffset).getUint32(0, true);
      const payload = await reader.read(length);
      if (payload.length < length) return;
      yield { type, payload };
    }
  } finally {
    await reader.close();
  }
}

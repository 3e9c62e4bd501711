/**
 * The worker: a process of its own in which archives that nobody has vetted are unpacked, and files that a container wrote are read.
 * It goes into its place (chroot) before the first byte of them, keeps few capabilities, and lives no longer than the engine.
 * In it, files are touched only by synchronous calls on this thread: only this thread is sure to be inside.
 */
import { hasErrno } from "../../kernel/error.ts";
import { BerthError } from "../../lib/error.ts";
import { changesOf } from "./changes.ts";
import { enter } from "./confine.ts";
import { fileChunks, FrameReader, FrameWriter, INPUT } from "./frames.ts";
import { packPath } from "./pack.ts";
import { readFile, statPath } from "./paths.ts";
import type { Request } from "./protocol.ts";
import { unpackArchive } from "./unpack.ts";

const EPIPE = 32;

/** Serves requests from stdin until it ends. */
export async function runWorker(): Promise<void> {
  const input = new FrameReader();
  const output = new FrameWriter();
  try {
    for (let request = input.request(); request !== undefined; request = input.request()) {
      await answer(request, input, output);
      input.skipData();
    }
  } catch (error) {
    if (!hasErrno(error, EPIPE)) throw error; // the engine has gone, or no longer wants to know
  }
}

async function answer(request: Request, input: FrameReader, output: FrameWriter): Promise<void> {
  try {
    output.result(await perform(request, input, output));
  } catch (error) {
    if (hasErrno(error, EPIPE)) throw error;
    output.failure(asFailure(error));
  }
}

async function perform(request: Request, input: FrameReader, output: FrameWriter): Promise<unknown> {
  switch (request.do) {
    case "enter":
      return enter(request.place, request.changes === true);
    case "unpack":
      return unpackArchive(
        request.fromInput ? fileChunks(INPUT) : input.data(),
        request.path,
        request.options,
      );
    case "pack":
      return packPath(request.path, request.options, (bytes) => output.data(bytes));
    case "stat":
      return statPath(request.path);
    case "changes":
      return changesOf();
    case "read":
      return output.data(readFile(request.path, request.maxBytes));
  } // no default: a new request must be performed here
}

function asFailure(error: unknown): { code: BerthError["code"]; message: string } {
  if (error instanceof BerthError) return { code: error.code, message: error.message };
  const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return { code: "internal", message };
}

if (import.meta.main) await runWorker();

/** A stream of the engine's into a file, which appears whole or not at all; or to standard output. */
import { closeSync, lstatSync, openSync, renameSync, statSync, unlinkSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { BerthError } from "../lib/error.ts";
import { failed } from "./failure.ts";
import { isTerminal, write } from "./output.ts";

/** `open` is asked only after it is clear that there is somewhere to write to. */
export async function writeStream(
  path: string,
  what: string,
  open: () => Promise<AsyncIterable<Uint8Array>>,
): Promise<void> {
  if (path === "") return await toOutput(await openFor(open));
  checkPath(path, what);
  await toFile(path, await open());

  async function openFor(source: typeof open): Promise<AsyncIterable<Uint8Array>> {
    if (isTerminal(1)) {
      throw failed(1, "cowardly refusing to save to a terminal. Use the -o flag or redirect");
    }
    return await source();
  }
}

async function toOutput(stream: AsyncIterable<Uint8Array>): Promise<void> {
  for await (const chunk of stream) write(1, chunk);
}

async function toFile(path: string, stream: AsyncIterable<Uint8Array>): Promise<void> {
  if (isSpecial(path)) return await fill(path, stream);
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    await fill(temporary, stream);
    renameSync(temporary, path);
  } catch (error) {
    unlinkIfThere(temporary);
    throw error;
  }
}

async function fill(path: string, stream: AsyncIterable<Uint8Array>): Promise<void> {
  const fd = openSync(path, "w", 0o600);
  try {
    for await (const chunk of stream) {
      for (let done = 0; done < chunk.length;) done += writeSync(fd, chunk, done);
    }
  } catch (error) {
    throw asExpected(path, error);
  } finally {
    closeSync(fd);
  }
}

/** Docker's words (cli/command/utils.go ValidateOutputPath). */
function checkPath(path: string, what: string): void {
  const directory = dirname(path);
  const parent = statSync(directory, { throwIfNoEntry: false });
  if (parent === undefined) {
    throw new BerthError(
      "invalid",
      `${what}: invalid output path: directory ${JSON.stringify(directory)} does not exist`,
    );
  }
  const there = statSync(path, { throwIfNoEntry: false });
  if (there?.isDirectory()) {
    throw new BerthError(
      "invalid",
      `${what}: invalid output path: ${JSON.stringify(path)} must be a regular file`,
    );
  }
}

/** A pipe or a device is written to; only files are replaced. */
function isSpecial(path: string): boolean {
  const there = lstatSync(path, { throwIfNoEntry: false });
  return there !== undefined && !there.isFile();
}

function unlinkIfThere(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // it was never made
  }
}

function asExpected(path: string, error: unknown): unknown {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === "ENOSPC") return new BerthError("no_space", `write ${path}: no space left on device`);
  return code === undefined || error instanceof BerthError ? error : new BerthError("internal", message);
}

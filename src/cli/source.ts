/** Bytes of a file or of standard input, for what the engine is sent. */
import { closeSync, fstatSync, openSync } from "node:fs";
import { BerthError } from "../lib/error.ts";

const READ_ERRORS: Readonly<Record<string, string>> = {
  ENOENT: "no such file or directory",
  EACCES: "permission denied",
  EISDIR: "is a directory",
};

export function readFileStream(path: string): AsyncIterable<Uint8Array> {
  requireReadable(path);
  return Bun.file(path).stream();
}

export function readInput(): AsyncIterable<Uint8Array> {
  return Bun.stdin.stream();
}

/** In Go's words, before anything is sent. */
function requireReadable(path: string): void {
  let fd: number;
  try {
    fd = openSync(path, "r");
  } catch (error) {
    const { code = "" } = error as NodeJS.ErrnoException;
    throw new BerthError("invalid", `open ${path}: ${READ_ERRORS[code] ?? code}`);
  }
  const isDirectory = fstatSync(fd).isDirectory();
  closeSync(fd);
  if (isDirectory) throw new BerthError("invalid", `read ${path}: is a directory`);
}

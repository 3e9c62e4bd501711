/** Variables and labels: from files and from flags (docker's cli/opts/file.go and parse.go). */
import { BerthError } from "../lib/error.ts";
import { fs } from "./fs.ts";
import type { Environment } from "./places.ts";

/** `NAME=value` as it is, `NAME` with the caller's value; without one a flag unsets the variable and a file skips it. */
export function readEnvironment(
  files: readonly string[],
  flags: readonly string[],
  caller: Environment,
): string[] {
  const found = files.flatMap(readPairs).filter((line) => line.includes("=") || caller[line] !== undefined);
  const filled = (line: string): string => {
    const value = line.includes("=") ? undefined : caller[line];
    return value === undefined ? line : `${line}=${value}`;
  };
  return [...found, ...flags].map(filled);
}

/** Later ones win; `NAME` alone is an empty label. */
export function readLabels(files: readonly string[], flags: readonly string[]): Record<string, string> {
  return toMap([...files.flatMap(readPairs), ...flags]);
}

/** `key=value` pairs; a key alone has the value "". */
export function toMap(pairs: readonly string[]): Record<string, string> {
  return Object.fromEntries(pairs.map(splitPair));
}

function splitPair(pair: string): [string, string] {
  const equals = pair.indexOf("=");
  return equals < 0 ? [pair, ""] : [pair.slice(0, equals), pair.slice(equals + 1)];
}

function readPairs(path: string): string[] {
  return readLines(path)
    .map((line) => line.trimStart())
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map(checkPair);
}

function checkPair(line: string): string {
  const [name] = splitPair(line);
  if (/\s/.test(name)) throw new BerthError("invalid", `variable '${name}' contains whitespaces`);
  if (name === "") throw new BerthError("invalid", `no variable name on line '${line}'`);
  return line;
}

function readLines(path: string): string[] {
  const bytes = readBytes(path);
  const lines = bytes
    .toString("utf8")
    .replace(/^\uFEFF/, "")
    .split(/\r?\n/);
  const bad = lines.findIndex((line) => line.includes("\uFFFD"));
  if (bad < 0) return lines;
  throw new BerthError("invalid", `env file ${path} contains invalid utf8 bytes at line ${bad + 1}`);
}

function readBytes(path: string): Buffer {
  const { readFileSync } = fs();
  try {
    return readFileSync(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const why: Readonly<Record<string, string>> = {
      ENOENT: "no such file or directory",
      EACCES: "permission denied",
      EISDIR: "is a directory",
    };
    throw new BerthError("invalid", `open ${path}: ${why[code ?? ""] ?? code}`, { cause: error });
  }
}

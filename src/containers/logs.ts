/** `logs`: lines of the json-file log, filtered, as docker's stream frames or as a terminal's bytes. */
import { BerthError } from "../lib/error.ts";
import { formatTimeFixed, parseTime, parseTimestamp } from "../lib/time.ts";
import { encodeFrame, STDERR, STDOUT } from "../wire/stream.ts";
import type { LogFile, LogFollower } from "../runtime/runtime.ts";
import { LogFiles, WholeLines } from "./log-files.ts";
import type { LogOptions } from "./requests.ts";

/** One line of the file. */
interface LogLine {
  readonly log: string;
  readonly stream: string;
  readonly time: string;
}

/** LogOptions, read. Times in nanoseconds. */
export interface LogQuery {
  readonly stdout: boolean;
  readonly stderr: boolean;
  readonly timestamps: boolean;
  readonly since: bigint | undefined;
  readonly until: bigint | undefined;
  readonly tail: number | undefined;
  readonly tty: boolean;
}

/** Says when there may be more to read: true after something was written, false when nothing will be any more. */
export type More = () => Promise<boolean>;

export function parseLogOptions(options: LogOptions, tty: boolean): LogQuery {
  if (!options.stdout && !options.stderr)
    throw new BerthError("invalid", "Bad parameters: you must choose at least one stream");
  return {
    stdout: options.stdout,
    stderr: options.stderr,
    timestamps: options.timestamps,
    since: timeOption("since", options.since),
    until: timeOption("until", options.until),
    tail: /^\d+$/.test(options.tail ?? "") ? Number(options.tail) : undefined,
    tty,
  };
}

/** Zero is "not given". */
function timeOption(name: string, text: string | undefined): bigint | undefined {
  if (text === undefined || text === "") return undefined;
  const time = parseTimestamp(text);
  if (time === undefined)
    throw new BerthError("invalid", `invalid value for "${name}": "${text}" is no unix time`);
  return time === 0n ? undefined : time;
}

/** What is in the log, then what is written, for as long as `more` says so. */
export async function* readLog(path: string, query: LogQuery, more: More): AsyncGenerator<Uint8Array> {
  using files = new LogFiles(path);
  yield* readFiles(files, query, more);
}

async function* readFiles(files: LogFiles, query: LogQuery, more: More): AsyncGenerator<Uint8Array> {
  if (query.tail !== undefined) files.seekTail(query.tail);
  for (let going = true; ; going = await more()) {
    for (let block = files.read(); block !== undefined; block = files.read()) {
      const { bytes, over } = selectLines(block, query);
      if (bytes.length > 0) yield bytes;
      if (over) return;
    }
    if (!going) return;
  }
}

/** What the files held when the follower came, then what it hears: each entry once, however they are rotated meanwhile. */
export async function* readFollowed(
  path: string,
  query: LogQuery,
  follower: LogFollower,
): AsyncGenerator<Uint8Array> {
  const lines = new WholeLines();
  try {
    yield* readHistory(path, query, follower.files);
    for await (const piece of follower.entries) {
      const block = lines.push(piece);
      const { bytes, over } = block === undefined ? NOTHING : selectLines(block, query);
      if (bytes.length > 0) yield bytes;
      if (over) return;
    }
  } finally {
    follower.close();
  }
}
const NOTHING = { bytes: new Uint8Array(0), over: false };

async function* readHistory(
  path: string,
  query: LogQuery,
  files: readonly LogFile[],
): AsyncGenerator<Uint8Array> {
  using history = new LogFiles(path, files);
  yield* readFiles(history, query, async () => false);
}

/** The lines of `block` that `query` wants; `over` when the rest is later than it wants. */
export function selectLines(block: Uint8Array, query: LogQuery): { bytes: Uint8Array; over: boolean } {
  const chunks: Uint8Array[] = [];
  for (const text of new TextDecoder().decode(block).split("\n")) {
    const line = parseLine(text);
    if (line === undefined || !wanted(line, query)) continue;
    if (query.since !== undefined || query.until !== undefined) {
      const time = parseTime(line.time) ?? 0n;
      if (query.until !== undefined && time > query.until)
        return { bytes: Buffer.concat(chunks), over: true };
      if (query.since !== undefined && time < query.since) continue;
    }
    chunks.push(encodeLine(line, query));
  }
  return { bytes: chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks), over: false };
}

/** A line that is damaged (the disk was full) is left out. */
function parseLine(text: string): LogLine | undefined {
  if (text === "") return undefined;
  try {
    return JSON.parse(text) as LogLine;
  } catch {
    return undefined;
  }
}

function wanted(line: LogLine, query: LogQuery): boolean {
  return line.stream === "stderr" ? query.stderr : query.stdout;
}

function encodeLine(line: LogLine, query: LogQuery): Uint8Array {
  const text = query.timestamps ? `${fixedTime(line.time)} ${line.log}` : line.log;
  if (query.tty) return new TextEncoder().encode(text);
  return encodeFrame(line.stream === "stderr" ? STDERR : STDOUT, text);
}

function fixedTime(time: string): string {
  const nanoseconds = parseTime(time);
  return nanoseconds === undefined ? time : formatTimeFixed(nanoseconds);
}

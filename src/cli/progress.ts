/** Progress messages shown as docker shows them: lines that replace themselves on a terminal, plain lines elsewhere. */
import { BerthError } from "../lib/error.ts";
import { formatSize } from "../lib/size.ts";
import type { Progress } from "../wire/progress.ts";
import { isTerminal, write } from "./output.ts";

const CLEAR_LINE = "\u001b[2K";
const up = (lines: number): string => (lines > 0 ? `\u001b[${lines}A` : "");
const down = (lines: number): string => (lines > 0 ? `\u001b[${lines}B` : "");

export interface ShowOptions {
  /** 1 or 2. */
  readonly stream: number;
  readonly quiet?: boolean;
}

/** Shows each message until the end; a message of failure is thrown. Gives what came as `aux`. */
export async function showProgress(
  messages: AsyncIterable<Progress>,
  { stream, quiet = false }: ShowOptions,
): Promise<unknown[]> {
  const terminal = isTerminal(stream);
  const lines = new Map<string, number>();
  const extras: unknown[] = [];
  for await (const message of messages) {
    const why = message.errorDetail?.message ?? message.error;
    if (why !== undefined) throw new BerthError("internal", why);
    if (message.aux !== undefined) extras.push(message.aux);
    else if (!quiet) write(stream, terminal ? forTerminal(message, lines) : forPipe(message));
  }
  return extras;
}

/** Numbers are left out where nothing can be written over. */
export function forPipe(message: Progress): string {
  if (message.stream !== undefined) return message.stream;
  if (amount(message) !== "") return "";
  return `${label(message)}${message.status ?? ""}\n`;
}

/** Each `id` has a line of its own; anything without progress ends that block. */
export function forTerminal(message: Progress, lines: Map<string, number>): string {
  if (message.stream !== undefined) return message.stream;
  if (message.id === undefined || message.progressDetail === undefined) {
    lines.clear();
    return `${label(message)}${message.status ?? ""}\n`;
  }
  const known = lines.get(message.id);
  const line = known ?? lines.size;
  lines.set(message.id, line);
  const distance = lines.size - line;
  const text = `${CLEAR_LINE}\r${label(message)}${message.status ?? ""} ${amount(message)}\r`;
  return `${known === undefined ? "\n" : ""}${up(distance)}${text}${down(distance)}`;
}

function label({ id }: Progress): string {
  return id === undefined || id === "" ? "" : `${id}: `;
}

function amount({ progressDetail }: Progress): string {
  const { current = 0, total = 0 } = progressDetail ?? {};
  if (current <= 0 && total <= 0) return "";
  const done = formatSize(current, 4).padStart(8);
  if (total <= 0) return done;
  const filled = Math.min(50, Math.floor((current / total) * 50));
  const bar = filled >= 50 ? "=".repeat(50) : `${"=".repeat(filled)}>`;
  return `[${bar.padEnd(50)}] ${done}/${formatSize(total, 4)}`;
}

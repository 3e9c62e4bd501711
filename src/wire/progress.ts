/** Docker's progress: JSON messages, one a line, that import, load, pull and bootstrap yield. */

/** One message. `stream` is text to print as it is, `status` a line of its own, `id` the line it replaces. */
export interface Progress {
  status?: string;
  id?: string;
  progressDetail?: { current?: number; total?: number };
  stream?: string;
  error?: string;
  errorDetail?: { code?: number; message: string };
  aux?: unknown;
}

/** Failure as the last message of a stream whose 200 is already sent. */
export function progressError(message: string): Progress {
  return { errorDetail: { message }, error: message };
}

/** The message as a line; CR LF as in moby's pkg/streamformatter. */
export function encodeProgress(progress: Progress): string {
  return `${JSON.stringify(progress)}\r\n`;
}

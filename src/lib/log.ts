/** Log lines at the edges: one JSON object a line, a constant message, variable fields. */

export type LogLevel = "debug" | "info" | "warn" | "error";
export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>;

/** Where the lines go is decided by who starts the engine; a library user passes `silent`. */
export type Log = (level: LogLevel, message: string, fields?: LogFields) => void;

export const silent: Log = () => {};

/** `write` takes one line with its newline. */
export function lineLog(write: (line: string) => void, least: LogLevel = "info"): Log {
  const order: readonly LogLevel[] = ["debug", "info", "warn", "error"];
  return (level, message, fields) => {
    if (order.indexOf(level) < order.indexOf(least)) return;
    write(`${JSON.stringify({ time: new Date().toISOString(), level, message, ...fields })}\n`);
  };
}

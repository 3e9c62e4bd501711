/** The terminal that we sit at. node:tty costs milliseconds, so it is loaded only when there is a terminal to handle. */
import type { ReadStream } from "node:tty";

export interface Size {
  readonly rows: number;
  readonly columns: number;
}

/** The size of the terminal on standard output; undefined when there is none. */
export async function terminalSize(): Promise<Size | undefined> {
  const { WriteStream, isatty } = await import("node:tty");
  if (!isatty(1)) return undefined;
  const [columns, rows] = new WriteStream(1).getWindowSize();
  return { rows, columns };
}

/** Keys as they are typed, no echo, no signals. Call the result to have the old settings back. */
export async function makeRaw(): Promise<() => void> {
  const { ReadStream: Reader, isatty } = await import("node:tty");
  if (!isatty(0)) return () => {};
  const terminal: ReadStream = new Reader(0);
  terminal.setRawMode(true);
  return () => {
    terminal.setRawMode(false);
  };
}

/** Calls `resize` each time the terminal has changed its size; call the result to stop. */
export function watchSize(resize: (size: Size) => void): () => void {
  const tell = (): void => {
    void terminalSize().then((size) => size && resize(size));
  };
  process.on("SIGWINCH", tell);
  return () => {
    process.off("SIGWINCH", tell);
  };
}

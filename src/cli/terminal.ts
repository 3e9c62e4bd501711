/** The terminal that we sit at. node:tty costs milliseconds, so it is loaded only when there is a terminal to handle. */

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

/**
 * Keys as they are typed, no echo, no signals, and nothing done to what is written. Call the result to have the old
 * settings back. By stty(1), because setRawMode() goes on turning "\n" into "\r\n", which full-screen programs do not survive.
 */
export function makeRaw(): () => void {
  const before = stty("-g")?.trim();
  if (before === undefined) return () => {};
  stty("raw", "-echo");
  return () => void stty(before);
}

/** What it prints; undefined when standard input is no terminal. */
function stty(...words: readonly string[]): string | undefined {
  const { exitCode, stdout } = Bun.spawnSync(["stty", ...words], {
    stdio: ["inherit", "pipe", "ignore"],
    env: { PATH: "/usr/bin:/bin" },
  });
  return exitCode === 0 ? stdout.toString() : undefined;
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

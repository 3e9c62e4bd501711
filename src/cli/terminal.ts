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

/**
 * Calls `resize` when the terminal has changed its size, one call at a time: two on their way might overtake each other, and the
 * last size would not be the terminal's. Call the result to stop.
 */
export function watchSize(resize: (size: Size) => Promise<void>): () => void {
  let changed = false;
  let telling = false;
  const tell = async (): Promise<void> => {
    changed = true;
    if (telling) return;
    telling = true;
    while (changed) {
      changed = false;
      const size = await terminalSize();
      if (size !== undefined) await resize(size);
    }
    telling = false;
  };
  const listener = (): void => void tell();
  process.on("SIGWINCH", listener);
  return () => {
    process.off("SIGWINCH", listener);
  };
}

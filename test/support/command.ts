/** Runs a command as a stranger would: its own environment, a time limit, and all that it said. */

export interface CommandOptions {
  readonly stdin?: string | Uint8Array;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly timeoutMs?: number;
}

export interface CommandResult {
  readonly stdout: string;
  readonly stderr: string;
  /** 128 + n for signal n, as a shell says it. */
  readonly code: number;
}

export const PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

export async function command(
  words: readonly string[],
  options: CommandOptions = {},
): Promise<CommandResult> {
  const child = Bun.spawn([...words], {
    env: { PATH, HOME: "/nonexistent", TERM: "xterm", LC_ALL: "C.UTF-8", ...options.env },
    cwd: options.cwd ?? "/",
    stdin: options.stdin === undefined ? "ignore" : new Blob([options.stdin as string]),
    stdout: "pipe",
    stderr: "pipe",
    timeout: options.timeoutMs ?? 20_000,
    killSignal: "SIGKILL",
  });
  const [stdout, stderr] = await Promise.all([child.stdout.text(), child.stderr.text()]);
  const code = await child.exited;
  const late = child.signalCode === "SIGKILL" ? `\n(ended by the time limit: ${words.join(" ")})` : "";
  return { stdout, stderr: stderr + late, code };
}

/** The same, for what must succeed: gives what it printed. */
export async function output(words: readonly string[], options: CommandOptions = {}): Promise<string> {
  const { stdout, stderr, code } = await command(words, options);
  if (code !== 0) throw new Error(`${words.join(" ")} ended with ${code}: ${stderr}${stdout}`);
  return stdout;
}

/** Whether a process runs. One that has ended and that nobody has buried yet does not. */
export async function isAlive(pid: number): Promise<boolean> {
  const stat = await Bun.file(`/proc/${pid}/stat`)
    .text()
    .catch(() => "");
  return stat !== "" && !/\) [ZX] /.test(stat);
}

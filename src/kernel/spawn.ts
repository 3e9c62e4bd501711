/** The only door to child processes. Nobody inherits our environment unless `env: process.env` is written out. */
import { BerthError } from "../lib/error.ts";
import { kill } from "./processes.ts";

const SIGKILL = 9;

/** What a descriptor of the child is: ours by number, a pipe to us, or /dev/null. */
export type Stdio = number | "pipe" | "ignore";

export interface SpawnOptions {
  /** Descriptors 0, 1, 2 and further ones; absent: all three /dev/null. */
  readonly stdio?: readonly Stdio[];
  /** Exact. Absent: empty. */
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** A session of its own: it survives us and our terminal. */
  readonly detached?: boolean;
  readonly argv0?: string;
  readonly onExit?: (exitCode: number | null) => void;
}

export type Child = Bun.Subprocess<"pipe", "pipe", "pipe">;

/** Pipes are `child.stdin` (a sink) and `child.stdout`, `child.stderr` (streams); absent ones are undefined at run time. */
export function spawn(command: readonly string[], options: SpawnOptions = {}): Child {
  const { stdio = ["ignore", "ignore", "ignore"], env = {}, cwd, detached = false, argv0, onExit } = options;
  return Bun.spawn([...command], {
    stdio: [...stdio] as ["pipe", "pipe", "pipe"], // the cast: a caller that asks for no pipe knows that there is none
    env: { ...env },
    detached,
    ...(cwd === undefined ? {} : { cwd }),
    ...(argv0 === undefined ? {} : { argv0 }),
    ...(onExit === undefined ? {} : { onExit: (_child, code) => onExit(code) }),
  });
}

export interface RunOptions {
  /** Named in the error when the tool is not installed. */
  readonly debianPackage: string;
  readonly input?: Uint8Array;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Then it is killed, with what it has started. Absent: it takes its time. */
  readonly timeoutMs?: number;
}

export const TOOL_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** Where a program of the host is: by its path, or by its name. Undefined where there is none that can be executed. */
export function findProgram(program: string): string | undefined {
  return Bun.which(program, { PATH: TOOL_PATH }) ?? undefined;
}

/** Where a tool of the host is; an error that says what to install when it is not there. */
export function findTool(tool: string, debianPackage: string): string {
  const path = findProgram(tool);
  if (path !== undefined) return path;
  throw new BerthError("unavailable", `${tool} is not installed: apt-get install ${debianPackage}`);
}

/** Runs a tool of the host to its end and answers what it printed; a failure is thrown with the end of its stderr. */
export async function run(tool: string, args: readonly string[], options: RunOptions): Promise<Uint8Array> {
  const { debianPackage, input, env = { PATH: TOOL_PATH, LC_ALL: "C.UTF-8" }, cwd, timeoutMs } = options;
  const command = [findTool(tool, debianPackage), ...args];
  const stdio: Stdio[] = [input === undefined ? "ignore" : "pipe", "pipe", "pipe"];
  const detached = timeoutMs !== undefined; // a process group of its own, to be killed whole
  const child = spawn(command, { stdio, env, detached, ...(cwd === undefined ? {} : { cwd }) });
  if (input !== undefined) {
    child.stdin.write(input);
    child.stdin.end();
  }
  const ending = Promise.all([
    new Response(child.stdout).bytes(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  const [output, errors, exitCode] = await (timeoutMs === undefined
    ? ending
    : within(ending, timeoutMs, () => overdue(tool, child, timeoutMs)));
  if (exitCode === 0) return output;
  throw new BerthError("internal", `${tool} failed (exit code ${exitCode}): ${errors.trim().slice(-2000)}`);
}

/** The reason is asked for only when it is needed. */
async function within<T>(work: Promise<T>, timeoutMs: number, reason: () => BerthError): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(reason()), timeoutMs);
  try {
    return await Promise.race([work, promise]);
  } finally {
    clearTimeout(timer);
  }
}

function overdue(tool: string, { pid }: Child, timeoutMs: number): BerthError {
  kill(-pid, SIGKILL);
  return new BerthError("internal", `${tool} was killed: it was not done within ${timeoutMs / 1000} s`);
}

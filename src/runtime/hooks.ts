/** Hooks in the runtime's namespaces: programs that are told of a container's life and may end it. Those inside are plan-hooks.ts. */
import { closeSync, readFileSync } from "node:fs";
import { errnoText } from "../kernel/errno.ts";
import { memfd } from "../kernel/libc.ts";
import { type Child, spawn } from "../kernel/spawn.ts";
import { BerthError } from "../lib/error.ts";
import { splitVariable } from "../lib/variable.ts";
import {
  type ContainerState,
  containerState,
  type ContainerStatus,
  type StateSource,
} from "./container-state.ts";
import type { Hook, HookKind, Spec } from "./spec.ts";

/** Whether create has some to run before the process may leave the runtime's root. */
export function hasRuntimeHooks({ hooks }: Spec): boolean {
  return (hooks?.prestart?.length ?? 0) + (hooks?.createRuntime?.length ?? 0) > 0;
}

/**
 * One after the other, with the state as input, the bundle as working directory, the environment that the hook names and nothing
 * else. Throws at the first that fails, with its output.
 */
export async function runHooks(
  kind: Exclude<HookKind, "poststop">,
  source: StateSource,
  status: ContainerStatus,
  pid: number,
): Promise<void> {
  const state = containerState(source, status, pid);
  for (const [name, hook] of namedHooks(kind, source.spec)) await runHook(name, hook, state);
}

/** All of them, whatever one of them says; answers what went wrong. */
export async function runPoststopHooks(source: StateSource): Promise<string[]> {
  const state = containerState(source, "stopped");
  const failures: string[] = [];
  for (const [name, hook] of namedHooks("poststop", source.spec))
    await runHook(name, hook, state).catch((error: unknown) => {
      if (!(error instanceof BerthError)) throw error;
      failures.push(error.message);
    });
  return failures;
}

function namedHooks(kind: HookKind, { hooks }: Spec): [name: string, hook: Hook][] {
  return (hooks?.[kind] ?? []).map((hook, index) => [`${kind} hook #${index} "${hook.path}"`, hook]);
}

/** Input and output are files in memory: a hook that does not read, or leaves a child that keeps its output open, holds nobody up. */
async function runHook(name: string, hook: Hook, state: ContainerState): Promise<void> {
  const input = memfd("hook-state", Buffer.from(JSON.stringify(state)), { seal: true });
  const output = memfd("hook-output", new Uint8Array(), { seal: false });
  try {
    const child = start(name, hook, [input, output, output], state.bundle);
    if (await endsInTime(child, hook.timeout)) judge(name, child, output);
    else throw new BerthError("internal", `${name} ran past its timeout of ${hook.timeout} seconds`);
  } finally {
    closeSync(input);
    closeSync(output);
  }
}

function start(
  name: string,
  { path, args, env = [] }: Hook,
  stdio: readonly number[],
  bundle: string,
): Child {
  try {
    return spawn([path, ...(args ?? []).slice(1)], {
      stdio,
      argv0: args?.[0] ?? path,
      env: Object.fromEntries(env.map(splitVariable)),
      ...(bundle === "" ? {} : { cwd: bundle }),
    });
  } catch (error) {
    if (!(error instanceof Error && "errno" in error && typeof error.errno === "number")) throw error;
    throw new BerthError("internal", `${name}: ${errnoText(-error.errno)}`, { cause: error });
  }
}

/** False when it had to be killed. */
async function endsInTime(child: Child, timeoutSeconds: number | undefined): Promise<boolean> {
  let inTime = true;
  const kill = () => {
    inTime = false;
    child.kill("SIGKILL");
  };
  const timer = timeoutSeconds === undefined ? undefined : setTimeout(kill, timeoutSeconds * 1000);
  await child.exited;
  clearTimeout(timer);
  return inTime;
}

const OUTPUT_SHOWN = 2000;

function judge(name: string, { exitCode, signalCode }: Child, output: number): void {
  if (exitCode === 0) return;
  const end = signalCode === null ? `exited with ${exitCode}` : `was ended by ${signalCode}`;
  const said = readFileSync(`/proc/self/fd/${output}`, "utf8").trim().slice(-OUTPUT_SHOWN);
  throw new BerthError("internal", `${name} ${end}${said === "" ? "" : `: ${said}`}`);
}

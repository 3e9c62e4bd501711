/** Hooks in the launch plan: where the process waits for the runtime's, and those that it runs itself in the container's namespaces. */
import { BerthError } from "../lib/error.ts";
import { stateAroundPid } from "./container-state.ts";
import { hasRuntimeHooks } from "./hooks.ts";
import type { Op } from "./op.ts";
import type { Launch } from "./runtime.ts";
import type { Hook, Hooks } from "./spec.ts";

/** Between the mounts and the pivot: the root file system is there, and the host's is still in reach. */
export function hooksBeforePivot(launch: Launch): Op[] {
  if (launch.spec.hooks === undefined) return [];
  checkHooks(launch.spec.hooks);
  const wait: Op[] = hasRuntimeHooks(launch.spec) ? [{ op: "barrier", for: "hooks" }] : [];
  return [...wait, ...hookOps(launch, "createContainer")];
}

/** The last thing before exec: by the user that the program will be, with its rights and its filter. */
export function hooksBeforeExec(launch: Launch): Op[] {
  return launch.spec.hooks === undefined ? [] : hookOps(launch, "startContainer");
}

function hookOps(launch: Launch, kind: "createContainer" | "startContainer"): Op[] {
  const atRoot = kind === "createContainer";
  const [before, behind] = stateAroundPid(launch, atRoot ? "creating" : "created");
  return (launch.spec.hooks?.[kind] ?? []).map(({ path, args, env = [], timeout = 0 }, index): Op => ({
    op: "hook",
    name: `${kind} hook #${index}`,
    path,
    argv: args === undefined || args.length === 0 ? [path] : args,
    env,
    state: [before, behind],
    timeoutMs: timeout * 1000,
    atRoot,
  }));
}

function checkHooks(hooks: Hooks): void {
  for (const [kind, list] of Object.entries(hooks))
    for (const [index, hook] of list.entries()) checkHook(`${kind} hook #${index}`, hook);
}

/** What poll(2) can wait, in seconds. */
const TIMEOUT_MAX = 2_147_483;

function checkHook(name: string, { path, timeout = 1 }: Hook): void {
  if (!path.startsWith("/")) throw new BerthError("invalid", `${name}: the path "${path}" is not absolute`);
  if (!Number.isInteger(timeout) || timeout < 1 || timeout > TIMEOUT_MAX)
    throw new BerthError(
      "invalid",
      `${name}: a timeout of ${timeout} seconds; 1 to ${TIMEOUT_MAX} are possible`,
    );
}

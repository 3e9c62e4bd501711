/** The driver that lets another OCI runtime make the processes (runc, crun, runsc); under our shims, like our own. */
import { mkdirSync, readdirSync, statSync } from "node:fs";
import type { Features } from "../kernel/features.ts";
import { parentOf } from "../kernel/processes.ts";
import { run } from "../kernel/spawn.ts";
import { BerthError } from "../lib/error.ts";
import { missingSources } from "./external-bundle.ts";
import {
  commandOf,
  compileExternalExecPlan,
  compileExternalPlan,
  type ExternalRuntime,
} from "./external-plan.ts";
import { readState } from "./records.ts";
import type { ExecLaunch, Launch, Runtime } from "./runtime.ts";
import { ShimRuntime } from "./shim-runtime.ts";

export interface ExternalOptions {
  readonly instance: string;
  readonly features: Features;
  readonly runtime: ExternalRuntime;
  /** How long each command of the runtime may take. */
  readonly timeoutMs?: number;
}

/** As long as Kubernetes' kubelet waits for a runtime: one that needs it is stuck, not slow. */
const PATIENCE_MS = 120_000;

export function openExternalRuntime({
  instance,
  features,
  runtime,
  timeoutMs = PATIENCE_MS,
}: ExternalOptions): Runtime {
  const driver = {
    patience: { timeoutMs, overdue: () => overdue(runtime, timeoutMs) },
    plan: (launch: Launch) => compileExternalPlan(launch, runtime, features),
    execPlan: (launch: ExecLaunch) => compileExternalExecPlan(launch, runtime, shimOf(launch), features),
    prepare: (launch: Launch) => {
      for (const path of [runtime.stateDirectory, ...missingSources(launch.spec)])
        mkdirSync(path, { recursive: true, mode: 0o755 });
    },
    rootPath,
    forget: (id: string) => forget(runtime, id, timeoutMs),
  };
  return new ShimRuntime({ instance, features, driver });
}

function overdue({ name }: ExternalRuntime, timeoutMs: number): BerthError {
  const words = `the runtime "${name}" was killed: it was not done within ${timeoutMs / 1000} s`;
  return new BerthError("internal", words);
}

/** The process's parent, as long as it is there: no other that has got its number joins in. */
function shimOf({ container, target }: ExecLaunch): number {
  const state = readState(container.supervision.runDirectory);
  const same = state?.pid === target.pid && state.startTime === target.startTime;
  if (same && parentOf(target.pid) === state.shimPid) return state.shimPid;
  throw new BerthError("not_found", `process ${target.pid} of container ${container.id}: no such process`);
}

/** A process of gVisor's is no process of the container: its root is not the container's, which then is where the shim has mounted it. */
function rootPath({ root, supervision }: Pick<Launch, "root" | "supervision">, pid: number): string {
  const own = `/proc/${pid}/root`;
  const { shimPid } = readState(supervision.runDirectory) ?? {};
  const mounted = `/proc/${shimPid}/root${root.kind === "overlay" ? root.mountpoint : root.path}`;
  return shimPid === undefined || isSameFile(own, mounted) ? own : mounted;
}

function isSameFile(a: string, b: string): boolean {
  const [one, other] = [statSync(`${a}/`), statSync(`${b}/`)];
  return one.dev === other.dev && one.ino === other.ino;
}

/** Runtimes name what they keep of a container after its id. Without anything of it there is nobody to ask. */
async function forget(runtime: ExternalRuntime, id: string, timeoutMs: number): Promise<void> {
  if (!namesIn(runtime.stateDirectory).some((name) => name.startsWith(id))) return;
  const [path = "", ...args] = commandOf(runtime);
  await run(path, [...args, "delete", "--force", id], { debianPackage: runtime.name, timeoutMs });
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return []; // it has never made a container
  }
}

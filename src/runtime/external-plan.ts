/** Launch plans for another OCI runtime: the shim's child writes the bundle and calls it; what it makes is the shim's. Pure. */
import type { Features } from "../kernel/features.ts";
import { TOOL_PATH } from "../kernel/spawn.ts";
import { BerthError } from "../lib/error.ts";
import { configOp, processOp } from "./external-bundle.ts";
import { MS_REC, MS_SLAVE } from "./mount-options.ts";
import type { Op } from "./op.ts";
import { netlinkOp } from "./plan-network.ts";
import { cgroupPlanOf } from "./plan-cgroups.ts";
import { overlayOp } from "./plan-mounts.ts";
import { CLONE } from "./plan-namespaces.ts";
import { supervisionOps } from "./plan-supervision.ts";
import { SUPERVISE_CALLER } from "./protocol.ts";
import type { NetworkPlan } from "./network-plan.ts";
import type { ExecLaunch, Launch, RootFilesystem } from "./runtime.ts";
import type { Process } from "./spec.ts";

/** One that the engine's configuration names; nothing of it ever comes from a request. */
export interface ExternalRuntime {
  readonly name: string;
  /** Absolute. */
  readonly path: string;
  readonly args: readonly string[];
  /** Where it keeps its containers' states. */
  readonly stateDirectory: string;
}

/** All that a runtime learns of our environment. */
export const RUNTIME_ENVIRONMENT = [`PATH=${TOOL_PATH}`, "HOME=/root", "LC_ALL=C.UTF-8"];

/** What every command of the runtime begins with. */
export function commandOf({ path, args, stateDirectory }: ExternalRuntime): string[] {
  return [path, "--root", stateDirectory, ...args];
}

/** The overlay is mounted where the shim lives, in a namespace of its own: nothing is mounted on the host, and an exec finds it there. */
export function compileExternalPlan(launch: Launch, runtime: ExternalRuntime, features: Features): Op[] {
  const { id, spec, root, supervision, network } = launch;
  refuse(launch, runtime);
  const { runDirectory } = supervision;
  const cgroup = cgroupPlanOf(spec, features);
  const group = freezerGroup(spec.linux.cgroupsPath, features);
  const create = ["create", "--bundle", runDirectory, ...processOptions(spec.process, runDirectory), id];
  return [
    ...supervisionOps(id, spec.process, supervision, cgroup?.oomCounterFile, SUPERVISE_CALLER),
    ...(group === "" ? [] : [{ op: "mkdir", path: group, mode: 0o755, existOk: true } as const]),
    ...rootOps(root),
    { op: "clone", flags: 0, cgroup: group },
    { op: "root", path: rootPath(root), bind: false },
    configOp(launch, rootPath(root), features),
    runtimeOp(runtime, runDirectory, create, makes(spec.process)),
    ...(supervision.waitForStart || network?.afterClone !== undefined ? [{ op: "barrier" } as const] : []),
    ...networkOps(network),
    runtimeOp(runtime, runDirectory, ["start", id], { last: true }),
  ];
}

/** `shimPid`: that of the container, in whose mount namespace the root is. */
export function compileExternalExecPlan(
  launch: ExecLaunch,
  runtime: ExternalRuntime,
  shimPid: number,
  features: Features,
): Op[] {
  const { id, container, process, supervision, cgroup } = launch;
  const { runDirectory } = supervision;
  const exec = ["exec", "--detach", "--process", `${runDirectory}/process.json`];
  return [
    ...supervisionOps(id, process, supervision, undefined, SUPERVISE_CALLER),
    { op: "clone", flags: 0, cgroup: freezerGroup(cgroup, features) },
    { op: "join", path: `/proc/${shimPid}/ns/mnt`, type: CLONE.mount },
    { op: "root", path: rootPath(container.root), bind: false },
    processOp(process, runDirectory, features),
    ...(supervision.waitForStart ? [{ op: "barrier" } as const] : []),
    runtimeOp(runtime, runDirectory, [...exec, ...processOptions(process, runDirectory), container.id], {
      ...makes(process),
      last: true,
    }),
  ];
}

/** What berth's own driver does and no other can be told to do. */
function refuse({ spec, supervision }: Launch, { name }: ExternalRuntime): void {
  const idMapped = spec.mounts?.some(({ options }) =>
    options?.some((option) => /^r?idmap(=|$)/.test(option)),
  );
  const asked = [
    ...(supervision.init ? ["berth's init (--init)"] : []),
    ...(spec.linux.namespaces.some(({ type }) => type === "user") ? ["user namespaces (--userns)"] : []),
    ...(idMapped ? ["id-mapped mounts"] : []),
  ];
  if (asked.length === 0) return;
  throw new BerthError(
    "unsupported",
    `the runtime "${name}" does not do ${asked[0]}: only the runtime "berth" does`,
  );
}

function rootPath(root: RootFilesystem): string {
  return root.kind === "overlay" ? root.mountpoint : root.path;
}

/** Unmounts of the host reach this namespace, so that it keeps nothing busy; its own reach nobody. */
function rootOps(root: RootFilesystem): Op[] {
  return [
    ...(root.kind === "overlay"
      ? [{ op: "mkdir", path: root.mountpoint, mode: 0o755, existOk: true } as const]
      : []),
    { op: "unshare", flags: CLONE.mount },
    { op: "propagation", path: "/", flags: MS_REC | MS_SLAVE },
    ...(root.kind === "overlay" ? [overlayOp(root)] : []),
  ];
}

/** On a hybrid machine runtimes leave version 2 alone: who calls them is born in our group there, and so is what they make. */
function freezerGroup(cgroup: string | undefined, { cgroups }: Features): string {
  const { v2, hierarchies } = cgroups;
  return cgroup === undefined || v2 === undefined || hierarchies.length === 0 ? "" : v2.mountpoint + cgroup;
}

/** Sent once its namespace exists; the runtime itself never runs in there. */
function networkOps(network: NetworkPlan | undefined): Op[] {
  if (network === undefined || network.inside.length === 0) return [];
  return [
    { op: "process-network", enter: true },
    ...network.inside.map(netlinkOp),
    { op: "process-network", enter: false },
  ];
}

function processOptions({ terminal }: Process, runDirectory: string): string[] {
  // The socket by a relative name, as the shim binds it: a long path would not fit a socket's address.
  return ["--pid-file", `${runDirectory}/pid`, ...(terminal ? ["--console-socket", "terminal.sock"] : [])];
}

type RuntimeOp = Extract<Op, { op: "runtime" }>;

function makes({ terminal = false, consoleSize }: Process): Partial<RuntimeOp> {
  const { height = 0, width = 0 } = consoleSize ?? {};
  return { makesProcess: true, console: terminal, rows: height, columns: width };
}

function runtimeOp(
  runtime: ExternalRuntime,
  directory: string,
  command: readonly string[],
  more: Partial<RuntimeOp>,
): RuntimeOp {
  const log = ["--log", `${directory}/log.json`, "--log-format", "json"];
  return {
    op: "runtime",
    directory,
    argv: [...commandOf(runtime), ...log, ...command],
    env: RUNTIME_ENVIRONMENT,
    makesProcess: false,
    console: false,
    rows: 0,
    columns: 0,
    last: false,
    ...more,
  };
}

/** The driver that runs processes in namespaces of this kernel, each under a shim of its own. */
import { closeSync, existsSync, mkdirSync, rmdirSync, rmSync, unlinkSync } from "node:fs";
import { attachDeviceProgram } from "../kernel/device-program.ts";
import {
  cgroupDirectories,
  entryGroup,
  freeze,
  killCgroup,
  prepareCgroupParent,
  processes,
  removeCgroup,
  thaw,
} from "../kernel/cgroups.ts";
import { hasErrno } from "../kernel/error.ts";
import type { Features } from "../kernel/features.ts";
import { pidfdOpen, pidfdSignal, startTime } from "../kernel/libc.ts";
import { withSocketPath } from "./attach.ts";
import type { StateSource } from "./container-state.ts";
import { helloFrame } from "./frames.ts";
import { hasRuntimeHooks, runHooks, runPoststopHooks } from "./hooks.ts";
import type { Op } from "./op.ts";
import { compileExecPlan, compilePlan } from "./plan.ts";
import { cgroupPlanOf } from "./plan-cgroups.ts";
import { Supervised, type SupervisedOptions } from "./process.ts";
import { lostRecord, readExit, readState, type StateRecord } from "./records.ts";
import type { ExecLaunch, ExitRecord, Launch, ProcessHandle, Runtime } from "./runtime.ts";
import { spawnShim } from "./shim.ts";

export interface NamespacesOptions {
  /** Names the parent control group: `/<instance>/<id>`. */
  readonly instance: string;
  readonly features: Features;
}

export function openNamespacesRuntime(options: NamespacesOptions): Runtime {
  return new Namespaces(options);
}

const SIGKILL = 9;
const EEXIST = 17;
const ENOENT = 2;

class Namespaces implements Runtime {
  readonly #instance: string;
  readonly #features: Features;
  /** Parents of control groups that are prepared. */
  readonly #parents = new Set<string>();
  readonly #open = new Set<Supervised>();

  constructor({ instance, features }: NamespacesOptions) {
    this.#instance = instance;
    this.#features = features;
  }

  async create(asked: Launch): Promise<ProcessHandle> {
    const launch = this.#withCgroup(asked);
    const ops = compilePlan(launch, this.#features);
    const cgroup = launch.spec.linux.cgroupsPath;
    if (cgroup !== undefined) this.#prepareParent(cgroup);
    const process = await this.#launch(ops, launch.supervision.runDirectory, cgroup, launch);
    try {
      const { pid } = await process.cloned;
      this.#attachDevices(launch);
      await launch.network?.afterClone?.(pid);
      if (launch.spec.hooks !== undefined) await createHooks(process, launch);
    } catch (error) {
      await abandon(process);
      throw (await process.failure()) ?? error; // where the child failed, ours is only its echo: its namespaces went with it
    }
    if (!launch.supervision.waitForStart) void process.start().catch(() => undefined); // start() says it again
    return process;
  }

  async exec(launch: ExecLaunch): Promise<ProcessHandle> {
    const v2Cgroup = entryGroup(this.#features.cgroups, launch.cgroup, launch.target.pid);
    const ops = compileExecPlan({ ...launch, v2Cgroup }, this.#features);
    const process = await this.#launch(ops, launch.supervision.runDirectory, undefined);
    try {
      await process.cloned;
      return process;
    } catch (error) {
      await abandon(process);
      throw error;
    }
  }

  async adopt(
    _id: string,
    runDirectory: string,
    cgroup?: string,
    source?: StateSource,
  ): Promise<ProcessHandle | ExitRecord | undefined> {
    const before = readState(runDirectory);
    const process = before && (await this.#reconnect(runDirectory, cgroup, before, source));
    if (process !== undefined && process.ran) return process;
    if (process !== undefined) await endProcess(process); // it waits at the barrier for an engine that is gone
    const state = readState(runDirectory); // again: it may have come to its end just now
    if (state !== undefined) killProcess(state);
    if (cgroup !== undefined) await this.#removeCgroup(cgroup);
    const exit = readExit(runDirectory) ?? (state?.phase === "running" ? lostRecord(state) : undefined);
    const ran = process === undefined && state?.phase === "running";
    if (ran && exit !== undefined && exit.failure === undefined) return exit;
    rmSync(runDirectory, { recursive: true, force: true });
    return undefined;
  }

  async pause(id: string): Promise<void> {
    await freeze(this.#features.cgroups, this.#path(id));
  }

  async unpause(id: string): Promise<void> {
    await thaw(this.#features.cgroups, this.#path(id));
  }

  async processes(id: string): Promise<number[]> {
    return processes(this.#features.cgroups, this.#path(id));
  }

  close(): void {
    for (const process of this.#open) process.disconnect();
    this.#open.clear();
  }

  #path(id: string): string {
    return `/${this.#instance}/${id}`;
  }

  #withCgroup(launch: Launch): Launch {
    const { spec, id } = launch;
    if (spec.linux.cgroupsPath !== undefined) return launch;
    return { ...launch, spec: { ...spec, linux: { ...spec.linux, cgroupsPath: this.#path(id) } } };
  }

  #prepareParent(path: string): void {
    const parent = path.slice(0, path.lastIndexOf("/"));
    const [first = ""] = cgroupDirectories(this.#features.cgroups, parent);
    if (this.#parents.has(parent) && existsSync(first)) return; // somebody may have tidied up an empty one
    prepareCgroupParent(this.#features.cgroups, parent);
    this.#parents.add(parent);
  }

  async #launch(
    ops: readonly Op[],
    runDirectory: string,
    cgroup: string | undefined,
    source?: StateSource,
  ): Promise<Supervised> {
    makeRunDirectory(runDirectory);
    try {
      const options = this.#options(ops, runDirectory, cgroup, source);
      return this.#keep(await Supervised.open({ fd: spawnShim(ops) }, options));
    } catch (error) {
      rmSync(runDirectory, { recursive: true, force: true });
      throw error;
    }
  }

  #options(
    ops: readonly Op[],
    runDirectory: string,
    cgroup: string | undefined,
    source?: StateSource,
  ): SupervisedOptions {
    return {
      runDirectory,
      ops,
      ...(source?.spec.hooks === undefined ? {} : { started: (process) => poststart(process, source) }),
      lost: async () => {
        const known = readState(runDirectory);
        if (known !== undefined) killProcess(known);
        if (cgroup !== undefined) await killCgroup(this.#features.cgroups, cgroup);
        return lostRecord(known);
      },
      remove: async (process) => {
        if (process.alive) await endProcess(process);
        await this.#remove(runDirectory, cgroup);
        if (source?.spec.hooks !== undefined) process.warnings.push(...(await runPoststopHooks(source)));
      },
    };
  }

  /** Undefined when nobody listens there any more. */
  async #reconnect(
    runDirectory: string,
    cgroup: string | undefined,
    { startedAt }: StateRecord,
    source?: StateSource,
  ): Promise<Supervised | undefined> {
    try {
      const options = { ...this.#options([], runDirectory, cgroup, source), startedAt };
      const process = await withSocketPath(runDirectory, (unix) => Supervised.open({ unix }, options));
      process.send(helloFrame());
      await process.cloned;
      return this.#keep(process);
    } catch {
      return undefined; // whatever it was, the records say more
    }
  }

  /** Until its end, for close(). */
  #keep(process: Supervised): Supervised {
    this.#open.add(process);
    void process.exited.then(() => this.#open.delete(process));
    return process;
  }

  async #remove(runDirectory: string, cgroup: string | undefined): Promise<void> {
    if (cgroup !== undefined) await this.#removeCgroup(cgroup);
    removeRunDirectory(runDirectory);
  }

  async #removeCgroup(path: string): Promise<void> {
    await removeCgroup(this.#features.cgroups, path, { kill: true });
  }

  /** On version 2 a program rules the devices; the child cannot open any before the barrier opens. */
  #attachDevices({ spec }: Launch): void {
    const plan = cgroupPlanOf(spec, this.#features);
    if (plan?.deviceProgram !== undefined && plan.v2Directory !== undefined)
      attachDeviceProgram(plan.v2Directory, plan.deviceProgram);
  }
}

function makeRunDirectory(path: string): void {
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    if (!hasErrno(error, EEXIST, ENOENT)) throw error;
    rmSync(path, { recursive: true, force: true }); // what a crash has left: its owner has been looked for at boot
    mkdirSync(path, { mode: 0o700, recursive: true });
  }
}

/** What is in it is known; looking through it would take longer than all the rest of a release. */
function removeRunDirectory(path: string): void {
  try {
    for (const name of ["shim.sock", "state", "exit"])
      if (existsSync(`${path}/${name}`)) unlinkSync(`${path}/${name}`);
    rmdirSync(path);
  } catch {
    rmSync(path, { recursive: true, force: true });
  }
}

/** The start has failed already: what cannot be cleaned now is found by the next engine. */
async function abandon(process: Supervised): Promise<void> {
  await process.release().catch(() => undefined);
}

/** What create does from the clone to the place where only the program is missing. */
async function createHooks(process: Supervised, launch: Launch): Promise<void> {
  if (hasRuntimeHooks(launch.spec)) {
    await process.atHooks;
    await runHooks("prestart", launch, "creating", process.pid);
    await runHooks("createRuntime", launch, "creating", process.pid);
    process.openHooks();
  }
  await process.ready;
}

/** A container whose hook failed has no right to run. */
async function poststart(process: Supervised, source: StateSource): Promise<void> {
  try {
    await runHooks("poststart", source, process.alive ? "running" : "stopped", process.pid);
  } catch (error) {
    await endProcess(process);
    throw error;
  }
}

async function endProcess(process: Supervised): Promise<void> {
  await process.signal(SIGKILL).catch(() => undefined); // it may have ended meanwhile
  await process.exited;
}

/** The descriptor is opened first: it cannot change its meaning between the look and the signal. */
function killProcess({ pid, startTime: started }: StateRecord): void {
  const pidfd = pidfdOpen(pid);
  if (pidfd === undefined) return;
  if (startTime(pid) === started) pidfdSignal(pidfd, SIGKILL);
  closeSync(pidfd);
}

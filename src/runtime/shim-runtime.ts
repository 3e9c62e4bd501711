/** Everything about processes under shims that is the same for all drivers: making, adopting, pausing, cleaning up. */
import { closeSync, existsSync, mkdirSync, rmdirSync, rmSync, unlinkSync } from "node:fs";
import type { CgroupStats } from "../kernel/cgroup-counters.ts";
import { cgroupStats } from "../kernel/cgroup-stats.ts";
import { updateCgroup } from "../kernel/cgroup-update.ts";
import {
  cgroupDirectories,
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
import { withJoinedMappings } from "./joined-users.ts";
import type { Op } from "./op.ts";
import { capabilityWarnings } from "./plan-identity.ts";
import { type Patience, Supervised, type SupervisedOptions } from "./process.ts";
import { lostRecord, readExit, readState } from "./records.ts";
import type { ExecLaunch, ExitRecord, Launch, ProcessHandle, ProcessIdentity, Runtime } from "./runtime.ts";
import type { Resources } from "./spec.ts";
import { spawnShim } from "./shim.ts";

/** What one driver decides by itself. */
export interface Driver {
  /** What a plan must know of the host. Throws for what would change it. */
  resolve?(launch: Launch): Launch;
  /** Throws for what cannot be done, before anything is made. */
  plan(launch: Launch): readonly Op[];
  execPlan(launch: ExecLaunch): readonly Op[];
  /** Right before the first step, where a plan alone does not do. */
  prepare?(launch: Launch): void;
  /** Once the process exists, before its start. */
  created?(launch: Launch): void;
  /** Of the specification's hooks; absent where somebody else runs them. */
  readonly hooks?: DriverHooks;
  /** Absent: what the process has as its root. */
  rootPath?(container: Pick<Launch, "root" | "supervision">, pid: number): string;
  /** Of who makes the process, where that is not the shim's child itself. */
  readonly patience?: Patience;
  /** Gives back what a container has beside its control groups and its run directory, also where there is nothing of it. */
  forget?(id: string): Promise<void>;
}

export interface DriverHooks {
  /** Behind the network, before the start. */
  created(process: Supervised, launch: Launch): Promise<void>;
  started(process: Supervised, source: StateSource): Promise<void>;
  /** Answers what went wrong. */
  stopped(source: StateSource): Promise<string[]>;
}

export interface ShimRuntimeOptions {
  /** Names the parent control group: `/<instance>/<id>`. */
  readonly instance: string;
  readonly features: Features;
  readonly driver: Driver;
}

/** Of one process. An exec has no control group of its own. */
interface Place {
  readonly id: string;
  readonly runDirectory: string;
  readonly cgroup?: string | undefined;
  readonly source?: StateSource | undefined;
}

const SIGKILL = 9;
const EEXIST = 17;
const ENOENT = 2;

export class ShimRuntime implements Runtime {
  readonly #instance: string;
  readonly #features: Features;
  readonly #driver: Driver;
  /** Parents of control groups that are prepared. */
  readonly #parents = new Set<string>();
  readonly #open = new Set<Supervised>();

  constructor({ instance, features, driver }: ShimRuntimeOptions) {
    this.#instance = instance;
    this.#features = features;
    this.#driver = driver;
  }

  plan(launch: Launch): readonly Op[] {
    return this.#driver.plan(this.#prepared(launch));
  }

  execPlan(launch: ExecLaunch): readonly Op[] {
    return this.#driver.execPlan(launch);
  }

  async create(asked: Launch): Promise<ProcessHandle> {
    const placed = this.#prepared(asked);
    const launch = { ...placed, spec: await withJoinedMappings(placed.spec) };
    const ops = this.#driver.plan(launch);
    const cgroup = launch.spec.linux.cgroupsPath;
    if (cgroup !== undefined) this.#prepareParent(cgroup);
    this.#driver.prepare?.(launch);
    const place = { id: launch.id, runDirectory: launch.supervision.runDirectory, cgroup, source: launch };
    const process = await this.#launch(ops, place);
    process.warnings.push(...capabilityWarnings(launch.spec.process));
    try {
      const { pid } = await process.cloned;
      this.#driver.created?.(launch);
      await launch.network?.afterClone?.(pid);
      if (launch.spec.hooks !== undefined) await this.#driver.hooks?.created(process, launch);
    } catch (error) {
      await abandon(process);
      throw (await process.failure()) ?? error; // where the child failed, ours is only its echo: its namespaces went with it
    }
    if (!launch.supervision.waitForStart) void process.start().catch(() => undefined); // start() says it again
    return process;
  }

  #prepared(asked: Launch): Launch {
    const launch = this.#withCgroup(asked);
    return this.#driver.resolve?.(launch) ?? launch;
  }

  async exec(launch: ExecLaunch): Promise<ProcessHandle> {
    const ops = this.#driver.execPlan(launch);
    const process = await this.#launch(ops, { id: launch.id, runDirectory: launch.supervision.runDirectory });
    process.warnings.push(...capabilityWarnings(launch.process));
    try {
      await process.cloned;
      return process;
    } catch (error) {
      await abandon(process);
      throw error;
    }
  }

  async adopt(
    id: string,
    runDirectory: string,
    cgroup?: string,
    source?: StateSource,
  ): Promise<ProcessHandle | ExitRecord | undefined> {
    const place = { id, runDirectory, cgroup, source };
    const process = await this.#reconnect(place);
    if (process !== undefined && process.ran) return process;
    if (process !== undefined) await endProcess(process); // it waits at the barrier for an engine that is gone
    const state = readState(runDirectory); // not before: a shim writes down what it has told already
    if (state !== undefined) killProcess(state);
    await this.#removeContainer(place);
    const exit = readExit(runDirectory) ?? (state?.phase === "running" ? lostRecord(state) : undefined);
    const ran = process === undefined && state?.phase === "running";
    if (ran && exit !== undefined && exit.failure === undefined) return exit;
    rmSync(runDirectory, { recursive: true, force: true });
    return undefined;
  }

  rootPath(container: Pick<Launch, "root" | "supervision">, pid: number): string {
    return this.#driver.rootPath?.(container, pid) ?? `/proc/${pid}/root`;
  }

  async pause(id: string): Promise<void> {
    await freeze(this.#features.cgroups, this.#path(id));
  }

  async unpause(id: string): Promise<void> {
    await thaw(this.#features.cgroups, this.#path(id));
  }

  async update(id: string, resources: Resources): Promise<void> {
    updateCgroup(this.#features.cgroups, this.#path(id), resources);
  }

  async stats(id: string): Promise<CgroupStats> {
    return cgroupStats(this.#features.cgroups, this.#path(id));
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

  async #launch(ops: readonly Op[], place: Place): Promise<Supervised> {
    makeRunDirectory(place.runDirectory);
    try {
      const options = { ...this.#options(ops, place), patience: this.#driver.patience };
      return this.#keep(await Supervised.open({ fd: spawnShim(ops) }, options));
    } catch (error) {
      rmSync(place.runDirectory, { recursive: true, force: true });
      throw error;
    }
  }

  #options(ops: readonly Op[], place: Place): SupervisedOptions {
    const { runDirectory, cgroup, source } = place;
    const hooks = source?.spec.hooks === undefined ? undefined : this.#driver.hooks;
    return {
      runDirectory,
      ops,
      ...(hooks && source && { started: (process) => hooks.started(process, source) }),
      lost: async (process) => {
        if (process.pid > 0) killProcess(process); // a shim's record is older than what it has told
        if (cgroup !== undefined) await killCgroup(this.#features.cgroups, cgroup);
        return lostRecord(readState(runDirectory));
      },
      remove: async (process) => {
        if (process.alive) await endProcess(process);
        await this.#removeContainer(place);
        removeRunDirectory(runDirectory);
        if (hooks && source) process.warnings.push(...(await hooks.stopped(source)));
      },
    };
  }

  /** Undefined when nobody listens there any more. */
  async #reconnect(place: Place): Promise<Supervised | undefined> {
    const { runDirectory } = place;
    if (!existsSync(`${runDirectory}/shim.sock`)) return undefined;
    try {
      const options = this.#options([], place);
      const process = await withSocketPath(runDirectory, (unix) => Supervised.open({ unix }, options));
      process.send(helloFrame());
      await process.cloned;
      process.startedAt = readState(runDirectory)?.startedAt;
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

  /** An exec has neither: its groups and whatever else are its container's. */
  async #removeContainer({ id, cgroup }: Place): Promise<void> {
    if (cgroup === undefined) return;
    try {
      await this.#driver.forget?.(id);
    } finally {
      await removeCgroup(this.#features.cgroups, cgroup, { kill: true });
    }
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

export async function endProcess(process: Supervised): Promise<void> {
  await process.signal(SIGKILL).catch(() => undefined); // it may have ended meanwhile
  await process.exited;
}

/** The descriptor is opened first: it cannot change its meaning between the look and the signal. */
function killProcess({ pid, startTime: started }: ProcessIdentity): void {
  const pidfd = pidfdOpen(pid);
  if (pidfd === undefined) return;
  if (startTime(pid) === started) pidfdSignal(pidfd, SIGKILL);
  closeSync(pidfd);
}

/** What runs processes in isolation. Two drivers, which pass the same suite (runtime-suite.ts): namespaces.ts and external.ts. */
import type { CgroupStats } from "../kernel/cgroup-counters.ts";
import type { NetworkPlan } from "./network-plan.ts";
import type { Op } from "./op.ts";
import type { IdMap } from "../lib/id-map.ts";
import type { Process, Resources, Spec } from "./spec.ts";

/** How a process is looked after. Whether it has a terminal, and of what size, stands in `spec.process`. */
export interface Supervision {
  /** Made 0700 by the driver, removed by release(). */
  readonly runDirectory: string;
  readonly openStdin: boolean;
  /** The first attached client that closes its side closes the process's stdin. */
  readonly stdinOnce: boolean;
  /** Our reaper is process 1, the program its child. */
  readonly init: boolean;
  /** Absent: no log. */
  readonly log?: { readonly path: string; readonly maxBytes: number; readonly maxFiles: number };
  /** On disk: what clients have not read yet may be put there. */
  readonly spillDirectory: string;
  /** Whether start() is wanted. Without it the program runs as soon as it can. */
  readonly waitForStart: boolean;
  /** Present: the shim only starts the process. Nothing of the above but `runDirectory` counts then; "" records nothing. */
  readonly handover?: Handover;
}

/** A process that keeps the streams of whoever spawned the shim, and becomes its child. */
export interface Handover {
  /** How many descriptors, passed to the shim behind its control connection, the process gets as 3 and so on. */
  readonly preserved: number;
  /** Behind those comes a connected socket that takes the master of the terminal. */
  readonly console: boolean;
  /** The session keyring that it joins, made where there is none; absent: it keeps the caller's. */
  readonly keyring?: string;
  /** Where it waits for its start. Absent: it runs at once. */
  readonly startFifo?: string;
}

export type RootFilesystem =
  | {
      readonly kind: "overlay";
      /** Names relative to `layersDirectory`, top first; short, for the options of mount(2) are one page. */
      readonly lower: readonly string[];
      readonly layersDirectory: string;
      readonly upper: string;
      readonly work: string;
      /** No sync when it is unmounted: for what is thrown away afterwards. */
      readonly volatile: boolean;
      /** Exists or is made, empty; mounted over only in the container's own mount namespace. */
      readonly mountpoint: string;
    }
  | { readonly kind: "directory"; readonly path: string };

export interface Launch {
  readonly id: string;
  readonly spec: Spec;
  readonly root: RootFilesystem;
  readonly supervision: Supervision;
  readonly network?: NetworkPlan;
  /** Where config.json is: for hooks, which run there and are told it. */
  readonly bundle?: string;
}

/** A number alone may mean another process tomorrow. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Clock ticks since boot, proc(5) stat field 22. */
  readonly startTime: bigint;
}

/** One more process in a container that runs. */
export interface ExecLaunch {
  readonly id: string;
  /** As it was launched. */
  readonly container: Pick<Launch, "id" | "spec" | "bundle" | "root" | "supervision">;
  readonly target: ProcessIdentity;
  readonly process: Process;
  /** Of the container's user namespace, if it has one of its own. */
  readonly idMap?: IdMap;
  /** That of the container: its exec gets no other. */
  readonly seccomp?: Spec["linux"]["seccomp"];
  /** What of the container's way to run counts for it, too. */
  readonly linux?: Pick<Spec["linux"], "personality" | "memoryPolicy">;
  readonly supervision: Supervision;
  /** The container's control group below the root of every hierarchy: `/berth/<container id>`. */
  readonly cgroup: string;
  /** Where in version 2 it is born, if not there: see `entryGroup`. */
  readonly v2Cgroup?: string;
}

export interface ExitRecord {
  /** 128+n for signal n; 137 where nobody knows. */
  readonly exitCode: number;
  readonly oomKilled: boolean;
  /** Unix time in nanoseconds. */
  readonly finishedAt: bigint;
  /** The start failed at this operation of the plan. */
  readonly failure?: { readonly op: number; readonly errno: number; readonly object: string };
  /** What went wrong besides the program, in words: its shim is lost, or a part of its log. */
  readonly error?: string;
}

export interface ProcessHandle extends ProcessIdentity {
  /** Unix time in nanoseconds; known for adopted processes. */
  readonly startedAt?: bigint | undefined;
  /** What could not be done and was optional, in words. */
  readonly warnings: readonly string[];
  /** Opens the barrier; resolves when the program runs and its poststart hooks have. Throws command_not_found, command_not_executable, internal, … */
  start(): Promise<void>;
  /** To the process itself, never to one that has its number later. */
  signal(signal: number): Promise<void>;
  resize(rows: number, columns: number): Promise<void>;
  /** Resolves when what its shim has to tell is known: whoever saw the output end finds its end. */
  judged(): Promise<void>;
  /** How many are attached. */
  readonly clients: number;
  /** The log, from the files as they are now; undefined where the shim is of a version that cannot tell. */
  follow(): Promise<LogFollower | undefined>;
  /** May be called before start(). */
  attach(streams: { stdin: boolean; stdout: boolean; stderr: boolean }): Promise<AttachStream>;
  /** Resolves when the exit record is written and the output drained; never rejects. */
  readonly exited: Promise<ExitRecord>;
  /** Removes control groups and the run directory, then runs the poststop hooks: a failure of theirs is a warning. Idempotent. A process that still runs is killed first. */
  release(): Promise<void>;
}

export interface AttachStream {
  /** Docker's stream frames, or raw bytes for a terminal; ends with the process. */
  readonly output: AsyncIterable<Uint8Array>;
  /** Resolves when the bytes are on their way: the process reads no faster. */
  write(bytes: Uint8Array): Promise<void>;
  /** Half-close: end of stdin, where StdinOnce asks for it. */
  closeInput(): void;
  close(): void;
}

/** A file of the log, as far as it was written. */
export interface LogFile {
  readonly inode: number;
  readonly bytes: number;
}

export interface LogFollower {
  /** What was written before, oldest first. */
  readonly files: readonly LogFile[];
  /** All that is written from then on, entry by entry as the log has it; ends with the process. */
  readonly entries: AsyncIterable<Uint8Array>;
  close(): void;
}

export interface Runtime {
  /** What create() and exec() would have their shim do. Nothing is made. */
  plan(launch: Launch): readonly Op[];
  execPlan(launch: ExecLaunch): readonly Op[];
  create(launch: Launch): Promise<ProcessHandle>;
  exec(launch: ExecLaunch): Promise<ProcessHandle>;
  /**
   * After an engine restart. Undefined: nothing is there any more, or it never started. A lost shim: what is left is killed, and 137.
   * With an exit record the run directory stays for the caller to remove, when the record is safe elsewhere.
   * `source` is for its hooks: those behind start() and release().
   */
  adopt(
    id: string,
    runDirectory: string,
    cgroup?: string,
    source?: Pick<Launch, "id" | "spec" | "bundle">,
  ): Promise<ProcessHandle | ExitRecord | undefined>;
  /** A path of the host that leads to the root of a container that runs, as the container sees it where that can be had. */
  rootPath(container: Pick<Launch, "root" | "supervision">, pid: number): string;
  pause(id: string): Promise<void>;
  unpause(id: string): Promise<void>;
  /** `resources` is all that it may use from now on. All of it, or as it was. */
  update(id: string, resources: Resources): Promise<void>;
  /** What it has used since it was started. */
  stats(id: string): Promise<CgroupStats>;
  /** Process ids as the host sees them. */
  processes(id: string): Promise<number[]>;
  /** Lets go of all processes; they go on. Their handles are of no use any more. */
  close(): void;
}

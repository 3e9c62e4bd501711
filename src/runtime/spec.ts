/** The OCI runtime specification's config.json as types: the part that berth does. What is missing here is refused by name. */

import type { Resources } from "../kernel/cgroup-resources.ts";
import type { IdRange } from "../lib/id-map.ts";

export type {
  BlockResources,
  CpuResources,
  DeviceRule,
  MemoryResources,
  Resources,
  Throttle,
} from "../kernel/cgroup-resources.ts";

export interface Spec {
  readonly ociVersion: string;
  readonly hostname?: string;
  readonly domainname?: string;
  readonly process: Process;
  readonly root: Root;
  /** Made in this order. */
  readonly mounts?: readonly Mount[];
  readonly linux: Linux;
  readonly hooks?: Hooks;
  readonly annotations?: Readonly<Record<string, string>>;
}

export type HookKind =
  "prestart" | "createRuntime" | "createContainer" | "startContainer" | "poststart" | "poststop";

/** Each list is run in its order. */
export type Hooks = Readonly<Partial<Record<HookKind, readonly Hook[]>>>;

export interface Hook {
  /** Absolute: on the host, for startContainer in the container. */
  readonly path: string;
  /** The program's own name first. */
  readonly args?: readonly string[];
  /** Absent: an empty environment. */
  readonly env?: readonly string[];
  /** Seconds until it is killed. */
  readonly timeout?: number;
}

export interface Root {
  /** Only read where the root filesystem is a directory that the bundle names; a Launch says where it is. */
  readonly path: string;
  readonly readonly?: boolean;
}

export interface Process {
  readonly terminal?: boolean;
  readonly consoleSize?: { readonly height: number; readonly width: number };
  readonly user: User;
  /** Program and arguments; never empty. */
  readonly args: readonly string[];
  /** `NAME=value`. */
  readonly env?: readonly string[];
  readonly cwd: string;
  readonly capabilities?: Capabilities;
  readonly rlimits?: readonly Rlimit[];
  readonly noNewPrivileges?: boolean;
  readonly oomScoreAdj?: number;
  readonly scheduler?: Scheduler;
  readonly ioPriority?: IoPriority;
  /** For an exec only: before it is in the container's groups, and then. */
  readonly execCPUAffinity?: { readonly initial?: string; readonly final?: string };
  /** Refused. */
  readonly apparmorProfile?: string;
  readonly selinuxLabel?: string;
}

export interface Scheduler {
  /** `SCHED_FIFO`. */
  readonly policy: string;
  readonly nice?: number;
  readonly priority?: number;
  /** `SCHED_FLAG_RESET_ON_FORK`. */
  readonly flags?: readonly string[];
  /** Nanoseconds, for `SCHED_DEADLINE`. */
  readonly runtime?: number;
  readonly deadline?: number;
  readonly period?: number;
}

export interface IoPriority {
  /** `IOPRIO_CLASS_BE`. */
  readonly class: string;
  /** 0 is the highest, 7 the lowest. */
  readonly priority?: number;
}

export interface User {
  readonly uid: number;
  readonly gid: number;
  readonly umask?: number;
  readonly additionalGids?: readonly number[];
  /** Docker's text: "", "uid", "uid:gid", "name", "name:group"; read in the container's /etc. It wins over uid and gid. */
  readonly username?: string;
  /** `--group-add`: names or numbers. */
  readonly additionalGroups?: readonly string[];
}

/** Names like `CAP_CHOWN`. */
export interface Capabilities {
  readonly bounding?: readonly string[];
  readonly effective?: readonly string[];
  readonly permitted?: readonly string[];
  readonly inheritable?: readonly string[];
  readonly ambient?: readonly string[];
}

export interface Rlimit {
  /** `RLIMIT_NOFILE`. */
  readonly type: string;
  /** -1 is unlimited, and so is 2^64-1. */
  readonly soft: number | bigint;
  readonly hard: number | bigint;
}

export interface Mount {
  readonly destination: string;
  /** A file system; `bind` or absent with the option `bind` or `rbind` for something of the host. */
  readonly type?: string;
  readonly source?: string;
  /** As for mount(8), and berth's own `x-make-source`: a bind's missing source is made as a directory (`docker -v`). */
  readonly options?: readonly string[];
  /** Of an id-mapped bind; absent with the option `idmap` or `ridmap`: those of the container. */
  readonly uidMappings?: readonly IdRange[];
  readonly gidMappings?: readonly IdRange[];
}

export interface Linux {
  readonly namespaces: readonly Namespace[];
  /** Of the user namespace: of a new one its own, of one by path those that it has. */
  readonly uidMappings?: readonly IdRange[];
  readonly gidMappings?: readonly IdRange[];
  readonly devices?: readonly Device[];
  /** The container's control group below the root of every hierarchy, `/berth/<id>`. */
  readonly cgroupsPath?: string;
  readonly resources?: Resources;
  readonly rootfsPropagation?:
    "private" | "rprivate" | "slave" | "rslave" | "shared" | "rshared" | "unbindable" | "runbindable" | "";
  readonly seccomp?: Seccomp | DockerSeccomp | CompiledSeccomp;
  /** Of a new time namespace. */
  readonly timeOffsets?: Readonly<Partial<Record<"monotonic" | "boottime", TimeOffset>>>;
  /** Devices of the host that move into the container's network namespace, by their names on the host. */
  readonly netDevices?: Readonly<Record<string, { readonly name?: string }>>;
  /** `net.ipv4.ip_forward` or `net/ipv4/ip_forward` → value. */
  readonly sysctl?: Readonly<Record<string, string>>;
  readonly maskedPaths?: readonly string[];
  readonly readonlyPaths?: readonly string[];
  readonly personality?: Personality;
  readonly memoryPolicy?: MemoryPolicy;
  /** Refused. */
  readonly mountLabel?: string;
  readonly intelRdt?: object;
}

export interface Personality {
  /** `LINUX` or `LINUX32`. */
  readonly domain?: string;
  readonly flags?: readonly string[];
}

export interface MemoryPolicy {
  /** `MPOL_BIND`. */
  readonly mode?: string;
  /** A list like `0-1,3`. */
  readonly nodes?: string;
  /** `MPOL_F_STATIC_NODES`. */
  readonly flags?: readonly string[];
}

export interface TimeOffset {
  readonly secs?: number;
  readonly nanosecs?: number;
}

export type NamespaceType = "mount" | "pid" | "network" | "ipc" | "uts" | "cgroup" | "user" | "time";

export interface Namespace {
  readonly type: NamespaceType;
  /** One that exists (`/proc/12/ns/net`); absent: a new one. A type that is not listed is shared with the host. */
  readonly path?: string;
}

export interface Device {
  readonly type: "c" | "b" | "u" | "p";
  readonly path: string;
  readonly major?: number;
  readonly minor?: number;
  readonly fileMode?: number;
  readonly uid?: number;
  readonly gid?: number;
}

/** The specification's own form: rules that are chosen already. */
export interface Seccomp {
  readonly defaultAction: string;
  readonly defaultErrnoRet?: number | null;
  readonly architectures?: readonly string[];
  readonly flags?: readonly string[] | null;
  /** A unix socket of the host: whoever listens there decides where the action is SCMP_ACT_NOTIFY. */
  readonly listenerPath?: string;
  /** For the listener, who knows what it means. */
  readonly listenerMetadata?: string;
  readonly syscalls?: readonly SeccompRule[];
}

export interface SeccompRule {
  readonly names: readonly string[];
  readonly action: string;
  /** Podman's profiles have null for what they do not say, here and for the arguments. */
  readonly errnoRet?: number | null;
  readonly args?: readonly SeccompArgument[] | null;
}

export interface SeccompArgument {
  readonly index: number;
  readonly value: number | bigint;
  readonly valueTwo?: number | bigint;
  /** `SCMP_CMP_EQ`, … */
  readonly op: string;
}

/** Docker's form, whose rules depend on the container's capabilities: the built-in profile, or the text of a JSON file. */
export interface DockerSeccomp {
  readonly profile: "default" | { readonly json: string };
}

/** Either of them, compiled. */
export interface CompiledSeccomp {
  /** struct sock_filter[]. */
  readonly program: Uint8Array;
  /** SECCOMP_FILTER_FLAG_*. */
  readonly flags: number;
  /** Only where the program notifies. */
  readonly listener?: { readonly path: string; readonly metadata?: string };
}

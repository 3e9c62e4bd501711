/** The steps of a launch plan as data. native/protocol.h says what each does; the shim performs them in order and decides nothing. */
import type { IdMap } from "../lib/id-map.ts";
import type { AttributeStep } from "./mount-steps.ts";
import type { UserOp } from "./op-user.ts";
import type { NetworkPlan } from "./network-plan.ts";

export type Op = ShimOp | SharedOp | ChildOp | UserOp | AttendOp | CallerOp;

/** The shim itself, before the clone. */
export type ShimOp =
  | {
      readonly op: "supervise";
      readonly id: string;
      readonly runDirectory: string;
      readonly flags: number;
      readonly rows: number;
      readonly columns: number;
      /** How long after the process's end a grandchild may hold the output open. */
      readonly drainMs: number;
    }
  | { readonly op: "log"; readonly path: string; readonly maxBytes: number; readonly maxFiles: number }
  | {
      readonly op: "spill";
      readonly directory: string;
      readonly maxBytes: number;
      readonly sparePercent: number;
    }
  | { readonly op: "oom-counter"; readonly file: string }
  /** `introduction`: what whoever listens at `path` is told, in pieces between which the process's id goes. */
  | {
      readonly op: "seccomp-listener";
      readonly path: string;
      readonly introduction: readonly string[];
      /** The process is that behind `enter`. */
      readonly entering: boolean;
    }
  /** Beside the three streams: how many the process gets, and whether a socket that takes its terminal follows them. */
  | { readonly op: "descriptors"; readonly preserved: number; readonly console: boolean }
  | { readonly op: "start-fifo"; readonly path: string }
  | { readonly op: "clone"; readonly flags: number; readonly cgroup: string };

/** Before or after the clone. */
export type SharedOp =
  | { readonly op: "mkdir"; readonly path: string; readonly mode: number; readonly existOk: boolean }
  | { readonly op: "write"; readonly path: string; readonly data: string; readonly optional: boolean }
  | { readonly op: "join"; readonly path: string; readonly type: number }
  | { readonly op: "join-process"; readonly pid: number; readonly startTime: bigint; readonly flags: number }
  | { readonly op: "unshare"; readonly flags: number };

/** The child, on its way into the container. */
export type ChildOp = MountOp | FileOp | IdentityOp | SettingOp | PerformanceOp;

/** The child where it only calls another OCI runtime, and never enters the container. */
export type CallerOp =
  | {
      readonly op: "bundle";
      readonly path: string;
      /** JSON before and behind the numbers of the user. */
      readonly before: string;
      readonly behind: string;
      readonly user: string;
      readonly groups: readonly string[];
    }
  | {
      readonly op: "runtime";
      readonly directory: string;
      readonly argv: readonly string[];
      readonly env: readonly string[];
      /** Its process is handed to the shim, with its terminal where `console` says that it sends one. */
      readonly makesProcess: boolean;
      readonly console: boolean;
      readonly rows: number;
      readonly columns: number;
      /** Nothing comes behind it. */
      readonly last: boolean;
    }
  /** Enters the network namespace of that process, or goes back. */
  | { readonly op: "process-network"; readonly enter: boolean };

export type MountOp =
  /** What a bind is of, taken while it still is a peer of the host's mount. */
  | {
      readonly op: "bind-source";
      readonly slot: number;
      readonly source: string;
      readonly recursive: boolean;
      readonly makeSource: boolean;
    }
  | { readonly op: "propagation"; readonly path: string; readonly flags: number }
  | {
      readonly op: "mount-host";
      readonly source: string;
      readonly target: string;
      readonly type: string;
      readonly flags: number;
      readonly data: string;
      readonly workingDirectory: string;
    }
  | { readonly op: "root"; readonly path: string; readonly bind: boolean }
  | {
      readonly op: "mount";
      readonly source: string;
      readonly target: string;
      readonly type: string;
      readonly flags: number;
      readonly data: string;
      /** Every component of the target must be a real directory. */
      readonly api: boolean;
      readonly optional: boolean;
      /** By mount(2): flags that fsconfig(2) has no word for. */
      readonly classic?: true;
      /** A tmpfs begins with what it covers. */
      readonly copyUp?: true;
      readonly steps?: readonly AttributeStep[];
    }
  /** Changes what is mounted at `target`. */
  | { readonly op: "remount"; readonly target: string; readonly flags: number; readonly data: string }
  | {
      readonly op: "bind";
      readonly source: string;
      readonly target: string;
      readonly recursive: boolean;
      readonly makeSource: boolean;
      /** Where `bind-source` has put it. */
      readonly slot?: number;
      /** Only the root of a procfs will do. */
      readonly procfs?: true;
      /** Its ids, mapped; only until prepare() has made a tree of it. */
      readonly idMap?: { readonly map: IdMap; readonly recursive: boolean };
      readonly steps: readonly AttributeStep[];
    }
  | { readonly op: "mask"; readonly path: string }
  | { readonly op: "readonly-path"; readonly path: string }
  /** Of a mount that is there already. */
  | { readonly op: "mount-attributes"; readonly path: string; readonly steps: readonly AttributeStep[] }
  | { readonly op: "pivot" }
  /** Where the mount namespace is shared: the root of the others stays. */
  | { readonly op: "chroot" }
  | { readonly op: "readonly-root" };

export type FileOp =
  | {
      readonly op: "directory";
      readonly path: string;
      readonly mode: number;
      readonly uid: number;
      readonly gid: number;
    }
  | {
      readonly op: "mknod";
      readonly path: string;
      readonly mode: number;
      readonly major: number;
      readonly minor: number;
      readonly uid: number;
      readonly gid: number;
    }
  | { readonly op: "symlink"; readonly target: string; readonly path: string }
  | {
      readonly op: "console";
      readonly rows: number;
      readonly columns: number;
      readonly bind: boolean;
      /** It becomes the controlling terminal of the process behind `enter`. */
      readonly entering: boolean;
    };

export type IdentityOp =
  | { readonly op: "bounding"; readonly mask: bigint }
  | { readonly op: "user"; readonly user: string; readonly groups: readonly string[] }
  | {
      readonly op: "capabilities";
      readonly effective: bigint;
      readonly permitted: bigint;
      readonly inheritable: bigint;
      readonly ambient: bigint;
    }
  | { readonly op: "no-new-privs" }
  /** Before the child can make children in another pid namespace. */
  | { readonly op: "seccomp-messenger" }
  /** The rest is done by a new process, in the pid namespace that was joined. */
  | { readonly op: "enter" }
  | { readonly op: "seccomp"; readonly flags: number; readonly program: Uint8Array };

export type SettingOp =
  /** Waits until start() is said; that for hooks, until those of the runtime have run. */
  | { readonly op: "barrier"; readonly for?: "hooks" }
  | {
      readonly op: "hook";
      /** For people. */
      readonly name: string;
      readonly path: string;
      readonly argv: readonly string[];
      readonly env: readonly string[];
      /** JSON before and behind the process id. */
      readonly state: readonly [string, string];
      /** 0: none. */
      readonly timeoutMs: number;
      /** Its working directory is the root, before the pivot. */
      readonly atRoot: boolean;
    }
  | { readonly op: "sysctl"; readonly name: string; readonly value: string }
  | { readonly op: "hostname"; readonly name: string }
  | { readonly op: "domainname"; readonly name: string }
  | {
      readonly op: "netlink";
      readonly label: string;
      readonly messages: Uint8Array;
      readonly count: number;
      /** Of a socket of the host's. */
      readonly slot?: number;
      /** Only until prepare() has chosen. */
      readonly apart?: NetworkPlan["inside"][number]["apart"];
    }
  | { readonly op: "rlimit"; readonly resource: number; readonly soft: bigint; readonly hard: bigint }
  | { readonly op: "oom-score"; readonly value: number }
  | { readonly op: "umask"; readonly mask: number }
  | { readonly op: "session" }
  | { readonly op: "keyring"; readonly name: string }
  /** What will be executed: it must be there, and the user must be allowed to. */
  | { readonly op: "find"; readonly program: string; readonly path: string }
  /** Nobody looks after the process from here on. */
  | { readonly op: "await-start" }
  | { readonly op: "cwd"; readonly path: string; readonly create: boolean }
  | {
      readonly op: "exec";
      readonly argv: readonly string[];
      readonly env: readonly string[];
      readonly setHome: boolean;
    };

/** How the kernel runs the process. */
export type PerformanceOp =
  | {
      readonly op: "scheduler";
      /** SCHED_*, SCHED_FLAG_*. */
      readonly policy: number;
      readonly flags: number;
      readonly nice: number;
      readonly priority: number;
      /** Nanoseconds. */
      readonly runtime: number;
      readonly deadline: number;
      readonly period: number;
    }
  /** Class and priority as ioprio_set(2) wants them. */
  | { readonly op: "io-priority"; readonly value: number }
  /** A mask, 64 CPUs in each word. */
  | { readonly op: "affinity"; readonly cpus: readonly bigint[] }
  | { readonly op: "personality"; readonly persona: number }
  /** MPOL_* with flags; a mask, 64 nodes in each word. */
  | { readonly op: "memory-policy"; readonly mode: number; readonly nodes: readonly bigint[] };

/** A plan of its own: for who has become the process's attendant, and for what is left behind. */
export type AttendOp =
  | {
      readonly op: "attend";
      readonly pid: number;
      readonly terminal: boolean;
      /** Where it waits for its start, or "". */
      readonly startFifo: string;
      /** The container's, or "": what is not this one any more is somebody else's to remove. */
      readonly directory: string;
      /** The service manager's socket, which is told when the process is ready; or "". */
      readonly manager: string;
      /** Only until then, and the process is on its own. */
      readonly leave: boolean;
      /** Runs where something cannot be removed; `always`: also otherwise. */
      readonly conclude: { readonly argv: readonly string[]; readonly always: boolean };
    }
  | { readonly op: "remove"; readonly path: string };

export type OpName = Op["op"];

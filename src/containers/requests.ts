/** What callers of containers and execs hand in and get back, where Docker's description has no named type for it. */
import type { ContainerConfig, HostConfig, NetworkingConfig } from "../wire/schema.ts";

export type Filters = ReadonlyMap<string, readonly string[]>;

export type ContainerCreateRequest = ContainerConfig & {
  HostConfig?: HostConfig | null;
  NetworkingConfig?: NetworkingConfig | null;
};

export interface ListOptions {
  readonly all: boolean;
  readonly limit?: number;
  readonly size: boolean;
  readonly filters: Filters;
}

export interface StopOptions {
  readonly signal?: string | undefined;
  /** Negative: wait for ever. */
  readonly timeoutSeconds?: number | undefined;
}

export type WaitCondition = "not-running" | "next-exit" | "removed";

export interface LogOptions {
  readonly stdout: boolean;
  readonly stderr: boolean;
  readonly follow: boolean;
  /** Unix seconds, as docker sends them: "1700000000.123456789". */
  readonly since?: string | undefined;
  readonly until?: string | undefined;
  readonly timestamps: boolean;
  /** "all", or a number of lines. */
  readonly tail?: string | undefined;
}

export interface LogStream {
  readonly tty: boolean;
  readonly stream: AsyncIterable<Uint8Array>;
}

export interface AttachOptions {
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
  readonly stream: boolean;
  readonly logs: boolean;
}

/** Both directions of a process. `output` has docker's stream frames, or raw bytes for a tty, and ends with the process. */
export interface Attachment {
  readonly tty: boolean;
  readonly output: AsyncIterable<Uint8Array>;
  write(bytes: Uint8Array): Promise<void>;
  closeInput(): void;
  close(): void;
}

/** What `X-Docker-Container-Path-Stat` carries. `mode` is Go's os.FileMode; `mtime` RFC 3339. */
export interface PathStat {
  readonly name: string;
  readonly size: number;
  readonly mode: number;
  readonly mtime: string;
  readonly linkTarget: string;
}

export interface PutArchiveOptions {
  readonly noOverwriteDirNonDir: boolean;
  readonly copyUIDGID: boolean;
}

export interface PruneReport {
  readonly ContainersDeleted: readonly string[];
  readonly SpaceReclaimed: number;
}

export interface ExecConfig {
  AttachStdin?: boolean | null;
  AttachStdout?: boolean | null;
  AttachStderr?: boolean | null;
  ConsoleSize?: number[] | null;
  DetachKeys?: string | null;
  Tty?: boolean | null;
  Env?: string[] | null;
  Cmd?: string[] | null;
  Privileged?: boolean | null;
  User?: string | null;
  WorkingDir?: string | null;
}

export interface ExecStartOptions {
  readonly Detach?: boolean | null;
  readonly Tty?: boolean | null;
  readonly ConsoleSize?: readonly number[] | null;
}

export interface ExecInspect {
  readonly ID: string;
  readonly Running: boolean;
  readonly ExitCode: number | null;
  readonly ProcessConfig: {
    tty: boolean;
    entrypoint: string;
    arguments: string[];
    privileged: boolean;
    user?: string;
  };
  readonly OpenStdin: boolean;
  readonly OpenStderr: boolean;
  readonly OpenStdout: boolean;
  readonly CanRemove: boolean;
  readonly ContainerID: string;
  readonly DetachKeys: string;
  readonly Pid: number;
}

/** The forms of a launch plan. */
export type ExplainFormat = "table" | "json" | "sh";

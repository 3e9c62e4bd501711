/** Bodies and answers of Docker's API that its description only has inline, and the few that are berth's own. */
import type {
  ContainerConfig,
  HostConfig,
  ImageDeleteResponseItem,
  NetworkingConfig,
  ProcessConfig,
} from "./schema.ts";

/** `POST /containers/create`. `Cmd` and `Entrypoint` arrive as one string or a list; the API hands on lists. */
export type ContainerCreateRequest = ContainerConfig & {
  HostConfig?: HostConfig | null;
  NetworkingConfig?: NetworkingConfig | null;
};

/** `POST /containers/{id}/update`: the limits of a HostConfig. */
export type ContainerUpdateRequest = Pick<
  HostConfig,
  | "BlkioDeviceReadBps"
  | "BlkioDeviceReadIOps"
  | "BlkioDeviceWriteBps"
  | "BlkioDeviceWriteIOps"
  | "BlkioWeight"
  | "BlkioWeightDevice"
  | "CgroupParent"
  | "CpuCount"
  | "CpuPercent"
  | "CpuPeriod"
  | "CpuQuota"
  | "CpuRealtimePeriod"
  | "CpuRealtimeRuntime"
  | "CpuShares"
  | "CpusetCpus"
  | "CpusetMems"
  | "DeviceCgroupRules"
  | "DeviceRequests"
  | "Devices"
  | "IOMaximumBandwidth"
  | "IOMaximumIOps"
  | "Init"
  | "KernelMemoryTCP"
  | "Memory"
  | "MemoryReservation"
  | "MemorySwap"
  | "MemorySwappiness"
  | "NanoCpus"
  | "OomKillDisable"
  | "PidsLimit"
  | "RestartPolicy"
  | "Ulimits"
>;

/** `POST /containers/{id}/exec`. `ConsoleSize` is `[height, width]`. */
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

/** `POST /exec/{id}/start`. `ConsoleSize` is `[height, width]`. */
export interface ExecStartConfig {
  Detach?: boolean | null;
  Tty?: boolean | null;
  ConsoleSize?: number[] | null;
}

/** `GET /exec/{id}/json`. `ExitCode` is null until the process has ended. */
export interface ExecInspectResponse {
  ID: string;
  Running: boolean;
  ExitCode: number | null;
  ProcessConfig: ProcessConfig;
  OpenStdin: boolean;
  OpenStderr: boolean;
  OpenStdout: boolean;
  CanRemove: boolean;
  ContainerID: string;
  DetachKeys: string;
  Pid: number;
}

/** `POST /containers/prune`. */
export interface ContainersPruneResponse {
  ContainersDeleted: string[] | null;
  SpaceReclaimed: number;
}

/** `POST /images/prune`. */
export interface ImagesPruneResponse {
  ImagesDeleted: ImageDeleteResponseItem[] | null;
  SpaceReclaimed: number;
}

/** What `X-Docker-Container-Path-Stat` carries. `mode` is Go's `os.FileMode`, not `st_mode`; `mtime` is RFC 3339. */
export interface PathStat {
  name: string;
  size: number;
  mode: number;
  mtime: string;
  linkTarget: string;
}

/** `POST /berth/fsck`: something that exists without an owner, or an owner that lacks it. */
export interface Finding {
  kind: string;
  id: string;
  what: string;
  repaired: boolean;
}

/** When `POST /containers/{id}/wait` answers. */
export type WaitCondition = "not-running" | "next-exit" | "removed";

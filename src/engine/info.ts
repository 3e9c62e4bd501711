/** `info`, as docker's clients read it. Pure. */
import type { Features } from "../kernel/features.ts";
import { controllerPlace } from "../kernel/cgroups.ts";
import { VERSION } from "../lib/version.ts";
import type { SystemInfo } from "../wire/schema.ts";

export interface InfoFacts {
  readonly features: Features;
  readonly root: string;
  readonly hostname: string;
  readonly operatingSystem: string;
  readonly running: number;
  readonly paused: number;
  readonly stopped: number;
  readonly images: number;
  readonly listeners: number;
  readonly runtimes: NonNullable<SystemInfo["Runtimes"]>;
  readonly defaultRuntime: string;
  /** Whether containers that do not ask get a user namespace. */
  readonly userns: boolean;
}

export function toInfo(facts: InfoFacts): SystemInfo {
  const { features, running, paused, stopped } = facts;
  return {
    ID: facts.hostname,
    Containers: running + paused + stopped,
    ContainersRunning: running,
    ContainersPaused: paused,
    ContainersStopped: stopped,
    Images: facts.images,
    Driver: "overlay2",
    DriverStatus: [["Supports d_type", "true"]],
    DockerRootDir: facts.root,
    Plugins: {
      Volume: [],
      Network: ["bridge", "host", "null"],
      Authorization: null,
      Log: ["json-file", "none"],
    },
    ...limits(features),
    ...host(facts),
    Debug: false,
    NFd: 0,
    NGoroutines: 0,
    SystemTime: new Date().toISOString(),
    LoggingDriver: "json-file",
    CgroupDriver: "cgroupfs",
    CgroupVersion: features.cgroups.mode === "v2" ? "2" : "1",
    NEventsListener: facts.listeners,
    IndexServerAddress: "",
    RegistryConfig: { InsecureRegistryCIDRs: [], IndexConfigs: {}, Mirrors: [] },
    GenericResources: null,
    HttpProxy: "",
    HttpsProxy: "",
    NoProxy: "",
    Labels: [],
    ExperimentalBuild: false,
    ServerVersion: VERSION,
    Runtimes: facts.runtimes,
    DefaultRuntime: facts.defaultRuntime,
    Swarm: {
      NodeID: "",
      NodeAddr: "",
      LocalNodeState: "inactive",
      ControlAvailable: false,
      Error: "",
      RemoteManagers: null,
    },
    LiveRestoreEnabled: true,
    Isolation: "",
    InitBinary: "berth",
    ContainerdCommit: { ID: "" },
    RuncCommit: { ID: "" },
    InitCommit: { ID: "" },
    SecurityOptions: [
      ...(features.seccomp ? ["name=seccomp,profile=builtin"] : []),
      ...(facts.userns ? ["name=userns"] : []),
    ],
    FirewallBackend: { Driver: "nftables" },
    CDISpecDirs: [],
    Warnings: warnings(features),
  };
}

function limits({ cgroups }: Features): SystemInfo {
  const has = (controller: string) => controllerPlace(cgroups, controller) !== undefined;
  return {
    MemoryLimit: has("memory"),
    SwapLimit: has("memory") && (cgroups.swapAccounting || cgroups.v1["memory"] === undefined),
    KernelMemoryTCP: false,
    CpuCfsPeriod: has("cpu"),
    CpuCfsQuota: has("cpu"),
    CPUShares: has("cpu"),
    CPUSet: has("cpuset"),
    PidsLimit: has("pids"),
    OomKillDisable: cgroups.v1["memory"] !== undefined,
    IPv4Forwarding: true,
  };
}

function host({ features, hostname, operatingSystem }: InfoFacts): SystemInfo {
  return {
    KernelVersion: features.kernel,
    OperatingSystem: operatingSystem,
    OSVersion: "",
    OSType: "linux",
    Architecture: features.architecture,
    NCPU: features.cpus,
    MemTotal: features.memoryBytes,
    Name: hostname,
  };
}

/** What containers will miss on this host. */
function warnings(features: Features): string[] {
  const { SwapLimit, MemoryLimit, PidsLimit, CPUSet } = limits(features);
  return [
    ...(MemoryLimit ? [] : ["WARNING: No memory limit support"]),
    ...(SwapLimit ? [] : ["WARNING: No swap limit support"]),
    ...(PidsLimit ? [] : ["WARNING: No pids limit support"]),
    ...(CPUSet ? [] : ["WARNING: No cpuset support"]),
  ];
}

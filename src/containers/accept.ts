/** Every field of a create request: berth does it, or refuses it by name. None is ignored; a new one must be decided here. */
import { BerthError } from "../lib/error.ts";
import type { ContainerConfig, HostConfig } from "../wire/schema.ts";
import type { ContainerCreateRequest } from "../wire/requests.ts";

/** "yes": done. Otherwise what docker calls it, and the values that are fine because they ask for nothing special. */
type Rule = "yes" | { readonly what: string; readonly fine?: (value: unknown) => boolean };

function no(what: string, ...fine: readonly unknown[]): Rule {
  return { what, fine: (value) => fine.includes(value) };
}

const CONFIG: Readonly<Record<keyof ContainerConfig, Rule>> = {
  Hostname: "yes",
  Domainname: "yes",
  User: "yes",
  AttachStdin: "yes",
  AttachStdout: "yes",
  AttachStderr: "yes",
  ExposedPorts: "yes",
  Tty: "yes",
  OpenStdin: "yes",
  StdinOnce: "yes",
  Env: "yes",
  Cmd: "yes",
  Healthcheck: { what: "health checks (--health-cmd)", fine: checksNothing },
  ArgsEscaped: no("windows command lines"),
  Image: "yes",
  Volumes: no("anonymous volumes (-v /path)"),
  WorkingDir: "yes",
  Entrypoint: "yes",
  NetworkDisabled: "yes",
  MacAddress: "yes",
  OnBuild: "yes",
  Labels: "yes",
  StopSignal: "yes",
  StopTimeout: "yes",
  Shell: "yes",
};

const HOST_CONFIG: Readonly<Record<keyof HostConfig, Rule>> = {
  Annotations: "yes",
  AutoRemove: "yes",
  Binds: "yes",
  BlkioDeviceReadBps: "yes",
  BlkioDeviceReadIOps: "yes",
  BlkioDeviceWriteBps: "yes",
  BlkioDeviceWriteIOps: "yes",
  BlkioWeight: "yes",
  BlkioWeightDevice: "yes",
  CapAdd: "yes",
  CapDrop: "yes",
  Cgroup: no("joining the cgroup of a container"),
  CgroupParent: no("a cgroup parent of one's own (--cgroup-parent)"),
  CgroupnsMode: "yes",
  ConsoleSize: "yes",
  ContainerIDFile: "yes", // the command line writes it
  CpuCount: no("windows processor counts (--cpu-count)"),
  CpuPercent: no("windows processor percentages (--cpu-percent)"),
  CpuPeriod: "yes",
  CpuQuota: "yes",
  CpuRealtimePeriod: no("real-time scheduling (--cpu-rt-period)"),
  CpuRealtimeRuntime: no("real-time scheduling (--cpu-rt-runtime)"),
  CpuShares: "yes",
  CpusetCpus: "yes",
  CpusetMems: "yes",
  DeviceCgroupRules: "yes",
  DeviceRequests: no("device requests (--gpus)"),
  Devices: "yes",
  Dns: "yes",
  DnsOptions: "yes",
  DnsSearch: "yes",
  ExtraHosts: "yes",
  GroupAdd: "yes",
  IOMaximumBandwidth: no("windows i/o limits (--io-maxbandwidth)"),
  IOMaximumIOps: no("windows i/o limits (--io-maxiops)"),
  Init: "yes",
  IpcMode: "yes",
  Isolation: no("isolation technologies (--isolation)", "default"),
  KernelMemoryTCP: no("limits of kernel TCP memory"),
  Links: no("links (--link)"),
  LogConfig: "yes",
  MaskedPaths: "yes",
  Memory: "yes",
  MemoryReservation: "yes",
  MemorySwap: "yes",
  MemorySwappiness: "yes",
  Mounts: "yes",
  NanoCpus: "yes",
  NetworkMode: "yes",
  OomKillDisable: "yes",
  OomScoreAdj: "yes",
  PidMode: "yes",
  PidsLimit: "yes",
  PortBindings: no("publishing ports (-p)"),
  Privileged: "yes",
  PublishAllPorts: no("publishing ports (-P)"),
  ReadonlyPaths: "yes",
  ReadonlyRootfs: "yes",
  RestartPolicy: { what: "restart policies (--restart)", fine: restartsNever },
  Runtime: "yes",
  SecurityOpt: "yes",
  ShmSize: "yes",
  StorageOpt: no("storage options (--storage-opt)"),
  Sysctls: "yes",
  Tmpfs: "yes",
  UTSMode: "yes",
  Ulimits: "yes",
  UsernsMode: "yes",
  VolumeDriver: no("volume drivers (--volume-driver)", "local"),
  VolumesFrom: no("volumes of other containers (--volumes-from)"),
};

/** Throws for the first field that asks for something berth does not do. */
export function requireSupported(request: ContainerCreateRequest): void {
  const { HostConfig: hostConfig, NetworkingConfig: networking, ...config } = request;
  check("", config, CONFIG);
  check("HostConfig.", hostConfig ?? {}, HOST_CONFIG);
  for (const endpoint of Object.values(networking?.EndpointsConfig ?? {})) {
    check("NetworkingConfig.", endpoint ?? {}, ENDPOINT);
  }
}

/** Of an endpoint only a wished address counts; the rest is what the engine answers, and clients send it back. */
const ENDPOINT: Readonly<Record<string, Rule>> = {
  Links: no("links (--link)"),
  Aliases: no("network aliases (--network-alias)"),
  DriverOpts: no("driver options of networks"),
  GwPriority: no("gateway priorities"),
  IPAMConfig: "yes",
  MacAddress: "yes",
  NetworkID: "yes",
  EndpointID: "yes",
  Gateway: "yes",
  IPAddress: "yes",
  IPPrefixLen: "yes",
  IPv6Gateway: "yes",
  GlobalIPv6Address: "yes",
  GlobalIPv6PrefixLen: "yes",
  DNSNames: "yes",
};

function check(prefix: string, given: object, rules: Readonly<Record<string, Rule>>): void {
  for (const [name, value] of Object.entries(given)) {
    const rule = Object.hasOwn(rules, name) ? rules[name] : undefined;
    if (rule === "yes" || asksForNothing(value) || rule?.fine?.(value) === true) continue;
    const what = rule === undefined ? "this field" : rule.what;
    throw new BerthError("unsupported", `${prefix}${name}: berth does not support ${what} yet`);
  }
}

/** Go's zero values, which clients send for what was not asked. `{"80/tcp": []}` does ask: for any port. */
function asksForNothing(value: unknown): boolean {
  if (value === null || value === undefined) return true;
  if (typeof value === "object") return Object.keys(value).length === 0;
  return value === "" || value === 0 || value === false;
}

function restartsNever(value: unknown): boolean {
  const { Name: name } = value as NonNullable<HostConfig["RestartPolicy"]>;
  return name === undefined || name === null || name === "" || name === "no";
}

function checksNothing(value: unknown): boolean {
  const { Test: test, ...rest } = value as NonNullable<ContainerConfig["Healthcheck"]>;
  return test?.[0] === "NONE" || [test, ...Object.values(rest)].every(asksForNothing);
}

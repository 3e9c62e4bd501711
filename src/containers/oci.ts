/** From what a container was asked to be to the OCI runtime specification of its process. Pure: the host is asked through `context`. */
import type { DefaultSpec } from "../runtime/defaults.ts";
import type { Linux, Namespace, Process, Spec } from "../runtime/spec.ts";
import type { HostConfig } from "../wire/schema.ts";
import { capabilitiesOf, type KnownCapabilities } from "./capabilities.ts";
import { devicesOf, type FindDevices } from "./devices.ts";
import { networkKind, otherContainer } from "./network.ts";
import { type MountContext, ociMounts } from "./oci-mounts.ts";
import { type FindDevice, resourcesOf } from "./resources.ts";
import { securityOptions } from "./security.ts";
import { commandOf, type ContainerSpec, environmentOf } from "./spec.ts";
import { sysctlsOf } from "./sysctls.ts";
import { rlimitsOf } from "./ulimits.ts";

/** What is not in the container's own specification. */
export interface OciContext {
  readonly defaults: DefaultSpec;
  readonly capabilities: KnownCapabilities;
  readonly files: MountContext["files"];
  /** Namespaces of other containers, as paths. */
  readonly join: {
    readonly network?: string;
    readonly ipc?: string;
    readonly pid?: string;
    readonly user?: string;
  };
  readonly sharedShm?: string | undefined;
  /** Whether the host's control groups are of version 2: then the namespace is private by default, as with docker. */
  readonly unifiedCgroups: boolean;
  readonly cgroupsPath: string;
  readonly findDevices: FindDevices;
  readonly findDevice: FindDevice;
}

export function toOci(spec: ContainerSpec, context: OciContext): Spec {
  const { config, hostConfig, idMap } = spec;
  const { defaults, files, sharedShm } = context;
  const ownUts = hostConfig.UTSMode !== "host";
  return {
    ociVersion: "1.2.0",
    ...(ownUts && config.Hostname ? { hostname: config.Hostname } : {}),
    ...(ownUts && config.Domainname ? { domainname: config.Domainname } : {}),
    process: ociProcess(spec, context),
    root: { path: "", readonly: hostConfig.ReadonlyRootfs ?? false },
    mounts: ociMounts(hostConfig, { defaults: defaults.mounts, files, sharedShm, idMap }),
    linux: ociLinux(spec, context),
    ...(hostConfig.Annotations ? { annotations: hostConfig.Annotations } : {}),
  };
}

function ociProcess({ config, hostConfig }: ContainerSpec, { capabilities }: OciContext): Process {
  const names = capabilitiesOf(hostConfig, capabilities);
  const [height = 0, width = 0] = hostConfig.ConsoleSize ?? [];
  return {
    terminal: config.Tty ?? false,
    ...(config.Tty && height > 0 ? { consoleSize: { height, width } } : {}),
    user: {
      uid: 0,
      gid: 0,
      username: config.User ?? "",
      additionalGroups: hostConfig.GroupAdd ?? [],
    },
    args: commandOf(config),
    env: environmentOf(config, config.Hostname ?? ""),
    cwd: config.WorkingDir || "/",
    capabilities: { bounding: names, effective: names, permitted: names, inheritable: [], ambient: [] },
    rlimits: rlimitsOf(hostConfig),
    noNewPrivileges: securityOptions(hostConfig).noNewPrivileges,
    ...(hostConfig.OomScoreAdj ? { oomScoreAdj: hostConfig.OomScoreAdj } : {}),
  };
}

function ociLinux({ hostConfig, idMap }: ContainerSpec, context: OciContext): Linux {
  const { defaults } = context;
  const security = securityOptions(hostConfig);
  const devices = devicesOf(hostConfig, context.findDevices);
  const resources = resourcesOf(hostConfig, context.findDevice);
  const paths = security.systemPaths
    ? {
        maskedPaths: hostConfig.MaskedPaths ?? defaults.maskedPaths,
        readonlyPaths: hostConfig.ReadonlyPaths ?? defaults.readonlyPaths,
      }
    : { maskedPaths: [], readonlyPaths: [] };
  return {
    namespaces: [
      ...namespacesOf(hostConfig, context),
      ...namespace("user", idMap === undefined, context.join.user),
    ],
    ...(idMap === undefined ? {} : { uidMappings: idMap.uid, gidMappings: idMap.gid }),
    devices: devices.nodes,
    cgroupsPath: context.cgroupsPath,
    resources: { ...resources, devices: [...defaults.deviceRules, ...devices.rules] },
    rootfsPropagation: "rprivate", // a bind that was asked to be shared is so all the same
    ...(security.seccomp === "unconfined" ? {} : { seccomp: { profile: security.seccomp } }),
    sysctl: sysctlsOf(hostConfig, idMap),
    ...paths,
  };
}

function namespacesOf(hostConfig: HostConfig, { join, unifiedCgroups }: OciContext): Namespace[] {
  const cgroup = hostConfig.CgroupnsMode || (unifiedCgroups ? "private" : "host");
  const network = networkKind(hostConfig).kind;
  return [
    { type: "mount" },
    ...namespace("network", network === "host", network === "container" ? join.network : undefined),
    ...namespace("pid", hostConfig.PidMode === "host", otherContainer(hostConfig.PidMode) && join.pid),
    ...namespace("ipc", hostConfig.IpcMode === "host", otherContainer(hostConfig.IpcMode) && join.ipc),
    ...namespace("uts", hostConfig.UTSMode === "host"),
    ...namespace("cgroup", cgroup === "host"),
  ];
}

/** The host's, one of another container, or a new one. */
function namespace(type: Namespace["type"], host: boolean, path?: string): Namespace[] {
  if (host) return [];
  return [path === undefined ? { type } : { type, path }];
}

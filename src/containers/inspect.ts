/** `inspect`: every field that docker's clients read. */
import type { IdMap } from "../lib/id-map.ts";
import { defaultSpec } from "../runtime/defaults.ts";
import type { ContainerConfig, ContainerInspectResponse, HostConfig } from "../wire/schema.ts";
import type { Container } from "./container.ts";
import { mountRequests, toMountPoints } from "./mounts.ts";
import { networkSettings } from "./networks-view.ts";
import { networkKind } from "./network.ts";
import { networkFilesIn } from "./network-files.ts";
import type { Parts } from "./parts.ts";
import { containerDirectory, layersDirectory, logPath } from "./places.ts";
import { writtenBytes } from "./size.ts";
import { commandOf } from "./spec.ts";
import { toInspectState } from "./state.ts";

export async function inspectContainer(
  parts: Parts,
  container: Container,
  execIds: readonly string[],
  options: { size: boolean },
): Promise<ContainerInspectResponse> {
  const { id, name, record, spec, state } = container;
  const [Path = "", ...Args] = commandOf(spec.config);
  return {
    Id: id,
    Created: record.createdAt,
    Path,
    Args,
    State: toInspectState(state),
    Image: spec.image.id,
    ...filesOf(parts, container),
    Name: `/${name}`,
    RestartCount: 0,
    Driver: "overlay2",
    Platform: spec.image.platform.os,
    MountLabel: "",
    ProcessLabel: "",
    AppArmorProfile: "",
    ExecIDs: execIds.length > 0 ? [...execIds] : null,
    HostConfig: { ...fullHostConfig(parts, spec.hostConfig), ...idMappings(spec.idMap) },
    GraphDriver: graphDriver(parts, container),
    ...(options.size ? await sizesOf(parts, container) : {}),
    Mounts: toMountPoints(mountRequests(spec.hostConfig)),
    Config: fullConfig(spec.config),
    NetworkSettings: networkSettings(parts, container),
  };
}

/** Docker leaves them empty until the first start. */
function filesOf(parts: Parts, container: Container): ContainerInspectResponse {
  const owner = ownerOfNetwork(container);
  const files = networkFilesIn(containerDirectory(parts.places, owner));
  if (container.state.status === "created")
    return { ResolvConfPath: "", HostnamePath: "", HostsPath: "", LogPath: "" };
  return {
    ResolvConfPath: files.resolvConf,
    HostnamePath: files.hostname,
    HostsPath: files.hosts,
    LogPath: container.spec.hostConfig.LogConfig?.Type === "none" ? "" : logPath(parts.places, container.id),
  };
}

function ownerOfNetwork({ id, spec }: Container): string {
  const network = networkKind(spec.hostConfig);
  return network.kind === "container" ? network.ref : id;
}

function graphDriver({ places }: Parts, { id, spec }: Container): ContainerInspectResponse["GraphDriver"] {
  const directory = containerDirectory(places, id);
  const layers = layersDirectory(places);
  return {
    Name: "overlay2",
    Data: {
      ID: id,
      LowerDir: spec.image.layers.map((layer) => `${layers}/${layer}`).join(":"),
      MergedDir: `${directory}/root`,
      UpperDir: `${directory}/upper`,
      WorkDir: `${directory}/work`,
    },
  };
}

async function sizesOf(parts: Parts, { id, spec }: Container): Promise<ContainerInspectResponse> {
  const written = await writtenBytes(parts, id);
  return { SizeRw: written, SizeRootFs: written + (parts.images.find(spec.image.id)?.size ?? 0) };
}

function fullConfig(config: ContainerConfig): ContainerConfig {
  return {
    Hostname: "",
    Domainname: "",
    User: "",
    AttachStdin: false,
    AttachStdout: false,
    AttachStderr: false,
    Tty: false,
    OpenStdin: false,
    StdinOnce: false,
    Env: [],
    Cmd: null,
    Image: "",
    Volumes: null,
    WorkingDir: "",
    Entrypoint: null,
    OnBuild: null,
    Labels: {},
    ...config,
  };
}

/** Docker has no field for them; podman's. */
function idMappings(idMap: IdMap | undefined): object {
  if (idMap === undefined) return {};
  const text = (ranges: IdMap["uid"]) =>
    ranges.map(({ containerID, hostID, size }) => `${containerID}:${hostID}:${size}`);
  return { IDMappings: { UidMap: text(idMap.uid), GidMap: text(idMap.gid) } };
}

/** What was asked, and docker's zero for all that was not. */
function fullHostConfig({ features }: Parts, asked: HostConfig): HostConfig {
  const { maskedPaths, readonlyPaths } = defaultSpec();
  const privileged = asked.Privileged ?? false;
  return {
    ...ZERO_HOST_CONFIG,
    CgroupnsMode: features.cgroups.mode === "v2" ? "private" : "host",
    IpcMode: "private",
    ShmSize: 64 << 20,
    MaskedPaths: privileged ? null : [...maskedPaths],
    ReadonlyPaths: privileged ? null : [...readonlyPaths],
    ...asked,
    LogConfig: { Type: asked.LogConfig?.Type || "json-file", Config: asked.LogConfig?.Config ?? {} },
  };
}

const ZERO_HOST_CONFIG: HostConfig = {
  Binds: null,
  ContainerIDFile: "",
  NetworkMode: "bridge",
  PortBindings: {},
  RestartPolicy: { Name: "no", MaximumRetryCount: 0 },
  AutoRemove: false,
  VolumeDriver: "",
  VolumesFrom: null,
  ConsoleSize: [0, 0],
  CapAdd: null,
  CapDrop: null,
  Dns: [],
  DnsOptions: [],
  DnsSearch: [],
  ExtraHosts: null,
  GroupAdd: null,
  Cgroup: "",
  Links: null,
  OomScoreAdj: 0,
  PidMode: "",
  Privileged: false,
  PublishAllPorts: false,
  ReadonlyRootfs: false,
  SecurityOpt: null,
  UTSMode: "",
  UsernsMode: "",
  Runtime: "berth",
  Isolation: "",
  CpuShares: 0,
  Memory: 0,
  NanoCpus: 0,
  CgroupParent: "",
  BlkioWeight: 0,
  BlkioWeightDevice: [],
  BlkioDeviceReadBps: [],
  BlkioDeviceWriteBps: [],
  BlkioDeviceReadIOps: [],
  BlkioDeviceWriteIOps: [],
  CpuPeriod: 0,
  CpuQuota: 0,
  CpuRealtimePeriod: 0,
  CpuRealtimeRuntime: 0,
  CpusetCpus: "",
  CpusetMems: "",
  Devices: [],
  DeviceCgroupRules: null,
  DeviceRequests: null,
  MemoryReservation: 0,
  MemorySwap: 0,
  MemorySwappiness: null,
  OomKillDisable: null,
  PidsLimit: null,
  Ulimits: [],
  CpuCount: 0,
  CpuPercent: 0,
  IOMaximumIOps: 0,
  IOMaximumBandwidth: 0,
};

/**
 * What templates see of an inspected object. On the wire it is JSON; Docker's CLI reads it into Go structs, where a field that
 * was left out has a zero value, an empty list prints as `[]`, and some names are spelled otherwise.
 */
import { NilList, NilMap, type Value } from "../lib/template-values.ts";

/** Left out on the wire when there is nothing to say → Go's zero value. */
const ZERO: Readonly<Record<string, Value>> = {
  Annotations: new NilMap(),
  ArgsEscaped: false,
  Author: "",
  Comment: "",
  Descriptor: null,
  DockerVersion: "",
  DriverOpts: new NilMap(),
  Error: "",
  ExposedPorts: new NilMap(),
  GraphDriver: null,
  Health: null,
  Healthcheck: null,
  IPAMConfig: null,
  ImageManifestDescriptor: null,
  Init: null,
  MacAddress: "",
  Mounts: new NilList(),
  NetworkDisabled: false,
  OnBuild: new NilList(),
  OsVersion: "",
  Parent: "",
  Shell: new NilList(),
  SizeRootFs: null,
  SizeRw: null,
  StopSignal: "",
  StopTimeout: null,
  StorageOpt: new NilMap(),
  Sysctls: new NilMap(),
  Tmpfs: new NilMap(),
  Variant: "",
  Volumes: new NilMap(),
};

/** Names of Go's fields → names on the wire. */
const GO_NAMES: Readonly<Record<string, string>> = {
  CPUPeriod: "CpuPeriod",
  CPUQuota: "CpuQuota",
  CPUShares: "CpuShares",
  DNS: "Dns",
  DNSOptions: "DnsOptions",
  DNSSearch: "DnsSearch",
  ID: "Id",
  NanoCPUs: "NanoCpus",
};

const LISTS = new Set(
  "Args Binds BlkioDeviceReadBps BlkioDeviceReadIOps BlkioDeviceWriteBps BlkioDeviceWriteIOps BlkioWeightDevice CapAdd CapDrop Cmd DeviceCgroupRules DeviceRequests Devices Dns DnsOptions DnsSearch DNSNames Aliases Links Entrypoint Env ExecIDs ExtraHosts GroupAdd MaskedPaths Mounts OnBuild ReadonlyPaths RepoDigests RepoTags SecurityOpt Shell Ulimits VolumesFrom Layers SecondaryIPAddresses SecondaryIPv6Addresses".split(
    " ",
  ),
);
/** A key that such a map lacks prints as `<no value>` and is no error. */
const MAPS = new Set(
  "Annotations Config Data DriverOpts ExposedPorts Labels Networks Options PortBindings Ports StorageOpt Sysctls Tmpfs Volumes".split(
    " ",
  ),
);

const openMaps = new WeakSet<object>();

/** A copy in which nulls have become Go's empty lists and maps, where the wire has those. */
export function forTemplate(element: unknown): Value {
  return JSON.parse(JSON.stringify(element), (name, value: unknown) => {
    if (value === null) return isList(name) ? new NilList() : MAPS.has(name) ? new NilMap() : null;
    if (MAPS.has(name) && typeof value === "object" && !("Image" in value)) openMaps.add(value);
    return value;
  }) as Value;
}

/** Port bindings are lists below the names of ports. */
function isList(name: string): boolean {
  return LISTS.has(name) || /^\d+\/(tcp|udp|sctp)$/.test(name);
}

/** For the template: what a field is that the object does not have. */
export function missingField(
  field: string,
  holder: Readonly<Record<string, Value>>,
): { value: Value } | undefined {
  const wire = GO_NAMES[field];
  if (wire !== undefined && Object.hasOwn(holder, wire)) return { value: holder[wire] };
  if (openMaps.has(holder) || holder instanceof NilMap) return { value: undefined };
  return Object.hasOwn(ZERO, field) ? { value: ZERO[field] } : undefined;
}

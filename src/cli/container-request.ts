/** What was typed for `run` or `create` → the request to the engine. Only what was asked for is in it. */
import { BerthError } from "../lib/error.ts";
import { parseSizeBytes } from "../lib/size.ts";
import type { ContainerCreateRequest } from "../wire/requests.ts";
import type { ContainerConfig, HostConfig } from "../wire/schema.ts";
import {
  checkUnsigned,
  parseCpusNano,
  parseSwapBytes,
  parseThrottle,
  parseWeightDevice,
} from "./container-checks.ts";
import { parseDevice } from "./device.ts";
import { readEnvironment, readLabels, toMap } from "./environment.ts";
import type { Flags } from "./flags.ts";
import { parseMount } from "./mount.ts";
import { networkRequest } from "./network.ts";
import { absolutePath } from "./path.ts";
import type { Environment } from "./places.ts";
import { securityOptions } from "./security.ts";
import { parseUlimit } from "./ulimit.ts";

export interface Typed {
  readonly flags: Flags;
  /** IMAGE [COMMAND] [ARG...] */
  readonly args: readonly string[];
  readonly environment: Environment;
  /** Nobody looks: no stream is attached unless --attach names it. */
  readonly detached: boolean;
}

export function containerRequest(typed: Typed): ContainerCreateRequest {
  const { flags } = typed;
  const names = [...flags.list("network"), ...flags.list("net")];
  const { mode, networking } = networkRequest(names, flags.text("ip"), flags.text("mac-address"));
  return {
    ...configOf(typed),
    HostConfig: { NetworkMode: mode, ...hostConfigOf(flags) },
    ...(networking === undefined ? {} : { NetworkingConfig: networking }),
  };
}

function configOf(typed: Typed): ContainerConfig {
  const { flags, args, environment } = typed;
  const [image = "", ...command] = args;
  const texts = { Hostname: "hostname", Domainname: "domainname", User: "user", WorkingDir: "workdir" };
  return {
    Image: image,
    ...(command.length > 0 ? { Cmd: command } : {}),
    ...entrypointOf(flags),
    ...streamsOf(typed),
    ...filled("Env", readEnvironment(flags.list("env-file"), flags.list("env"), environment)),
    ...filled("Labels", readLabels(flags.list("label-file"), flags.list("label"))),
    ...filled("ExposedPorts", exposedPorts(flags.list("expose"))),
    ...filled("Volumes", volumesOf(flags).volumes),
    ...textFields(flags, { ...texts, StopSignal: "stop-signal", MacAddress: "mac-address" }),
    ...(flags.given("stop-timeout") ? { StopTimeout: flags.number("stop-timeout") } : {}),
    ...(flags.on("no-healthcheck") ? { Healthcheck: { Test: ["NONE"] } } : {}),
  };
}

function entrypointOf(flags: Flags): ContainerConfig {
  // `--entrypoint=` takes the image's entrypoint away; docker sends one empty word for it.
  return flags.given("entrypoint") ? { Entrypoint: [flags.text("entrypoint")] } : {};
}

function streamsOf({ flags, detached }: Typed): ContainerConfig {
  const named = flags.list("attach").map((name) => name.toLowerCase());
  if (detached && named.length > 0) {
    throw new BerthError("invalid", "conflicting options: cannot specify both --attach and --detach");
  }
  const all = !detached && named.length === 0;
  const interactive = flags.on("interactive");
  const attachStdin = named.includes("stdin") || (all && interactive);
  return {
    AttachStdin: attachStdin,
    AttachStdout: all || named.includes("stdout"),
    AttachStderr: all || named.includes("stderr"),
    Tty: flags.on("tty"),
    OpenStdin: interactive,
    StdinOnce: interactive && attachStdin,
  };
}

function hostConfigOf(flags: Flags): HostConfig {
  return {
    ...limitsOf(flags),
    ...accessOf(flags),
    ...filled("Binds", volumesOf(flags).binds),
    ...filled("Mounts", flags.list("mount").map(parseMount)),
    ...filled("Tmpfs", Object.fromEntries(flags.list("tmpfs").map(splitTmpfs))),
    ...filled("Dns", flags.list("dns")),
    ...filled("DnsOptions", [...flags.list("dns-option"), ...flags.list("dns-opt")]),
    ...filled("DnsSearch", flags.list("dns-search")),
    ...filled("ExtraHosts", flags.list("add-host").map(checkHost)),
    ...filled("Annotations", toMap(flags.list("annotation"))),
    ...loggingOf(flags),
    ...textFields(flags, { ContainerIDFile: "cidfile", Runtime: "runtime" }),
    ...switches(flags, { AutoRemove: "rm", ReadonlyRootfs: "read-only" }),
    ...(flags.given("init") ? { Init: flags.on("init") } : {}),
  };
}

/** Those that `update` has, too. */
export function changeableLimitsOf(flags: Flags): HostConfig {
  return {
    ...numbers(flags, {
      BlkioWeight: "blkio-weight",
      CpuPeriod: "cpu-period",
      CpuQuota: "cpu-quota",
      CpuShares: "cpu-shares",
      PidsLimit: "pids-limit",
    }),
    ...sizes(flags, { Memory: "memory", MemoryReservation: "memory-reservation" }),
    ...(flags.given("memory-swap") ? { MemorySwap: parseSwapBytes(flags.text("memory-swap")) } : {}),
    ...(flags.given("cpus") ? { NanoCpus: parseCpusNano(flags.text("cpus")) } : {}),
    ...textFields(flags, { CpusetCpus: "cpuset-cpus", CpusetMems: "cpuset-mems" }),
  };
}

function limitsOf(flags: Flags): HostConfig {
  return {
    ...changeableLimitsOf(flags),
    ...numbers(flags, { OomScoreAdj: "oom-score-adj" }),
    ...sizes(flags, { ShmSize: "shm-size" }),
    ...swappinessOf(flags),
    ...switches(flags, { OomKillDisable: "oom-kill-disable" }),
    ...filled("Ulimits", flags.list("ulimit").map(parseUlimit)),
    ...filled("BlkioWeightDevice", flags.list("blkio-weight-device").map(parseWeightDevice)),
    ...throttles(flags),
  };
}

function throttles(flags: Flags): HostConfig {
  const bytes = (name: string) => flags.list(name).map((text) => parseThrottle(text, parseSizeBytes));
  const times = (name: string) => flags.list(name).map((text) => parseThrottle(text, checkUnsigned));
  return {
    ...filled("BlkioDeviceReadBps", bytes("device-read-bps")),
    ...filled("BlkioDeviceWriteBps", bytes("device-write-bps")),
    ...filled("BlkioDeviceReadIOps", times("device-read-iops")),
    ...filled("BlkioDeviceWriteIOps", times("device-write-iops")),
  };
}

function swappinessOf(flags: Flags): HostConfig {
  const value = flags.number("memory-swappiness");
  if (value < -1 || value > 100) {
    throw new BerthError("invalid", `invalid value: ${value}. Valid memory swappiness range is 0-100`);
  }
  return flags.given("memory-swappiness") ? { MemorySwappiness: value } : {};
}

function accessOf(flags: Flags): HostConfig {
  return {
    ...filled("CapAdd", flags.list("cap-add")),
    ...filled("CapDrop", flags.list("cap-drop")),
    ...filled("Devices", flags.list("device").map(parseDevice)),
    ...filled("DeviceCgroupRules", flags.list("device-cgroup-rule")),
    ...filled("GroupAdd", flags.list("group-add")),
    ...filled("Sysctls", toMap(flags.list("sysctl"))),
    ...securityOptions(flags.list("security-opt")),
    ...switches(flags, { Privileged: "privileged" }),
    ...cgroupNamespace(flags.text("cgroupns")),
    ...namespace(flags, "pid", "PidMode", /^(host|container:.+)?$/, "--pid: invalid PID mode"),
    ...namespace(flags, "uts", "UTSMode", /^(host)?$/, "--uts: invalid UTS mode"),
    ...textFields(flags, { IpcMode: "ipc", UsernsMode: "userns" }),
  };
}

function cgroupNamespace(text: string): HostConfig {
  if (text === "") return {};
  if (text !== "host" && text !== "private")
    throw new BerthError("invalid", "--cgroupns: invalid CGROUP mode");
  return { CgroupnsMode: text };
}

function namespace(
  flags: Flags,
  flag: string,
  field: "PidMode" | "UTSMode",
  valid: RegExp,
  message: string,
): HostConfig {
  const text = flags.text(flag);
  if (text === "") return {};
  if (!valid.test(text)) throw new BerthError("invalid", message);
  return { [field]: text };
}

function loggingOf(flags: Flags): HostConfig {
  const [driver, options] = [flags.text("log-driver"), flags.list("log-opt")];
  if (driver === "none" && options.length > 0) {
    throw new BerthError("invalid", "invalid logging opts for driver none");
  }
  if (driver === "" && options.length === 0) return {};
  return {
    LogConfig: { Type: driver as "json-file" | "", Config: toMap(options) } as HostConfig["LogConfig"],
  };
}

/** `-v`: with a source it is a bind, else an anonymous volume. A source that begins with a dot is ours to resolve. */
function volumesOf(flags: Flags): { binds: string[]; volumes: Record<string, Record<string, never>> } {
  const binds: string[] = [];
  const volumes: Record<string, Record<string, never>> = {};
  for (const text of flags.list("volume")) {
    if (text === "") throw new BerthError("invalid", "invalid empty volume spec");
    if (!text.includes(":")) volumes[text] = {};
    else binds.push(text.startsWith(".") ? text.replace(/^[^:]*/, (path) => absolutePath(path)) : text);
  }
  return { binds, volumes };
}

function exposedPorts(texts: readonly string[]): Record<string, Record<string, never>> {
  return Object.fromEntries(texts.flatMap(portsOf).map((port) => [port, {}]));
}

/** `80`, `80/udp`, `8000-8010/tcp`. */
function portsOf(text: string): string[] {
  const [, first = "", last = first, protocol = "tcp"] =
    /^(\d+)(?:-(\d+))?(?:\/(tcp|udp|sctp))?$/.exec(text) ?? [];
  if (first === "" || Number(last) < Number(first)) {
    throw new BerthError("invalid", `invalid range format for --expose: ${text}`);
  }
  const count = Number(last) - Number(first) + 1;
  return Array.from({ length: count }, (_, at) => `${Number(first) + at}/${protocol}`);
}

function checkHost(text: string): string {
  const [name = "", address = ""] = text.split(/[:=](.*)/s);
  if (name === "" || address === "") throw new BerthError("invalid", `bad format for add-host: "${text}"`);
  return `${name}:${address}`;
}

function splitTmpfs(text: string): [string, string] {
  const [path = "", ...options] = text.split(":");
  return [path, options.join(":")];
}

function filled<K extends string, V extends object>(name: K, value: V): { [name in K]?: V } {
  return (Object.keys(value).length > 0 ? { [name]: value } : {}) as { [name in K]?: V };
}

/** Fields by the flag that they come from; what `read` leaves undefined is left out. */
function fields<K extends string, V>(
  names: Readonly<Record<K, string>>,
  read: (flag: string) => V | undefined,
): { [name in K]?: V } {
  const pairs = Object.entries<string>(names).map(([field, flag]) => [field, read(flag)] as const);
  return Object.fromEntries(pairs.filter(([, value]) => value !== undefined)) as { [name in K]?: V };
}

function textFields<K extends string>(
  flags: Flags,
  names: Readonly<Record<K, string>>,
): { [name in K]?: string } {
  return fields(names, (flag) => flags.text(flag) || undefined);
}

function switches<K extends string>(
  flags: Flags,
  names: Readonly<Record<K, string>>,
): { [name in K]?: boolean } {
  return fields(names, (flag) => flags.on(flag) || undefined);
}

function numbers<K extends string>(
  flags: Flags,
  names: Readonly<Record<K, string>>,
): { [name in K]?: number } {
  return fields(names, (flag) => (flags.given(flag) ? flags.number(flag) : undefined));
}

function sizes<K extends string>(flags: Flags, names: Readonly<Record<K, string>>): { [name in K]?: number } {
  return fields(names, (flag) => (flags.given(flag) ? parseSizeBytes(flags.text(flag)) : undefined));
}

/** Whether the values of a create request make sense together and on this host; docker's words (moby daemon/daemon_unix.go). */
import { BerthError } from "../lib/error.ts";
import { parseSignal } from "../lib/signal.ts";
import { parseSizeBytes } from "../lib/size.ts";
import type { ContainerConfig, HostConfig } from "../wire/schema.ts";
import { mountRequests } from "./mounts.ts";
import { networkKind, otherContainer } from "./network.ts";

/** What the host has, as far as requests depend on it. */
export interface HostFacts {
  readonly cpuCount: number;
  /** Whether memory and swap can be limited together. */
  readonly swapLimit: boolean;
  readonly oomKillDisable: boolean;
}

const MIN_MEMORY_BYTES = 6 << 20;

function require(condition: boolean, message: string): void {
  if (!condition) throw new BerthError("invalid", message);
}

export function verifyConfig(config: ContainerConfig): void {
  for (const variable of config.Env ?? [])
    require(variable !== "" && !variable.startsWith("="), `invalid environment variable: ${variable}`);
  const directory = config.WorkingDir ?? "";
  require(directory === "" ||
    directory.startsWith(
      "/",
    ), `the working directory '${directory}' is invalid, it needs to be an absolute path`);
  if (config.StopSignal) parseSignal(config.StopSignal);
  for (const name of [config.Hostname ?? "", config.Domainname ?? ""])
    require(name.length <= 64 && /^[\x21-\x2e\x30-\x7e]*$/.test(name), `invalid hostname format: ${name}`);
  for (const text of [...(config.Cmd ?? []), ...(config.Entrypoint ?? []), ...(config.Env ?? [])])
    require(!text.includes("\0"), "a command or variable must not have a NUL in it");
}

export function verifyHostConfig(hostConfig: HostConfig, facts: HostFacts): void {
  verifyMemory(hostConfig);
  verifyCpu(hostConfig, facts);
  verifyModes(hostConfig);
  mountRequests(hostConfig);
  verifyLog(hostConfig);
  const weight = hostConfig.BlkioWeight ?? 0;
  require(weight === 0 || (weight >= 10 && weight <= 1000), "Range of blkio weight is from 10 to 1000");
  const score = hostConfig.OomScoreAdj ?? 0;
  require(Math.abs(score) <= 1000, `Invalid value ${score}, range for oom score adj is [-1000, 1000]`);
  require((hostConfig.ShmSize ?? 0) >= 0, "SHM size can not be less than 0");
}

function verifyMemory({ Memory, MemorySwap, MemoryReservation, MemorySwappiness }: HostConfig): void {
  const memory = Memory ?? 0;
  const swap = MemorySwap ?? 0;
  const reservation = MemoryReservation ?? 0;
  require(memory === 0 || memory >= MIN_MEMORY_BYTES, "Minimum memory limit allowed is 6MB");
  require(memory > 0 ||
    swap <= 0, "You should always set the Memory limit when using Memoryswap limit, see usage");
  require(swap <= 0 ||
    swap >= memory, "Minimum memoryswap limit should be larger than memory limit, see usage");
  require(reservation === 0 || reservation >= MIN_MEMORY_BYTES, "Minimum memory reservation allowed is 6MB");
  require(memory === 0 ||
    reservation <= memory, "Minimum memory limit can not be less than memory reservation limit, see usage");
  const swappiness = MemorySwappiness ?? -1;
  require(swappiness >= -1 &&
    swappiness <= 100, `Invalid value: ${swappiness}, valid memory swappiness range is 0-100`);
}

function verifyCpu(hostConfig: HostConfig, { cpuCount }: HostFacts): void {
  const { NanoCpus: nano, CpuPeriod: period, CpuQuota: quota } = hostConfig;
  require(!nano || !period, "Conflicting options: Nano CPUs and CPU Period cannot both be set.");
  require(!nano || !quota, "Conflicting options: Nano CPUs and CPU Quota cannot both be set.");
  require(!nano ||
    (nano >= 1e7 &&
      nano <=
        cpuCount *
          1e9), `range of CPUs is from 0.01 to ${cpuCount}.00, as there are only ${cpuCount} CPUs available`);
  require(!period ||
    (period >= 1000 &&
      period <=
        1_000_000), "CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)");
  require(!quota || quota === -1 || quota >= 1000, "CPU cfs quota can not be less than 1ms (i.e. 1000)");
  requireCpus(hostConfig.CpusetCpus ?? "", cpuCount);
  require(/^[\d,-]*$/.test(
    hostConfig.CpusetMems ?? "",
  ), `Invalid value ${hostConfig.CpusetMems} for cpuset mems`);
}

function requireCpus(text: string, cpuCount: number): void {
  if (text === "") return;
  require(/^\d+(-\d+)?(,\d+(-\d+)?)*$/.test(text), `Invalid value ${text} for cpuset cpus`);
  const highest = Math.max(...text.split(/[,-]/).map(Number));
  require(highest <
    cpuCount, `Requested CPUs are not available - requested ${text}, available: 0-${cpuCount - 1}`);
}

function verifyModes(hostConfig: HostConfig): void {
  networkKind(hostConfig);
  const simple = (
    name: "IpcMode" | "PidMode" | "UTSMode" | "CgroupnsMode",
    label: string,
    known: readonly string[],
  ) => {
    const mode = hostConfig[name] ?? "";
    const joins = name !== "UTSMode" && name !== "CgroupnsMode" && otherContainer(mode) !== undefined;
    require(mode === "" || joins || known.includes(mode), `invalid ${label} mode: ${mode}`);
  };
  simple("IpcMode", "IPC", ["none", "private", "shareable", "host"]);
  simple("PidMode", "PID", ["host", "private"]);
  simple("UTSMode", "UTS", ["host", "private"]);
  simple("CgroupnsMode", "cgroup namespace", ["private", "host"]);
  require(!(
    hostConfig.UTSMode === "host" && networkKind(hostConfig).kind === "container"
  ), "conflicting options: UTS mode host and the network of another container");
}

const LOG_OPTIONS = ["max-size", "max-file"];

function verifyLog({ LogConfig }: HostConfig): void {
  const type = LogConfig?.Type || "json-file";
  if (type !== "json-file" && type !== "none")
    throw new BerthError(
      "unsupported",
      `HostConfig.LogConfig: berth does not support the log driver "${type}" yet`,
    );
  for (const name of Object.keys(LogConfig?.Config ?? {})) {
    if (LOG_OPTIONS.includes(name)) continue;
    throw new BerthError(
      "unsupported",
      `HostConfig.LogConfig: berth does not support the option "${name}" of log driver ${type} yet`,
    );
  }
  logLimits(LogConfig?.Config ?? {});
}

/** Bounded by default: three files of 10 MB. */
export function logLimits(options: Readonly<Record<string, string>>): { maxBytes: number; maxFiles: number } {
  const maxFiles = Number(options["max-file"] ?? 3);
  const maxBytes = parseSizeBytes(options["max-size"] ?? "10m");
  require(Number.isInteger(maxFiles) &&
    maxFiles >= 1 &&
    maxFiles <= 100, `invalid value for max-file: ${options["max-file"]}`);
  return { maxBytes, maxFiles };
}

/** What docker warns of on this host. */
export function hostWarnings(hostConfig: HostConfig, facts: HostFacts): string[] {
  const warnings: string[] = [];
  if ((hostConfig.Memory ?? 0) > 0 && !facts.swapLimit)
    warnings.push(
      "Your kernel does not support swap limit capabilities or the cgroup is not mounted. Memory limited without swap.",
    );
  if (hostConfig.OomKillDisable && !facts.oomKillDisable)
    warnings.push("Your kernel does not support OomKillDisable. OomKillDisable discarded.");
  if (hostConfig.OomKillDisable && !hostConfig.Memory)
    warnings.push(
      "OOM killer is disabled for the container, but no memory limit is set, this can result in the system running out of resources.",
    );
  return warnings;
}

/** Limits: docker's names to those of the OCI runtime specification. */
import { BerthError } from "../lib/error.ts";
import type { BlockResources, CpuResources, MemoryResources, Resources, Throttle } from "../runtime/spec.ts";
import { compact } from "./spec.ts";
import type { HostConfig, ThrottleDevice } from "../wire/schema.ts";

export type DeviceNumber = { readonly major: number; readonly minor: number };
/** Undefined: no device at that path. */
export type FindDevice = (path: string) => DeviceNumber | undefined;

/** Without the devices' rules. */
export function resourcesOf(hostConfig: HostConfig, find: FindDevice): Resources {
  const limit = hostConfig.PidsLimit ?? 0;
  return {
    memory: memoryOf(hostConfig),
    cpu: cpuOf(hostConfig),
    blockIO: blockOf(hostConfig, find),
    ...(limit === 0 ? {} : { pids: { limit } }),
  };
}

function memoryOf(hostConfig: HostConfig): MemoryResources {
  const swappiness = hostConfig.MemorySwappiness ?? -1;
  return {
    ...compact({
      limit: hostConfig.Memory ?? 0,
      reservation: hostConfig.MemoryReservation ?? 0,
      swap: hostConfig.MemorySwap ?? 0,
      disableOOMKiller: hostConfig.OomKillDisable ?? false,
    }),
    ...(swappiness >= 0 ? { swappiness } : {}),
  };
}

const PERIOD_US = 100_000;

function cpuOf(hostConfig: HostConfig): CpuResources {
  const nano = hostConfig.NanoCpus ?? 0;
  return compact({
    shares: hostConfig.CpuShares ?? 0,
    quota: nano > 0 ? Math.round((nano * PERIOD_US) / 1e9) : (hostConfig.CpuQuota ?? 0),
    period: nano > 0 ? PERIOD_US : (hostConfig.CpuPeriod ?? 0),
    cpus: hostConfig.CpusetCpus ?? "",
    mems: hostConfig.CpusetMems ?? "",
  });
}

function blockOf(hostConfig: HostConfig, find: FindDevice): BlockResources {
  const number = (path: string) => {
    const found = find(path);
    if (found !== undefined) return found;
    throw new BerthError("invalid", `block device "${path}": no such device`);
  };
  const throttles = (devices: ThrottleDevice[] | null | undefined): Throttle[] =>
    (devices ?? []).map(({ Path, Rate }) => {
      const { major, minor } = number(Path ?? "");
      return { major, minor, rate: Rate ?? 0 };
    });
  return compact({
    weight: hostConfig.BlkioWeight ?? 0,
    weightDevice: (hostConfig.BlkioWeightDevice ?? []).map(({ Path, Weight }) => {
      const { major, minor } = number(Path ?? "");
      return { major, minor, weight: Weight ?? 0 };
    }),
    throttleReadBpsDevice: throttles(hostConfig.BlkioDeviceReadBps),
    throttleWriteBpsDevice: throttles(hostConfig.BlkioDeviceWriteBps),
    throttleReadIOPSDevice: throttles(hostConfig.BlkioDeviceReadIOps),
    throttleWriteIOPSDevice: throttles(hostConfig.BlkioDeviceWriteIOps),
  });
}

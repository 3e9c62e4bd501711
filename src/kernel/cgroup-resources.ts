/** What a control group may use: `linux.resources` of the OCI runtime specification. */

export interface DeviceRule {
  readonly allow: boolean;
  /** Absent: all. */
  readonly type?: "a" | "b" | "c";
  /** Absent or -1: all. */
  readonly major?: number;
  readonly minor?: number;
  /** Of `r`, `w`, `m`; absent: all. */
  readonly access?: string;
}

export interface Resources {
  readonly devices?: readonly DeviceRule[];
  readonly memory?: MemoryResources;
  readonly cpu?: CpuResources;
  readonly pids?: { readonly limit: number };
  readonly blockIO?: BlockResources;
  readonly hugepageLimits?: readonly { readonly pageSize: string; readonly limit: number }[];
  /** Files of the version 2 group, as they are. */
  readonly unified?: Readonly<Record<string, string>>;
}

/** Bytes; -1 is unlimited. */
export interface MemoryResources {
  readonly limit?: number;
  readonly reservation?: number;
  /** Memory and swap together. */
  readonly swap?: number;
  readonly swappiness?: number;
  readonly disableOOMKiller?: boolean;
}

export interface CpuResources {
  readonly shares?: number;
  /** Microseconds in each period; -1 is unlimited. */
  readonly quota?: number;
  readonly period?: number;
  readonly realtimeRuntime?: number;
  readonly realtimePeriod?: number;
  /** Lists like `0-1,3`. */
  readonly cpus?: string;
  readonly mems?: string;
}

export interface BlockResources {
  readonly weight?: number;
  readonly weightDevice?: readonly {
    readonly major: number;
    readonly minor: number;
    readonly weight: number;
  }[];
  readonly throttleReadBpsDevice?: readonly Throttle[];
  readonly throttleWriteBpsDevice?: readonly Throttle[];
  readonly throttleReadIOPSDevice?: readonly Throttle[];
  readonly throttleWriteIOPSDevice?: readonly Throttle[];
}

export interface Throttle {
  readonly major: number;
  readonly minor: number;
  readonly rate: number;
}

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
  readonly network?: NetworkResources;
  /** By device. */
  readonly rdma?: Readonly<Record<string, { readonly hcaHandles?: number; readonly hcaObjects?: number }>>;
  /** Files of the version 2 group, as they are. */
  readonly unified?: Readonly<Record<string, string>>;
}

/** Classes and priorities for the host's traffic control; only version 1 has them. */
export interface NetworkResources {
  readonly classID?: number;
  /** By the host's interface. */
  readonly priorities?: readonly { readonly name: string; readonly priority: number }[];
}

/** Bytes; -1 is unlimited, 0 says nothing. */
export interface MemoryResources {
  readonly limit?: number;
  readonly reservation?: number;
  /** Memory and swap together. */
  readonly swap?: number;
  /** Linux counts no kernel memory apart any more. */
  readonly kernel?: number;
  readonly kernelTCP?: number;
  readonly swappiness?: number;
  readonly disableOOMKiller?: boolean;
  readonly useHierarchy?: boolean;
  /** An update to less than what is in use is refused instead of ending processes. */
  readonly checkBeforeUpdate?: boolean;
}

export interface CpuResources {
  readonly shares?: number;
  /** Microseconds in each period; -1 is unlimited. */
  readonly quota?: number;
  readonly period?: number;
  /** What may be saved up of the quota, in microseconds. */
  readonly burst?: number;
  readonly realtimeRuntime?: number;
  readonly realtimePeriod?: number;
  /** Lists like `0-1,3`. */
  readonly cpus?: string;
  readonly mems?: string;
  /** 1: only time that nobody else wants. */
  readonly idle?: number;
}

export interface BlockResources {
  readonly weight?: number;
  /** Of an I/O scheduler that Linux has no more. */
  readonly leafWeight?: number;
  readonly weightDevice?: readonly WeightDevice[];
  readonly throttleReadBpsDevice?: readonly Throttle[];
  readonly throttleWriteBpsDevice?: readonly Throttle[];
  readonly throttleReadIOPSDevice?: readonly Throttle[];
  readonly throttleWriteIOPSDevice?: readonly Throttle[];
}

export interface WeightDevice {
  readonly major: number;
  readonly minor: number;
  readonly weight?: number;
  readonly leafWeight?: number;
}

export interface Throttle {
  readonly major: number;
  readonly minor: number;
  /** In a second; 0 or absent: as much as it can. */
  readonly rate?: number;
}

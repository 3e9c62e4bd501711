/** Counters of control groups, in words that hold for version 1 and 2. */

/** A part is absent where no hierarchy counts it. */
export interface CgroupStats {
  readonly cpu?: CpuStats;
  readonly memory?: MemoryStats;
  readonly pids?: PidsStats;
  readonly block?: BlockStats;
  /** By page size, `2MB`. */
  readonly hugetlb?: Readonly<Record<string, Usage>>;
  /** By device. */
  readonly rdma?: Readonly<Record<string, { readonly hcaHandles: number; readonly hcaObjects: number }>>;
}

export interface CpuStats {
  readonly totalNs: number;
  readonly userNs: number;
  readonly kernelNs: number;
  /** Only of version 1. */
  readonly perCpuNs: readonly number[];
  readonly periods: number;
  readonly throttledPeriods: number;
  readonly throttledNs: number;
}

export interface Usage {
  readonly usage: number;
  /** The most there ever was; 0 where the kernel does not say. */
  readonly peak: number;
  /** How often the limit was hit. */
  readonly failures: number;
}

export interface LimitedUsage extends Usage {
  readonly limit: number;
}

export interface MemoryStats extends LimitedUsage {
  readonly version: 1 | 2;
  /** Of the page cache. */
  readonly cache: number;
  /** Memory and swap together. */
  readonly swap?: LimitedUsage;
  readonly kernel?: LimitedUsage;
  readonly kernelTcp?: LimitedUsage;
  /** memory.stat as it is. */
  readonly raw: Readonly<Record<string, number>>;
  readonly oomKills: number;
}

export interface PidsStats {
  readonly current: number;
  readonly limit: number;
}

export interface BlockStats {
  readonly serviceBytes: readonly BlockEntry[];
  readonly serviced: readonly BlockEntry[];
}

export interface BlockEntry {
  readonly major: number;
  readonly minor: number;
  /** `Read`, `Write`, `Sync`, `Async`, `Discard`, `Total`. */
  readonly operation: string;
  readonly value: number;
}

/** What requests are checked against: this host, from the probed features. */
import { hostname } from "node:os";
import type { Features } from "../kernel/features.ts";
import type { HostFacts } from "./verify.ts";

export function hostFacts({ cpus, cgroups }: Features): HostFacts {
  return {
    cpuCount: cpus,
    swapLimit: cgroups.v2?.controllers.includes("memory") || cgroups.swapAccounting,
    oomKillDisable: cgroups.v1.memory !== undefined,
  };
}

let name: string | undefined;

/** Read once: a host is rarely renamed, containers are started often. */
export function hostName(): string {
  return (name ??= hostname());
}

/** `update`: other limits for a container, at once where it runs; moby daemon/update_linux.go and container/container_unix.go. */
import { BerthError } from "../lib/error.ts";
import type { ContainerUpdateRequest } from "../wire/requests.ts";
import type { ContainerUpdateResponse, HostConfig } from "../wire/schema.ts";
import type { Container } from "./container.ts";
import { hostFacts } from "./facts.ts";
import { deviceAt } from "./host-devices.ts";
import type { Parts } from "./parts.ts";
import { resourcesOf } from "./resources.ts";
import { compact } from "./spec.ts";
import { hostWarnings, verifyHostConfig } from "./verify.ts";

/** Those that may be changed; everything else of a container is for its whole life. */
const CHANGEABLE = new Set<keyof ContainerUpdateRequest>([
  "BlkioWeight",
  "CpuPeriod",
  "CpuQuota",
  "CpuShares",
  "CpusetCpus",
  "CpusetMems",
  "Memory",
  "MemoryReservation",
  "MemorySwap",
  "NanoCpus",
  "PidsLimit",
]);

/** All of it, or nothing changes. */
export async function updateContainer(
  parts: Parts,
  container: Container,
  request: ContainerUpdateRequest,
): Promise<ContainerUpdateResponse> {
  const changes = changesOf(request);
  using _held = await container.mutex.lock();
  const { spec, state } = container;
  if (state.status === "removing")
    throw new BerthError("conflict", `cannot update container ${container.id}: it is being removed`);
  requireOneKind(spec.hostConfig, changes);
  const hostConfig = { ...spec.hostConfig, ...changes };
  const facts = hostFacts(parts.features);
  verifyHostConfig(hostConfig, facts);
  if (container.handle !== undefined)
    await parts.runtimes.of(spec).update(container.id, resourcesOf(hostConfig, deviceAt));
  parts.registry.setSpec(container, { ...spec, hostConfig });
  parts.events.container(container, "update");
  return { Warnings: hostWarnings(hostConfig, facts) };
}

/** What was not asked for, clients send as zero. */
function changesOf(request: ContainerUpdateRequest): HostConfig {
  const { RestartPolicy: restart, ...limits } = request;
  if (restart?.Name && restart.Name !== "no")
    throw new BerthError(
      "unsupported",
      "RestartPolicy: berth does not support restart policies (--restart) yet",
    );
  const changes = compact(limits);
  for (const name of Object.keys(changes) as (keyof ContainerUpdateRequest)[])
    if (!CHANGEABLE.has(name))
      throw new BerthError("unsupported", `${name}: berth cannot change this of a container that exists`);
  return changes;
}

/** Docker's words. */
function requireOneKind(before: HostConfig, changes: HostConfig): void {
  const conflict = (condition: unknown, message: string) => {
    if (condition) throw new BerthError("invalid", message);
  };
  conflict(
    changes.CpuPeriod && before.NanoCpus,
    "Conflicting options: CPU Period cannot be updated as NanoCPUs has already been set.",
  );
  conflict(
    changes.CpuQuota && before.NanoCpus,
    "Conflicting options: CPU Quota cannot be updated as NanoCPUs has already been set.",
  );
  conflict(
    changes.NanoCpus && before.CpuQuota,
    "Conflicting options: NanoCPUs cannot be updated as CPU Quota has already been set.",
  );
  conflict(
    changes.NanoCpus && before.CpuPeriod,
    "Conflicting options: NanoCPUs cannot be updated as CPU Period has already been set.",
  );
  const swap = before.MemorySwap ?? 0;
  conflict(
    !changes.MemorySwap && swap > 0 && (changes.Memory ?? 0) > swap,
    "Memory limit should be smaller than already set memoryswap limit, update the memoryswap at the same time",
  );
}

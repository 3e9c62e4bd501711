/** `container:ID` as network, IPC or PID mode: the namespaces of another container, which must run. */
import { BerthError } from "../lib/error.ts";
import type { Container } from "./container.ts";
import { networkKind, otherContainer } from "./network.ts";
import { type NetworkFiles, networkFilesIn } from "./network-files.ts";
import type { OciContext } from "./oci.ts";
import type { Parts } from "./parts.ts";
import { containerDirectory } from "./places.ts";
import { sharedMemoryPath } from "./shared-memory.ts";
import type { ContainerSpec } from "./spec.ts";

/** What is taken over from others. */
export interface Joined {
  readonly join: OciContext["join"];
  /** Of the container that owns the network. */
  readonly files?: NetworkFiles;
  readonly sharedShm?: string;
}

export function joinOthers(parts: Parts, { hostConfig, idMap }: ContainerSpec): Joined {
  const network = networkKind(hostConfig);
  const ipc = otherContainer(hostConfig.IpcMode);
  const pid = otherContainer(hostConfig.PidMode);
  const owner = network.kind === "container" ? running(parts, network.ref, "network") : undefined;
  const donor = ipc === undefined ? undefined : shareable(running(parts, ipc, "IPC"));
  const family = pid === undefined ? undefined : running(parts, pid, "PID");
  const sharer = idMap && (owner ?? donor ?? family);
  return {
    join: {
      ...(sharer && { user: namespacePath(sharer, "user") }),
      ...(owner && { network: namespacePath(owner, "net") }),
      ...(donor && { ipc: namespacePath(donor, "ipc") }),
      ...(family && { pid: namespacePath(family, "pid") }),
    },
    ...(owner && { files: networkFilesIn(containerDirectory(parts.places, owner.id)) }),
    ...(donor && { sharedShm: shmOf(parts, donor) }),
  };
}

function running(parts: Parts, ref: string, what: string): Container {
  const other = parts.registry.get(ref);
  if (other.handle !== undefined) return other;
  throw new BerthError("conflict", `cannot join ${what} of a non running container: ${other.id}`);
}

function shareable(donor: Container): Container {
  const mode = donor.spec.hostConfig.IpcMode;
  if (mode === "shareable" || mode === "host") return donor;
  throw new BerthError(
    "invalid",
    `non-shareable IPC of container ${donor.id} (hint: use IpcMode:shareable for the donor container)`,
  );
}

function shmOf(parts: Parts, donor: Container): string {
  return donor.spec.hostConfig.IpcMode === "host" ? "/dev/shm" : sharedMemoryPath(parts.places, donor.id);
}

function namespacePath({ handle }: Container, name: string): string {
  return `/proc/${handle?.pid}/ns/${name}`;
}

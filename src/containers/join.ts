/** `container:ID` as network, IPC or PID mode: the namespaces of another container, which must run. */
import { closeSync } from "node:fs";
import { openNamespace } from "../kernel/processes.ts";
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

/** A path by which a namespace of a container that runs is found. */
type FindNamespace = (container: Container, name: string) => string;

/** `find`: by number, for the eye, if it is not said how. */
export function joinOthers(
  parts: Parts,
  { hostConfig, idMap }: ContainerSpec,
  find: FindNamespace = namespacePath,
): Joined {
  const network = networkKind(hostConfig);
  const ipc = otherContainer(hostConfig.IpcMode);
  const pid = otherContainer(hostConfig.PidMode);
  const owner = network.kind === "container" ? running(parts, network.ref, "network") : undefined;
  const donor = ipc === undefined ? undefined : shareable(running(parts, ipc, "IPC"));
  const family = pid === undefined ? undefined : running(parts, pid, "PID");
  const sharer = idMap && (owner ?? donor ?? family);
  return {
    join: {
      ...(sharer && { user: find(sharer, "user") }),
      ...(owner && { network: find(owner, "net") }),
      ...(donor && { ipc: find(donor, "ipc") }),
      ...(family && { pid: find(family, "pid") }),
    },
    ...(owner && { files: networkFilesIn(containerDirectory(parts.places, owner.id)) }),
    ...(donor && { sharedShm: shmOf(parts, donor) }),
  };
}

function running(parts: Parts, ref: string, what: string): Container {
  const other = parts.registry.get(ref);
  if (other.handle !== undefined) return other;
  throw notRunning(other, what);
}

function notRunning({ id }: Container, what: string): BerthError {
  return new BerthError("conflict", `cannot join ${what} of a non running container: ${id}`);
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

/** Held open by us until `held` is disposed: where the process ends meanwhile, its number may be another's, and the path still means what it did. */
export function holdingIn(held: DisposableStack): FindNamespace {
  return (container, name) => {
    const fd = container.handle && openNamespace(container.handle, name);
    if (fd === undefined) throw notRunning(container, `the ${name} namespace`);
    held.defer(() => closeSync(fd));
    return `/proc/${process.pid}/fd/${fd}`;
  };
}

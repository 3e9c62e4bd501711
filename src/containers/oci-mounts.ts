/** The mounts of a container in the order in which they are made: the defaults, then its own files, then what was asked. */
import { type IdMap, toHostId } from "../lib/id-map.ts";
import type { Mount } from "../runtime/spec.ts";
import type { HostConfig } from "../wire/schema.ts";
import { type MountRequest, mountRequests } from "./mounts.ts";
import type { NetworkFiles } from "./network-files.ts";
import { otherContainer } from "./network.ts";
import { securityOptions } from "./security.ts";

const DEFAULT_SHM_BYTES = 64 << 20;

export interface MountContext {
  readonly defaults: readonly Mount[];
  readonly files: NetworkFiles;
  /** In a user namespace files of ours are its root's. */
  readonly idMap?: IdMap | undefined;
  /** /dev/shm of the container whose IPC namespace is shared: a path of the host. */
  readonly sharedShm?: string | undefined;
}

export function ociMounts(hostConfig: HostConfig, context: MountContext): Mount[] {
  const requests = mountRequests(hostConfig);
  const asked = requests.map(toMount);
  const places = new Set(requests.map(({ destination }) => destination));
  const defaults = context.defaults
    .flatMap((mount) => adapt(mount, hostConfig, context))
    .filter(({ destination }) => !isReplaced(destination, places));
  const files = fileMounts(context.files, context.idMap !== undefined).filter(
    ({ destination }) => !places.has(destination),
  );
  return [...defaults, ...[...files, ...asked].toSorted((a, b) => depth(a) - depth(b))];
}

function depth({ destination }: Mount): number {
  return destination.split("/").length;
}

/** A /dev of the user's own replaces what would be mounted below it as well. */
function isReplaced(destination: string, places: ReadonlySet<string>): boolean {
  return places.has(destination) || (places.has("/dev") && destination.startsWith("/dev/"));
}

function fileMounts({ hosts, hostname, resolvConf }: NetworkFiles, mapped: boolean): Mount[] {
  const file = (source: string, destination: string): Mount => ({
    type: "bind",
    source,
    destination,
    options: ["bind", "rprivate", ...(mapped ? ["idmap"] : [])],
  });
  return [file(resolvConf, "/etc/resolv.conf"), file(hostname, "/etc/hostname"), file(hosts, "/etc/hosts")];
}

/** What a mode of the container changes about a default mount; nothing: it is left out. */
function adapt(mount: Mount, hostConfig: HostConfig, context: MountContext): Mount[] {
  const { privileged, writable } = {
    privileged: hostConfig.Privileged ?? false,
    writable: securityOptions(hostConfig).writableCgroups,
  };
  switch (mount.destination) {
    case "/dev/shm":
      return shmMount(mount, hostConfig, context);
    case "/dev/pts":
      return [withMappedGroup(mount, context)];
    case "/sys":
      return [privileged ? readWrite(mount) : mount];
    case "/sys/fs/cgroup":
      return [writable ? readWrite(mount) : mount];
    default:
      return [mount];
  }
}

function shmMount(mount: Mount, { IpcMode, ShmSize }: HostConfig, { sharedShm }: MountContext): Mount[] {
  if (IpcMode === "none") return [];
  if (IpcMode === "host") return [bindHost("/dev/shm")];
  if (otherContainer(IpcMode) !== undefined || sharedShm !== undefined)
    return sharedShm === undefined ? [] : [{ ...bindHost("/dev/shm"), source: sharedShm }];
  const options = (mount.options ?? []).filter((option) => !option.startsWith("size="));
  return [{ ...mount, options: [...options, `size=${ShmSize || DEFAULT_SHM_BYTES}`] }];
}

/** Group 5, tty, is not in a very small user namespace. */
function withMappedGroup(mount: Mount, { idMap }: MountContext): Mount {
  if (idMap === undefined || toHostId(idMap.gid, 5) !== undefined) return mount;
  return { ...mount, options: (mount.options ?? []).filter((option) => option !== "gid=5") };
}

function bindHost(path: string): Mount {
  return { type: "bind", source: path, destination: path, options: ["rbind", "rprivate"] };
}

function readWrite(mount: Mount): Mount {
  return { ...mount, options: (mount.options ?? []).filter((option) => option !== "ro") };
}

function toMount(request: MountRequest): Mount {
  const { destination } = request;
  if (request.type === "tmpfs")
    return { type: "tmpfs", source: "tmpfs", destination, options: request.options };
  const options = [
    request.recursive ? "rbind" : "bind",
    ...(request.readOnly ? [request.readOnlyBelow ? "rro" : "ro"] : []),
    request.propagation,
    ...(request.makeSource ? ["x-make-source"] : []),
    ...(request.idMap ? ["idmap"] : []),
  ];
  return { type: "bind", source: request.source, destination, options };
}

/** /sys/fs/cgroup in the container: one mount on version 2, on version 1 a tmpfs with a mount for each hierarchy, as runc does it. */
import { basename } from "node:path";
import type { Features } from "../kernel/features.ts";
import { BerthError } from "../lib/error.ts";
import { ATTR_RDONLY, type MountOptions, MS_PRIVATE, MS_RDONLY } from "./mount-options.ts";
import type { Op } from "./op.ts";
import type { Mount, Spec } from "./spec.ts";

const ATTR_NOSUID_NODEV_NOEXEC = 2 | 4 | 8;

export function cgroupMount(mount: Mount, options: MountOptions, spec: Spec, features: Features): Op[] {
  const { hierarchies, v2 } = features.cgroups;
  const own = spec.linux.namespaces.some(({ type, path }) => type === "cgroup" && path === undefined);
  if (hierarchies.length === 0 && v2 === undefined) return [];
  if (hierarchies.length > 0 && !(mount.type === "cgroup2" && v2 !== undefined))
    return version1(mount.destination, options, own ? undefined : groupPath(spec), features);
  return own
    ? [apiMount("cgroup2", mount.destination, "cgroup2", options.flags, "")]
    : [hostBind(v2?.mountpoint + groupPath(spec), mount.destination, options)];
}

function groupPath(spec: Spec): string {
  const path = spec.linux.cgroupsPath;
  if (path === undefined) throw new BerthError("invalid", "a cgroup mount needs linux.cgroupsPath");
  return path;
}

/** In a cgroup namespace of its own a new mount shows the container's group as the root; without one only a bind can. */
function version1(
  destination: string,
  options: MountOptions,
  path: string | undefined,
  features: Features,
): Op[] {
  const flags = options.flags & ~MS_RDONLY;
  const hierarchies = features.cgroups.hierarchies;
  return [
    apiMount("tmpfs", destination, "tmpfs", flags, "mode=755"),
    ...hierarchies.map(({ mountpoint, options: controllers }): Op => {
      const target = `${destination}/${basename(mountpoint)}`;
      return path === undefined
        ? apiMount("cgroup", target, "cgroup", options.flags, controllers.join(","))
        : hostBind(mountpoint + path, target, options);
    }),
    ...hierarchies.flatMap(({ mountpoint, options: controllers }) =>
      aliases(destination, basename(mountpoint), controllers),
    ),
    ...((options.flags & MS_RDONLY) === 0 ? [] : [readOnly(destination)]),
  ];
}

function readOnly(path: string): Op {
  const steps = [{ recursive: false, set: ATTR_RDONLY, clear: 0, propagation: 0 }];
  return { op: "mount-attributes", path, steps };
}

function apiMount(source: string, target: string, type: string, flags: number, data: string): Op {
  return { op: "mount", source, target, type, flags, data, api: true, optional: false };
}

function hostBind(source: string, target: string, options: MountOptions): Op {
  const set = ATTR_NOSUID_NODEV_NOEXEC | (options.flags & MS_RDONLY ? ATTR_RDONLY : 0);
  return {
    op: "bind",
    source,
    target,
    recursive: true,
    makeSource: false,
    steps: [{ recursive: true, set, clear: 0, propagation: MS_PRIVATE }],
  };
}

/** `cpu -> cpu,cpuacct` where two controllers share a hierarchy. */
function aliases(destination: string, name: string, controllers: readonly string[]): Op[] {
  const others = controllers.filter((controller) => controllers.length > 1 && controller !== name);
  return others.map((controller) => ({ op: "symlink", target: name, path: `${destination}/${controller}` }));
}

/** The container's tree: root filesystem, mounts, devices, what is hidden. All of it inside its own mount namespace. */
import type { Features } from "../kernel/features.ts";
import { BerthError } from "../lib/error.ts";
import {
  ATTR_RDONLY,
  MS_PRIVATE,
  MS_RDONLY,
  MS_REC,
  MS_SLAVE,
  parseMountOptions,
  propagationFlags,
} from "./mount-options.ts";
import type { Op } from "./op.ts";
import { deviceOps, hasOwnDev, isReadOnlyDev } from "./plan-devices.ts";
import { hooksBeforePivot } from "./plan-hooks.ts";
import { cgroupMount } from "./plan-cgroup-mount.ts";
import type { Launch, RootFilesystem } from "./runtime.ts";
import type { Mount, Spec } from "./spec.ts";

/** Up to the place where the old root disappears. */
export function treeOps(launch: Launch, features: Features): Op[] {
  const { spec, root } = launch;
  const mounts = spec.mounts ?? [];
  return [
    { op: "propagation", path: "/", flags: rootPropagation(spec, mounts) },
    ...rootOps(root),
    ...mounts.flatMap((mount) => mountOps(mount, spec, features)),
    ...(hasOwnDev(mounts) ? deviceOps(spec) : []),
    ...(spec.process.terminal ? [consoleOp(spec, true)] : []),
    ...hooksBeforePivot(launch), // what they change is masked and made read-only behind them
    ...(isReadOnlyDev(mounts)
      ? [{ op: "mount-attributes", path: "/dev", set: ATTR_RDONLY, clear: 0 } as const]
      : []),
    ...(spec.linux.maskedPaths ?? []).map((path): Op => ({ op: "mask", path })),
    ...(spec.linux.readonlyPaths ?? []).map((path): Op => ({ op: "readonly-path", path })),
    ...(spec.root.readonly ? readOnlyRootOps(spec.process.cwd) : []),
    { op: "pivot" },
  ];
}

export function consoleOp(spec: Pick<Spec, "process">, bind: boolean): Op {
  const { height = 0, width = 0 } = spec.process.consoleSize ?? {};
  return { op: "console", rows: height, columns: width, bind };
}

/**
 * Private keeps our mounts from the host and the host's from us; a bind that follows its source needs slave. Never shared: what
 * is mounted here would appear on the host, and what is unmounted would go there, too.
 */
function rootPropagation(spec: Spec, mounts: readonly Mount[]): number {
  const asked = spec.linux.rootfsPropagation || "rprivate";
  if (asked.endsWith("shared")) throw refusedSharing("the root", asked);
  const shared = mounts.find(({ options }) => options?.some((option) => /^r?shared$/.test(option)));
  if (shared !== undefined) throw refusedSharing(`"${shared.destination}"`, "shared");
  const follows = mounts.some(({ options }) => options?.some((option) => /^r?slave$/.test(option)));
  return MS_REC | (follows ? MS_SLAVE : propagationFlags(asked));
}

function refusedSharing(what: string, asked: string): BerthError {
  return new BerthError(
    "unsupported",
    `berth does not support the mount propagation "${asked}" of ${what} yet; slave and private work`,
  );
}

function rootOps(root: RootFilesystem): Op[] {
  if (root.kind === "directory") return [{ op: "root", path: root.path, bind: true }];
  return [overlayOp(root), { op: "root", path: root.mountpoint, bind: false }];
}

/** Mounted from the layers' directory, so that many short names fit the one page of options that the kernel takes. */
function overlayOp(root: Extract<RootFilesystem, { kind: "overlay" }>): Op {
  const { lower, upper, work, volatile, mountpoint, layersDirectory } = root;
  const data = [
    `lowerdir=${lower.map(escapeOption).join(":")}`,
    `upperdir=${escapeOption(upper)}`,
    `workdir=${escapeOption(work)}`,
    ...(volatile ? ["volatile"] : []),
  ].join(",");
  if (data.length > 4095)
    throw new BerthError("unsupported", `${lower.length} layers are more than one overlay mount takes`);
  return {
    op: "mount-host",
    source: "overlay",
    target: mountpoint,
    type: "overlay",
    flags: 0,
    data,
    workingDirectory: layersDirectory,
  };
}

/** Overlay splits its options at commas and its lower directories at colons. */
function escapeOption(path: string): string {
  return path.replaceAll(/[\\,:]/g, "\\$&");
}

/** Kernel file systems: what steers where they land must not be the image. */
const API_TYPES = new Set(["proc", "sysfs", "devpts", "mqueue", "cgroup", "cgroup2"]);

function mountOps(mount: Mount, spec: Spec, features: Features): Op[] {
  const { destination, type = "", source = "" } = mount;
  if (!destination.startsWith("/"))
    throw new BerthError("invalid", `mount destination "${destination}" is not absolute`);
  const options = parseMountOptions(mount.options ?? [], destination);
  if (type === "bind" || options.bind) return [bindOp(mount, options)];
  if (type === "cgroup" || type === "cgroup2") return cgroupMount(mount, options, spec, features);
  if (type === "") throw new BerthError("invalid", `mount "${destination}" has no type`);
  const flags = destination === "/dev" ? options.flags & ~MS_RDONLY : options.flags; // read-only only after the devices are in it
  const api = API_TYPES.has(type) || destination === "/dev" || destination.startsWith("/dev/");
  return [
    {
      op: "mount",
      source: source || type,
      target: destination,
      type,
      flags,
      data: options.data,
      api,
      optional: type === "mqueue",
    },
  ];
}

function bindOp(
  { destination, source, type, options: words }: Mount,
  options: ReturnType<typeof parseMountOptions>,
): Op {
  if (!source) throw new BerthError("invalid", `bind mount "${destination}" has no source`);
  if (options.data !== "")
    throw new BerthError("invalid", `bind mount "${destination}": unknown option "${options.data}"`);
  const recursive = options.recursive || (type === "bind" && !words?.includes("bind"));
  const { set, clear, makeSource } = options;
  return {
    op: "bind",
    source,
    target: destination,
    recursive,
    makeSource,
    set,
    clear: clear & ~set,
    propagation: options.propagation || MS_PRIVATE | MS_REC,
  };
}

/** The working directory is made while it can be. */
function readOnlyRootOps(cwd: string): Op[] {
  return [{ op: "directory", path: cwd, mode: 0o755, uid: 0, gid: 0 }, { op: "readonly-root" }];
}

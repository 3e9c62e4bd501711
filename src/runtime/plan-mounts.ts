/** The container's tree: root filesystem, mounts, devices, what is hidden. All of it inside its own mount namespace. */
import { resolve } from "node:path/posix";
import type { Features } from "../kernel/features.ts";
import { BerthError } from "../lib/error.ts";
import { verifyIdMap } from "../lib/id-map.ts";
import {
  ATTR_RDONLY,
  isBind,
  type MountOptions,
  MS_BIND,
  MS_RDONLY,
  needsClassicMount,
  parseMountOptions,
  type PlannedMount,
  superblockData,
  superblockWords,
} from "./mount-options.ts";
import { bindSteps, propagationSteps } from "./mount-steps.ts";
import type { Op } from "./op.ts";
import { deviceOps, hasOwnDev, isReadOnlyDev } from "./plan-devices.ts";
import { hooksBeforePivot } from "./plan-hooks.ts";
import { cgroupMount } from "./plan-cgroup-mount.ts";
import { usersOf } from "./plan-user.ts";
import { joinsMounts, sharesProcesses } from "./plan-namespaces.ts";
import { hostPropagation, rootPropagationOps, spreads } from "./plan-propagation.ts";
import { requireMountable } from "./proc-mounts.ts";
import { BIND_SLOTS } from "./protocol.ts";
import type { Launch, RootFilesystem } from "./runtime.ts";
import type { Mount, Spec } from "./spec.ts";

/** Up to the place where the old root disappears. */
export function treeOps(launch: Launch, features: Features): Op[] {
  const { spec, root } = launch;
  const mounts = plannedMounts(launch);
  const joined = joinsMounts(spec); // others live there: their mounts stay as they are, and their root where it is
  return [
    ...mounts.flatMap(sourceOps),
    ...(joined ? [] : [hostPropagation(spec)]),
    ...rootOps(root, !joined || spec.root.readonly === true),
    ...mounts.flatMap((mount) => [
      ...mountOps(mount, spec, features),
      ...(mount.mount.destination === "/" ? [rootAgain(root)] : []),
    ]),
    ...(hasOwnDev(mounts) ? deviceOps(spec) : []),
    ...(spec.process.terminal
      ? [consoleOp(spec, { bind: true, entering: sharesProcesses(spec, features) })]
      : []),
    ...hooksBeforePivot(launch), // what they change is masked and made read-only behind them
    ...(isReadOnlyDev(mounts) ? [readOnlyDev] : []),
    ...(spec.linux.maskedPaths ?? []).map((path): Op => ({ op: "mask", path })),
    ...(spec.linux.readonlyPaths ?? []).map((path): Op => ({ op: "readonly-path", path })),
    ...(spec.root.readonly ? readOnlyRootOps(spec.process.cwd) : []),
    joined ? { op: "chroot" } : { op: "pivot" },
    ...rootPropagationOps(spec, mounts),
  ];
}

const readOnlyDev: Op = {
  op: "mount-attributes",
  path: "/dev",
  steps: [{ recursive: false, set: ATTR_RDONLY, clear: 0, propagation: 0 }],
};

/** A relative destination is one below the root, a relative source of a bind one in the bundle, as with runc. */
function plannedMounts({ spec, bundle }: Launch): PlannedMount[] {
  let slots = 0;
  return (spec.mounts ?? []).map((asked) => {
    const destination = resolve("/", asked.destination);
    const options = parseMountOptions(asked.options ?? [], destination);
    const mount = { ...asked, destination };
    if (!isBind({ mount, options }) || options.remount) return { mount, options };
    const from = { ...mount, source: absoluteSource(mount, bundle) };
    return options.propagation.some(spreads)
      ? { mount: from, options, slot: slots++ }
      : { mount: from, options };
  });
}

function absoluteSource({ destination, source }: Mount, bundle: string | undefined): string {
  if (!source) throw new BerthError("invalid", `bind mount "${destination}" has no source`);
  if (source.startsWith("/")) return source;
  if (bundle === undefined)
    throw new BerthError("invalid", `bind mount "${destination}": the source "${source}" is not absolute`);
  return resolve(bundle, source);
}

/** A bind that hears of the host's mounts, or the host of its: its source is taken while it is still one of the host's peers. */
function sourceOps({ mount, options, slot }: PlannedMount): Op[] {
  if (slot === undefined) return [];
  if (slot >= BIND_SLOTS)
    throw new BerthError("unsupported", `more than ${BIND_SLOTS} binds with shared or slave propagation`);
  const { source, recursive } = bindSource(mount, options);
  return [{ op: "bind-source", slot, source, recursive, makeSource: options.makeSource }];
}

export function consoleOp(
  spec: Pick<Spec, "process">,
  how: { readonly bind: boolean; readonly entering: boolean },
): Op {
  const { height = 0, width = 0 } = spec.process.consoleSize ?? {};
  return { op: "console", rows: height, columns: width, ...how };
}

/** A directory becomes a mount where that is needed: to be the root of a namespace, or read-only. */
function rootOps(root: RootFilesystem, bind: boolean): Op[] {
  if (root.kind === "directory") return [{ op: "root", path: root.path, bind }];
  return [overlayOp(root), { op: "root", path: root.mountpoint, bind: false }];
}

/** What was mounted onto the root is the root from now on. */
function rootAgain(root: RootFilesystem): Op {
  return { op: "root", path: root.kind === "directory" ? root.path : root.mountpoint, bind: false };
}

/** Mounted from the layers' directory, so that many short names fit the one page of options that the kernel takes. */
export function overlayOp(root: Extract<RootFilesystem, { kind: "overlay" }>): Op {
  const { lower, upper, work, volatile, mountpoint, layersDirectory } = root;
  const data = [
    `lowerdir=${lower.map(escapeOption).join(":")}`,
    `upperdir=${escapeOption(upper)}`,
    `workdir=${escapeOption(work)}`,
    "index=off", // else a kernel that has it on refuses the mount as long as the last one of a run before is being written out
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

function mountOps(planned: PlannedMount, spec: Spec, features: Features): Op[] {
  const { mount, options } = planned;
  const { destination, type = "" } = mount;
  const bind = isBind(planned);
  requireMountable(destination, bind ? "bind" : type);
  if (options.copyUp && type !== "tmpfs")
    throw new BerthError("invalid", `mount "${destination}": tmpcopyup is for a tmpfs only`);
  if (options.remount) return [remountOp(mount, options)];
  if (bind) return [bindOp(planned, spec)];
  if (idMapOf(planned, spec) !== undefined)
    throw new BerthError(
      "unsupported",
      `mount "${destination}": berth maps the ids of binds alone, not of ${type}`,
    );
  if (type === "cgroup" || type === "cgroup2") return cgroupMount(mount, options, spec, features);
  if (type === "") throw new BerthError("invalid", `mount "${destination}" has no type`);
  const shared = type === "proc" && sharesProcesses(spec, features) ? [JOINED_PROCESSES] : [];
  return [newMountOp(mount, type, options, shared)];
}

/** With a bind it is the mount that changes, else the file system. */
function remountOp({ destination, options: words }: Mount, options: MountOptions): Op {
  const { flags, bind, all, propagation, data } = options;
  if (all.set !== 0 || all.clear !== 0 || propagation.length > 0)
    throw new BerthError(
      "unsupported",
      `mount "${destination}": berth does not combine remount with propagation or recursive options (${words?.join(",")})`,
    );
  return { op: "remount", target: destination, flags: bind ? flags | MS_BIND : flags, data };
}

/** Who mounts it is not in there yet. */
const JOINED_PROCESSES = "pidns=/proc/self/ns/pid_for_children";

function newMountOp(
  { destination, source }: Mount,
  type: string,
  options: MountOptions,
  more: readonly string[],
): Op {
  const classic = needsClassicMount(options.flags);
  const late = destination === "/dev" || options.copyUp; // read-only only after something is in it
  const readOnly = (options.flags & MS_RDONLY) !== 0;
  const onDisk = !API_TYPES.has(type) && type !== "tmpfs";
  const data = [
    options.data,
    ...more,
    ...(classic ? [] : superblockData(options.flags)),
    ...(!classic && readOnly && onDisk ? ["ro"] : []), // what cannot be written is opened so, too
  ];
  const steps = [
    ...(options.copyUp && readOnly && destination !== "/dev"
      ? [{ recursive: false, set: ATTR_RDONLY, clear: 0, propagation: 0 }]
      : []),
    ...propagationSteps(options.propagation, true),
  ];
  return {
    op: "mount",
    source: source || type,
    target: destination,
    type,
    flags: late ? options.flags & ~MS_RDONLY : options.flags,
    data: data.filter(Boolean).join(","),
    api: API_TYPES.has(type) || destination === "/dev" || destination.startsWith("/dev/"),
    optional: type === "mqueue",
    ...(classic ? { classic } : {}),
    ...(options.copyUp ? { copyUp: true } : {}),
    ...(steps.length === 0 ? {} : { steps }),
  };
}

/** Without one of the words `bind` and `rbind` a bind takes all along. */
function bindSource({ source = "", options: words }: Mount, options: MountOptions) {
  return { source, recursive: options.recursive || !words?.includes("bind") };
}

function bindOp(planned: PlannedMount, spec: Spec): Op {
  const { mount, options, slot } = planned;
  const { destination } = mount;
  const idMap = idMapOf(planned, spec);
  const unknown = [options.data, ...superblockWords(mount.options ?? [])].find(Boolean);
  if (unknown !== undefined)
    throw new BerthError("invalid", `bind mount "${destination}": unknown option "${unknown}"`);
  const { source, recursive } = bindSource(mount, options);
  return {
    op: "bind",
    source,
    target: destination,
    recursive,
    makeSource: options.makeSource,
    ...(slot === undefined ? {} : { slot }),
    ...(destination === "/proc" ? { procfs: true } : {}),
    steps: bindSteps(options, recursive),
    ...(idMap && { idMap }),
  };
}

/** Its own mappings, or with `idmap` alone the container's. */
function idMapOf(
  { mount: { destination, uidMappings = [], gidMappings = [] }, options }: PlannedMount,
  { linux }: Spec,
): Extract<Op, { op: "bind" }>["idMap"] {
  const isOwn = uidMappings.length + gidMappings.length > 0;
  if (!isOwn && options.idMap === undefined) return undefined;
  const map = isOwn ? { uid: uidMappings, gid: gidMappings } : usersOf(linux)?.map;
  if (map === undefined)
    throw new BerthError("invalid", `mount "${destination}": idmap without mappings needs a user namespace`);
  verifyIdMap(map);
  return { map, recursive: options.idMap === "recursive" };
}

/** The working directory is made while it can be. */
function readOnlyRootOps(cwd: string): Op[] {
  return [{ op: "directory", path: cwd, mode: 0o755, uid: 0, gid: 0 }, { op: "readonly-root" }];
}

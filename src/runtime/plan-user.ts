/**
 * Containers in a user namespace, and id-mapped mounts. What takes rights over the host is moved before the clone: the shim prepares
 * it in slots, the child attaches it. What only has to come before the child loses the host's rights moves to the stage. Pure.
 */
import { type Features, isAtLeast, mayExceedLimits } from "../kernel/features.ts";
import { BerthError } from "../lib/error.ts";
import { formatIdRanges, type IdMap, rootOf, toHostId, verifyIdMap } from "../lib/id-map.ts";
import { MS_PRIVATE, MS_REC, MS_SHARED } from "./mount-options.ts";
import type { AttributeStep } from "./mount-steps.ts";
import type { Op } from "./op.ts";
import { RLIMITS } from "./plan-identity.ts";
import type { Launch, RootFilesystem } from "./runtime.ts";
import type { Linux } from "./spec.ts";

type OpNamed<Name extends Op["op"]> = Extract<Op, { op: Name }>;

/** An overlay of directories whose ids are mapped. */
const OVERLAY_KERNEL = [5, 19] as const;
/** The same of mounts that are attached nowhere. */
const DETACHED_KERNEL = [6, 15] as const;
/** `mount_setattr(MOUNT_ATTR_IDMAP)`. */
const IDMAP_KERNEL = [5, 12] as const;

/** The user namespace of a container: a new one, or one that is there. */
export interface Users {
  readonly map: IdMap;
  readonly path?: string;
}

/** Undefined without a user namespace. A path needs its mappings, too: whoever launches reads them from the namespace. */
export function usersOf({ namespaces, uidMappings = [], gidMappings = [] }: Linux): Users | undefined {
  const namespace = namespaces.find(({ type }) => type === "user");
  const map = { uid: uidMappings, gid: gidMappings };
  if (namespace === undefined) {
    if (uidMappings.length + gidMappings.length === 0) return undefined;
    throw new BerthError(
      "invalid",
      "user namespace mappings specified, but user namespace isn't enabled in the config",
    );
  }
  verifyIdMap(map);
  return { map, ...(namespace.path === undefined ? {} : { path: namespace.path }) };
}

/** Makes the plan of a container without a user namespace one that works in its own; id-mapped binds are prepared in any case. */
export function prepare(ops: readonly Op[], { spec, root }: Launch, features: Features): Op[] {
  const users = usersOf(spec.linux);
  if (users === undefined && !ops.some(isMapped)) return [...ops];
  requireKernel(features, IDMAP_KERNEL, "id-mapped mounts");
  const at = ops.findIndex(({ op }) => op === "clone");
  const clone = ops[at];
  if (clone === undefined) throw new BerthError("internal", "a plan without a clone");
  const preparation = new Preparation(users, root, features, propagationOf(ops));
  for (const op of ops.slice(0, at)) preparation.before(op);
  if (users !== undefined) preparation.enter();
  for (const op of ops.slice(at + 1)) preparation.after(op);
  return preparation.finish(clone, root);
}

/** How an ordinary child leaves the host's mounts. */
function propagationOf(ops: readonly Op[]): number {
  return (ops.find((op) => op.op === "propagation")?.flags ?? MS_PRIVATE) & ~MS_REC;
}

function isMapped(op: Op): boolean {
  return op.op === "bind" && op.idMap !== undefined;
}

function requireKernel(features: Features, version: readonly [number, number], what: string): void {
  if (isAtLeast(features, version)) return;
  const [major, minor] = version;
  throw new BerthError(
    "unavailable",
    `${what} need Linux ${major}.${minor} or newer; this kernel is ${features.kernel}`,
  );
}

class Preparation {
  readonly #users: Users | undefined;
  readonly #features: Features;
  readonly #shim: Op[] = [];
  readonly #stage: Op[] = [];
  readonly #child: Op[] = [];
  readonly #namespaces = new Map<string, number>();
  #slots = 0;
  readonly #root: RootFilesystem;
  readonly #leaving: AttributeStep;
  /** That of the root, once it is made. */
  #rootSlot: number | undefined;
  /** That of /dev, once it is made. */
  #devices: number | undefined;

  constructor(users: Users | undefined, root: RootFilesystem, features: Features, propagation: number) {
    this.#root = root;
    this.#leaving = leaving(propagation);
    this.#users = users;
    this.#features = features;
  }

  before(op: Op): void {
    if (op.op === "join" && this.#users !== undefined) this.#stage.push(op);
    else this.#shim.push(op);
  }

  /** The first of all slots: the namespace of the container. */
  enter(): void {
    const { map, path } = this.#container();
    const owner = rootOf(map);
    this.#shim.push({ op: "owner", ...owner });
    const userNamespace =
      path === undefined ? this.#namespace(map) : this.#slot((slot) => ({ op: "open", slot, path }));
    this.#namespaces.set(keyOf(map), userNamespace);
  }

  after(op: Op): void {
    if (op.op === "bind" && (this.#users !== undefined || op.idMap !== undefined)) this.#bind(op);
    else if (this.#users === undefined) this.#child.push(op);
    else this.#inside(op);
  }

  #inside(op: Op): void {
    switch (op.op) {
      case "write": // its control groups
      case "join":
      case "oom-score":
      case "io-priority":
        this.#stage.push(op);
        return;
      case "scheduler":
        (isInherited(op) ? this.#stage : this.#child).push(op);
        return;
      case "mount-host":
        this.#overlay(op);
        return;
      case "bind-source":
        return; // prepared by #bind()
      case "root":
        this.#attachRoot();
        return;
      case "mount":
        if (op.target === "/")
          throw new BerthError(
            "unsupported",
            'mount "/": in a user namespace the root is a directory, an overlay or a bind',
          );
        if (op.target === "/dev" && op.type === "tmpfs") this.#dev(op);
        else this.#child.push(op);
        return;
      case "mknod":
        this.#device(op);
        return;
      case "rlimit":
        this.#limit(op);
        return;
      case "sysctl":
        this.#child.push(nameOf(op) ?? op);
        return;
      case "netlink":
        this.#netlink(op);
        return;
      default:
        this.#child.push(op);
    }
  }

  #overlay({ data }: OpNamed<"mount-host">): void {
    if (this.#root.kind !== "overlay") throw new BerthError("internal", "an overlay as root that is none");
    requireKernel(this.#features, OVERLAY_KERNEL, "overlays with mapped ids (--userns)");
    const mountOptions = isAtLeast(this.#features, DETACHED_KERNEL) ? {} : { mountOptions: data };
    const overlay = {
      ...overlayOf(this.#root),
      ...rootOf(this.#container().map),
      userNamespace: 0,
      ...mountOptions,
    };
    this.#rootSlot = this.#slot((slot) => ({ op: "overlay", slot, ...overlay }));
  }

  /** A second time the root is what was bound onto it: that is so already. */
  #attachRoot(): void {
    if (this.#child.some(({ op }) => op === "attach-root")) return;
    if (this.#root.kind === "directory") {
      const tree = { source: this.#root.path, recursive: true, makeSource: false, steps: [this.#leaving] };
      this.#rootSlot = this.#slot((slot) => ({ op: "tree", slot, ...tree }));
    }
    this.#child.push({ op: "attach-root", slot: this.#rootSlot ?? 0 });
  }

  /** Where an ordinary child binds from its own copy of the host's mounts, this is a copy of the host's own: it leaves them, too. */
  #bind({ idMap, op: _, target, slot: taken, ...tree }: OpNamed<"bind">): void {
    if (this.#users !== undefined && tree.steps.some(({ propagation }) => propagation & MS_SHARED))
      throw new BerthError(
        "unsupported",
        `bind "${target}": shared propagation out of a user namespace would let its root mount on the host`,
      );
    const mapping = idMap && { slot: this.#namespace(idMap.map), recursive: idMap.recursive };
    const steps = taken === undefined && !isolates(tree) ? [this.#leaving, ...tree.steps] : tree.steps;
    const slot = this.#slot((own) => ({
      op: "tree",
      slot: own,
      ...tree,
      steps,
      ...(mapping && { idMap: mapping }),
    }));
    this.#child.push({ op: "attach", slot, source: tree.source, target, api: false });
    if (target === "/") this.#child.push({ op: "within", slot });
  }

  /** Where the child may make no device, the shim does: this tmpfs is the host's, and its root the container's. */
  #dev({ source, type, flags, data, target, copyUp, classic, steps = [] }: OpNamed<"mount">): void {
    if (copyUp || classic)
      throw new BerthError(
        "unsupported",
        `mount "/dev": no ${copyUp ? "tmpcopyup" : "silent and no iversion"} in a user namespace, where berth makes /dev before the root`,
      );
    const { uid, gid } = rootOf(this.#container().map);
    const mode = data.split(",").some((option) => option.startsWith("mode=")) ? "" : ",mode=755";
    const options = `${data}${mode},uid=${uid},gid=${gid}`.replace(/^,/, "");
    this.#devices = this.#slot((slot) => ({ op: "file-system", slot, source, type, flags, data: options }));
    this.#shim.push({ op: "within", slot: this.#devices });
    this.#child.push({ op: "attach", slot: this.#devices, source: type, target, api: true });
    if (steps.length > 0) this.#child.push({ op: "mount-attributes", path: target, steps });
  }

  #device(op: OpNamed<"mknod">): void {
    if (this.#devices === undefined || !op.path.startsWith("/dev/"))
      throw new BerthError(
        "unsupported",
        `device "${op.path}": in a user namespace berth makes devices in /dev alone`,
      );
    const { map } = this.#container();
    const path = op.path.slice("/dev".length);
    const names = path.split("/").slice(1, -1);
    for (const [index] of names.entries())
      this.#shim.push({
        op: "directory",
        path: `/${names.slice(0, index + 1).join("/")}`,
        mode: 0o755,
        ...rootOf(map),
      });
    this.#shim.push({
      ...op,
      path,
      uid: mapped(map.uid, op.uid, op.path),
      gid: mapped(map.gid, op.gid, op.path),
    });
  }

  /** Raising a limit takes a right over the host. */
  #limit(op: OpNamed<"rlimit">): void {
    this.#stage.push(...raisedLimits([op], this.#features));
    this.#child.push(op);
  }

  #netlink({ apart, ...op }: OpNamed<"netlink">): void {
    this.#child.push({ ...op, ...apart?.inside });
    if (apart === undefined) return;
    const slot = this.#slot((own) => ({ op: "host-socket", slot: own }));
    this.#child.push({ ...op, ...apart.host, slot });
  }

  #namespace(map: IdMap): number {
    const known = this.#namespaces.get(keyOf(map));
    if (known !== undefined) return known;
    const texts = { uidMap: formatIdRanges(map.uid), gidMap: formatIdRanges(map.gid) };
    const slot = this.#slot((own) => ({ op: "user-namespace", slot: own, ...texts }));
    this.#namespaces.set(keyOf(map), slot);
    return slot;
  }

  #slot(fill: (slot: number) => Op): number {
    const slot = this.#slots++;
    this.#shim.push(fill(slot));
    return slot;
  }

  #container(): Users {
    if (this.#users === undefined) throw new BerthError("internal", "no user namespace");
    return this.#users;
  }

  finish(clone: Op, root: RootFilesystem): Op[] {
    if (this.#users === undefined) return [...this.#shim, clone, ...this.#child];
    const directory = root.kind === "directory" ? root.path : root.mountpoint;
    return [
      ...this.#shim,
      { op: "stage", directory },
      ...this.#stage,
      { op: "join-user", slot: 0 },
      clone,
      { op: "become-root" },
      ...this.#child,
    ];
  }
}

/** Whether its own steps make all of it nobody's peer already. */
function isolates({ recursive, steps }: Pick<OpNamed<"bind">, "recursive" | "steps">): boolean {
  return steps.some((step) => step.propagation === MS_PRIVATE && (step.recursive || !recursive));
}

/** Of a copy of mounts of the host's, so that it is none of their peers. */
function leaving(propagation: number): AttributeStep {
  return { recursive: true, set: 0, clear: 0, propagation };
}

function keyOf({ uid, gid }: IdMap): string {
  return `${formatIdRanges(uid)}/${formatIdRanges(gid)}`;
}

/** Those that rise above what the engine has, as they must be set while there are rights over the host. */
export function raisedLimits(ops: readonly Op[], features: Features): Op[] {
  if (!mayExceedLimits(features)) return [];
  return ops.flatMap((op): Op[] => {
    const limit = op.op === "rlimit" ? features.hardLimits[RLIMITS[op.resource] ?? ""] : undefined;
    return op.op === "rlimit" && limit !== undefined && op.hard > BigInt(limit)
      ? [{ ...op, soft: op.hard }]
      : [];
  });
}

const SCHED_DEADLINE = 6;
const SCHED_FLAG_RESET_ON_FORK = 1;

/** By a clone: otherwise the child itself must be allowed it. */
function isInherited({ policy, flags }: OpNamed<"scheduler">): boolean {
  return policy !== SCHED_DEADLINE && (flags & SCHED_FLAG_RESET_ON_FORK) === 0;
}

/** The files of these two are the host's root's, whoever owns the names behind them. */
function nameOf({ name, value }: OpNamed<"sysctl">): Op | undefined {
  if (name === "kernel/hostname") return { op: "hostname", name: value };
  return name === "kernel/domainname" ? { op: "domainname", name: value } : undefined;
}

function mapped(ranges: IdMap["uid"], id: number, what: string): number {
  const host = toHostId(ranges, id);
  if (host === undefined) throw new BerthError("invalid", `the owner ${id} of "${what}" is not mapped`);
  return host;
}

function overlayOf({
  upper,
  work,
  lower,
  layersDirectory,
  volatile,
}: Extract<RootFilesystem, { kind: "overlay" }>) {
  const directory = upper.slice(0, upper.lastIndexOf("/"));
  if (!work.startsWith(`${directory}/`))
    throw new BerthError(
      "invalid",
      `"${work}" is not beside "${upper}": an overlay with mapped ids needs both in one directory`,
    );
  const own = { upper: upper.slice(directory.length + 1), work: work.slice(directory.length + 1) };
  return { layersDirectory, directory, ...own, lower, volatile };
}

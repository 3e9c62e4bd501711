/** What a container mounts on request: `-v`, `--mount` and `--tmpfs`, read and checked; pure but for nothing. */
import { BerthError } from "../lib/error.ts";
import { requireMountable } from "../runtime/proc-mounts.ts";
import type { HostConfig, Mount, MountPoint } from "../wire/schema.ts";

/** A directory or file of the host. `mode` is the text of `-v`, as inspect shows it. */
export interface BindRequest {
  readonly type: "bind";
  readonly source: string;
  readonly destination: string;
  readonly readOnly: boolean;
  /** What is mounted below comes along. */
  readonly recursive: boolean;
  /** Read-only holds for that, too. */
  readonly readOnlyBelow: boolean;
  readonly propagation: Propagation;
  /** Whether a source that is not there is made as a directory. */
  readonly makeSource: boolean;
  readonly mode: string;
  /** `-v …:idmap`: its files belong to the same ids inside, also in a user namespace. */
  readonly idMap: boolean;
}

/** A file system in memory. `options` are those of mount(8). */
export interface TmpfsRequest {
  readonly type: "tmpfs";
  readonly destination: string;
  readonly options: readonly string[];
  /** `--tmpfs`: not listed in inspect, as with docker. */
  readonly listed: boolean;
}

export type MountRequest = BindRequest | TmpfsRequest;

const PROPAGATIONS = ["private", "rprivate", "shared", "rshared", "slave", "rslave"] as const;
export type Propagation = (typeof PROPAGATIONS)[number];

/** All that `hostConfig` asks for, parents before children. Two at one place are refused. */
export function mountRequests(hostConfig: HostConfig): MountRequest[] {
  const requests = [
    ...(hostConfig.Binds ?? []).map(parseBind),
    ...(hostConfig.Mounts ?? []).map(toRequest),
    ...Object.entries(hostConfig.Tmpfs ?? {}).map(([path, options]) => parseTmpfs(path, options)),
  ];
  const seen = new Set<string>();
  for (const { destination, type } of requests) {
    if (seen.has(destination)) throw new BerthError("invalid", `Duplicate mount point: ${destination}`);
    requireMountable(destination, type);
    seen.add(destination);
  }
  return requests.toSorted((a, b) => depth(a.destination) - depth(b.destination));
}

function depth(path: string): number {
  return path.split("/").length;
}

/** `source:destination[:options]`. */
export function parseBind(text: string): BindRequest {
  const parts = text.split(":");
  const [source = "", destination = "", mode = ""] = parts;
  if (parts.length < 2 || parts.length > 3 || source === "" || destination === "") {
    if (parts.length === 1 && source.startsWith("/")) throw unsupportedVolume(text, "anonymous volumes");
    throw new BerthError("invalid", `invalid volume specification: '${text}'`);
  }
  if (!source.startsWith("/")) throw unsupportedVolume(text, "named volumes");
  return {
    type: "bind",
    source: cleanPath(source),
    makeSource: true,
    ...modeOf(mode),
    ...destinationOf(text, destination),
  };
}

function unsupportedVolume(text: string, what: string): BerthError {
  return new BerthError(
    "unsupported",
    `HostConfig.Binds: berth does not support ${what} yet ("${text}"): name a directory of the host by its absolute path`,
  );
}

function destinationOf(spec: string, path: string): { destination: string } {
  if (!path.startsWith("/"))
    throw new BerthError(
      "invalid",
      `invalid volume specification: '${spec}': invalid mount config for type "bind": invalid mount path: '${path}' mount path must be absolute`,
    );
  const destination = cleanPath(path);
  if (destination !== "/") return { destination };
  throw new BerthError(
    "invalid",
    `invalid volume specification: '${spec}': invalid specification: destination can't be '/'`,
  );
}

/** The third part of `-v`: each kind of option at most once, as in moby volume/mounts/linux_parser.go. */
function modeOf(
  mode: string,
): Pick<BindRequest, "readOnly" | "recursive" | "readOnlyBelow" | "propagation" | "mode" | "idMap"> {
  const options = mode === "" ? [] : mode.split(",");
  const found = { access: 0, propagation: 0, label: 0, consistency: 0, idMap: 0 };
  for (const option of options) {
    const kind = kindOf(option);
    if (kind === undefined || found[kind]++ > 0) throw new BerthError("invalid", `invalid mode: ${mode}`);
  }
  const propagation = PROPAGATIONS.find((name) => options.includes(name)) ?? "rprivate";
  const [readOnly, idMap] = [options.includes("ro"), options.includes("idmap")];
  return { readOnly, recursive: true, readOnlyBelow: true, propagation, mode, idMap };
}

function kindOf(option: string): "access" | "propagation" | "label" | "consistency" | "idMap" | undefined {
  if (option === "ro" || option === "rw") return "access";
  if (option === "idmap") return "idMap"; // podman's word
  if (option === "z" || option === "Z") return "label"; // SELinux: without meaning where it is off, as with docker
  if (["consistent", "cached", "delegated"].includes(option)) return "consistency";
  return PROPAGATIONS.some((name) => name === option) ? "propagation" : undefined;
}

/** `--mount`. */
export function toRequest(mount: Mount): MountRequest {
  const target = mount.Target ?? "";
  const fail = (why: string) =>
    new BerthError("invalid", `invalid mount config for type "${mount.Type}": ${why}`);
  if (target === "") throw fail("field Target must not be empty");
  if (!target.startsWith("/")) throw fail(`invalid mount path: '${target}' mount path must be absolute`);
  const destination = cleanPath(target);
  if (destination === "/") throw fail("invalid specification: destination can't be '/'");
  if (mount.Type === "tmpfs") return tmpfsMount(mount, destination, fail);
  if (mount.Type === "bind") return bindMount(mount, destination, fail);
  if (mount.Type !== "volume" && mount.Type !== "image")
    throw new BerthError("invalid", `mount type unknown: ${mount.Type}`);
  throw new BerthError(
    "unsupported",
    `HostConfig.Mounts: berth does not support mounts of type "${mount.Type}" yet`,
  );
}

function bindMount(mount: Mount, destination: string, fail: (why: string) => BerthError): BindRequest {
  const source = mount.Source ?? "";
  if (source === "") throw fail("field Source must not be empty");
  if (!source.startsWith("/")) throw fail(`invalid mount path: '${source}' mount path must be absolute`);
  if (mount.TmpfsOptions || mount.VolumeOptions) throw fail("only BindOptions fit this type");
  const options = mount.BindOptions ?? {};
  requireSenseOf(options, mount.ReadOnly ?? false, fail);
  const propagation = options.Propagation ?? "rprivate";
  if (!PROPAGATIONS.includes(propagation)) throw fail(`invalid propagation mode: ${String(propagation)}`);
  return {
    type: "bind",
    source: cleanPath(source),
    destination,
    readOnly: mount.ReadOnly ?? false,
    recursive: !(options.NonRecursive ?? false),
    readOnlyBelow: !(options.ReadOnlyNonRecursive ?? false),
    propagation,
    makeSource: options.CreateMountpoint ?? false,
    mode: "",
    idMap: false,
  };
}

type BindOptions = NonNullable<Mount["BindOptions"]>;

/** moby volume/mounts/linux_parser.go, validateMountConfigImpl. */
function requireSenseOf(options: BindOptions, readOnly: boolean, fail: (why: string) => BerthError): void {
  const { ReadOnlyNonRecursive: shallow, ReadOnlyForceRecursive: deep, NonRecursive: plain } = options;
  if (!readOnly && shallow) throw fail("mount must be set ReadOnly when using ReadOnlyNonRecursive");
  if (!readOnly && deep) throw fail("mount must be set ReadOnly when using ReadOnlyForceRecursive");
  if (shallow && deep) throw fail("ReadOnlyForceRecursive and ReadOnlyNonRecursive must not both be set");
  if (plain && deep) throw fail("ReadOnlyForceRecursive conflicts with NonRecursive");
}

function tmpfsMount(mount: Mount, destination: string, fail: (why: string) => BerthError): TmpfsRequest {
  if (mount.Source) throw fail("field Source must not be specified");
  const { SizeBytes: size, Mode: mode, Options: more } = mount.TmpfsOptions ?? {};
  if ((size ?? 0) < 0) throw fail("size must not be negative");
  const options = [
    ...(mount.ReadOnly ? ["ro"] : []),
    ...(mode ? [`mode=${mode.toString(8)}`] : []),
    ...(size ? [`size=${size}`] : []),
    ...(more ?? []).map((option) => option.join("=")),
  ];
  return { type: "tmpfs", destination, options: tmpfsOptions(options), listed: true };
}

/** `--tmpfs path:options`. */
export function parseTmpfs(path: string, options: string): TmpfsRequest {
  if (!path.startsWith("/"))
    throw new BerthError(
      "invalid",
      `invalid tmpfs mount: invalid mount path: '${path}' mount path must be absolute`,
    );
  const destination = cleanPath(path);
  if (destination === "/") throw new BerthError("invalid", "invalid tmpfs mount: destination can't be '/'");
  return {
    type: "tmpfs",
    destination,
    options: tmpfsOptions(options.split(",").filter(Boolean)),
    listed: false,
  };
}

/** Opposites: the later wins. */
const FLAG_PAIRS: Readonly<Record<string, string>> = {
  rw: "ro",
  exec: "noexec",
  suid: "nosuid",
  dev: "nodev",
  async: "sync",
  atime: "noatime",
  diratime: "nodiratime",
  relatime: "norelatime",
  strictatime: "nostrictatime",
};
const FLAGS = new Set([...Object.keys(FLAG_PAIRS), ...Object.values(FLAG_PAIRS)]);
const TMPFS_DATA = ["size", "mode", "uid", "gid", "nr_inodes", "nr_blocks", "mpol"];

/** Docker's `noexec,nosuid,nodev` and the options asked for; one that tmpfs does not know is refused. */
function tmpfsOptions(asked: readonly string[]): string[] {
  const chosen = new Map<string, string>();
  for (const option of ["noexec", "nosuid", "nodev", ...asked]) {
    const [key = ""] = option.split("=", 1);
    if (!FLAGS.has(option) && !(option.includes("=") && TMPFS_DATA.includes(key)))
      throw new BerthError("invalid", `invalid tmpfs option ["${option}"]`);
    const subject = FLAG_PAIRS[key] ?? key;
    chosen.delete(subject);
    chosen.set(subject, option);
  }
  return [...chosen.values()];
}

/** Without doubled and trailing slashes, `.` and `..`, as Go's filepath.Clean does for an absolute path. */
export function cleanPath(path: string): string {
  const kept: string[] = [];
  for (const part of path.split("/")) {
    if (part === "..") kept.pop();
    else if (part !== "" && part !== ".") kept.push(part);
  }
  return `/${kept.join("/")}`;
}

/** `Mounts` of inspect and list. */
export function toMountPoints(requests: readonly MountRequest[]): MountPoint[] {
  return requests.flatMap((request): MountPoint[] => {
    const { type: Type, destination: Destination } = request;
    if (request.type === "tmpfs") {
      const RW = !request.options.includes("ro");
      return request.listed ? [{ Type, Source: "", Destination, Mode: "", RW, Propagation: "" }] : [];
    }
    const { source: Source, mode: Mode, propagation: Propagation } = request;
    return [{ Type, Source, Destination, Mode, RW: !request.readOnly, Propagation }];
  });
}

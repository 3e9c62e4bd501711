/** Mount options of mount(8) as the kernel's numbers: MS_* for new mounts, MOUNT_ATTR_* for binds. */
import {
  MS_BIND,
  MS_NODEV,
  MS_NOEXEC,
  MS_NOSUID,
  MS_PRIVATE,
  MS_RDONLY,
  MS_REC,
  MS_SHARED,
  MS_SLAVE,
} from "../kernel/libc.ts";
import { BerthError } from "../lib/error.ts";
import type { Mount } from "./spec.ts";

const MS_SYNCHRONOUS = 16;
const MS_MANDLOCK = 64;
const MS_DIRSYNC = 128;
const MS_NOSYMFOLLOW = 256;
const MS_NOATIME = 1024;
const MS_NODIRATIME = 2048;
const MS_SILENT = 32768;
export const MS_UNBINDABLE = 1 << 17;
const MS_RELATIME = 1 << 21;
const MS_I_VERSION = 1 << 23;
const MS_STRICTATIME = 1 << 24;
const MS_LAZYTIME = 1 << 25;

export const ATTR_RDONLY = 0x1;
const ATTR_NOSUID = 0x2;
const ATTR_NODEV = 0x4;
const ATTR_NOEXEC = 0x8;
/** RELATIME, NOATIME, STRICTATIME: one choice in three bits; all are cleared when one is set. */
const ATTR_ATIME = 0x70;
const ATTR_NOATIME = 0x10;
const ATTR_STRICTATIME = 0x20;
const ATTR_NODIRATIME = 0x80;
const ATTR_NOSYMFOLLOW = 0x200000;

/** MOUNT_ATTR_* to set and to clear. */
export interface Attributes {
  readonly set: number;
  readonly clear: number;
}

export interface MountOptions {
  /** MS_* of a new mount. */
  readonly flags: number;
  /** Of a bind: what holds for the mount itself, and what holds for all that is mounted below it as well. */
  readonly own: Attributes;
  readonly all: Attributes;
  /** MS_SHARED, … with or without MS_REC, in the order in which they were named. */
  readonly propagation: readonly number[];
  readonly bind: boolean;
  readonly recursive: boolean;
  readonly makeSource: boolean;
  /** Whether the ids of a bind are mapped, of it alone or with what is mounted below. */
  readonly idMap: "plain" | "recursive" | undefined;
  /** What is mounted there already is changed. */
  readonly remount: boolean;
  /** What a tmpfs covers is copied into it. */
  readonly copyUp: boolean;
  /** What the file system itself reads. */
  readonly data: string;
}

/** A mount with its options read; `slot` where its source is taken before the host's mounts are left. */
export interface PlannedMount {
  readonly mount: Mount;
  readonly options: MountOptions;
  readonly slot?: number;
}

export function isBind({ mount, options }: PlannedMount): boolean {
  return mount.type === "bind" || options.bind;
}

/** What a word does: flags to set (or to clear), attributes to set and to clear. */
interface Word {
  readonly flag?: number;
  readonly off?: number;
  readonly set?: number;
  readonly clear?: number;
  /** With all that is mounted below. */
  readonly all?: true;
  readonly propagation?: number;
  readonly bind?: "plain" | "recursive";
  readonly idMap?: "plain" | "recursive";
  readonly also?: "makeSource" | "remount" | "copyUp";
}

const attribute = (flag: number, set: number): Word => ({ flag, set });
const no = (off: number, clear: number): Word => ({ off, clear });

/** Each of them has a twin with an `r` before it, which reaches all that is mounted below; runc's libcontainer/specconv/spec_linux.go. */
const ATTRIBUTES: Readonly<Record<string, Word>> = {
  ro: attribute(MS_RDONLY, ATTR_RDONLY),
  rw: no(MS_RDONLY, ATTR_RDONLY),
  nosuid: attribute(MS_NOSUID, ATTR_NOSUID),
  suid: no(MS_NOSUID, ATTR_NOSUID),
  nodev: attribute(MS_NODEV, ATTR_NODEV),
  dev: no(MS_NODEV, ATTR_NODEV),
  noexec: attribute(MS_NOEXEC, ATTR_NOEXEC),
  exec: no(MS_NOEXEC, ATTR_NOEXEC),
  noatime: { flag: MS_NOATIME, off: MS_STRICTATIME, set: ATTR_NOATIME, clear: ATTR_ATIME },
  atime: { off: MS_NOATIME, clear: ATTR_ATIME },
  relatime: { flag: MS_RELATIME, off: MS_NOATIME | MS_STRICTATIME, clear: ATTR_ATIME },
  norelatime: { off: MS_RELATIME }, // the kernel's default stays: it takes another word to choose
  strictatime: { flag: MS_STRICTATIME, off: MS_NOATIME, set: ATTR_STRICTATIME, clear: ATTR_ATIME },
  nostrictatime: { off: MS_STRICTATIME, clear: ATTR_ATIME },
  nodiratime: attribute(MS_NODIRATIME, ATTR_NODIRATIME),
  diratime: no(MS_NODIRATIME, ATTR_NODIRATIME),
  nosymfollow: attribute(MS_NOSYMFOLLOW, ATTR_NOSYMFOLLOW),
  symfollow: no(MS_NOSYMFOLLOW, ATTR_NOSYMFOLLOW),
};

/** Of the whole file system, wherever it is mounted. */
const SUPERBLOCK: Readonly<Record<string, Word>> = {
  sync: { flag: MS_SYNCHRONOUS },
  async: { off: MS_SYNCHRONOUS },
  dirsync: { flag: MS_DIRSYNC },
  mand: { flag: MS_MANDLOCK },
  nomand: { off: MS_MANDLOCK },
  lazytime: { flag: MS_LAZYTIME },
  nolazytime: { off: MS_LAZYTIME },
  iversion: { flag: MS_I_VERSION },
  noiversion: { off: MS_I_VERSION },
};

const WORDS: Readonly<Record<string, Word>> = {
  defaults: {},
  ...ATTRIBUTES,
  ...Object.fromEntries(
    Object.entries(ATTRIBUTES).map(([name, word]) => [`r${name}`, { ...word, all: true }]),
  ),
  ...SUPERBLOCK,
  silent: { flag: MS_SILENT },
  loud: { off: MS_SILENT },
  bind: { bind: "plain" },
  rbind: { bind: "recursive" },
  private: { propagation: MS_PRIVATE },
  rprivate: { propagation: MS_PRIVATE | MS_REC },
  slave: { propagation: MS_SLAVE },
  rslave: { propagation: MS_SLAVE | MS_REC },
  shared: { propagation: MS_SHARED },
  rshared: { propagation: MS_SHARED | MS_REC },
  unbindable: { propagation: MS_UNBINDABLE },
  runbindable: { propagation: MS_UNBINDABLE | MS_REC },
  remount: { also: "remount" },
  tmpcopyup: { also: "copyUp" },
  idmap: { idMap: "plain" },
  ridmap: { idMap: "recursive" },
  "x-make-source": { also: "makeSource" },
};

/** All but berth's own word, in order. */
export function mountOptionNames(): string[] {
  return Object.keys(WORDS)
    .filter((name) => !name.startsWith("x-"))
    .toSorted();
}

/** Words of other runtimes that berth does not do. */
const REFUSED = new Set(["copy-symlink", "src-nofollow", "dest-nofollow"]);

type Draft = { -readonly [K in keyof Omit<MountOptions, "data">]: MountOptions[K] };

/** Later words win over earlier ones. Unknown words are the file system's. */
export function parseMountOptions(options: readonly string[], destination: string): MountOptions {
  const draft: Draft = {
    flags: 0,
    own: { set: 0, clear: 0 },
    all: { set: 0, clear: 0 },
    propagation: [],
    bind: false,
    recursive: false,
    makeSource: false,
    idMap: undefined,
    remount: false,
    copyUp: false,
  };
  const data: string[] = [];
  for (const option of options) {
    if (REFUSED.has(option.split("=", 1)[0] ?? ""))
      throw new BerthError(
        "unsupported",
        `mount "${destination}": berth does not support the option "${option}"`,
      );
    const word = Object.hasOwn(WORDS, option) ? WORDS[option] : undefined;
    if (word === undefined) data.push(option);
    else apply(draft, word);
  }
  return { ...draft, data: data.join(",") };
}

function apply(draft: Draft, { flag = 0, off = 0, set = 0, clear = 0, ...word }: Word): void {
  draft.flags = (draft.flags & ~off) | flag;
  const place = word.all === true ? "all" : "own";
  draft[place] = both(draft[place], { set, clear });
  if (word.propagation !== undefined) draft.propagation = [...draft.propagation, word.propagation];
  if (word.bind !== undefined) Object.assign(draft, { bind: true, recursive: word.bind === "recursive" });
  draft.idMap = word.idMap ?? draft.idMap;
  if (word.also !== undefined) draft[word.also] = true;
}

/** `later` wins. */
export function both(earlier: Attributes, later: Attributes): Attributes {
  return {
    set: (earlier.set & ~later.clear) | later.set,
    clear: (earlier.clear & ~later.set) | later.clear,
  };
}

/** `rprivate` as the kernel's number, for the root's own propagation. */
export function propagationFlags(name: string): number {
  const flags = Object.hasOwn(WORDS, name) ? WORDS[name]?.propagation : undefined;
  if (flags === undefined) throw new BerthError("invalid", `unknown mount propagation "${name}"`);
  return flags;
}

/** The words among `options` that change a whole file system: no bind can. */
export function superblockWords(options: readonly string[]): string[] {
  return options.filter((option) => Object.hasOwn(SUPERBLOCK, option));
}

/** Those of the flags that fsconfig(2) takes by name. */
export function superblockData(flags: number): string[] {
  return (["sync", "dirsync", "mand", "lazytime"] as const).filter(
    (name) => (flags & (SUPERBLOCK[name]?.flag ?? 0)) !== 0,
  );
}

/** Only mount(2) can say these. */
export function needsClassicMount(flags: number): boolean {
  return (flags & (MS_SILENT | MS_I_VERSION)) !== 0;
}

export { MS_BIND, MS_PRIVATE, MS_RDONLY, MS_REC, MS_SHARED, MS_SLAVE };

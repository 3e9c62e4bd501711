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

const MS_SYNCHRONOUS = 16;
const MS_MANDLOCK = 64;
const MS_DIRSYNC = 128;
const MS_NOATIME = 1024;
const MS_NODIRATIME = 2048;
const MS_SILENT = 32768;
const MS_UNBINDABLE = 1 << 17;
const MS_RELATIME = 1 << 21;
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

export interface MountOptions {
  /** MS_* of a new mount. */
  readonly flags: number;
  /** MOUNT_ATTR_* of a bind. */
  readonly set: number;
  readonly clear: number;
  /** MS_SHARED, … with or without MS_REC; 0 when none is named. */
  readonly propagation: number;
  readonly bind: boolean;
  readonly recursive: boolean;
  readonly makeSource: boolean;
  /** What the file system itself reads. */
  readonly data: string;
}

/** What a word does: flags to set (or to clear), attributes to set and to clear. */
interface Word {
  readonly flag?: number;
  readonly off?: number;
  readonly set?: number;
  readonly clear?: number;
  readonly propagation?: number;
  readonly bind?: "plain" | "recursive";
  readonly makeSource?: true;
}

const attribute = (flag: number, set: number): Word => ({ flag, set });
const no = (off: number, clear: number): Word => ({ off, clear });

const WORDS: Readonly<Record<string, Word>> = {
  defaults: {},
  ro: attribute(MS_RDONLY, ATTR_RDONLY),
  rro: attribute(MS_RDONLY, ATTR_RDONLY),
  rw: no(MS_RDONLY, ATTR_RDONLY),
  nosuid: attribute(MS_NOSUID, ATTR_NOSUID),
  suid: no(MS_NOSUID, ATTR_NOSUID),
  nodev: attribute(MS_NODEV, ATTR_NODEV),
  dev: no(MS_NODEV, ATTR_NODEV),
  noexec: attribute(MS_NOEXEC, ATTR_NOEXEC),
  exec: no(MS_NOEXEC, ATTR_NOEXEC),
  noatime: { flag: MS_NOATIME, set: ATTR_NOATIME, clear: ATTR_ATIME },
  atime: { off: MS_NOATIME, clear: ATTR_ATIME },
  relatime: { flag: MS_RELATIME, clear: ATTR_ATIME },
  norelatime: { off: MS_RELATIME },
  strictatime: { flag: MS_STRICTATIME, set: ATTR_STRICTATIME, clear: ATTR_ATIME },
  nostrictatime: { off: MS_STRICTATIME, clear: ATTR_ATIME },
  nodiratime: attribute(MS_NODIRATIME, ATTR_NODIRATIME),
  diratime: no(MS_NODIRATIME, ATTR_NODIRATIME),
  nosymfollow: { set: ATTR_NOSYMFOLLOW, flag: 256 },
  symfollow: { clear: ATTR_NOSYMFOLLOW, off: 256 },
  sync: { flag: MS_SYNCHRONOUS },
  async: { off: MS_SYNCHRONOUS },
  dirsync: { flag: MS_DIRSYNC },
  mand: { flag: MS_MANDLOCK },
  nomand: { off: MS_MANDLOCK },
  silent: { flag: MS_SILENT },
  loud: { off: MS_SILENT },
  lazytime: { flag: MS_LAZYTIME },
  nolazytime: { off: MS_LAZYTIME },
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
  "x-make-source": { makeSource: true },
};

/** Of the OCI specification, but not done by berth. */
const REFUSED = new Set(["tmpcopyup", "idmap", "ridmap", "copy-symlink", "remount"]);

/** Later words win over earlier ones. Unknown words are the file system's. */
export function parseMountOptions(options: readonly string[], destination: string): MountOptions {
  const result = {
    flags: 0,
    set: 0,
    clear: 0,
    propagation: 0,
    bind: false,
    recursive: false,
    makeSource: false,
  };
  const data: string[] = [];
  for (const option of options) {
    if (REFUSED.has(option.split("=", 1)[0] ?? ""))
      throw new BerthError(
        "unsupported",
        `mount "${destination}": berth does not support the option "${option}"`,
      );
    const word = WORDS[option];
    if (word === undefined) data.push(option);
    else apply(result, word);
  }
  return { ...result, data: data.join(",") };
}

function apply(
  result: { -readonly [K in keyof Omit<MountOptions, "data">]: MountOptions[K] },
  word: Word,
): void {
  result.flags = (result.flags | (word.flag ?? 0)) & ~(word.off ?? 0);
  result.set = (result.set & ~(word.clear ?? 0)) | (word.set ?? 0);
  result.clear = (result.clear & ~(word.set ?? 0)) | (word.clear ?? 0);
  result.propagation = word.propagation ?? result.propagation;
  if (word.bind !== undefined) Object.assign(result, { bind: true, recursive: word.bind === "recursive" });
  if (word.makeSource) result.makeSource = true;
}

/** `rprivate` as the kernel's number, for the root's own propagation. */
export function propagationFlags(name: string): number {
  const flags = WORDS[name]?.propagation;
  if (flags === undefined) throw new BerthError("invalid", `unknown mount propagation "${name}"`);
  return flags;
}

export { MS_BIND, MS_PRIVATE, MS_RDONLY, MS_REC, MS_SLAVE };

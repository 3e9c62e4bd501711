/** Flags, attributes and propagation of mounts as words and commands of mount(8). */
import { MS_PRIVATE, MS_SHARED, MS_SLAVE } from "./mount-options.ts";
import type { AttributeStep } from "./mount-steps.ts";

const WORDS: readonly (readonly [flag: number, word: string])[] = [
  [1, "ro"],
  [2, "nosuid"],
  [4, "nodev"],
  [8, "noexec"],
  [16, "sync"],
  [64, "mand"],
  [128, "dirsync"],
  [256, "nosymfollow"],
  [1024, "noatime"],
  [2048, "nodiratime"],
  [4096, "bind"],
  [32768, "silent"],
  [1 << 23, "iversion"],
  [1 << 24, "strictatime"],
  [1 << 25, "lazytime"],
];

export function flagWords(flags: number): string[] {
  return WORDS.filter(([flag]) => (flags & flag) !== 0).map(([, word]) => word);
}

/** MOUNT_ATTR_* and what takes each away again. */
const ATTRIBUTES: readonly (readonly [attribute: number, word: string, opposite: string])[] = [
  [1, "ro", "rw"],
  [2, "nosuid", "suid"],
  [4, "nodev", "dev"],
  [8, "noexec", "exec"],
  [0x10, "noatime", "relatime"],
  [0x20, "strictatime", "relatime"],
  [0x80, "nodiratime", "diratime"],
  [0x200000, "nosymfollow", "symfollow"],
];

/** `path` is quoted already. */
export function stepCommands(steps: readonly AttributeStep[] = [], path = ""): string[] {
  return steps.flatMap(({ recursive, set, clear, propagation }) => {
    const words = [
      ...ATTRIBUTES.filter(([flag]) => set & flag).map(([, word]) => word),
      ...ATTRIBUTES.filter(([flag]) => clear & ~set & flag & ~0x30).map(([, , opposite]) => opposite),
      ...((clear & 0x30) !== 0 && (set & 0x30) === 0 ? ["relatime"] : []),
    ].join(",");
    const kind = KINDS.find(([flag]) => propagation & flag)?.[1] ?? "unbindable";
    return [
      ...(words === ""
        ? []
        : [recursive ? remountAll(words, path) : `mount -o remount,bind,${words} ${path}`]),
      ...(propagation === 0 ? [] : [`mount --make-${recursive ? "r" : ""}${kind} ${path}`]),
    ];
  });
}

/** mount(8) does this by itself only since util-linux 2.39. */
function remountAll(words: string, path: string): string {
  return `findmnt -rno TARGET -R ${path} | while read -r each; do mount -o remount,bind,${words} "$each"; done`;
}

const KINDS = [
  [MS_PRIVATE, "private"],
  [MS_SLAVE, "slave"],
  [MS_SHARED, "shared"],
] as const;

/** Counters of one control group, as text of its files. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { hasErrno } from "./error.ts";

const ABSENT = [2, 19, 22, 95]; // ENOENT; ENODEV: removed meanwhile; EINVAL and EOPNOTSUPP: not of this group

/** What the kernel says for "no limit": version 1 in bytes, and the number that stands here for `max` of version 2. */
export const UNLIMITED = 9_223_372_036_854_771_712;

export class GroupFiles {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** Undefined where this kernel has no such file. */
  text(name: string): string | undefined {
    try {
      return readFileSync(`${this.#directory}/${name}`, "utf8");
    } catch (error) {
      if (hasErrno(error, ...ABSENT)) return undefined;
      throw error;
    }
  }

  number(name: string): number | undefined {
    const text = this.text(name)?.trim();
    if (text === undefined) return undefined;
    return text === "max" ? UNLIMITED : Number(text);
  }

  lines(name: string): string[] {
    return (this.text(name) ?? "").split("\n").filter(Boolean);
  }

  /** Of lines like `name 5`. */
  table(name: string): Map<string, number> {
    return new Map(
      this.lines(name).map((line) => {
        const [key = "", value] = line.split(" ");
        return [key, Number(value)];
      }),
    );
  }
}

const PAGE_SIZES = "/sys/kernel/mm/hugepages";
let pageSizes: readonly string[] | undefined;

/** As the files of control groups name them: `2MB`, `1GB`. */
export function hugePageSizes(): readonly string[] {
  return (pageSizes ??= existsSync(PAGE_SIZES) ? readdirSync(PAGE_SIZES).flatMap(pageSize) : []);
}

/** `hugepages-2048kB` */
function pageSize(name: string): string[] {
  const kilobytes = Number(/^hugepages-(\d+)kB$/.exec(name)?.[1] ?? 0);
  if (kilobytes === 0) return [];
  if (kilobytes >= 1 << 20) return [`${kilobytes / (1 << 20)}GB`];
  return [kilobytes >= 1024 ? `${kilobytes / 1024}MB` : `${kilobytes}KB`];
}

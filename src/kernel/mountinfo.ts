/** The mounts of this process's namespace, as proc(5) mountinfo tells them. */
import { readFileSync } from "node:fs";

export interface HostMount {
  readonly mountpoint: string;
  /** `shared:12`, `master:3`, `unbindable`. */
  readonly tags: readonly string[];
}

/** In their order: of two at one place the later lies above. */
export function parseMountinfo(text: string): HostMount[] {
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => {
      const [, , , , mountpoint = "", , ...rest] = line.split(" ");
      return { mountpoint: unescape(mountpoint), tags: rest.slice(0, rest.indexOf("-")) };
    });
}

/** Spaces and the like are written as three octal digits. */
function unescape(text: string): string {
  return text.replaceAll(/\\([0-7]{3})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 8)),
  );
}

/** The mount that `path`, absolute and without links, is on. */
export function mountHolding(
  path: string,
  mounts = parseMountinfo(readFileSync("/proc/self/mountinfo", "utf8")),
): HostMount {
  const holding = mounts.filter(
    ({ mountpoint }) => path === mountpoint || path.startsWith(mountpoint === "/" ? "/" : `${mountpoint}/`),
  );
  const depth = Math.max(...holding.map(({ mountpoint }) => mountpoint.length));
  return holding.findLast(({ mountpoint }) => mountpoint.length === depth) ?? { mountpoint: "/", tags: [] };
}

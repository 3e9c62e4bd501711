/** Which ids outside of a user namespace those inside mean: the ranges of /proc/PID/uid_map and gid_map. */
import { BerthError } from "./error.ts";

/** As the OCI runtime specification names them. */
export interface IdRange {
  readonly containerID: number;
  readonly hostID: number;
  readonly size: number;
}

export interface IdMap {
  readonly uid: readonly IdRange[];
  readonly gid: readonly IdRange[];
}

const IDS = 2 ** 32;
/** UID_GID_MAP_MAX_EXTENTS of the kernel. */
const MAX_RANGES = 340;

/** Throws `invalid` for what the kernel would answer with EINVAL and no words. */
export function verifyIdMap({ uid, gid }: IdMap): void {
  verifyRanges("uid", uid);
  verifyRanges("gid", gid);
}

function verifyRanges(kind: string, ranges: readonly IdRange[]): void {
  const fail = (why: string) => new BerthError("invalid", `invalid ${kind} mappings: ${why}`);
  if (ranges.length === 0) throw fail("there is none");
  if (ranges.length > MAX_RANGES)
    throw fail(`${ranges.length} ranges are more than the ${MAX_RANGES} that the kernel takes`);
  for (const range of ranges) if (!isRange(range)) throw fail(`${JSON.stringify(range)} is no range of ids`);
  for (const side of ["containerID", "hostID"] as const) {
    const sorted = ranges.toSorted((a, b) => a[side] - b[side]);
    const next = sorted.slice(1).find((range, index) => overlaps(sorted[index], range, side));
    if (next !== undefined) throw fail(`${side} ${next[side]} is mapped twice`);
  }
}

function isRange({ containerID, hostID, size }: IdRange): boolean {
  const isId = (value: number) => Number.isSafeInteger(value) && value >= 0;
  return (
    isId(containerID) && isId(hostID) && isId(size) && size > 0 && Math.max(containerID, hostID) + size < IDS
  );
}

function overlaps(before: IdRange | undefined, range: IdRange, side: "containerID" | "hostID"): boolean {
  return before !== undefined && before[side] + before.size > range[side];
}

/** Lines as the kernel takes them. */
export function formatIdRanges(ranges: readonly IdRange[]): string {
  return ranges.map(({ containerID, hostID, size }) => `${containerID} ${hostID} ${size}\n`).join("");
}

/** The text of /proc/PID/uid_map or gid_map. */
export function parseIdRanges(text: string): IdRange[] {
  return text
    .split("\n")
    .map((line) => line.trim().split(/\s+/).map(Number))
    .flatMap(([containerID, hostID, size]) =>
      containerID === undefined || hostID === undefined || size === undefined
        ? []
        : [{ containerID, hostID, size }],
    );
}

/** Undefined for an id that is not mapped. */
export function toHostId(ranges: readonly IdRange[], id: number): number | undefined {
  const range = ranges.find(({ containerID, size }) => id >= containerID && id < containerID + size);
  return range && range.hostID + id - range.containerID;
}

/** Undefined for an id that is not mapped. */
export function toContainerId(ranges: readonly IdRange[], id: number): number | undefined {
  const range = ranges.find(({ hostID, size }) => id >= hostID && id < hostID + size);
  return range && range.containerID + id - range.hostID;
}

/** Id 0 of both kinds on the host, whom everything needs that is made for the container; `invalid` where it is not mapped. */
export function rootOf({ uid, gid }: IdMap): { readonly uid: number; readonly gid: number } {
  const root = { uid: toHostId(uid, 0), gid: toHostId(gid, 0) };
  if (root.uid === undefined || root.gid === undefined)
    throw new BerthError(
      "invalid",
      "the mappings of a user namespace need uid 0 and gid 0: its root makes the container",
    );
  return { uid: root.uid, gid: root.gid };
}

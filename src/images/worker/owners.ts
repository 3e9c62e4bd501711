/** Owners as archives and the place's processes know them. In the root of a user namespace the worker, who is outside, sees other numbers. */
import { BerthError } from "../../lib/error.ts";
import { type IdMap, toContainerId, toHostId } from "../../lib/id-map.ts";

export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/** What the kernel shows for an id that is not mapped. */
const NOBODY = 65_534;

let map: IdMap | undefined;

/** From here on owners are those of this user namespace. */
export function useOwnersOf(idMap: IdMap): void {
  map = idMap;
}

/** Of a file, as it is to be told. */
export function insideOwner({ uid, gid }: Owner): Owner {
  if (map === undefined) return { uid, gid };
  return { uid: toContainerId(map.uid, uid) ?? NOBODY, gid: toContainerId(map.gid, gid) ?? NOBODY };
}

/** For chown. Throws `corrupt` for what is no id, `invalid` for one that is not mapped. */
export function outsideOwner({ uid, gid }: Owner): Owner {
  return { uid: outside(map?.uid, uid), gid: outside(map?.gid, gid) };
}

function outside(ranges: IdMap["uid"] | undefined, id: number): number {
  if (id < 0 || id >= 0xffffffff) throw new BerthError("corrupt", `tar entry with the owner ${id}`);
  const host = ranges === undefined ? id : toHostId(ranges, id);
  if (host === undefined)
    throw new BerthError("invalid", `the owner ${id} is not mapped in the container's user namespace`);
  return host;
}

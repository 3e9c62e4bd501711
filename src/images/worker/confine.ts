/** Going into a place: after enter() every path of this process is inside of it, and it can do little more than make files there. */
import { constants, mkdirSync, openSync } from "node:fs";
import { chdir } from "node:process";
import {
  capset,
  chroot,
  mount,
  MS_BIND,
  MS_PRIVATE,
  MS_RDONLY,
  MS_REC,
  prctl,
  setFileOwner,
  unshare,
} from "../../kernel/libc.ts";
import { hasErrno } from "../../kernel/error.ts";
import { startTime } from "../../kernel/processes.ts";
import { BerthError } from "../../lib/error.ts";
import { type IdMap, rootOf } from "../../lib/id-map.ts";
import { useOwnersOf } from "./owners.ts";
import { keepOwnDescriptors } from "./paths.ts";
import type { OverlayPlace, Place } from "./protocol.ts";

const PR_SET_PDEATHSIG = 1;
const PR_SET_DUMPABLE = 4;
const PR_SET_NO_NEW_PRIVS = 38;
const SIGKILL = 9;
const ENOENT = 2;
const ESRCH = 3;
const CLONE_NEWNS = 0x20000;

/** CHOWN, DAC_OVERRIDE, DAC_READ_SEARCH, FOWNER, FSETID, MKNOD, SETFCAP, and SYS_ADMIN, without which no `trusted.overlay.*` can be set. */
const KEPT_CAPABILITIES = [0, 1, 2, 3, 4, 27, 31, 21].reduce((mask, bit) => mask | (1n << BigInt(bit)), 0n);

/** Where changesOf() finds the two sides that it compares. */
export const LOWER = "/lower";
export const UPPER = "/upper";

export function enter(place: Place, forChanges: boolean): void {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  prctl(PR_SET_DUMPABLE, 0);
  process.umask(0);
  keepOwnDescriptors();
  chroot(prepare(place, forChanges));
  chdir("/");
  prctl(PR_SET_NO_NEW_PRIVS, 1);
  if ("processRoot" in place && place.idMap !== undefined) becomeOwner(place.idMap);
  capset(KEPT_CAPABILITIES);
}

/** What is made in there belongs to the namespace's root: ids of the host cannot even be stored. */
function becomeOwner(idMap: IdMap): void {
  const { uid, gid } = rootOf(idMap);
  setFileOwner(uid, gid);
  prctl(PR_SET_PDEATHSIG, SIGKILL); // the kernel forgets both at a change of user
  prctl(PR_SET_DUMPABLE, 0);
  useOwnersOf(idMap);
}

/** The directory to go into; mounts are made in a namespace that ends with this process. */
function prepare(place: Place, forChanges: boolean): string {
  if ("directory" in place) return place.directory;
  if ("processRoot" in place) return holdRoot(place.processRoot, place.process);
  unshare(CLONE_NEWNS);
  mount("none", "/", "", MS_REC | MS_PRIVATE, "");
  chdir(place.overlay.layersDirectory); // short names: the kernel takes one page of mount options
  return forChanges ? mountSides(place.overlay) : mountOverlay(place.overlay, place.overlay.layersDirectory);
}

/** Opened before anybody asks whose it is: who gets the number next does not matter then. */
function holdRoot(path: string, process: { pid: number; startTime: string }): string {
  const root = openIfThere(path);
  if (root === undefined || String(startTime(process.pid)) !== process.startTime)
    throw new BerthError("conflict", "the container has ended meanwhile");
  return `/proc/self/fd/${root}`;
}

function openIfThere(path: string): number | undefined {
  try {
    return openSync(path, constants.O_RDONLY | constants.O_DIRECTORY);
  } catch (error) {
    if (hasErrno(error, ENOENT, ESRCH)) return undefined;
    throw error;
  }
}

function mountOverlay({ lower, upper, work }: OverlayPlace, target: string): string {
  if (upper === undefined && lower.length === 1) {
    mount(`${process.cwd()}/${lower[0]}`, target, "", MS_BIND, "");
    return target;
  }
  const upperOptions =
    upper === undefined ? "" : `,upperdir=${escape(upper)},workdir=${escape(work ?? "")},index=off`;
  mount(
    "overlay",
    target,
    "overlay",
    upper === undefined ? MS_RDONLY : 0,
    `lowerdir=${lower.join(":")}${upperOptions}`,
  );
  return target;
}

/** What lies below a container, and what it wrote on top, side by side. */
function mountSides(place: OverlayPlace): string {
  if (place.upper === undefined) throw new BerthError("internal", "changes want an upper directory");
  const scratch = `${place.layersDirectory}/../tmp`;
  mount("tmpfs", scratch, "tmpfs", 0, "mode=700,size=64k");
  for (const name of [LOWER, UPPER]) mkdirSync(scratch + name);
  mountOverlay({ layersDirectory: place.layersDirectory, lower: place.lower }, scratch + LOWER);
  mount(place.upper, scratch + UPPER, "", MS_BIND, "");
  return scratch;
}

/** The overlay's option parser splits at commas and colons. */
function escape(path: string): string {
  return path.replaceAll(/[\\,:]/g, "\\$&");
}

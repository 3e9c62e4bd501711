/**
 * `/dev/shm` of a container whose IPC others may join (`--ipc shareable`): a tmpfs that is mounted on the host, because no path
 * through the container's own root can be trusted. The only mount that berth makes there, and only when it is asked for.
 */
import { mkdirSync, readdirSync, rmdirSync } from "node:fs";
import { hasErrno } from "../kernel/error.ts";
import {
  MNT_DETACH,
  mount,
  MS_NODEV,
  MS_NOEXEC,
  MS_NOSUID,
  UMOUNT_NOFOLLOW,
  umount,
} from "../kernel/libc.ts";
import type { Places } from "./places.ts";

const EINVAL = 22;
const ENOENT = 2;

export function sharedMemoryPath({ run }: Places, id: string): string {
  return `${run}/shm/${id}`;
}

/** Mounted when this returns. */
export function mountSharedMemory(
  places: Places,
  id: string,
  sizeBytes: number,
  owner: { readonly uid: number; readonly gid: number },
): string {
  const path = sharedMemoryPath(places, id);
  mkdirSync(path, { recursive: true, mode: 0o700 });
  mount(
    "shm",
    path,
    "tmpfs",
    MS_NOSUID | MS_NODEV | MS_NOEXEC,
    `mode=1777,size=${sizeBytes},uid=${owner.uid},gid=${owner.gid}`,
  );
  return path;
}

/** Gone afterwards; nothing there is fine. */
export function unmountSharedMemory(places: Places, id: string): void {
  const path = sharedMemoryPath(places, id);
  try {
    umount(path, MNT_DETACH | UMOUNT_NOFOLLOW);
  } catch (error) {
    if (!hasErrno(error, EINVAL, ENOENT)) throw error;
  }
  try {
    rmdirSync(path);
  } catch (error) {
    if (!hasErrno(error, ENOENT)) throw error;
  }
}

/** Ids of the containers that have one. */
export function sharedMemories({ run }: Places): string[] {
  try {
    return readdirSync(`${run}/shm`);
  } catch {
    return [];
  }
}

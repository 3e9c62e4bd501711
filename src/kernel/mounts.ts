/** Mounts made by the engine or a worker itself; those of containers are operations of the launch plan. */
import { call, cString, type Path } from "./ffi.ts";

export const MS_RDONLY = 1;
export const MS_NOSUID = 2;
export const MS_NODEV = 4;
export const MS_NOEXEC = 8;
export const MS_REMOUNT = 32;
export const MS_BIND = 4096;
export const MS_REC = 16384;
export const MS_PRIVATE = 1 << 18;
export const MS_SLAVE = 1 << 19;
export const MS_SHARED = 1 << 20;
export const MNT_DETACH = 2;
export const UMOUNT_NOFOLLOW = 8;

/** mount(2). An empty `type` or `data` is passed as an empty string, which the kernel takes as none. */
export function mount(source: Path, target: Path, type: string, flags: number, data: string): void {
  const what = type === "" ? (flags & MS_BIND ? "bind mount on" : "change the mount on") : `mount ${type} on`;
  call("mount", what, target, cString(source), cString(target), cString(type), flags, cString(data));
}

export function umount(target: Path, flags = 0): void {
  call("umount2", "unmount", target, cString(target), flags);
}

/** `diff`: what a container changed, without the places that berth made for its own mounts. */
import type { FilesystemChange } from "../wire/schema.ts";

const MODIFIED = 0;
const ADDED = 1;

/** What docker has in a layer of its own below the container's (moby daemon/initlayer): never shown as a change. */
const MOUNT_POINTS = new Set([
  "/dev",
  "/dev/console",
  "/dev/mqueue",
  "/dev/pts",
  "/dev/shm",
  "/etc/hostname",
  "/etc/hosts",
  "/etc/resolv.conf",
  "/proc",
  "/sys",
]);

/** A directory whose only change was that they were made in it has not changed either. */
export function withoutMountPoints(changes: readonly FilesystemChange[]): FilesystemChange[] {
  const made = changes.filter(({ Path, Kind }) => Kind === ADDED && MOUNT_POINTS.has(Path));
  const touched = new Set(made.map(({ Path }) => parentOf(Path)));
  const rest = changes.filter((change) => !made.includes(change));
  return rest.filter(
    ({ Path, Kind }) =>
      Kind !== MODIFIED || !touched.has(Path) || rest.some((other) => other.Path.startsWith(`${Path}/`)),
  );
}

function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/")) || "/";
}

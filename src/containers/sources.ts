/** Whether the host has what binds refer to. */
import { existsSync, realpathSync, statSync } from "node:fs";
import { mountHolding } from "../kernel/mountinfo.ts";
import { BerthError } from "../lib/error.ts";
import type { MountRequest } from "./mounts.ts";

/** `--mount` insists that its source is there; `-v` makes a directory at start. */
export function requireSources(requests: readonly MountRequest[]): void {
  for (const request of requests) {
    if (request.type !== "bind" || request.makeSource) continue;
    if (statSync(request.source, { throwIfNoEntry: false }) !== undefined) continue;
    throw new BerthError(
      "invalid",
      `invalid mount config for type "bind": bind source path does not exist: ${request.source}`,
    );
  }
}

/** What shall hear of the host's mounts, or be heard by it, must lie on a mount that does; moby daemon/oci_linux.go says the same. */
export function requirePropagation(requests: readonly MountRequest[]): void {
  for (const request of requests) {
    if (request.type !== "bind" || request.propagation.endsWith("private")) continue;
    const shared = request.propagation.endsWith("shared");
    const { mountpoint, tags } = mountHolding(realPath(request.source));
    const fits = tags.some((tag) => tag.startsWith("shared:") || (!shared && tag.startsWith("master:")));
    if (!fits)
      throw new BerthError(
        "invalid",
        `path ${request.source} is mounted on ${mountpoint} but it is not a shared${shared ? "" : " or slave"} mount`,
      );
  }
}

/** Of a directory that is still to be made: where it will be. */
function realPath(path: string): string {
  if (existsSync(path)) return realpathSync(path);
  const slash = path.lastIndexOf("/");
  return slash <= 0 ? path : `${realPath(path.slice(0, slash)).replace(/\/$/, "")}${path.slice(slash)}`;
}

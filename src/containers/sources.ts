/** Whether the host has what binds refer to. */
import { statSync } from "node:fs";
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

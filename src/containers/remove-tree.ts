/** Deletes what a container has left, whatever it made of it. */
import { readdirSync } from "node:fs";
import { rm } from "node:fs/promises";
import { run } from "../kernel/spawn.ts";

const MAX_ENTRIES = 200;
const MAX_DEPTH = 12;

/**
 * A handful of files in process; anything else by rm(1), which walks by descriptors: node's is quadratic in the depth of a tree,
 * ends at PATH_MAX, and cannot say names that are no UTF-8.
 */
export async function removeTree(path: string): Promise<void> {
  if (isSmall(path)) await rm(path, { recursive: true, force: true });
  else await run("rm", ["-rf", "--one-file-system", "--", path], { debianPackage: "coreutils" });
}

/** Looks at no more than it has to. */
export function isSmall(top: string): boolean {
  let left = MAX_ENTRIES;
  const fits = (directory: string, depth: number): boolean => {
    const entries = readdirSync(directory, { withFileTypes: true });
    left -= entries.length;
    if (left < 0 || depth > MAX_DEPTH) return false;
    return entries.every(
      (entry) =>
        !entry.name.includes("\u{fffd}") &&
        (!entry.isDirectory() || fits(`${directory}/${entry.name}`, depth + 1)),
    );
  };
  try {
    return fits(top, 0);
  } catch {
    return false; // whatever it is, rm says so
  }
}

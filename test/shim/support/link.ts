/** What descriptors of another process point to, while it opens and closes them. */
import { readlinkSync } from "node:fs";

/** Empty for one that was closed meanwhile. */
export function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return "";
  }
}

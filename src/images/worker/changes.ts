/** What a container changed: its upper directory against the layers below it, as docker reports it (moby pkg/archive, OverlayChanges). */
import type { Stats } from "node:fs";
import { byteStringOf, type ByteString, displayName } from "../../lib/tar.ts";
import { LOWER, UPPER } from "./confine.ts";
import { lookAt, namesIn } from "./paths.ts";
import type { Change } from "./protocol.ts";

/** Sorted by path. Wants a place that was entered for changes. */
export function changesOf(): Change[] {
  const changes: Change[] = [];
  const [upper, lower] = [byteStringOf(UPPER), byteStringOf(LOWER)];
  const walk = (path: ByteString): boolean => {
    let changed = false;
    for (const name of namesIn(upper + path)) {
      const child = `${path}/${name}`;
      const above = lookAt(upper + child);
      if (above === undefined) continue;
      const below = lookAt(lower + child);
      const at = changes.length;
      const inside = above.isDirectory() && walk(child);
      const kind = kindOf(above, below, inside);
      if (kind === undefined) continue;
      changes.splice(at, 0, { path: displayName(child), kind });
      changed = true;
    }
    return changed;
  };
  walk("");
  return changes;
}

/** A directory that is only there because something in it changed counts as modified, one that is the same and holds nothing new does not. */
function kindOf(
  above: Stats,
  below: Stats | undefined,
  hasChangesInside: boolean,
): Change["kind"] | undefined {
  if (above.isCharacterDevice() && above.rdev === 0) return 2;
  if (below === undefined) return 1;
  const isSameDirectory =
    above.isDirectory() &&
    below.isDirectory() &&
    above.mode === below.mode &&
    above.mtimeMs === below.mtimeMs;
  return isSameDirectory && !hasChangesInside ? undefined : 0;
}

/** After state.db was lost: the OCI layout still says which images there were, so they are taken up again instead of being swept. */
import { readFileSync } from "node:fs";
import { BerthError } from "../lib/error.ts";
import { parseJson } from "./blobs.ts";
import { asConfig, asManifest, manifestsOf } from "./formats.ts";
import { IMAGE_NAME, type IndexEntry } from "./layout.ts";
import { chainIdOf, prepareLayer } from "./layers.ts";
import type { Library, NewLayer } from "./library.ts";
import { isReference } from "./reference.ts";

/** For a new state.db, before the sweep. An image that is no longer whole is left to the sweep. */
export async function salvageImages(library: Library): Promise<void> {
  for (const entry of readEntries(library)) {
    try {
      await salvage(library, entry);
    } catch (error) {
      if (!(error instanceof BerthError)) throw error;
    }
  }
}

function readEntries(library: Library): IndexEntry[] {
  try {
    return manifestsOf(
      parseJson(readFileSync(`${library.places.root}/index.json`), "index.json"),
      "index.json",
    );
  } catch {
    return []; // none, or not ours: there is nothing to take up
  }
}

async function salvage(library: Library, entry: IndexEntry): Promise<void> {
  const { blobs, catalog, places, limits } = library;
  const manifest = asManifest(blobs.readJson(entry.digest));
  const config = asConfig(blobs.readJson(manifest.config.digest), manifest.layers.length);
  const layers: NewLayer[] = [];
  for (const [index, blob] of manifest.layers.entries()) {
    const diffId = config.rootfs.diff_ids[index];
    if (diffId === undefined || !blobs.has(blob))
      throw new BerthError("corrupt", `blob ${blob.digest} is missing`);
    const chainId = config.rootfs.diff_ids
      .slice(0, index + 1)
      .reduce<typeof diffId | undefined>(chainIdOf, undefined);
    const isThere = chainId !== undefined && catalog.layers.has(chainId);
    layers.push({
      blob,
      diffId,
      prepared: isThere ? undefined : await prepareLayer(places, blobs.path(blob.digest), limits),
    });
  }
  const name = entry.annotations?.[IMAGE_NAME];
  library.addImage({
    config,
    configDescriptor: manifest.config,
    manifest: { mediaType: entry.mediaType, digest: entry.digest, size: entry.size },
    layers,
    names: name !== undefined && isReference(name) ? [name] : [],
  });
}

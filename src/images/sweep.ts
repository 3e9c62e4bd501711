/** What a crash left behind is found by comparing disk and catalog: whatever has no row is nobody's. */
import { readdirSync, rmSync } from "node:fs";
import { hexOf } from "../lib/digest.ts";
import { linkLayer } from "./layers.ts";
import type { Library } from "./library.ts";

/** Cheap enough for every start: three directory listings. Deleting goes on in the background. */
export function sweep(library: Library): void {
  for (const name of readdirSync(library.places.temporary))
    library.delete(`${library.places.temporary}/${name}`);
  sweepBlobs(library);
  sweepLayers(library);
  sweepLinks(library);
}

function sweepBlobs(library: Library): void {
  const wanted = library.referencedBlobs();
  for (const name of readdirSync(library.places.blobs)) {
    if (!wanted.has(`sha256:${name}`)) rmSync(`${library.places.blobs}/${name}`, { force: true });
  }
}

function sweepLayers(library: Library): void {
  const wanted = new Set(["l", "init", ...[...library.catalog.layers.keys()].map(hexOf)]);
  for (const name of readdirSync(library.places.layers)) {
    if (!wanted.has(name)) library.discard(`${library.places.layers}/${name}`);
  }
}

function sweepLinks(library: Library): void {
  const wanted = new Map(
    [...library.catalog.layers].map(([chainId, { number }]) => [String(number), chainId]),
  );
  const found = new Set(readdirSync(library.places.links));
  for (const name of found) if (name !== "0" && !wanted.has(name)) rmSync(`${library.places.links}/${name}`);
  for (const [name, chainId] of wanted)
    if (!found.has(name)) linkLayer(library.places, chainId, Number(name));
}

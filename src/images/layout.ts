/** The OCI layout around the blobs: `oci-layout` and `index.json`, made from the catalog, so that skopeo and umoci can read the store. */
import { existsSync, readFileSync } from "node:fs";
import { writeWhole } from "./blobs.ts";
import type { Catalog } from "./catalog.ts";
import { type Descriptor, MEDIA } from "./image.ts";
import type { Places } from "./places.ts";
import { familiarOf } from "./reference.ts";

/** image-spec annotations.md. */
export const REF_NAME = "org.opencontainers.image.ref.name";
/** containerd's whole name of an image; docker and podman read it. */
export const IMAGE_NAME = "io.containerd.image.name";
export const OCI_LAYOUT = JSON.stringify({ imageLayoutVersion: "1.0.0" });

export interface IndexEntry extends Descriptor {
  readonly annotations?: Readonly<Record<string, string>>;
  readonly platform?: { readonly architecture: string; readonly os: string; readonly variant?: string };
}

export interface Index {
  readonly schemaVersion: 2;
  readonly mediaType?: string;
  readonly manifests: readonly IndexEntry[];
}

/** One entry for each name, one without a name for an image that has none. */
export function writeIndex(places: Places, catalog: Catalog): void {
  const manifests = [...catalog.images].flatMap(([id, row]): IndexEntry[] => {
    if (row.detached === true) return [];
    const names = catalog.namesOf(id).filter((name) => !name.includes("@"));
    if (names.length === 0) return [row.manifest];
    return names.map((name) => named(row.manifest, familiarOf(name), name));
  });
  const index: Index = { schemaVersion: 2, mediaType: MEDIA.index, manifests };
  replace(places, "index.json", JSON.stringify(index));
}

export function named(manifest: Descriptor, refName: string, imageName: string): IndexEntry {
  return { ...manifest, annotations: { [REF_NAME]: refName, [IMAGE_NAME]: imageName } };
}

/** Called at open: a crash may have come between the transaction and index.json. */
export function ensureLayout(places: Places, catalog: Catalog): void {
  replace(places, "oci-layout", OCI_LAYOUT);
  writeIndex(places, catalog);
}

function replace(places: Places, name: string, content: string): void {
  const path = `${places.root}/${name}`;
  if (existsSync(path) && readFileSync(path, "utf8") === content) return;
  writeWhole(path, content, places.newTemporary());
}

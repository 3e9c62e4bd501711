/**
 * The parts that all image operations share: places, blobs, catalog, and the rule of what may be deleted. An image comes into being in
 * this order: blobs, layers renamed, one transaction, index.json. What a crash leaves before the transaction has no row and is swept.
 */
import { renameSync, rmSync } from "node:fs";
import { type Digest, isDigest } from "../lib/digest.ts";
import { step } from "../lib/failpoint.ts";
import type { Store } from "../store/store.ts";
import { Blobs, type Pin } from "./blobs.ts";
import { Catalog, type CatalogChange } from "./catalog.ts";
import { WriteBack } from "./durable.ts";
import { DEFAULT_LIMITS, type ExpansionLimits } from "./decompress.ts";
import {
  type Descriptor,
  type Image,
  type ImageConfigFile,
  type ImageRow,
  type LayerRow,
  type Manifest,
  MEDIA,
} from "./image.ts";
import { writeIndex } from "./layout.ts";
import { chainIdOf, placeLayer, type PreparedLayer } from "./layers.ts";
import { Places } from "./places.ts";
import { removeTree } from "./remove-tree.ts";
import { familiarOf } from "./reference.ts";

/** A layer of an image to be: its blob is stored; `prepared` is absent when its chain id is known already. */
export interface NewLayer {
  readonly blob: Descriptor;
  readonly diffId: Digest;
  readonly prepared?: PreparedLayer | undefined;
}

export interface NewImage {
  readonly config: ImageConfigFile;
  readonly configDescriptor: Descriptor;
  /** Absent: one is made. */
  readonly manifest?: Descriptor | undefined;
  readonly layers: readonly NewLayer[];
  /** Canonical. */
  readonly names: readonly string[];
}

export class Library {
  readonly places: Places;
  readonly blobs: Blobs;
  readonly catalog: Catalog;
  readonly limits: ExpansionLimits;
  readonly writeBack = new WriteBack(this);
  /** Blobs and layers that operations in progress count on, and how many do. */
  readonly #pins = new Map<string, number>();
  readonly #deleting = new Set<Promise<void>>();

  constructor(store: Store, limits: ExpansionLimits = DEFAULT_LIMITS) {
    this.places = new Places(store.root);
    this.blobs = new Blobs(this.places);
    this.catalog = new Catalog(store);
    this.limits = limits;
  }

  commit(change: CatalogChange): void {
    this.catalog.commit(change);
    step();
    writeIndex(this.places, this.catalog);
    step();
  }

  /** Makes everything that is stored and unpacked into an image with these names. One that is there already only gets them. */
  addImage(image: NewImage): Digest {
    const id = image.configDescriptor.digest;
    const { rows, layers } = this.#placeLayers(image.layers);
    const known = this.catalog.images.get(id);
    const { manifest, configDescriptor, config } = known ?? {
      ...image,
      manifest: image.manifest ?? this.#writeManifest(image),
    };
    const taggedAt = image.names.length === 0 ? known?.taggedAt : Math.floor(Date.now() / 1000);
    const row: ImageRow = {
      manifest,
      config,
      configDescriptor,
      layers: known?.layers ?? layers,
      ...(taggedAt === undefined ? {} : { taggedAt }),
    };
    this.commit({
      images: [[id, row]],
      layers: rows,
      tags: image.names.map((name) => [name, { imageId: id }] as const),
    });
    if (rows.length > 0) this.writeBack.schedule();
    return id;
  }

  #writeManifest({ configDescriptor, layers }: NewImage): Descriptor {
    const manifest: Manifest = {
      schemaVersion: 2,
      mediaType: MEDIA.manifest,
      config: configDescriptor,
      layers: layers.map(({ blob }) => blob),
    };
    return this.blobs.put(JSON.stringify(manifest), MEDIA.manifest);
  }

  #placeLayers(layers: readonly NewLayer[]): { rows: [Digest, LayerRow][]; layers: ImageRow["layers"] } {
    const rows: [Digest, LayerRow][] = [];
    const placed: { blob: Descriptor; chainId: Digest }[] = [];
    let next = 1 + Math.max(0, ...[...this.catalog.layers.values()].map(({ number }) => number));
    let parent: Digest | undefined;
    for (const { blob, diffId, prepared } of layers) {
      const chainId = chainIdOf(parent, diffId);
      if (prepared !== undefined) {
        if (this.catalog.layers.has(chainId)) this.discard(prepared.directory);
        else rows.push([chainId, placeLayer(this.places, prepared, chainId, next++)]);
      }
      placed.push({ blob, chainId });
      parent = chainId;
    }
    return { rows, layers: placed };
  }

  toImage(id: Digest, row: ImageRow): Image {
    const { catalog } = this;
    const names = (): string[] => catalog.namesOf(id).map(familiarOf);
    return {
      id,
      config: row.config,
      manifest: row.manifest,
      layerLinks: this.layerLinks(row),
      size: row.layers.reduce((sum, { chainId }) => sum + (catalog.layers.get(chainId)?.size ?? 0), 0),
      get tags() {
        return names().filter((name) => !name.includes("@"));
      },
      get digests() {
        return names().filter((name) => name.includes("@"));
      },
    };
  }

  /** Topmost first, the init layer last. */
  layerLinks(row: ImageRow): string[] {
    const numbers = row.layers.map(({ chainId }) => this.catalog.layers.get(chainId)?.number ?? 0);
    return [0, ...numbers].toReversed().map((number) => `l/${number}`);
  }

  /** Keeps blobs and layers (by chain id) from being deleted while somebody works with them; dispose it and what nobody wants is deleted. */
  pin(): Disposable & Pin {
    const mine = new Set<Digest>();
    return {
      add: (digest) => {
        if (mine.has(digest)) return;
        mine.add(digest);
        this.#pins.set(digest, (this.#pins.get(digest) ?? 0) + 1);
      },
      [Symbol.dispose]: () => {
        for (const digest of mine) this.#unpin(digest);
        this.collect(mine);
        this.#collectLayers(mine);
      },
    };
  }

  #unpin(digest: Digest): void {
    const count = (this.#pins.get(digest) ?? 1) - 1;
    if (count === 0) this.#pins.delete(digest);
    else this.#pins.set(digest, count);
  }

  /** Every blob that an image needs. */
  referencedBlobs(): Set<string> {
    const referenced = new Set<string>();
    for (const row of this.catalog.images.values()) for (const digest of blobsOf(row)) referenced.add(digest);
    return referenced;
  }

  /** Deletes those of `digests` that no image and no operation needs. */
  collect(digests: Iterable<Digest>): void {
    const referenced = this.referencedBlobs();
    for (const digest of digests) {
      if (isDigest(digest) && !referenced.has(digest) && !this.#pins.has(digest))
        rmSync(this.blobs.path(digest), { force: true });
    }
  }

  #collectLayers(chainIds: ReadonlySet<Digest>): void {
    const orphans = this.orphanedLayers().filter(([chainId]) => chainIds.has(chainId));
    if (orphans.length === 0) return;
    this.commit({ layers: orphans.map(([chainId]) => [chainId, undefined]) });
    this.removeLayers(orphans);
  }

  /** Layers that no image has any more, and no operation needs. */
  orphanedLayers(images: Iterable<ImageRow> = this.catalog.images.values()): [Digest, LayerRow][] {
    const wanted = new Set<string>();
    for (const row of images) for (const { chainId } of row.layers) wanted.add(chainId);
    return [...this.catalog.layers].filter(([chainId]) => !wanted.has(chainId) && !this.#pins.has(chainId));
  }

  /** Takes the directories of layers away; their rows are gone already. */
  removeLayers(layers: Iterable<readonly [Digest, LayerRow]>): void {
    for (const [chainId, { number }] of layers) {
      rmSync(this.places.link(number), { force: true });
      this.discard(this.places.layer(chainId));
    }
  }

  /** Out of sight at once, deleted in the background: a large layer takes seconds. */
  discard(directory: string): void {
    const temporary = this.places.newTemporary();
    try {
      renameSync(directory, temporary);
    } catch {
      return; // not there
    }
    this.delete(temporary);
  }

  delete(path: string): void {
    const deleting = removeTree(path)
      .catch(() => {}) // the sweep at the next start tries again
      .finally(() => this.#deleting.delete(deleting));
    this.#deleting.add(deleting);
  }

  /** When everything that was discarded is gone from the disk. */
  async settled(): Promise<void> {
    await Promise.all(this.#deleting);
  }
}

export function blobsOf({ manifest, configDescriptor, layers }: ImageRow): Digest[] {
  return [manifest.digest, configDescriptor.digest, ...layers.map(({ blob }) => blob.digest)];
}

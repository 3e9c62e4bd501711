/** The image store. `openImages(store)` sweeps what a crash has left, then everything here is either whole or absent. */
import { isDigest } from "../lib/digest.ts";
import type { Store } from "../store/store.ts";
import type { Filters } from "../wire/filters.ts";
import type { Progress } from "../wire/progress.ts";
import type {
  ImageDeleteResponseItem,
  ImageHistoryResponseItem,
  ImageInspect,
  ImageSummary,
} from "../wire/schema.ts";
import type { BootstrapOptions } from "./base.ts";
import { bootstrapImage } from "./bootstrap.ts";
import type { ExpansionLimits } from "./decompress.ts";
import { mendLayers } from "./durable.ts";
import { historyOf, inspectImage } from "./describe.ts";
import { installHelloWorld, isHelloWorld } from "./hello.ts";
import type { Image } from "./image.ts";
import { importImage, type ImportOptions } from "./import.ts";
import { ensureInitLayer } from "./init-layer.ts";
import { ensureLayout } from "./layout.ts";
import { Library } from "./library.ts";
import { listImages, type ListOptions } from "./list.ts";
import { loadImages, type LoadOptions } from "./load.ts";
import { findStored, getStored, notFound } from "./lookup.ts";
import { pullImage } from "./pull.ts";
import { canonical, nameFrom } from "./reference.ts";
import { pruneImages, releaseDetached, removeImage, type RemoveOptions, type UsedBy } from "./remove.ts";
import { salvageImages } from "./salvage.ts";
import { saveImages } from "./save.ts";
import { sweep } from "./sweep.ts";

export type { Image, ImageConfigFile } from "./image.ts";
export type { RemoveOptions, UsedBy } from "./remove.ts";

export interface ImagesOptions {
  /** What an archive may expand to. */
  readonly limits?: ExpansionLimits;
}

/** In state.db once it has seen this root's images: a state.db without it is a new one. */
const KNOWN = "images known";

export async function openImages(store: Store, options: ImagesOptions = {}): Promise<Images> {
  const library = new Library(store, options.limits);
  ensureInitLayer(library.places);
  if (store.meta(KNOWN) === undefined) await salvageImages(library);
  await mendLayers(library);
  sweep(library);
  ensureLayout(library.places, library.catalog);
  if (store.meta(KNOWN) === undefined) store.setMeta(KNOWN, "yes");
  if ([...library.catalog.layers.values()].some((row) => row.unsyncedSince !== undefined))
    library.writeBack.schedule();
  return new Images(library);
}

export class Images {
  readonly #library: Library;

  constructor(library: Library) {
    this.#library = library;
  }

  /** By name, id, beginning of an id. `hello-world` is always there. */
  find(ref: string): Image | undefined {
    const image = findStored(this.#library, ref);
    if (image !== undefined || !isHelloWorld(ref)) return image;
    return findStored(this.#library, installHelloWorld(this.#library));
  }

  /** Throws `not_found` in docker's words, and says how an image comes here without a registry. */
  get(ref: string): Image {
    const image = this.find(ref);
    if (image === undefined) throw notFound(ref);
    return image;
  }

  /** Lower directories of an image that a container was made from, even if the image was removed by force since. */
  layerLinksOf(imageId: string): string[] {
    const row = isDigest(imageId) ? this.#library.catalog.images.get(imageId) : undefined;
    if (row === undefined) throw notFound(imageId);
    return this.#library.layerLinks(row);
  }

  list(options: ListOptions): ImageSummary[] {
    return listImages(this.#library, options);
  }

  inspect(ref: string): ImageInspect {
    return inspectImage(this.#library, getStored(this.#library, ref));
  }

  history(ref: string): ImageHistoryResponseItem[] {
    return historyOf(this.#library, getStored(this.#library, ref));
  }

  /** Gives an image another name; takes the name away from whichever image had it. */
  tag(ref: string, repo: string, tag?: string): void {
    const id = getStored(this.#library, ref).id;
    const name = canonical(nameFrom(repo, tag));
    const row = this.#library.catalog.images.get(id);
    if (row === undefined) return;
    const taggedAt = Math.floor(Date.now() / 1000);
    this.#library.commit({ tags: [[name, { imageId: id }]], images: [[id, { ...row, taggedAt }]] });
  }

  remove(ref: string, options: RemoveOptions): ImageDeleteResponseItem[] {
    return removeImage(this.#library, ref, options);
  }

  prune(filters: Filters, usedBy: UsedBy): { deleted: ImageDeleteResponseItem[]; spaceReclaimed: number } {
    return pruneImages(this.#library, filters, usedBy);
  }

  /** Deletes images that were removed by force while containers had them, once those are gone. */
  release(usedBy: UsedBy): void {
    releaseDetached(this.#library, usedBy);
  }

  import(stream: AsyncIterable<Uint8Array>, options: ImportOptions = {}): AsyncIterable<Progress> {
    return importImage(this.#library, stream, options);
  }

  load(stream: AsyncIterable<Uint8Array>, options: LoadOptions = {}): AsyncIterable<Progress> {
    return loadImages(this.#library, stream, options);
  }

  save(refs: readonly string[], platform?: string): AsyncIterable<Uint8Array> {
    return saveImages(this.#library, refs, platform);
  }

  bootstrap(kind: string, options: BootstrapOptions = {}): AsyncIterable<Progress> {
    return bootstrapImage(this.#library, kind, options);
  }

  pull(ref: string): AsyncIterable<Progress> {
    return pullImage(this.#library, ref);
  }

  /** How many there are, for `info`. */
  get count(): number {
    return [...this.#library.catalog.images.values()].filter((row) => row.detached !== true).length;
  }

  /** Waits for what is still being deleted in the background. To be called before the store is closed. */
  async close(): Promise<void> {
    this.#library.writeBack[Symbol.dispose]();
    await this.#library.settled();
  }
}

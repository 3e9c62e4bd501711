/** The image store. `openImages(store)` sweeps what a crash has left, then everything here is either whole or absent. */
import { chmodSync, existsSync, symlinkSync } from "node:fs";
import { BerthError } from "../lib/error.ts";
import type { Digest } from "../lib/digest.ts";
import type { Store } from "../store/store.ts";
import { noSuchImage } from "../wire/messages.ts";
import type { Progress } from "../wire/progress.ts";
import type { ExpansionLimits } from "./decompress.ts";
import { installHelloWorld, isHelloWorld } from "./hello.ts";
import type { Image } from "./image.ts";
import { importImage, type ImportOptions } from "./import.ts";
import { ensureLayout } from "./layout.ts";
import { Library } from "./library.ts";
import { familiar, isReference, parseReference } from "./reference.ts";
import { sweep } from "./sweep.ts";

export type { Image, ImageConfigFile } from "./image.ts";

export interface ImagesOptions {
  readonly limits?: ExpansionLimits;
}

export async function openImages(store: Store, options: ImagesOptions = {}): Promise<Images> {
  const library = new Library(store, options.limits);
  chmodSync(library.places.emptyLayer, 0o755);
  if (!existsSync(library.places.link(0))) symlinkSync("../empty/fs", library.places.link(0));
  sweep(library);
  ensureLayout(library.places, library.catalog);
  return new Images(library);
}

export class Images {
  readonly #library: Library;

  constructor(library: Library) {
    this.#library = library;
  }

  /** By name, id, beginning of an id. `hello-world` is always there. */
  find(ref: string): Image | undefined {
    const id = this.#library.catalog.find(ref);
    if (id !== undefined) return this.#image(id);
    return isHelloWorld(ref) ? this.#image(installHelloWorld(this.#library)) : undefined;
  }

  /** Throws `not_found` in docker's words, and says how an image comes here without a registry. */
  get(ref: string): Image {
    const image = this.find(ref);
    if (image === undefined) throw notFound(ref);
    return image;
  }

  import(stream: AsyncIterable<Uint8Array>, options: ImportOptions = {}): AsyncIterable<Progress> {
    return importImage(this.#library, stream, options);
  }

  /** Waits for what is still being deleted in the background. */
  async close(): Promise<void> {
    await this.#library.settled();
  }

  #image(id: Digest): Image | undefined {
    const row = this.#library.catalog.images.get(id);
    return row === undefined ? undefined : this.#library.toImage(id, row);
  }
}

export function notFound(ref: string): BerthError {
  const shown = isReference(ref) ? familiar(parseReference(ref)) : ref;
  return new BerthError("not_found", `${noSuchImage(shown)}. ${HOW_TO_GET_ONE}`);
}

const HOW_TO_GET_ONE =
  "berth has no registry client yet: use `berth load` or `berth import` with an archive, " +
  "or make a base image with `berth image bootstrap busybox` or `berth image bootstrap debian`";

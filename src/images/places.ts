/** Where images live below the root directory; the layout of blobs is that of OCI (image-spec, image-layout.md). */
import { mkdirSync } from "node:fs";
import { newId } from "../lib/id.ts";
import { type Digest, hexOf } from "../lib/digest.ts";

export class Places {
  readonly root: string;

  constructor(root: string) {
    this.root = root;
    for (const directory of [this.blobs, this.links, this.initLayer, this.temporary])
      mkdirSync(directory, { recursive: true, mode: 0o700 });
  }

  get blobs(): string {
    return `${this.root}/blobs/sha256`;
  }
  get layers(): string {
    return `${this.root}/layers`;
  }
  /** Short names for overlay's lowerdir: `l/12` leads to `../<chain id>/fs`. */
  get links(): string {
    return `${this.layers}/l`;
  }
  /** Lies below every image. */
  get initLayer(): string {
    return `${this.layers}/init/fs`;
  }
  get temporary(): string {
    return `${this.root}/tmp`;
  }

  blob(digest: Digest): string {
    return `${this.blobs}/${hexOf(digest)}`;
  }
  layer(chainId: Digest): string {
    return `${this.layers}/${hexOf(chainId)}`;
  }
  link(number: number): string {
    return `${this.links}/${number}`;
  }
  /** A name that nothing has, swept at the next start if it is left behind. */
  newTemporary(): string {
    return `${this.temporary}/${newId().slice(0, 16)}`;
  }
}

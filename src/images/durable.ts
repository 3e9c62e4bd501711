/**
 * Layers after a power cut. Blobs are synced before they have a name; to sync every file of a layer would double the time of a load. So a
 * new layer is marked with the boot in which it was unpacked, the file system is written back in the background, and only then the mark
 * goes. A mark of an earlier boot means that the power went before: that layer is unpacked again from its blob.
 */
import { renameSync } from "node:fs";
import { run } from "../kernel/spawn.ts";
import type { Digest } from "../lib/digest.ts";
import { BerthError } from "../lib/error.ts";
import { bootId } from "./boot.ts";
import type { Blobs } from "./blobs.ts";
import type { Catalog } from "./catalog.ts";
import type { ExpansionLimits } from "./decompress.ts";
import type { LayerRow } from "./image.ts";
import { prepareLayer } from "./layers.ts";
import type { Places } from "./places.ts";

/** Loads often come in a row: one write-back for all of them. */
const QUIET_MS = 2000;

/** What of a library has to do with its layers. */
interface Layers {
  readonly places: Places;
  readonly blobs: Blobs;
  readonly catalog: Catalog;
  readonly limits: ExpansionLimits;
  /** Out of sight at once; deleted when there is time. */
  discard(path: string): void;
}

export class WriteBack implements Disposable {
  readonly #library: Layers;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #closed = false;

  constructor(library: Layers) {
    this.#library = library;
  }

  /** Some time after the last call everything that is marked by then is safe. */
  schedule(): void {
    clearTimeout(this.#timer);
    if (this.#closed) return;
    this.#timer = setTimeout(() => void this.#writeBack(), QUIET_MS);
    this.#timer.unref();
  }

  [Symbol.dispose](): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  async #writeBack(): Promise<void> {
    const { catalog, places } = this.#library;
    const marked = [...catalog.layers].filter(([, row]) => row.unsyncedSince !== undefined);
    try {
      await run("sync", ["-f", places.layers], { debianPackage: "coreutils" });
    } catch {
      return; // the marks stay: at worst a layer is unpacked once more
    }
    const stillThere = marked.filter(([chainId]) => catalog.layers.has(chainId));
    if (!this.#closed)
      catalog.commit({ layers: stillThere.map(([chainId, row]) => [chainId, withoutMark(row)]) });
  }
}

function withoutMark({ number, diffId, size }: LayerRow): LayerRow {
  return { number, diffId, size };
}

/** To be called at open. Throws nothing for a layer whose blob is gone as well: its image says so when it is used. */
export async function mendLayers(library: Layers): Promise<void> {
  const boot = bootId();
  for (const [chainId, row] of library.catalog.layers) {
    if (row.unsyncedSince === undefined || row.unsyncedSince === boot) continue;
    try {
      await mend(library, chainId, row);
    } catch (error) {
      if (!(error instanceof BerthError)) throw error;
    }
  }
}

async function mend(library: Layers, chainId: Digest, row: LayerRow): Promise<void> {
  const { catalog, places, blobs, limits } = library;
  const layers = [...catalog.images.values()].flatMap((image) => image.layers);
  const blob = layers.find((layer) => layer.chainId === chainId)?.blob;
  if (blob === undefined) return;
  const prepared = await prepareLayer(places, blobs.path(blob.digest), limits);
  library.discard(places.layer(chainId));
  renameSync(prepared.directory, places.layer(chainId));
  catalog.commit({ layers: [[chainId, { ...row, unsyncedSince: bootId() }]] });
}

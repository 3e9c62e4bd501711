/** `import`: a tar of a root filesystem becomes an image of one layer, with docker's --change instructions. */
import { closeSync, openSync, readSync } from "node:fs";
import type { ImageConfig } from "../wire/schema.ts";
import type { Progress } from "../wire/progress.ts";
import { BerthError } from "../lib/error.ts";
import type { Pin } from "./blobs.ts";
import { applyChanges } from "./changes.ts";
import { detectCompression, MAGIC_BYTES } from "./decompress.ts";
import { Handover } from "./handover.ts";
import { type Descriptor, type ImageConfigFile, MEDIA } from "./image.ts";
import { type PreparedLayer, prepareStream } from "./layers.ts";
import type { Library } from "./library.ts";
import { hostPlatform, parsePlatform, type Platform } from "./platform.ts";
import { canonical, nameFrom } from "./reference.ts";

export interface ImportOptions {
  readonly repo?: string | undefined;
  readonly tag?: string | undefined;
  /** Dockerfile instructions. */
  readonly changes?: readonly string[];
  readonly message?: string | undefined;
  /** `os[/arch[/variant]]`; the host's when absent. */
  readonly platform?: string | undefined;
}

/** Yields docker's one line: the new id as `status`. */
export async function* importImage(
  library: Library,
  stream: AsyncIterable<Uint8Array>,
  options: ImportOptions,
): AsyncGenerator<Progress, void, void> {
  const names = options.repo ? [canonical(nameFrom(options.repo, options.tag))] : [];
  const platform = options.platform ? parsePlatform(options.platform) : hostPlatform();
  const config = applyChanges({}, options.changes ?? []);
  using pin = library.pin();
  const { blob, prepared } = await storeLayer(library, stream, pin);
  try {
    const file = configFile(platform, config, options.message || "Imported from -", [prepared.diffId]);
    const configDescriptor = library.blobs.put(JSON.stringify(file), MEDIA.config);
    const layers = [{ blob, diffId: prepared.diffId, prepared }];
    yield { status: library.addImage({ config: file, configDescriptor, layers, names }) };
  } finally {
    library.discard(prepared.directory); // a layer that became an image's is no longer there
  }
}

/** Stores the archive as it comes, and unpacks it at the same time: one that is refused ends the upload there and then. */
async function storeLayer(
  library: Library,
  stream: AsyncIterable<Uint8Array>,
  pin: Pin,
): Promise<{ blob: Descriptor; prepared: PreparedLayer }> {
  const handover = new Handover();
  const preparing = prepareStream(library.places, handover, undefined, library.limits);
  preparing.catch((error: unknown) => handover.refuse(error));
  try {
    const { digest, size } = await library.blobs.ingest(stream, pin, {}, (chunk) => handover.push(chunk));
    handover.end();
    const prepared = await preparing;
    if (size === 0) throw new BerthError("invalid", "the archive is empty: nothing to import");
    return { blob: { mediaType: layerMediaType(library.blobs.path(digest)), digest, size }, prepared };
  } catch (error) {
    handover.fail(error);
    await preparing.then(({ directory }) => library.discard(directory)).catch(() => {});
    throw error;
  }
}

/** The layer as it came, named for what it is by its first bytes. */
export function layerMediaType(path: string): string {
  const start = new Uint8Array(MAGIC_BYTES);
  const descriptor = openSync(path, "r");
  try {
    readSync(descriptor, start);
  } finally {
    closeSync(descriptor);
  }
  const compression = detectCompression(start);
  return compression === "none" ? MEDIA.layer : `${MEDIA.layer}+${compression}`;
}

function configFile(
  platform: Platform,
  config: ImageConfig,
  comment: string,
  diffIds: ImageConfigFile["rootfs"]["diff_ids"],
): ImageConfigFile {
  const created = new Date().toISOString();
  return {
    created,
    comment,
    ...platform,
    config,
    rootfs: { type: "layers", diff_ids: diffIds },
    history: [{ created, comment }],
  };
}

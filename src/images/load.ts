/** `load`: the images of an archive, made by docker, podman, skopeo, umoci or berth. */
import type { Digest } from "../lib/digest.ts";
import { BerthError } from "../lib/error.ts";
import type { Progress } from "../wire/progress.ts";
import { Archive } from "./archive.ts";
import { parseJson } from "./blobs.ts";
import { type ArchivedImage, asConfig, findImages } from "./formats.ts";
import { type Descriptor, type ImageConfigFile, MEDIA } from "./image.ts";
import { chainIdOf } from "./layers.ts";
import type { Library, NewLayer } from "./library.ts";
import { formatPlatform, hostPlatform, matchesPlatform, parsePlatform, type Platform } from "./platform.ts";
import { familiarOf } from "./reference.ts";

export interface LoadOptions {
  /** Which platform to take; images for another one than the host's are taken only when it is named. */
  readonly platform?: string | undefined;
}

/** Yields docker's `Loaded image: …` lines. Each image is there whole once its line is out. */
export async function* loadImages(
  library: Library,
  stream: AsyncIterable<Uint8Array>,
  options: LoadOptions = {},
): AsyncGenerator<Progress, void, void> {
  const platform = options.platform === undefined ? hostPlatform() : parsePlatform(options.platform);
  await using archive = new Archive(library);
  await archive.read(stream);
  const images = findImages(archive, platform).map((image) => readConfig(archive, image, platform));
  for (const { image, config, configDescriptor } of images) {
    for (const name of image.names) yield* tellRenamed(library, name, configDescriptor.digest);
    const id = await addArchived(library, archive, image, config, configDescriptor);
    if (image.names.length === 0) yield { stream: `Loaded image ID: ${id}\n` };
    for (const name of image.names) yield { stream: `Loaded image: ${familiarOf(name)}\n` };
  }
}

function readConfig(
  archive: Archive,
  image: ArchivedImage,
  wanted: Platform,
): { image: ArchivedImage; config: ImageConfigFile; configDescriptor: Descriptor } {
  const config = asConfig(parseJson(archive.bytes(image.configFile), "config"), image.layerFiles.length);
  if (!matchesPlatform(config, wanted)) throw wrongPlatform(image, config, wanted);
  const mediaType = image.manifest?.config.mediaType ?? MEDIA.config;
  return { image, config, configDescriptor: { mediaType, ...archive.blob(image.configFile) } };
}

async function addArchived(
  library: Library,
  archive: Archive,
  image: ArchivedImage,
  config: ImageConfigFile,
  configDescriptor: Descriptor,
): Promise<Digest> {
  const layers: NewLayer[] = [];
  let parent: Digest | undefined;
  for (const [index, file] of image.layerFiles.entries()) {
    const diffId = config.rootfs.diff_ids[index];
    if (diffId === undefined) continue;
    const stored = archive.blob(file);
    const mediaType = image.manifest?.layers[index]?.mediaType ?? archive.layerMediaType(stored);
    const chainId = chainIdOf(parent, diffId);
    const isThere = library.catalog.layers.has(chainId);
    archive.keepLayer(chainId);
    layers.push({
      blob: { mediaType, ...stored },
      diffId,
      prepared: isThere ? undefined : await takeLayer(archive, stored.digest, diffId),
    });
    parent = chainId;
  }
  const manifest = image.manifestDescriptor;
  if (manifest !== undefined) archive.blob(`blobs/sha256/${manifest.digest.slice("sha256:".length)}`);
  return library.addImage({ config, configDescriptor, manifest, layers, names: image.names });
}

async function takeLayer(archive: Archive, blob: Digest, diffId: Digest): ReturnType<Archive["takeLayer"]> {
  const prepared = await archive.takeLayer(blob);
  if (prepared.diffId !== diffId)
    throw new BerthError(
      "corrupt",
      `digest mismatch: the config says that a layer is ${diffId}, but it is ${prepared.diffId}`,
    );
  return prepared;
}

/** moby image/tarexport/load.go says so when a name moves to another image. */
function* tellRenamed(library: Library, name: string, id: Digest): Generator<Progress> {
  const old = library.catalog.tags.get(name)?.imageId;
  if (old !== undefined && old !== id)
    yield {
      stream: `The image ${familiarOf(name)} already exists, renaming the old one with ID ${old} to empty string\n`,
    };
}

function wrongPlatform(image: ArchivedImage, actual: Platform, wanted: Platform): BerthError {
  const [name] = image.names;
  const what = name === undefined ? "an image" : `image ${familiarOf(name)}`;
  const platform = formatPlatform(actual);
  return new BerthError(
    "invalid",
    `${what} is for ${platform}, not for ${formatPlatform(wanted)}: its programs would not run here (\`--platform ${platform}\` takes it all the same)`,
  );
}

/** What an image archive says it holds: docker's manifest.json, an OCI index, or both. Everything in it is checked before it is believed. */
import { type Digest, isDigest } from "../lib/digest.ts";
import { BerthError } from "../lib/error.ts";
import type { Archive } from "./archive.ts";
import { parseJson } from "./blobs.ts";
import { type Descriptor, type ImageConfigFile, type Manifest, MEDIA } from "./image.ts";
import { IMAGE_NAME, type IndexEntry, REF_NAME } from "./layout.ts";
import { formatPlatform, matchesPlatform, type Platform } from "./platform.ts";
import { canonical, isReference, parseReference } from "./reference.ts";

/** One image of an archive: names of files in it, bottom layer first. */
export interface ArchivedImage {
  readonly names: readonly string[];
  readonly configFile: string;
  readonly layerFiles: readonly string[];
  /** The OCI manifest, where the archive has one: kept as it is, so that its digest stays. */
  readonly manifest?: Manifest;
  readonly manifestDescriptor?: Descriptor;
}

/** `wanted` chooses from an image for several platforms. */
export function findImages(archive: Archive, wanted: Platform): ArchivedImage[] {
  const oci = archive.has("index.json") ? readIndex(archive, wanted) : [];
  if (archive.has("manifest.json"))
    return readDockerManifest(archive).map((image) => withManifest(image, oci));
  if (oci.length > 0) return oci;
  if (archive.has("index.json")) throw invalid("image archive has an index.json that names no image");
  throw invalid(
    archive.has("repositories")
      ? "image archive is of docker before 1.10: save it again with a newer docker"
      : "not an image archive: it has neither manifest.json nor index.json (a root filesystem is for `berth import`)",
  );
}

/** The OCI half of a hybrid archive has a manifest for the same config and layers: worth keeping. */
function withManifest(image: ArchivedImage, oci: readonly ArchivedImage[]): ArchivedImage {
  const twin = oci.find(({ configFile }) => configFile === image.configFile);
  if (twin === undefined || twin.layerFiles.join() !== image.layerFiles.join()) return image;
  return { ...twin, names: image.names };
}

function readDockerManifest(archive: Archive): ArchivedImage[] {
  const list = parseJson(archive.bytes("manifest.json"), "manifest.json");
  if (!Array.isArray(list) || list.length === 0)
    throw invalid("image archive has a manifest.json that names no image");
  return list.map((item: unknown): ArchivedImage => {
    const { Config, RepoTags, Layers } = asObject(item, "manifest.json");
    if (typeof Config !== "string" || !isTexts(Layers ?? []))
      throw invalid("image archive has a manifest.json without Config and Layers");
    const tags = isTexts(RepoTags) ? RepoTags : [];
    return { configFile: Config, layerFiles: isTexts(Layers) ? Layers : [], names: tags.map(nameOf) };
  });
}

function readIndex(archive: Archive, wanted: Platform): ArchivedImage[] {
  return manifestsOf(parseJson(archive.bytes("index.json"), "index.json"), "index.json").flatMap((entry) => {
    const chosen = choose(archive, entry, wanted, 0);
    return chosen === undefined ? [] : [readManifest(archive, chosen, namesOf(entry))];
  });
}

/** Follows an index in the index to the manifest for `wanted`. Attestations and the like are passed over. */
function choose(
  archive: Archive,
  entry: IndexEntry,
  wanted: Platform,
  depth: number,
): IndexEntry | undefined {
  if (entry.mediaType === MEDIA.manifest || entry.mediaType === MEDIA.dockerManifest)
    return isAttestation(entry) ? undefined : entry;
  if (entry.mediaType !== MEDIA.index && entry.mediaType !== MEDIA.dockerIndex) return undefined;
  if (depth > 4) throw invalid("image archive with an index within an index within an index");
  const entries = manifestsOf(parseJson(archive.bytes(fileOf(entry.digest)), "index"), "index").filter(
    (inner) => !isAttestation(inner),
  );
  const match = entries.find(({ platform }) => platform === undefined || matchesPlatform(platform, wanted));
  if (match !== undefined) return choose(archive, match, wanted, depth + 1);
  const offered = entries.flatMap(({ platform }) =>
    platform === undefined ? [] : [formatPlatform(platform)],
  );
  throw invalid(`image archive has no image for ${formatPlatform(wanted)}, only for ${offered.join(", ")}`);
}

function isAttestation({ platform, annotations }: IndexEntry): boolean {
  return platform?.os === "unknown" || annotations?.["vnd.docker.reference.type"] !== undefined;
}

function readManifest(archive: Archive, entry: IndexEntry, names: readonly string[]): ArchivedImage {
  const manifest = asManifest(parseJson(archive.bytes(fileOf(entry.digest)), "manifest"));
  return {
    names,
    configFile: fileOf(manifest.config.digest),
    layerFiles: manifest.layers.map(({ digest }) => fileOf(digest)),
    manifest,
    manifestDescriptor: { mediaType: entry.mediaType, digest: entry.digest, size: entry.size },
  };
}

/** containerd's whole name; else the reference name, unless it is only a tag, as umoci has it. */
function namesOf({ annotations = {} }: IndexEntry): string[] {
  const whole = annotations[IMAGE_NAME];
  if (whole !== undefined) return [nameOf(whole)];
  const name = annotations[REF_NAME];
  if (name === undefined || /^(latest|v?\d[\w.-]*)$/.test(name) || !isReference(name)) return [];
  return [nameOf(name)];
}

function nameOf(text: string): string {
  const reference = parseReference(text);
  if (reference.digest !== undefined) throw invalid(`image archive names an image by digest: ${text}`);
  return canonical(reference);
}

export function fileOf(digest: Digest): string {
  return `blobs/sha256/${digest.slice("sha256:".length)}`;
}

export function manifestsOf(value: unknown, what: string): IndexEntry[] {
  const { manifests } = asObject(value, what);
  if (!Array.isArray(manifests)) throw invalid(`image archive has an ${what} without manifests`);
  return manifests.map((entry: unknown) => asDescriptor(entry, what) as IndexEntry);
}

export function asManifest(value: unknown): Manifest {
  const { config, layers } = asObject(value, "manifest");
  if (!Array.isArray(layers)) throw invalid("image archive has a manifest without layers");
  return {
    schemaVersion: 2,
    config: asDescriptor(config, "manifest"),
    layers: layers.map((layer: unknown) => asDescriptor(layer, "manifest")),
  };
}

function asDescriptor(value: unknown, what: string): Descriptor {
  const object = asObject(value, what);
  const { mediaType, digest, size } = object;
  if (typeof mediaType !== "string" || !isDigest(digest) || typeof size !== "number")
    throw invalid(`image archive has a ${what} with a broken descriptor`);
  return { ...object, mediaType, digest, size };
}

/** Only what berth relies on is checked; the rest of the blob stays as it is. */
export function asConfig(value: unknown, layerCount: number): ImageConfigFile {
  const object = asObject(value, "config");
  const { architecture, os, rootfs } = object;
  const { diff_ids: diffIds } = asObject(rootfs, "config");
  if (
    typeof architecture !== "string" ||
    typeof os !== "string" ||
    !Array.isArray(diffIds) ||
    !diffIds.every(isDigest)
  )
    throw invalid("image archive has a config without architecture, os or rootfs.diff_ids");
  if (diffIds.length !== layerCount)
    throw invalid(`image archive has a config of ${diffIds.length} layers and a manifest of ${layerCount}`);
  if ("config" in object && object["config"] !== null) asObject(object["config"], "config");
  return object as unknown as ImageConfigFile; // checked above, field by field
}

function asObject(value: unknown, what: string): Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw invalid(`image archive has a ${what} that is no object`);
  return value as Record<string, unknown>;
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === "string");
}

function invalid(message: string): BerthError {
  return new BerthError("corrupt", message);
}

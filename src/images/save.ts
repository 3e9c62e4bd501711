/** `save`: docker's archive, which is an OCI layout and has a manifest.json besides, as a stream. */
import { BerthError } from "../lib/error.ts";
import type { Digest } from "../lib/digest.ts";
import { platformMismatch } from "../wire/messages.ts";
import { encodeFile, encodeHeader, END_OF_TAR, padding } from "../lib/tar-writer.ts";
import { type ImageRow, MEDIA } from "./image.ts";
import { type Index, type IndexEntry, named, OCI_LAYOUT } from "./layout.ts";
import { blobsOf, type Library } from "./library.ts";
import { getStored } from "./lookup.ts";
import { fileOf } from "./formats.ts";
import { formatPlatform, matchesPlatform, parsePlatform } from "./platform.ts";
import { canonical, familiarOf, isReference, parseReference } from "./reference.ts";

interface Saved {
  readonly id: Digest;
  readonly row: ImageRow;
  /** Canonical. */
  readonly names: Set<string>;
}

/** Fails before the first byte when a reference is not there. Blobs stay on disk until the stream has ended. */
export async function* saveImages(
  library: Library,
  refs: readonly string[],
  platform?: string,
): AsyncGenerator<Uint8Array, void, void> {
  if (refs.length === 0) throw new BerthError("invalid", "no image names given to save");
  const saved = collect(library, refs);
  for (const { row } of saved) if (platform !== undefined) checkPlatform(row, platform, refs[0] ?? "");
  using pin = library.pin();
  const blobs = new Map<Digest, number>();
  for (const { row } of saved)
    for (const descriptor of [row.manifest, row.configDescriptor, ...row.layers.map(({ blob }) => blob)])
      blobs.set(descriptor.digest, descriptor.size);
  for (const digest of saved.flatMap(({ row }) => blobsOf(row))) pin.add(digest);
  for (const name of ["blobs/", "blobs/sha256/"])
    yield encodeHeader({ name, type: "directory", mode: 0o755 });
  for (const [digest, size] of blobs) yield* blobEntry(library, digest, size);
  yield encodeFile("index.json", JSON.stringify(indexOf(saved)));
  yield encodeFile("manifest.json", JSON.stringify(saved.map(dockerManifest)));
  yield encodeFile("oci-layout", OCI_LAYOUT);
  yield encodeFile("repositories", JSON.stringify(repositories(saved)));
  yield END_OF_TAR;
}

/** A name without a tag means all tags of that repository, an id no name at all (moby image/tarexport/save.go). */
function collect(library: Library, refs: readonly string[]): Saved[] {
  const found = new Map<Digest, Saved>();
  const add = (id: Digest, names: readonly string[]): void => {
    const row = library.catalog.images.get(id);
    if (row === undefined) return;
    const saved = found.get(id) ?? { id, row, names: new Set() };
    for (const name of names) saved.names.add(name);
    found.set(id, saved);
  };
  for (const ref of refs) {
    const tags = isNameOnly(ref) ? tagsOfRepository(library, ref) : [];
    for (const [name, id] of tags) add(id, [name]);
    if (tags.length > 0) continue;
    const { id } = getStored(library, ref);
    const name = isReference(ref) ? canonical(parseReference(ref)) : "";
    add(id, library.catalog.tags.has(name) ? [name] : []);
  }
  return [...found.values()];
}

function isNameOnly(ref: string): boolean {
  return (
    isReference(ref) &&
    parseReference(`${ref}`).digest === undefined &&
    !ref.slice(ref.lastIndexOf("/") + 1).includes(":")
  );
}

function tagsOfRepository(library: Library, ref: string): [string, Digest][] {
  const { domain, path } = parseReference(ref);
  return [...library.catalog.tags]
    .filter(([name]) => name.startsWith(`${domain}/${path}:`))
    .map(([name, { imageId }]) => [name, imageId]);
}

function checkPlatform(row: ImageRow, platform: string, ref: string): void {
  const wanted = parsePlatform(platform);
  if (matchesPlatform(row.config, wanted)) return;
  throw new BerthError(
    "not_found",
    platformMismatch(ref, formatPlatform(row.config), formatPlatform(wanted)),
  );
}

async function* blobEntry(library: Library, digest: Digest, size: number): AsyncGenerator<Uint8Array> {
  yield encodeHeader({ name: fileOf(digest), type: "file", size, mode: 0o444 });
  let sent = 0;
  for await (const chunk of Bun.file(library.blobs.path(digest)).stream()) {
    sent += chunk.length;
    yield chunk;
  }
  if (sent !== size)
    throw new BerthError(
      "corrupt",
      `blob ${digest} has ${sent} bytes on disk instead of ${size}: remove its image and load it again`,
    );
  yield padding(size);
}

function indexOf(saved: readonly Saved[]): Index {
  const manifests = saved.flatMap(({ row, names }): IndexEntry[] => {
    if (names.size === 0) return [row.manifest];
    return [...names].map((name) => named(row.manifest, parseReference(name).tag ?? "", name));
  });
  return { schemaVersion: 2, mediaType: MEDIA.index, manifests };
}

function dockerManifest({ row, names }: Saved): object {
  return {
    Config: fileOf(row.configDescriptor.digest),
    RepoTags: names.size === 0 ? null : [...names].map(familiarOf),
    Layers: row.layers.map(({ blob }) => fileOf(blob.digest)),
  };
}

/** What docker before 1.10 read: repository → tag → topmost layer. */
function repositories(saved: readonly Saved[]): Record<string, Record<string, string>> {
  const all: Record<string, Record<string, string>> = {};
  for (const { row, names } of saved) {
    for (const name of [...names].map(familiarOf)) {
      const colon = name.lastIndexOf(":");
      const top = row.layers.at(-1)?.blob.digest.slice("sha256:".length) ?? "";
      (all[name.slice(0, colon)] ??= {})[name.slice(colon + 1)] = top;
    }
  }
  return all;
}

/** `rmi` and `image prune`: what is untagged, what is deleted, and what stands in the way. The rules are moby's (daemon/images/image_delete.go). */
import { type Digest, hexOf } from "../lib/digest.ts";
import { BerthError } from "../lib/error.ts";
import { booleanFilter, type Filters, matchLabels, requireFilters } from "../wire/filters.ts";
import { imageInUse, imageReferenced, tagInUse } from "../wire/messages.ts";
import type { ImageDeleteResponseItem } from "../wire/schema.ts";
import { blobsOf, type Library } from "./library.ts";
import { createdMs, isDangling, untilMs, visibleImages } from "./list.ts";
import { notFound } from "./lookup.ts";
import { canonical, familiar, familiarOf, parseReference } from "./reference.ts";

/** The containers that were made from an image. */
export type UsedBy = (imageId: string) => readonly { readonly id: string; readonly running: boolean }[];

export interface RemoveOptions {
  readonly force: boolean;
  readonly usedBy: UsedBy;
}

/** Untags, and deletes the image when that was its last name. Throws `conflict` in docker's words. */
export function removeImage(
  library: Library,
  ref: string,
  options: RemoveOptions,
): ImageDeleteResponseItem[] {
  const id = library.catalog.find(ref);
  if (id === undefined) throw notFound(ref);
  return isIdOf(id, ref) ? removeById(library, id, options) : removeByName(library, id, ref, options);
}

function removeByName(
  library: Library,
  id: Digest,
  ref: string,
  options: RemoveOptions,
): ImageDeleteResponseItem[] {
  const [user] = options.usedBy(id);
  if (!options.force && isSingle(library.catalog.namesOf(id)) && user !== undefined)
    throw new BerthError("conflict", tagInUse(ref, short(user.id), short(hexOf(id))));
  const reference = parseReference(ref);
  const name = canonical(reference);
  const records: ImageDeleteResponseItem[] = [{ Untagged: familiar(reference) }];
  const others = library.catalog.namesOf(id).filter((other) => other !== name);
  const sameRepository = (other: string): boolean =>
    parseReference(other).path === reference.path && parseReference(other).domain === reference.domain;
  const stays = others.some((other) => !other.includes("@") && sameRepository(other));
  const digests = stays ? [] : others.filter((other) => other.includes("@") && sameRepository(other));
  untag(library, [name, ...digests]);
  records.push(...digests.map((digest) => ({ Untagged: familiarOf(digest) })));
  if (others.length > digests.length || conflictOf(library, id, options) !== undefined) return records;
  return [...records, ...deleteImage(library, id, options.usedBy)];
}

function removeById(library: Library, id: Digest, options: RemoveOptions): ImageDeleteResponseItem[] {
  const names = library.catalog.namesOf(id);
  const conflict = conflictOf(library, id, options, isSingle(names) ? 0 : 1);
  if (conflict !== undefined) throw new BerthError("conflict", conflict);
  return [
    ...names.map((name) => ({ Untagged: familiarOf(name) })),
    ...deleteImage(library, id, options.usedBy),
  ];
}

/** Why the image may not go. A running container cannot be overruled; everything else can be forced. */
function conflictOf(
  library: Library,
  id: Digest,
  { force, usedBy }: RemoveOptions,
  namesAllowed?: number,
): string | undefined {
  const users = usedBy(id);
  const running = users.find((user) => user.running);
  if (running !== undefined) return imageInUse(short(hexOf(id)), short(running.id), "running");
  if (force) return undefined;
  if (namesAllowed === 1 && library.catalog.namesOf(id).length > 1) return imageReferenced(short(hexOf(id)));
  const [stopped] = users;
  return stopped === undefined ? undefined : imageInUse(short(hexOf(id)), short(stopped.id), "stopped");
}

/** Rows first, in one transaction; then files, which without rows are nobody's. */
export function deleteImage(library: Library, id: Digest, usedBy: UsedBy): ImageDeleteResponseItem[] {
  const { catalog } = library;
  const row = catalog.images.get(id);
  if (row === undefined) return [];
  const tags = catalog.namesOf(id).map((name) => [name, undefined] as const);
  if (usedBy(id).length > 0) {
    library.commit({ tags, images: [[id, { ...row, detached: true }]] });
    return [{ Deleted: id }];
  }
  const orphans = library.orphanedLayers(
    [...catalog.images].filter(([other]) => other !== id).map(([, other]) => other),
  );
  library.commit({
    tags,
    images: [[id, undefined]],
    layers: orphans.map(([chainId]) => [chainId, undefined]),
  });
  library.removeLayers(orphans);
  library.collect(blobsOf(row));
  return [{ Deleted: id }, ...orphans.map(([chainId]) => ({ Deleted: chainId as string })).toReversed()];
}

/** Deletes what was kept only because containers needed it, and no longer do. */
export function releaseDetached(library: Library, usedBy: UsedBy): void {
  for (const [id, row] of library.catalog.images)
    if (row.detached === true && usedBy(id).length === 0) deleteImage(library, id, usedBy);
}

const PRUNE_FILTERS = ["dangling", "label", "label!", "until"];

/** Dangling images, or with `dangling=false` every image that no container uses. */
export function pruneImages(
  library: Library,
  filters: Filters,
  usedBy: UsedBy,
): { deleted: ImageDeleteResponseItem[]; spaceReclaimed: number } {
  requireFilters(filters, PRUNE_FILTERS);
  const danglingOnly = booleanFilter(filters, "dangling") ?? true;
  const until = Math.min(...(filters.get("until") ?? []).map(untilMs));
  const chosen = visibleImages(library).filter((image) => {
    const labels = image.config.config?.Labels ?? {};
    const excluded = filters.has("label!") && matchLabels(filters, "label!", labels);
    return (
      (!danglingOnly || isDangling(image)) &&
      createdMs(image) < until &&
      matchLabels(filters, "label", labels) &&
      !excluded &&
      usedBy(image.id).length === 0
    );
  });
  const before = layerBytes(library);
  const deleted = chosen.flatMap(({ id }) => {
    const untagged: ImageDeleteResponseItem[] = library.catalog
      .namesOf(id)
      .map((name) => ({ Untagged: familiarOf(name) }));
    return untagged.concat(deleteImage(library, id, usedBy));
  });
  return { deleted, spaceReclaimed: before - layerBytes(library) };
}

function layerBytes(library: Library): number {
  return [...library.catalog.layers.values()].reduce((sum, { size }) => sum + size, 0);
}

function untag(library: Library, names: readonly string[]): void {
  library.commit({ tags: names.map((name) => [name, undefined]) });
}

function isIdOf(id: Digest, ref: string): boolean {
  return id.startsWith(ref) || hexOf(id).startsWith(ref);
}

/** At most one tag, and digests only of that repository: moby's isSingleReference. */
function isSingle(names: readonly string[]): boolean {
  const tags = names.filter((name) => !name.includes("@"));
  const repositories = new Set(
    names.map((name) => `${parseReference(name).domain}/${parseReference(name).path}`),
  );
  return tags.length <= 1 && repositories.size <= 1;
}

function short(hex: string): string {
  return hex.slice(0, 12);
}

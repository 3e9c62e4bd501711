/** `images`: which images there are, newest first, with docker's filters. */
import { matchesGlob } from "../lib/glob.ts";
import { parseTimestamp } from "../lib/time.ts";
import { parseDurationNs } from "../lib/duration.ts";
import { booleanFilter, type Filters, matchLabels, requireFilters } from "../wire/filters.ts";
import type { ImageSummary } from "../wire/schema.ts";
import type { Image } from "./image.ts";
import { getStored } from "./lookup.ts";
import type { Library } from "./library.ts";
import { familiarName, parseReference } from "./reference.ts";

const ACCEPTED = ["dangling", "label", "before", "since", "until", "reference"];

export interface ListOptions {
  readonly all?: boolean;
  readonly filters: Filters;
  readonly digests?: boolean;
}

export function listImages(library: Library, { filters }: ListOptions): ImageSummary[] {
  requireFilters(filters, ACCEPTED);
  const wanted = timeWindow(library, filters);
  const dangling = booleanFilter(filters, "dangling");
  const patterns = filters.get("reference");
  return visibleImages(library)
    .filter(
      (image) => wanted(createdMs(image)) && matchLabels(filters, "label", image.config.config?.Labels ?? {}),
    )
    .filter((image) => dangling === undefined || dangling === isDangling(image))
    .map((image) => summarize(image, patterns))
    .filter(({ RepoTags, RepoDigests }) => patterns === undefined || RepoTags.length + RepoDigests.length > 0)
    .toSorted((a, b) => b.Created - a.Created);
}

export function visibleImages(library: Library): Image[] {
  return [...library.catalog.images]
    .filter(([, row]) => row.detached !== true)
    .map(([id, row]) => library.toImage(id, row));
}

export function isDangling(image: Image): boolean {
  return image.tags.length + image.digests.length === 0;
}

/** Milliseconds since 1970; 0 when the image does not say when it was made, or says nonsense. */
export function createdMs({ config }: Pick<Image, "config">): number {
  return Date.parse(config.created ?? "") || 0;
}

/** Milliseconds since 1970 of a time, or of a duration before now: `24h`, `2026-01-02`, unix seconds (moby api/types/time). */
export function untilMs(text: string): number {
  const nanoseconds = parseTimestamp(text);
  if (nanoseconds !== undefined) return Number(nanoseconds / 1_000_000n);
  const date = Date.parse(text);
  return Number.isNaN(date) ? Date.now() - parseDurationNs(text) / 1_000_000 : date;
}

function summarize(image: Image, patterns: readonly string[] | undefined): ImageSummary {
  const matches = (name: string): boolean =>
    patterns === undefined || patterns.some((pattern) => matchesName(pattern, name));
  return {
    Id: image.id,
    ParentId: "",
    RepoTags: image.tags.filter(matches),
    RepoDigests: image.digests.filter(matches),
    Created: Math.floor(createdMs(image) / 1000),
    Size: image.size,
    SharedSize: -1,
    Labels: image.config.config?.Labels ?? {},
    Containers: -1,
  };
}

/** distribution/reference FamiliarMatch: against the whole familiar name, else against the name without its tag. */
function matchesName(pattern: string, name: string): boolean {
  return matchesGlob(pattern, name) || matchesGlob(pattern, familiarName(parseReference(name)));
}

function timeWindow(library: Library, filters: Filters): (created: number) => boolean {
  const times = (name: string): number[] =>
    (filters.get(name) ?? []).map((ref) => createdMs(getStored(library, ref)));
  const before = Math.min(...times("before"), ...(filters.get("until") ?? []).map(untilMs));
  const since = Math.max(...times("since"));
  return (created) => created < before && created > since;
}

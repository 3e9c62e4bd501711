/** `inspect` and `history` of an image, in docker's shape. */
import type { ImageHistoryResponseItem, ImageInspect } from "../wire/schema.ts";
import type { HistoryEntry, Image, ImageRow } from "./image.ts";
import { createdMs } from "./list.ts";
import type { Library } from "./library.ts";

export function inspectImage(library: Library, image: Image): ImageInspect {
  const row = library.catalog.images.get(image.id);
  const { config } = image;
  return {
    Id: image.id,
    RepoTags: [...image.tags],
    RepoDigests: [...image.digests],
    Parent: "",
    Comment: config.comment ?? config.history?.at(-1)?.comment ?? "",
    Created: config.created ?? null,
    DockerVersion: config.docker_version ?? "",
    Author: config.author ?? "",
    Config: config.config ?? {},
    Architecture: config.architecture,
    ...(config.variant === undefined ? {} : { Variant: config.variant }),
    Os: config.os,
    ...(config["os.version"] === undefined ? {} : { OsVersion: config["os.version"] }),
    Size: image.size,
    GraphDriver: { Name: "overlay2", Data: row === undefined ? {} : directories(library, row) },
    RootFS: { Type: "layers", Layers: [...config.rootfs.diff_ids] },
    Metadata: {
      LastTagTime:
        row?.taggedAt === undefined ? "0001-01-01T00:00:00Z" : new Date(row.taggedAt * 1000).toISOString(),
    },
  };
}

/** Newest step first. Only the image itself has an id here, as everywhere since docker 1.10. */
export function historyOf(library: Library, image: Image): ImageHistoryResponseItem[] {
  const sizes = (library.catalog.images.get(image.id)?.layers ?? []).map(
    ({ chainId }) => library.catalog.layers.get(chainId)?.size ?? 0,
  );
  const steps: readonly HistoryEntry[] = image.config.history ?? sizes.map(() => ({}));
  const items = steps.map((step) =>
    toItem(step, step.empty_layer === true ? 0 : (sizes.shift() ?? 0), image),
  );
  const newest = items.at(-1);
  if (newest !== undefined) Object.assign(newest, { Id: image.id, Tags: [...image.tags] });
  return items.toReversed();
}

function toItem(step: HistoryEntry, size: number, image: Image): ImageHistoryResponseItem {
  const created = step.created === undefined ? createdMs(image) : Date.parse(step.created) || 0;
  return {
    Id: "<missing>",
    Created: Math.floor(created / 1000),
    CreatedBy: step.created_by ?? "",
    Tags: [],
    Size: size,
    Comment: step.comment ?? "",
  };
}

function directories(library: Library, row: ImageRow): Record<string, string> {
  const paths = row.layers.map(({ chainId }) => `${library.places.layer(chainId)}/fs`).toReversed();
  const [upper, ...lower] = paths;
  return {
    ...(upper === undefined ? {} : { UpperDir: upper }),
    ...(lower.length === 0 ? {} : { LowerDir: lower.join(":") }),
  };
}

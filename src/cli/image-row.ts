/** What `images` can tell of an image: one row for each name (docker's cli/command/formatter/image.go). */
import { formatSize } from "../lib/size.ts";
import type { ImageSummary } from "../wire/schema.ts";
import type { ListFormat, Row } from "./list-format.ts";
import { splitReference } from "./reference.ts";
import { ago, goTime, shortId } from "./text.ts";

const NONE = "<none>";

export interface ImageListOptions {
  readonly short: boolean;
  /** Digests are wanted beside tags. */
  readonly digests: boolean;
  /** Digests without a tag have a row each. */
  readonly digestRows: boolean;
}

export function imageList(digests: boolean): ListFormat {
  const created = "{{if .CreatedSince }}{{.CreatedSince}}{{else}}N/A{{end}}";
  return {
    table: `{{.Repository}}\t{{.Tag}}\t${digests ? "{{.Digest}}\t" : ""}{{.ID}}\t${created}\t{{.Size}}`,
    typeName: "*formatter.imageContext",
    headers: {
      ID: "IMAGE ID",
      Repository: "REPOSITORY",
      Tag: "TAG",
      Digest: "DIGEST",
      CreatedSince: "CREATED",
      CreatedAt: "CREATED AT",
      Size: "SIZE",
      Containers: "CONTAINERS",
      SharedSize: "SHARED SIZE",
      UniqueSize: "UNIQUE SIZE",
    },
  };
}

export function imageRows(image: ImageSummary, options: ImageListOptions): Row[] {
  return namesOf(image, options).map((name) => rowOf(image, name, options.short));
}

function rowOf(image: ImageSummary, name: Name, short: boolean): Row {
  const optional = (value: number, show: (value: number) => string): string =>
    value < 0 ? "N/A" : show(value);
  return {
    ...name,
    ID: short ? shortId(image.Id) : image.Id,
    CreatedSince: image.Created < 0 ? "" : ago(image.Created),
    get CreatedAt() {
      return goTime(image.Created); // not before somebody asks: time zones take milliseconds to load
    },
    Size: formatSize(image.Size),
    Containers: optional(image.Containers, String),
    SharedSize: optional(image.SharedSize, (shared) => formatSize(shared, 4)),
    UniqueSize: optional(image.SharedSize, (shared) => formatSize(image.Size - shared, 4)),
    VirtualSize: formatSize(image.Size, 4),
  };
}

interface Name {
  readonly Repository: string;
  readonly Tag: string;
  readonly Digest: string;
}

/** Digests have rows of their own only when they are asked for, or when the repository has no tag. */
function namesOf(image: ImageSummary, { digests, digestRows }: ImageListOptions): Name[] {
  const tags = (image.RepoTags ?? []).map(splitReference).filter(({ name }) => name !== NONE);
  const pins = (image.RepoDigests ?? []).map(splitReference).filter(({ name }) => name !== NONE);
  const tagged = tags.flatMap(({ name, tag }) => {
    const own = digests ? pins.filter((pin) => pin.name === name) : [];
    const shown = own.length > 0 ? own.map(({ digest }) => digest) : [NONE];
    return shown.map((digest) => ({ Repository: name, Tag: tag, Digest: digest }));
  });
  const untagged = pins.filter((pin) => tags.every(({ name }) => name !== pin.name));
  const others = digestRows
    ? untagged
    : untagged.filter((pin, at) => untagged.findIndex((p) => p.name === pin.name) === at);
  const rows = [
    ...tagged,
    ...others.map(({ name, digest }) => ({ Repository: name, Tag: NONE, Digest: digestRows ? digest : "" })),
  ];
  return rows.length > 0 ? rows : [{ Repository: NONE, Tag: NONE, Digest: NONE }];
}

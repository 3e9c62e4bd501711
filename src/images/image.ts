/** What an image is: its config file (OCI image-spec, config.md), and how state.db remembers it. */
import type { Digest } from "../lib/digest.ts";
import type { ImageConfig } from "../wire/schema.ts";

export interface HistoryEntry {
  readonly created?: string;
  readonly created_by?: string;
  readonly author?: string;
  readonly comment?: string;
  readonly empty_layer?: boolean;
}

/** The OCI image configuration, as it stands in its blob. Fields that are not named here are kept in the blob only. */
export interface ImageConfigFile {
  readonly created?: string;
  readonly author?: string;
  readonly comment?: string;
  readonly docker_version?: string;
  readonly architecture: string;
  readonly os: string;
  readonly variant?: string;
  readonly "os.version"?: string;
  readonly config?: ImageConfig;
  readonly rootfs: { readonly type: "layers"; readonly diff_ids: readonly Digest[] };
  readonly history?: readonly HistoryEntry[];
}

/** A blob: what it is, which, how long. */
export interface Descriptor {
  readonly mediaType: string;
  readonly digest: Digest;
  readonly size: number;
}

export interface Manifest {
  readonly schemaVersion: 2;
  readonly mediaType?: string;
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
}

/** An image that is whole on disk. `id` is the digest of its config. */
export interface Image {
  readonly id: Digest;
  readonly config: ImageConfigFile;
  /** The manifest's descriptor. */
  readonly manifest: Descriptor;
  /** Lower directories of an overlay, topmost first, relative to `<root>/layers`: `l/12`. The last one is the init layer, `l/0`. */
  readonly layerLinks: readonly string[];
  /** As people see them: `busybox:latest`. */
  readonly tags: readonly string[];
  /** `busybox@sha256:…`, for images that came with a manifest of a registry. */
  readonly digests: readonly string[];
  /** Bytes of all unpacked layers. */
  readonly size: number;
}

/** Row of `images`, by id. */
export interface ImageRow {
  readonly manifest: Descriptor;
  readonly config: ImageConfigFile;
  readonly configDescriptor: Descriptor;
  /** From the lowest up. */
  readonly layers: readonly { readonly blob: Descriptor; readonly chainId: Digest }[];
  /** Unix seconds of the last tag that was given. */
  readonly taggedAt?: number;
  /** Removed by force while containers still need its layers: no longer found by name, id or list. */
  readonly detached?: true;
}

/** Row of `tags`, by canonical name. */
export interface TagRow {
  readonly imageId: Digest;
}

/** Row of `layers`, by chain id. */
export interface LayerRow {
  /** Name of its short link, `layers/l/<number>`. */
  readonly number: number;
  readonly diffId: Digest;
  /** Bytes of the files in it. */
  readonly size: number;
  /** The boot in which it was unpacked, until its files are known to be on the disk. */
  readonly unsyncedSince?: string;
}

export const MEDIA = {
  manifest: "application/vnd.oci.image.manifest.v1+json",
  index: "application/vnd.oci.image.index.v1+json",
  config: "application/vnd.oci.image.config.v1+json",
  layer: "application/vnd.oci.image.layer.v1.tar",
  dockerManifest: "application/vnd.docker.distribution.manifest.v2+json",
  dockerIndex: "application/vnd.docker.distribution.manifest.list.v2+json",
} as const;

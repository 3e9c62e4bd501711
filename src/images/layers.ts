/** Unpacked layers: made in a temporary directory by a worker, renamed to their chain id when they are whole. */
import {
  chmodSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  symlinkSync,
} from "node:fs";
import { type Digest, digestOf, hexOf, parseDigest } from "../lib/digest.ts";
import { step } from "../lib/failpoint.ts";
import type { LayerRow } from "./image.ts";
import type { Places } from "./places.ts";
import type { ExpansionLimits } from "./decompress.ts";
import { removeTree } from "./remove-tree.ts";
import { bootId } from "./boot.ts";
import { openWorker, type UnpackResult } from "./worker/worker.ts";

/** A layer that is unpacked but has no name yet. */
export interface PreparedLayer {
  readonly directory: string;
  readonly diffId: Digest;
  readonly size: number;
}

/** Unpacks a stored blob below `tmp/`. Several may run at once: each is a process of its own. */
export function prepareLayer(places: Places, blob: string, limits?: ExpansionLimits): Promise<PreparedLayer> {
  return prepare(places, async (directory) => {
    const input = openSync(blob, "r");
    try {
      await using worker = await openWorker({ directory }, { input });
      return await worker.unpackInput("/", { whiteouts: true, limits });
    } finally {
      closeSync(input);
    }
  });
}

/** The same for bytes that are just coming in. `digest`: somebody else hashes them, and they are not compressed. */
export function prepareStream(
  places: Places,
  tar: AsyncIterable<Uint8Array>,
  digest: Promise<Digest> | undefined,
  limits?: ExpansionLimits,
): Promise<PreparedLayer> {
  return prepare(places, async (directory) => {
    await using worker = await openWorker({ directory });
    const withoutDigest = digest !== undefined;
    const result = await worker.unpack("/", tar, { whiteouts: true, limits, withoutDigest });
    return { ...result, diffId: (await digest) ?? result.diffId };
  });
}

async function prepare(
  places: Places,
  unpack: (directory: string) => Promise<UnpackResult>,
): Promise<PreparedLayer> {
  const directory = places.newTemporary();
  mkdirSync(`${directory}/fs`, { recursive: true });
  chmodSync(`${directory}/fs`, 0o755); // the root of a container, whatever our umask is
  try {
    const { diffId, size } = await unpack(`${directory}/fs`);
    return { directory, diffId: parseDigest(diffId), size };
  } catch (error) {
    await removeTree(directory);
    throw error;
  }
}

/** OCI image-spec, config.md "Layer ChainID": what a layer is when it lies on `parent`. */
export function chainIdOf(parent: Digest | undefined, diffId: Digest): Digest {
  return parent === undefined ? diffId : digestOf(`${parent} ${diffId}`);
}

/** Gives a prepared layer its place and its short link. A remnant under that name has no row: nobody uses it. */
export function placeLayer(
  places: Places,
  prepared: PreparedLayer,
  chainId: Digest,
  number: number,
): LayerRow {
  const target = places.layer(chainId);
  if (existsSync(target)) renameSync(target, places.newTemporary());
  renameSync(prepared.directory, target);
  step();
  linkLayer(places, chainId, number);
  step();
  return { number, diffId: prepared.diffId, size: prepared.size, unsyncedSince: bootId() };
}

export function linkLayer(places: Places, chainId: Digest, number: number): void {
  rmSync(places.link(number), { force: true });
  symlinkSync(`../${hexOf(chainId)}/fs`, places.link(number));
}

/**
 * What the engine and a worker say to each other, over the worker's stdin and stdout: frames of a little endian length (4 bytes), a
 * type (1 byte) and the payload. One request at a time: request, the data it needs, then data and one result (or failure) back.
 */
import type { ErrorCode } from "../../lib/error.ts";
import type { IdMap } from "../../lib/id-map.ts";
import type { ExpansionLimits } from "../decompress.ts";

export const FRAME = { request: 1, data: 2, end: 3, result: 4, failure: 5 } as const;
export const FRAME_HEADER = 5;
export const MAX_FRAME = 1 << 20;

/** Where a worker lives: its root directory from then on. */
export type Place =
  | { readonly directory: string }
  /**
   * The root of a running process, as that process sees it: of the one with this start time, not of another that has its number by now.
   * `idMap` where it is in a user namespace: owners are those that it knows.
   */
  | {
      readonly processRoot: string;
      readonly process: { readonly pid: number; readonly startTime: string };
      readonly idMap?: IdMap | undefined;
    }
  /** An overlay, mounted in a mount namespace of the worker's own. Without `upper` it is read-only. */
  | { readonly overlay: OverlayPlace };

export interface OverlayPlace {
  /** Absolute; `lower` is relative to it, topmost first. */
  readonly layersDirectory: string;
  readonly lower: readonly string[];
  readonly upper?: string;
  readonly work?: string;
}

export interface UnpackOptions {
  /** `.wh.` names become overlay whiteouts, and nothing may go through a symbolic link: the rules for layers. */
  readonly whiteouts?: boolean;
  /** Docker's parameter of the same name: a directory is not replaced by a file, nor a file by a directory. */
  readonly noOverwriteDirNonDir?: boolean;
  /** Owner of everything that is unpacked, instead of what the archive says. */
  readonly owner?: { readonly uid: number; readonly gid: number };
  /** Most bytes that may be written. */
  readonly limitBytes?: number;
  readonly limits?: ExpansionLimits | undefined;
  /** The caller hashes the archive itself; the result's `diffId` is then empty. */
  readonly withoutDigest?: boolean;
}

export interface UnpackResult {
  /** Digest of the archive without its compression. */
  readonly diffId: string;
  /** Bytes of the files that were written. */
  readonly size: number;
  readonly entries: number;
}

export interface PackOptions {
  /** Name of the packed path in the archive; its own last name when absent, "" for the contents of a directory alone. */
  readonly as?: string;
  /** Overlay whiteouts become `.wh.` names: the archive of a layer. */
  readonly whiteouts?: boolean;
}

/** docker's ChangeType: 0 modified, 1 added, 2 deleted. */
export interface Change {
  readonly path: string;
  readonly kind: 0 | 1 | 2;
}

export type Request =
  | { readonly do: "enter"; readonly place: Place; readonly changes?: boolean }
  | {
      readonly do: "unpack";
      readonly path: string;
      readonly options: UnpackOptions;
      readonly fromInput: boolean;
    }
  | { readonly do: "pack"; readonly path: string; readonly options: PackOptions }
  | { readonly do: "stat"; readonly path: string }
  | { readonly do: "changes" }
  | { readonly do: "read"; readonly path: string; readonly maxBytes: number };

export interface Failure {
  readonly code: ErrorCode;
  readonly message: string;
}

/** A frame's bytes before its payload. */
export function frameHeader(type: number, length: number): Uint8Array {
  const header = new Uint8Array(FRAME_HEADER);
  new DataView(header.buffer).setUint32(0, length, true);
  header[4] = type;
  return header;
}

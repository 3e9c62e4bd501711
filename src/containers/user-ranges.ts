/**
 * Ids of the host that containers get for a user namespace of their own. No two containers of this machine have the same, of whatever
 * engine. An engine claims blocks of ranges in a file that all engines share, so that only the first of many containers looks there.
 */
import type { IdMap } from "../lib/id-map.ts";
import { BerthError } from "../lib/error.ts";
import { type Claims, openClaims } from "./user-claims.ts";

/** Ids of a range: what 16 bits can name, with nobody at its end. */
export const RANGE_SIZE = 65_536;
/** Ranges of a block. */
const BLOCK_RANGES = 64;

export interface UserRangesOptions {
  /** Of this engine: whose claims are whose. */
  readonly root: string;
  readonly store: { meta(name: string): string | undefined; setMeta(name: string, value: string): void };
  readonly claims?: Claims;
}

const SHARED = "user-range";

export class UserRanges {
  readonly #options: UserRangesOptions;
  readonly #claims: Claims;
  /** How many containers have a range, by its first id. */
  readonly #holders = new Map<number, number>();
  /** First ids of ranges in claimed blocks that nobody has; what was given back last comes last. Undefined: not looked yet. */
  #free: number[] | undefined;

  /** `used` are those of the containers that exist. */
  constructor(options: UserRangesOptions, used: Iterable<IdMap>) {
    this.#options = options;
    this.#claims = options.claims ?? openClaims();
    const shared = options.store.meta(SHARED);
    if (shared !== undefined) this.hold(toMap(Number(shared), RANGE_SIZE));
    for (const map of used) this.hold(map);
    if (this.#holders.size === 0) this.#claims.giveBack(options.root); // an engine before this one may have died on the way
  }

  /** A free range, held from now on. */
  take(size = RANGE_SIZE): IdMap {
    const map = toMap(this.#next(size), size);
    this.hold(map);
    return map;
  }

  /** What take() would give, if nobody else comes first. */
  peek(size = RANGE_SIZE): IdMap {
    const start = this.#next(size);
    for (const range of rangesOf(start, size)) this.#free?.unshift(range);
    return toMap(start, size);
  }

  /** The one range of this engine that containers share (`--userns=private`), the same for ever. */
  shared(): IdMap {
    const { store } = this.#options;
    const known = store.meta(SHARED);
    if (known !== undefined) return toMap(Number(known), RANGE_SIZE);
    const map = this.take();
    store.setMeta(SHARED, String(startOf(map)));
    return map;
  }

  /** What shared() would give. */
  peekShared(): IdMap {
    const known = this.#options.store.meta(SHARED);
    return known === undefined ? this.peek() : toMap(Number(known), RANGE_SIZE);
  }

  /** One container more has it. */
  hold(map: IdMap): void {
    for (const range of rangesOf(startOf(map), sizeOf(map)))
      this.#holders.set(range, (this.#holders.get(range) ?? 0) + 1);
  }

  /** One container less; the last gives it back. */
  release(map: IdMap): void {
    for (const range of rangesOf(startOf(map), sizeOf(map))) {
      const left = (this.#holders.get(range) ?? 0) - 1;
      if (left > 0) this.#holders.set(range, left);
      else if (this.#holders.delete(range)) this.#free?.push(range);
    }
    if (this.#holders.size > 0) return;
    this.#claims.giveBack(this.#options.root);
    this.#free = undefined;
  }

  /** Taken out of the free ones. */
  #next(size: number): number {
    const count = Math.ceil(size / RANGE_SIZE);
    const free = (this.#free ??= this.#look());
    const at = placeOf(free, count);
    if (at !== undefined) return free.splice(at, count)[0] ?? 0;
    const block = this.#claims.claim(
      this.#options.root,
      Math.max(count, BLOCK_RANGES) * RANGE_SIZE,
      count * RANGE_SIZE,
    );
    free.push(...rangesOf(block.start, block.size));
    return this.#next(size);
  }

  /** Blocks that are ours already: of an engine before this one. */
  #look(): number[] {
    const blocks = this.#claims.ours(this.#options.root, [...this.#holders.keys()].map(toRange));
    return blocks
      .flatMap(({ start, size }) => rangesOf(start, size))
      .filter((range) => !this.#holders.has(range));
  }
}

function toRange(start: number) {
  return { start, size: RANGE_SIZE };
}

function toMap(hostID: number, size: number): IdMap {
  const ranges = [{ containerID: 0, hostID, size }];
  return { uid: ranges, gid: ranges };
}

function startOf({ uid }: IdMap): number {
  return uid[0]?.hostID ?? 0;
}

function sizeOf({ uid }: IdMap): number {
  return uid[0]?.size ?? 0;
}

function rangesOf(start: number, size: number): number[] {
  return Array.from({ length: Math.ceil(size / RANGE_SIZE) }, (_, index) => start + index * RANGE_SIZE);
}

/** Where `count` ranges stand in a row. */
function placeOf(free: readonly number[], count: number): number | undefined {
  if (count === 1) return free.length > 0 ? 0 : undefined;
  const at = free.findIndex((start, index) =>
    rangesOf(start, count * RANGE_SIZE).every((range, offset) => free[index + offset] === range),
  );
  return at < 0 ? undefined : at;
}

/** `auto`, `auto:size=N`, `private`, `host`: docker's field, with podman's words where docker has none. */
export type UsersMode =
  { readonly kind: "host" | "private" } | { readonly kind: "auto"; readonly size: number };

const MAX_SIZE = 64 * RANGE_SIZE;

/** Undefined where nothing was asked. */
export function parseUsersMode(text: string | null | undefined): UsersMode | undefined {
  if (!text) return undefined;
  const [kind, ...options] = text.split(":");
  if ((kind === "host" || kind === "private") && options.length === 0) return { kind };
  if (kind === "auto") return { kind, size: sizeOption(text, options.join(":")) };
  if (["keep-id", "nomap", "ns", "container"].includes(kind ?? ""))
    throw new BerthError(
      "unsupported",
      `HostConfig.UsernsMode: berth does not support "${text}"; auto, private and host work`,
    );
  throw new BerthError("invalid", `invalid user namespace mode: ${text}`);
}

function sizeOption(text: string, options: string): number {
  if (options === "") return RANGE_SIZE;
  const [, size] = /^size=(\d{1,10})$/.exec(options) ?? [];
  if (size === undefined)
    throw new BerthError(
      "unsupported",
      `HostConfig.UsernsMode: of "${text}" berth supports size=NUMBER alone`,
    );
  if (Number(size) < 1 || Number(size) > MAX_SIZE)
    throw new BerthError(
      "invalid",
      `invalid user namespace mode: ${text}: 1 to ${MAX_SIZE} ids are possible`,
    );
  return Number(size);
}

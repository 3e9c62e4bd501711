/** Which ids of this machine belong to which engine, and which may be given to one: a file that all engines read and write. */
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { lockMachine } from "../kernel/machine-lock.ts";
import { BerthError } from "../lib/error.ts";

export interface Range {
  readonly start: number;
  readonly size: number;
}

interface Claim extends Range {
  readonly root: string;
}

export interface Claims {
  /** The blocks of an engine. What it `uses` is claimed again if the file has lost it. */
  ours(root: string, uses: readonly Range[]): Range[];
  /** A block of `size` ids more, or where there is no such gap of fewer, at least `least`. */
  claim(root: string, size: number, least: number): Range;
  /** All blocks of an engine that uses none any more. */
  giveBack(root: string): void;
}

export interface ClaimsOptions {
  /** Durable, outside of every engine's root. */
  readonly file?: string;
  readonly lock?: string;
  /** Where passwd, group, subuid and subgid are. */
  readonly etc?: string;
}

/** Above the users that a distribution makes, and within what 31 bits hold: some programs know no more. */
const POOL: Range = { start: 100_000, size: 2 ** 31 - 100_000 };

/** Names in /etc/subuid whose ranges are for containers. */
const OWNERS = ["berth", "containers"];

export function openClaims({
  file = "/var/lib/berth-user-ranges.json",
  lock = "/run/berth-user-ranges.lock",
  etc = "/etc",
}: ClaimsOptions = {}): Claims {
  const change = <T>(work: (claims: Claim[]) => T): T => {
    using _ = lockMachine({ path: lock, what: "the ids of their containers" });
    const before = read(file);
    const claims = before.filter(({ root }) => existsSync(`${root}/state.db`)); // an engine that is gone for good gives back
    const result = work(claims);
    if (JSON.stringify(claims) !== JSON.stringify(before)) write(file, claims);
    return result;
  };
  return {
    ours: (root, uses) =>
      change((claims) => {
        const lost = uses.filter(
          (range) => !claims.some((claim) => claim.root === root && overlaps(claim, range)),
        );
        for (const { start, size } of lost) claims.push({ root, start, size });
        return claims.filter((claim) => claim.root === root);
      }),
    claim: (root, size, least) =>
      change((claims) => {
        const block = findGap(poolsOf(etc), [...claims, ...hostIds(etc)], size, least);
        if (block === undefined) throw exhausted(etc);
        claims.push({ root, ...block });
        return block;
      }),
    giveBack: (root) => {
      if (!existsSync(file)) return; // mostly nobody has claimed anything
      change((claims) => {
        claims.splice(0, claims.length, ...claims.filter((claim) => claim.root !== root));
      });
    },
  };
}

function read(file: string): Claim[] {
  if (!existsSync(file)) return [];
  try {
    return JSON.parse(readFileSync(file, "utf8")) as Claim[];
  } catch (error) {
    throw new BerthError(
      "corrupt",
      `${file} is damaged: remove it while no engine runs; each claims again what it uses`,
      {
        cause: error,
      },
    );
  }
}

function write(file: string, claims: readonly Claim[]): void {
  if (claims.length === 0) return rmSync(file, { force: true });
  writeFileSync(`${file}.new`, `${JSON.stringify(claims)}\n`, { mode: 0o600 });
  renameSync(`${file}.new`, file);
}

function exhausted(etc: string): BerthError {
  return new BerthError(
    "unavailable",
    `no range of ids is free for a user namespace: remove containers that have one, or give berth more in ${etc}/subuid and ${etc}/subgid`,
  );
}

/** What an administrator has set aside, or all that is far from people. */
function poolsOf(etc: string): Range[] {
  const [uids, gids] = ["subuid", "subgid"].map((name) =>
    subordinate(`${etc}/${name}`).filter(({ owner }) => OWNERS.includes(owner)),
  );
  const texts = [uids, gids].map((ranges) => JSON.stringify(ranges));
  if (texts[0] !== texts[1])
    throw new BerthError(
      "invalid",
      `${etc}/subuid and ${etc}/subgid set different ids aside for ${OWNERS.join(" or ")}: make them the same`,
    );
  return uids === undefined || uids.length === 0 ? [POOL] : uids;
}

/** Users and groups that exist, and what others were given. */
function hostIds(etc: string): Range[] {
  const single = ["passwd", "group"].flatMap((name) =>
    lines(`${etc}/${name}`).map((fields) => ({ start: Number(fields[2]), size: 1 })),
  );
  const others = ["subuid", "subgid"].flatMap((name) =>
    subordinate(`${etc}/${name}`).filter(({ owner }) => !OWNERS.includes(owner)),
  );
  return [...single, ...others].filter(
    ({ start, size }) => Number.isInteger(start) && Number.isInteger(size),
  );
}

function subordinate(path: string): (Range & { readonly owner: string })[] {
  return lines(path).map(([owner = "", start, size]) => ({
    owner,
    start: Number(start),
    size: Number(size),
  }));
}

function lines(path: string): string[][] {
  if (!existsSync(path)) return [];
  return readFileSync(path, "utf8")
    .split("\n")
    .filter((line) => line.includes(":"))
    .map((line) => line.split(":"));
}

/** The first gap for `size` ids; if there is none, for half as many, and so on down to `least`. */
export function findGap(
  pools: readonly Range[],
  taken: readonly Range[],
  size: number,
  least: number,
): Range | undefined {
  const wanted = Math.max(size, least);
  for (const pool of pools) {
    const start = gapIn(pool, taken, wanted);
    if (start !== undefined) return { start, size: wanted };
  }
  return wanted > least ? findGap(pools, taken, Math.floor(wanted / 2), least) : undefined;
}

/** Jumps behind each range that is in the way. */
function gapIn(pool: Range, taken: readonly Range[], size: number): number | undefined {
  let start = pool.start;
  for (;;) {
    if (start + size > pool.start + pool.size) return undefined;
    const wish = { start, size };
    const obstacle = taken.find((range) => overlaps(range, wish));
    if (obstacle === undefined) return start;
    start = obstacle.start + obstacle.size;
  }
}

function overlaps(a: Range, b: Range): boolean {
  return a.start < b.start + b.size && b.start < a.start + a.size;
}

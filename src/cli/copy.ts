/** What `cp` does once it is clear from where to where: docker's rules about names (moby pkg/archive/copy.go). */
import { readlinkSync, statSync, lstatSync } from "node:fs";
import { dirname, resolve } from "node:path";
import type { ContainerCalls } from "../client/containers.ts";
import { BerthError } from "../lib/error.ts";
import { byteStringOf } from "../lib/tar.ts";
import { readTar, type TarEntry } from "../lib/tar-reader.ts";
import type { PathStat } from "../wire/requests.ts";
import { write } from "./output.ts";
import { packPath } from "./pack.ts";
import { readInput } from "./source.ts";
import { unpackInto } from "./unpack.ts";

export interface CopyOptions {
  readonly followLink: boolean;
  /** Owners are kept. */
  readonly archive: boolean;
}

/** Bits of Go's os.FileMode. */
const GO_DIRECTORY = 0x80000000;
const GO_SYMLINK = 0x08000000;

/** Gives the bytes that came. `target` may be `-`: the tar goes to standard output. */
export async function copyFrom(
  calls: ContainerCalls,
  source: { container: string; path: string },
  target: string,
  options: CopyOptions,
): Promise<number> {
  const here = target === "-" ? undefined : localTarget(target);
  const path = options.followLink ? await followRemote(calls, source) : source.path;
  const { stat, body } = await calls.getArchive(source.container, path);
  if (here === undefined) {
    for await (const chunk of body) write(1, chunk);
    return 0;
  }
  const place = placeFor(here, baseOf(source.path), isDirectory(stat));
  const counted = new Count(body);
  await unpackInto(place.directory, renamed(readTar(counted), baseOf(path), place.name));
  return counted.bytes;
}

/** Gives the bytes that were sent. `source` may be `-`: a tar from standard input. */
export async function copyTo(
  calls: ContainerCalls,
  source: string,
  target: { container: string; path: string },
  options: CopyOptions,
): Promise<number> {
  const there = await remoteTarget(calls, target);
  const query = { noOverwriteDirNonDir: true, copyUIDGID: options.archive };
  if (source === "-") {
    if (!there.isDirectory) {
      throw new BerthError("invalid", `destination "${target.container}:${target.path}" must be a directory`);
    }
    await calls.putArchive(target.container, { path: there.path, ...query }, readInput());
    return 0;
  }
  const local = localSource(source, options.followLink);
  const place = placeFor(there, baseOf(source), statSync(local).isDirectory());
  const counted = new Count(packPath(local, place.name));
  await calls.putArchive(target.container, { path: place.directory, ...query }, counted);
  return counted.bytes;
}

interface Target {
  readonly path: string;
  readonly exists: boolean;
  readonly isDirectory: boolean;
}

interface PlaceFor {
  /** Where the archive is unpacked. */
  readonly directory: string;
  /** How its first entry is called there. */
  readonly name: string;
}

/** Where what is called `name` at its source comes to lie, and under which name. */
export function placeFor(target: Target, name: string, sourceIsDirectory: boolean): PlaceFor {
  if (target.exists && target.isDirectory) return { directory: target.path, name };
  if (target.exists && sourceIsDirectory) throw new BerthError("invalid", "cannot copy directory");
  if (!target.exists && !sourceIsDirectory && wantsDirectory(target.path)) {
    throw new BerthError("invalid", "no such directory");
  }
  const whole = target.path.replace(/(\/|\/\.)+$/, "") || "/";
  return { directory: dirname(whole), name: baseOf(whole) };
}

function wantsDirectory(path: string): boolean {
  return path.endsWith("/") || path.endsWith("/.");
}

/** The last name; `.` for a directory whose content is meant. */
function baseOf(path: string): string {
  if (path === "/" || path.endsWith("/.") || path === ".") return ".";
  return path.replace(/\/+$/, "").split("/").at(-1) ?? ".";
}

function localTarget(path: string): Target {
  const absolute = keepEnding(path, resolve(path));
  const stat = statSync(absolute, { throwIfNoEntry: false });
  if (stat !== undefined) return { path: absolute, exists: true, isDirectory: stat.isDirectory() };
  const parent = dirname(resolve(path));
  if (statSync(parent, { throwIfNoEntry: false })?.isDirectory() !== true) {
    throw new BerthError(
      "invalid",
      `invalid output path: directory ${JSON.stringify(parent)} does not exist`,
    );
  }
  return { path: absolute, exists: false, isDirectory: false };
}

/** `resolve` takes away what says that a directory is meant. */
function keepEnding(typed: string, absolute: string): string {
  if (typed.endsWith("/.")) return `${absolute}/.`;
  return typed.endsWith("/") && absolute !== "/" ? `${absolute}/` : absolute;
}

function localSource(path: string, followLink: boolean): string {
  const absolute = keepEnding(path, resolve(path));
  const stat = lstatSync(absolute, { throwIfNoEntry: false });
  if (stat === undefined) throw new BerthError("not_found", `lstat ${absolute}: no such file or directory`);
  if (!followLink || !stat.isSymbolicLink()) return absolute;
  return resolve(dirname(absolute), readlinkSync(absolute));
}

/** A link at the destination is followed once; a path that is not there may still be made. */
async function remoteTarget(
  calls: ContainerCalls,
  { container, path }: { container: string; path: string },
): Promise<Target> {
  const stat = await statOrNothing(calls, container, path);
  if (stat === undefined) return { path, exists: false, isDirectory: false };
  if (!isLink(stat)) return { path, exists: true, isDirectory: isDirectory(stat) };
  const linked = resolve("/", dirname(path), stat.linkTarget);
  const behind = await statOrNothing(calls, container, linked);
  return {
    path: linked,
    exists: behind !== undefined,
    isDirectory: behind !== undefined && isDirectory(behind),
  };
}

async function statOrNothing(
  calls: ContainerCalls,
  container: string,
  path: string,
): Promise<PathStat | undefined> {
  try {
    return await calls.statPath(container, path);
  } catch (error) {
    if (error instanceof BerthError) return undefined; // the engine says why when it is asked to unpack there
    throw error;
  }
}

async function followRemote(
  calls: ContainerCalls,
  { container, path }: { container: string; path: string },
): Promise<string> {
  const stat = await calls.statPath(container, path);
  return isLink(stat) ? resolve("/", dirname(path), stat.linkTarget) : path;
}

function isDirectory({ mode }: PathStat): boolean {
  return (mode & GO_DIRECTORY) !== 0;
}

function isLink({ mode }: PathStat): boolean {
  return (mode & GO_SYMLINK) !== 0;
}

/** Entries below `from` come below `to` instead. */
async function* renamed(
  entries: AsyncIterable<TarEntry>,
  from: string,
  to: string,
): AsyncGenerator<TarEntry> {
  const [before, after] = [byteStringOf(from), byteStringOf(to)];
  const rename = (name: string): string => {
    if (name === before || name === `${before}/`) return after;
    return name.startsWith(`${before}/`) ? after + name.slice(before.length) : name;
  };
  for await (const entry of entries) {
    const linkName = entry.type === "link" ? rename(entry.linkName) : entry.linkName;
    yield { ...entry, name: rename(entry.name), linkName, data: () => entry.data() };
  }
}

/** Counts what passes. */
class Count implements AsyncIterable<Uint8Array> {
  bytes = 0;
  readonly #source: AsyncIterable<Uint8Array>;

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#source = source;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    for await (const chunk of this.#source) {
      this.bytes += chunk.length;
      yield chunk;
    }
  }
}

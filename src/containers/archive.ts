/** Files in and out of a container: `cp`, `diff`, `export`. Done by a confined process inside its root, never by host paths. */
import { BerthError } from "../lib/error.ts";
import { openWorker, type Place, type Worker } from "../images/worker/worker.ts";
import type { ProcessHandle } from "../runtime/runtime.ts";
import type { PathStat } from "../wire/requests.ts";
import { noSuchFile } from "../wire/messages.ts";
import type { FilesystemChange } from "../wire/schema.ts";
import type { Container } from "./container.ts";
import { mountRequests } from "./mounts.ts";
import { ownLaunch } from "./own-launch.ts";
import type { Parts } from "./parts.ts";
import { containerDirectory, layersDirectory } from "./places.ts";
import type { PutArchiveOptions } from "./requests.ts";

type Bytes = AsyncIterable<Uint8Array>;

/** A container, and what it was called by who asks: errors use the same word. */
export interface Target {
  readonly container: Container;
  readonly ref: string;
}

/** Its root as the running process sees it, with all that is mounted there; of a stopped one, its file system alone. */
function readingPlace(parts: Parts, container: Container): Place {
  return container.handle === undefined
    ? snapshotOf(parts, container)
    : rootOf(parts, container, container.handle);
}

/** To write to. Nobody else may have the same `upper`: hold the container's mutex while it does not run. */
function writingPlace(parts: Parts, container: Container): Place {
  return container.handle === undefined
    ? overlayOf(parts, container)
    : rootOf(parts, container, container.handle);
}

function rootOf(parts: Parts, container: Container, { pid, startTime }: ProcessHandle): Place {
  const { spec } = container;
  const processRoot = parts.runtimes.of(spec).rootPath(ownLaunch(parts, container), pid);
  return { processRoot, process: { pid, startTime: String(startTime) }, idMap: spec.idMap };
}

function overlayOf({ places }: Parts, { id, spec }: Container): Place {
  const directory = containerDirectory(places, id);
  const layers = { layersDirectory: layersDirectory(places), lower: spec.image.layers };
  return { overlay: { ...layers, upper: `${directory}/upper`, work: `${directory}/work` } };
}

/** Read-only, with the container's own layer on top of the others: also while it runs. */
function snapshotOf({ places }: Parts, { id, spec }: Container): Place {
  const lower = [`../containers/${id}/upper`, ...spec.image.layers];
  return { overlay: { layersDirectory: layersDirectory(places), lower } };
}

/** What fails because the container is being removed says so. */
async function whileThere<T>(parts: Parts, { container, ref }: Target, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    parts.registry.requireStill(container, ref);
    throw error;
  }
}

export async function statPath(parts: Parts, target: Target, path: string): Promise<PathStat> {
  return await whileThere(parts, target, async () => {
    await using worker = await openWorker(readingPlace(parts, target.container));
    return await statIn(worker, target.ref, path);
  });
}

async function statIn(worker: Worker, ref: string, path: string): Promise<PathStat> {
  try {
    return await worker.stat(rooted(path));
  } catch (error) {
    if (!(error instanceof BerthError) || error.code !== "not_found") throw error;
    throw new BerthError("not_found", noSuchFile(path, ref), { cause: error });
  }
}

function rooted(path: string): string {
  if (path === "" || path.includes("\0"))
    throw new BerthError("invalid", "bad parameter: path must not be empty");
  return path.startsWith("/") ? path : `/${path}`;
}

export async function getArchive(
  parts: Parts,
  target: Target,
  path: string,
): Promise<{ stat: PathStat; stream: Bytes }> {
  return await whileThere(parts, target, () => packed(parts, target, path));
}

async function packed(
  parts: Parts,
  { container, ref }: Target,
  path: string,
): Promise<{ stat: PathStat; stream: Bytes }> {
  await using undo = new AsyncDisposableStack();
  const worker = undo.use(await openWorker(readingPlace(parts, container)));
  const stat = await statIn(worker, ref, path);
  parts.events.container(container, "archive-path", { path });
  return { stat, stream: thenDispose(worker.pack(rooted(path), packOptions(path)), undo.move()) };
}

/** `dir/.` means the contents: docker's archive of it has the entries `./…`. */
function packOptions(path: string): { as?: string } {
  return path.endsWith("/.") || path === "." ? { as: "." } : {};
}

/** The same stream; `resources` go at its end, and also when it is left before its first chunk, as no generator would. */
function thenDispose(stream: Bytes, resources: AsyncDisposableStack): Bytes {
  const source = stream[Symbol.asyncIterator]();
  const close = async () => {
    await source.return?.();
    await resources.disposeAsync();
    return { done: true, value: undefined } as const;
  };
  const next = async () => {
    try {
      const result = await source.next();
      return result.done ? await close() : result;
    } catch (error) {
      await resources.disposeAsync();
      throw error;
    }
  };
  return { [Symbol.asyncIterator]: () => ({ next, return: close }) };
}

export async function putArchive(
  parts: Parts,
  { container, ref }: Target,
  path: string,
  archive: Bytes,
  options: PutArchiveOptions,
): Promise<void> {
  requireWritable(container, path);
  using _held = await container.mutex.lock();
  parts.registry.requireStill(container, ref);
  await using worker = await openWorker(writingPlace(parts, container));
  await requireDirectory(worker, ref, path);
  const owner = options.copyUIDGID ? await ownerOf(worker, container.spec.config.User ?? "") : undefined;
  const { noOverwriteDirNonDir } = options;
  await worker.unpack(rooted(path), archive, { noOverwriteDirNonDir, ...(owner && { owner }) });
  parts.events.container(container, "extract-to-dir", { path });
}

/** A bind that may be written to is fine in a read-only container. */
function requireWritable({ spec }: Container, path: string): void {
  if (!spec.hostConfig.ReadonlyRootfs) return;
  const inWritable = mountRequests(spec.hostConfig).some(
    (mount) =>
      `${rooted(path)}/`.startsWith(`${mount.destination}/`) && !(mount.type === "bind" && mount.readOnly),
  );
  if (!inWritable) throw new BerthError("unauthorized", "container rootfs is marked read-only");
}

const GO_DIRECTORY = 2 ** 31;

async function requireDirectory(worker: Worker, ref: string, path: string): Promise<void> {
  const stat = await statIn(worker, ref, path.endsWith("/") ? `${path}.` : `${path}/.`);
  if (stat.mode >= GO_DIRECTORY) return;
  throw new BerthError("invalid", "extraction point is not a directory");
}

const MAX_PASSWD_BYTES = 1 << 20;

interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/** The container's user by number; digits are never looked up as names. Undefined: root, or unknown. */
async function ownerOf(worker: Worker, user: string): Promise<Owner | undefined> {
  const [name = "", group = ""] = user.split(":");
  if (name === "") return undefined;
  const owner = /^\d+$/.test(name)
    ? toOwner(name, /^\d+$/.test(group) ? group : "0")
    : ownerNamed(name, new TextDecoder().decode(await worker.read("/etc/passwd", MAX_PASSWD_BYTES)));
  if (owner !== undefined) return owner;
  throw new BerthError("invalid", `unable to find user ${name}: no matching entries in passwd file`);
}

/** As the shim reads it for the process itself (native/shim/users.c): a line with numbers that make no sense is none. */
function ownerNamed(name: string, passwd: string): Owner | undefined {
  for (const line of passwd.split("\n")) {
    const [known, , uid = "", gid = ""] = line.split(":");
    const owner = known === name ? toOwner(uid, gid) : undefined;
    if (owner !== undefined) return owner;
  }
  return undefined;
}

const MAX_ID = 2 ** 31 - 1;

function toOwner(uid: string, gid: string): Owner | undefined {
  const isId = (text: string) => /^\d+$/.test(text) && Number(text) <= MAX_ID;
  return isId(uid) && isId(gid) ? { uid: Number(uid), gid: Number(gid) } : undefined;
}

/** What the container has changed, added or deleted in the file system of its image. */
export async function changesOf(parts: Parts, target: Target): Promise<FilesystemChange[]> {
  return await whileThere(parts, target, async () => {
    await using worker = await openWorker(overlayOf(parts, target.container), { forChanges: true });
    return (await worker.changes()).map(({ path, kind }) => ({ Path: path, Kind: kind }));
  });
}

/** The whole file system as one archive. */
export async function exportContainer(parts: Parts, target: Target): Promise<Bytes> {
  const { container } = target;
  await using undo = new AsyncDisposableStack();
  const open = () => openWorker(snapshotOf(parts, container));
  const worker = undo.use(await whileThere(parts, target, open));
  parts.events.container(container, "export");
  return thenDispose(worker.pack("/", { as: "" }), undo.move());
}

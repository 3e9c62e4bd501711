/** Making a container for `run` and `create`: the image is fetched when it is missing, the id is written where wanted. */
import { BerthError } from "../lib/error.ts";
import type { Client } from "../client/client.ts";
import type { ContainerCreateRequest } from "../wire/requests.ts";
import type { Flags } from "./flags.ts";
import { fs } from "./fs.ts";
import { printError } from "./output.ts";
import { withTag } from "./reference.ts";

const PULL = ["always", "missing", "never"];

export function checkPull(flags: Flags): void {
  const pull = flags.text("pull");
  if (pull === "" || PULL.includes(pull)) return;
  throw new BerthError(
    "invalid",
    `invalid pull option: '${pull}': must be one of "always", "missing" or "never"`,
  );
}

/** The id of the new container. */
export async function createContainer(
  client: Client,
  request: ContainerCreateRequest,
  flags: Flags,
): Promise<string> {
  const idFile = openIdFile(flags.text("cidfile"));
  try {
    if (flags.text("pull") === "always") await fetchImage(client, request, flags);
    const { Id: id, Warnings: warnings } = await createOrFetch(client, request, flags);
    for (const warning of warnings ?? []) printError(`WARNING: ${warning}`);
    idFile.write(id);
    return id;
  } finally {
    idFile.close();
  }
}

async function createOrFetch(client: Client, request: ContainerCreateRequest, flags: Flags) {
  const query = { name: flags.text("name"), platform: flags.text("platform") };
  try {
    return await client.containers.create(request, query);
  } catch (error) {
    if (!isImageMissing(error) || flags.text("pull") !== "missing") throw error;
    if (!flags.on("quiet")) printError(`Unable to find image '${withTag(request.Image ?? "")}' locally`);
    await fetchImage(client, request, flags);
    return await client.containers.create(request, query);
  }
}

/** The words are docker's (wire/messages.ts noSuchImage): a 404 may also be about a container that was named. */
function isImageMissing(error: unknown): boolean {
  return error instanceof BerthError && error.code === "not_found" && /no such image/i.test(error.message);
}

async function fetchImage(
  client: Client,
  { Image: image }: ContainerCreateRequest,
  flags: Flags,
): Promise<void> {
  const { pullImage } = await import("./pull.ts");
  await pullImage(client, image ?? "", {
    platform: flags.text("platform"),
    quiet: flags.on("quiet"),
    stream: 2,
  });
}

interface IdFile {
  write(id: string): void;
  /** An empty file is taken away again. */
  close(): void;
}

/** Opened before anything is made: a file that is there belongs to another container. */
function openIdFile(path: string): IdFile {
  if (path === "") return { write() {}, close() {} };
  if (fs().existsSync(path)) {
    throw new BerthError(
      "conflict",
      `container ID file found, make sure the other container isn't running or delete ${path}`,
    );
  }
  const fd = openForIds(path);
  let written = false;
  return {
    write(id) {
      fs().writeSync(fd, id);
      written = true;
    },
    close() {
      fs().closeSync(fd);
      if (!written) fs().unlinkSync(path);
    },
  };
}

function openForIds(path: string): number {
  try {
    return fs().openSync(path, "w", 0o644);
  } catch (error) {
    throw new BerthError("invalid", `failed to create the container ID file: ${(error as Error).message}`);
  }
}

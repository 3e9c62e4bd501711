/** The mappings of a user namespace that is there and that a container shall join, or has joined. */
import { closeSync, readFileSync } from "node:fs";
import { openNamespace } from "../kernel/namespace-file.ts";
import { run } from "../kernel/spawn.ts";
import { parseIdRanges } from "../lib/id-map.ts";
import type { Spec } from "./spec.ts";

/** The same, with the mappings that a plan needs where the user namespace is one by path. */
export async function withJoinedMappings(spec: Spec): Promise<Spec> {
  const { namespaces, uidMappings = [], gidMappings = [] } = spec.linux;
  const path = namespaces.find(({ type }) => type === "user")?.path;
  if (path === undefined || uidMappings.length + gidMappings.length > 0) return spec;
  const [uids, gids] = await Promise.all([readMap(path, "uid_map"), readMap(path, "gid_map")]);
  const mappings = { uidMappings: parseIdRanges(uids), gidMappings: parseIdRanges(gids) };
  return { ...spec, linux: { ...spec.linux, ...mappings } };
}

/** Of a process by looking at it; of any other namespace file by going there. */
async function readMap(path: string, name: "uid_map" | "gid_map"): Promise<string> {
  const [, of] = /^(\/proc\/\w+)\/ns\/user$/.exec(path) ?? [];
  if (of !== undefined) return readFileSync(`${of}/${name}`, "utf8");
  const namespace = openNamespace(path); // by nsenter it is opened as this descriptor, not by its path once more
  try {
    const words = [`--user=/proc/${process.pid}/fd/${namespace}`, "cat", `/proc/self/${name}`];
    return new TextDecoder().decode(await run("nsenter", words, { debianPackage: "util-linux" }));
  } finally {
    closeSync(namespace);
  }
}

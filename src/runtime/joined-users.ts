/** The mappings of a user namespace that is there and that a container shall join. */
import { readFileSync } from "node:fs";
import { run } from "../kernel/spawn.ts";
import { parseIdRanges } from "../lib/id-map.ts";
import type { Launch } from "./runtime.ts";

/** The same launch, with the mappings that the plan of a joined user namespace needs. */
export async function withJoinedMappings(launch: Launch): Promise<Launch> {
  const { spec } = launch;
  const { namespaces, uidMappings = [], gidMappings = [] } = spec.linux;
  const path = namespaces.find(({ type }) => type === "user")?.path;
  if (path === undefined || uidMappings.length + gidMappings.length > 0) return launch;
  const [uids, gids] = await Promise.all([readMap(path, "uid_map"), readMap(path, "gid_map")]);
  const mappings = { uidMappings: parseIdRanges(uids), gidMappings: parseIdRanges(gids) };
  return { ...launch, spec: { ...spec, linux: { ...spec.linux, ...mappings } } };
}

/** Of a process by looking at it; of any other namespace file by going there. */
async function readMap(path: string, name: "uid_map" | "gid_map"): Promise<string> {
  const [, process] = /^(\/proc\/\w+)\/ns\/user$/.exec(path) ?? [];
  if (process !== undefined) return readFileSync(`${process}/${name}`, "utf8");
  const words = [`--user=${path}`, "cat", `/proc/self/${name}`];
  return new TextDecoder().decode(await run("nsenter", words, { debianPackage: "util-linux" }));
}

/** config.json and the parts of it that commands take, from JSON text. What runs and what does not is decided by the plan; here only form counts. */
import { BerthError } from "../lib/error.ts";
import { parseExactJson } from "../lib/exact-json.ts";
import { configField, decodeField } from "./config-fields.ts";
import type { Process, Resources, Spec } from "./spec.ts";

const TEXT_MAX = 4 << 20;

/** Throws `invalid` with the path of a field, `unsupported` for another version or another kind of machine. */
export function parseConfig(text: string): Spec {
  const config = decodeField(parseJson(text), configField(), "") as Partial<Spec> & { readonly vm?: unknown };
  const { ociVersion = "", vm, process, root, linux, ...rest } = config;
  checkVersion(ociVersion);
  if (vm !== undefined)
    throw new BerthError("unsupported", "vm: this runtime runs containers, no virtual machines");
  return {
    ...rest,
    ociVersion,
    process: withNumericUser(demand(process, "process")),
    root: demand(root, "root"),
    linux: { ...linux, namespaces: linux?.namespaces ?? [] },
  };
}

/** For `exec --process`. */
export function parseProcess(text: string): Process {
  return withNumericUser(decodeField(parseJson(text), configField("process"), "process") as Process);
}

/** For `update --resources`. */
export function parseResources(text: string): Resources {
  return decodeField(parseJson(text), configField("linux", "resources"), "linux.resources") as Resources;
}

/** On Linux a user is numbers: the name is for Windows, and in berth's own specifications it is docker's text and would win. */
function withNumericUser(process: Process): Process {
  const { username: _, uid = 0, gid = 0, ...rest } = process.user ?? {};
  return { ...process, user: { ...rest, uid, gid } };
}

function demand<T>(value: T | undefined, path: string): T {
  if (value === undefined) throw new BerthError("invalid", `${path}: is missing`);
  return value;
}

function checkVersion(version: string): void {
  const [, major] = /^(\d+)\.\d+\.\d+(?:[-+].*)?$/.exec(version) ?? [];
  if (major === undefined)
    throw new BerthError(
      "invalid",
      `ociVersion: expected a version as 1.2.0, not ${JSON.stringify(version)}`,
    );
  if (major !== "1")
    throw new BerthError(
      "unsupported",
      `ociVersion: ${version} is none that berth knows: those begin with 1`,
    );
}

function parseJson(text: string): unknown {
  if (text.length > TEXT_MAX)
    throw new BerthError("invalid", `the JSON text is longer than ${TEXT_MAX} bytes`);
  try {
    return parseExactJson(text);
  } catch (error) {
    throw new BerthError(
      "invalid",
      `this is no JSON: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}

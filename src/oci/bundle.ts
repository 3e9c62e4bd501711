/** A bundle as the launch of a container: config.json read, checked in runc's words where engines know them, paths made absolute. */
import { readFileSync, realpathSync, statSync } from "node:fs";
import { resolve } from "node:path";
import { hasErrno } from "../kernel/error.ts";
import { BerthError } from "../lib/error.ts";
import { parseConfig } from "../runtime/config.ts";
import type { Process, Spec } from "../runtime/spec.ts";
import { withCgroup } from "./cgroup.ts";

export interface Bundle {
  readonly path: string;
  readonly rootfs: string;
  readonly spec: Spec;
}

const ENOENT = 2;

/** The specification in it has a control group, whether or not config.json names one. */
export function readBundle(path: string, id: string): Bundle {
  const bundle = absolute(path);
  const spec = parseConfig(readConfig(bundle));
  checkProcess(spec.process);
  const rootfs = rootOf(bundle, spec.root.path);
  return { path: bundle, rootfs, spec: withCgroup(spec, id) };
}

function absolute(path: string): string {
  try {
    return realpathSync(path);
  } catch (error) {
    if (!hasErrno(error, ENOENT)) throw error;
    throw new BerthError("not_found", `chdir ${path}: no such file or directory`, { cause: error });
  }
}

function readConfig(bundle: string): string {
  try {
    return readFileSync(`${bundle}/config.json`, "utf8");
  } catch (error) {
    if (!hasErrno(error, ENOENT)) throw error;
    throw new BerthError("not_found", "JSON specification file config.json not found", { cause: error });
  }
}

export function checkProcess({ cwd, args }: Process): void {
  if (!cwd) throw new BerthError("invalid", "Cwd property must not be empty");
  if (!cwd.startsWith("/")) throw new BerthError("invalid", "Cwd must be an absolute path");
  if (args === undefined || args.length === 0) throw new BerthError("invalid", "args must not be empty");
}

function rootOf(bundle: string, path: string): string {
  const rootfs = path.startsWith("/") ? path : `${bundle}/${path}`;
  if (statSync(rootfs, { throwIfNoEntry: false }) === undefined)
    throw new BerthError("not_found", `invalid rootfs: stat ${rootfs}: no such file or directory`);
  const plain = rootfs.replace(/\/+$/, "") || "/";
  if (realpathSync(plain) !== resolve(plain))
    throw new BerthError("invalid", "invalid rootfs: not an absolute path, or a symlink");
  return plain;
}

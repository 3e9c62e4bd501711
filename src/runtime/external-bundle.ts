/** What another runtime is told: config.json and, for an exec, process.json, in the specification's own words alone. Pure. */
import type { Features } from "../kernel/features.ts";
import { BerthError } from "../lib/error.ts";
import { formatExactJson } from "../lib/exact-json.ts";
import { CAPABILITIES, capabilityMask, capabilityNames } from "./capabilities.ts";
import type { Op } from "./op.ts";
import { userText } from "./plan-identity.ts";
import type { Launch } from "./runtime.ts";
import { rulesOf } from "./seccomp/seccomp.ts";
import type { Capabilities, Linux, Mount, Process, Spec } from "./spec.ts";

/** What every runtime in use knows; crun 1.8 refuses a later one. */
const OCI_VERSION = "1.0.2";
const MAKE_SOURCE = "x-make-source";

/** The user comes first, so that the shim has one place to write its numbers to. */
export function configOp(launch: Launch, rootPath: string, features: Features): Op {
  const { process, mounts = [], linux, root, ociVersion: _, ...rest } = launch.spec;
  refuseSharing(launch.spec);
  const { before, behind } = processText(process, features);
  const others = formatExactJson({
    ociVersion: OCI_VERSION,
    ...rest,
    root: { ...root, path: rootPath },
    mounts: mounts.map(toOciMount),
    linux: ociLinux(linux, process, features),
  });
  return {
    op: "bundle",
    path: `${launch.supervision.runDirectory}/config.json`,
    before: `{"process":${before}`,
    behind: `${behind},${others.slice(1)}`,
    ...userText(process),
  };
}

export function processOp(process: Process, runDirectory: string, features: Features): Op {
  return {
    op: "bundle",
    path: `${runDirectory}/process.json`,
    ...processText(process, features),
    ...userText(process),
  };
}

/** Directories that `-v` makes where the host has none. */
export function missingSources({ mounts = [] }: Spec): string[] {
  return mounts.flatMap(({ source, options }) =>
    source !== undefined && options?.includes(MAKE_SOURCE) ? [source] : [],
  );
}

/** The runtime works in a mount namespace of the shim's, from which no mount reaches the host. */
function refuseSharing({ mounts = [], linux }: Spec): void {
  const shares = (words: readonly string[] = []) => words.some((word) => /^r?shared$/.test(word));
  const mount = mounts.find(({ options }) => shares(options));
  if (mount === undefined && !shares([linux.rootfsPropagation ?? ""])) return;
  throw new BerthError(
    "unsupported",
    `the mount propagation "shared"${mount === undefined ? "" : ` of "${mount.destination}"`} works with berth's own runtime only`,
  );
}

function processText(process: Process, features: Features): { before: string; behind: string } {
  const { user, capabilities, ...rest } = process;
  const umask = user.umask === undefined ? "" : `"umask":${user.umask},`;
  const others = formatExactJson({ ...rest, capabilities: held(capabilities, features) });
  return { before: `{"user":{${umask}`, behind: `},${others.slice(1)}` };
}

/** Never more than we have ourselves; absent means what our own driver gives then. */
function held(capabilities: Capabilities | undefined, { boundingSet }: Features): Capabilities {
  const all = { bounding: CAPABILITIES, effective: CAPABILITIES, permitted: CAPABILITIES };
  const sets = Object.entries(capabilities ?? all);
  return Object.fromEntries(
    sets.map(([name, names]) => [name, capabilityNames(capabilityMask(names ?? []) & boundingSet)]),
  );
}

function toOciMount(mount: Mount): Mount {
  const { options } = mount;
  return options === undefined
    ? mount
    : { ...mount, options: options.filter((option) => option !== MAKE_SOURCE) };
}

function ociLinux({ seccomp, ...linux }: Linux, process: Process, features: Features): object {
  if (seccomp === undefined) return linux;
  if ("program" in seccomp)
    throw new BerthError("unsupported", "another runtime takes seccomp rules, not a compiled filter");
  const bounding = capabilityMask(process.capabilities?.bounding ?? CAPABILITIES) & features.boundingSet;
  return { ...linux, seccomp: rulesOf(seccomp, bounding, features) };
}

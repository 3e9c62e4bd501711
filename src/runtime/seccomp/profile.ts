/** Docker's seccomp profiles: rules that hold under conditions. Choosing them gives the OCI form. */
import { BerthError } from "../../lib/error.ts";
import { parseExactJson } from "../../lib/exact-json.ts";
import type { Seccomp, SeccompRule } from "../spec.ts";

export interface DockerProfile {
  readonly defaultAction: string;
  readonly defaultErrnoRet?: number | null;
  readonly architectures?: readonly string[] | null;
  readonly archMap?:
    | readonly {
        readonly architecture: string;
        readonly subArchitectures?: readonly string[] | null;
      }[]
    | null;
  readonly flags?: readonly string[] | null;
  readonly listenerPath?: string;
  readonly listenerMetadata?: string;
  readonly syscalls?: readonly DockerRule[] | null;
}

export interface DockerRule {
  /** Old files have one name in each rule. */
  readonly name?: string;
  readonly names?: readonly string[];
  readonly action: string;
  readonly errnoRet?: SeccompRule["errnoRet"];
  readonly args?: SeccompRule["args"];
  readonly includes?: Filter | null;
  readonly excludes?: Filter | null;
}

interface Filter {
  readonly caps?: readonly string[];
  readonly arches?: readonly string[];
  /** `4.8`. */
  readonly minKernel?: string;
}

/** What the conditions are about. */
export interface Circumstances {
  /** Names of the bounding set. */
  readonly capabilities: ReadonlySet<string>;
  readonly architecture: "x86_64" | "aarch64";
  readonly kernelVersion: readonly [major: number, minor: number];
}

/** `SCMP_ARCH_*` and Go's name, which the conditions use. */
const NATIVE = { x86_64: ["SCMP_ARCH_X86_64", "amd64"], aarch64: ["SCMP_ARCH_AARCH64", "arm64"] } as const;

/** Throws `invalid` for text that is no profile. */
export function parseProfile(json: string): DockerProfile {
  let profile: unknown;
  try {
    profile = parseExactJson(json);
  } catch (error) {
    throw invalid(error instanceof Error ? error.message : String(error));
  }
  if (typeof profile !== "object" || profile === null || !("defaultAction" in profile))
    throw invalid("defaultAction is missing");
  const { syscalls } = profile as DockerProfile;
  if (syscalls !== undefined && syscalls !== null && !Array.isArray(syscalls))
    throw invalid("syscalls is no list");
  for (const rule of syscalls ?? []) checkRule(rule);
  return profile as DockerProfile; // what is inside is checked where it is used
}

function invalid(why: string): BerthError {
  return new BerthError("invalid", `opening seccomp profile failed: ${why}`);
}

function checkRule(rule: DockerRule): void {
  if (rule.name !== undefined && rule.names !== undefined && rule.names.length > 0)
    throw invalid("'name' and 'names' were specified in the seccomp profile, use either 'name' or 'names'");
  if (rule.name === undefined && !Array.isArray(rule.names)) throw invalid("a rule without names");
}

/** The rules that hold here; moby profiles/seccomp/seccomp_linux.go. */
export function chooseRules(profile: DockerProfile, circumstances: Circumstances): Seccomp {
  const { defaultAction, defaultErrnoRet, flags, listenerPath, listenerMetadata, syscalls } = profile;
  const rules = (syscalls ?? []).filter((rule) => holds(rule, circumstances));
  return {
    defaultAction,
    ...(defaultErrnoRet === undefined ? {} : { defaultErrnoRet }),
    architectures: architecturesOf(profile, circumstances),
    ...(flags === undefined ? {} : { flags }),
    ...(listenerPath === undefined ? {} : { listenerPath }),
    ...(listenerMetadata === undefined ? {} : { listenerMetadata }),
    syscalls: rules.map(toRule),
  };
}

function toRule({ name, names, action, errnoRet, args }: DockerRule): SeccompRule {
  const rule = { names: names ?? [name ?? ""], action, args: args ?? [] };
  return errnoRet === undefined ? rule : { ...rule, errnoRet };
}

function architecturesOf(
  { architectures, archMap }: DockerProfile,
  { architecture }: Circumstances,
): readonly string[] {
  if (architectures !== undefined && architectures !== null && architectures.length > 0) return architectures;
  const [native] = NATIVE[architecture];
  const mapped = archMap?.find((each) => each.architecture === native);
  return [native, ...(mapped?.subArchitectures ?? [])];
}

function holds(rule: DockerRule, { capabilities, architecture, kernelVersion }: Circumstances): boolean {
  const [, arch] = NATIVE[architecture];
  const { includes, excludes } = { includes: rule.includes ?? {}, excludes: rule.excludes ?? {} };
  if (excludes.caps?.some((name) => capabilities.has(name)) || excludes.arches?.includes(arch)) return false;
  if (excludes.minKernel !== undefined && atLeast(kernelVersion, excludes.minKernel)) return false;
  if (includes.arches !== undefined && includes.arches.length > 0 && !includes.arches.includes(arch))
    return false;
  if (includes.caps?.some((name) => !capabilities.has(name))) return false;
  return includes.minKernel === undefined || atLeast(kernelVersion, includes.minKernel);
}

function atLeast([major, minor]: readonly [number, number], wanted: string): boolean {
  const [wantedMajor = 0, wantedMinor = 0] = wanted.split(".").map(Number);
  return major > wantedMajor || (major === wantedMajor && minor >= wantedMinor);
}

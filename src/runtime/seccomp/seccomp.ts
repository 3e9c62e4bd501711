/** The seccomp filter of a process as an op of its launch plan. */
import type { Features } from "../../kernel/features.ts";
import { BerthError } from "../../lib/error.ts";
import { capabilityMask, capabilityNames, DEFAULT_CAPABILITIES } from "../capabilities.ts";
import type { Op } from "../op.ts";
import type { Seccomp, Spec } from "../spec.ts";
import { compileSeccomp } from "./compile.ts";
import { DEFAULT_PROGRAM } from "./default-program.ts";
import { DEFAULT_PROFILE } from "./facts.ts";
import { chooseRules, parseProfile } from "./profile.ts";

/** SECCOMP_FILTER_FLAG_*. TSYNC is not among them: a process that starts has one thread. */
const FLAGS: Readonly<Record<string, number>> = {
  SECCOMP_FILTER_FLAG_TSYNC: 0,
  SECCOMP_FILTER_FLAG_LOG: 2,
  SECCOMP_FILTER_FLAG_SPEC_ALLOW: 4,
};
/** As runc where a profile names none: without it every filtered process pays for the speculation barrier. */
const DEFAULT_FLAGS = ["SECCOMP_FILTER_FLAG_SPEC_ALLOW"];

/** None for an unconfined process. `capabilities` are those of the bounding set: docker's profiles depend on them. */
export function seccompOp(choice: Spec["linux"]["seccomp"], capabilities: bigint, features: Features): Op[] {
  if (choice === undefined) return [];
  if (!features.seccomp)
    throw new BerthError(
      "unavailable",
      "this kernel has no seccomp; run with --security-opt seccomp=unconfined",
    );
  const { program, flags } =
    "profile" in choice
      ? dockerFilter(choice.profile, capabilities, features)
      : filterOf(choice, JSON.stringify(choice));
  return [{ op: "seccomp", flags: flagBits(flags), program }];
}

interface Filter {
  readonly program: Uint8Array;
  readonly flags: readonly string[];
}

const DEFAULT_MASK = capabilityMask(DEFAULT_CAPABILITIES);
/** Programs by everything they were made from. A machine has few profiles; an engine that has seen very many forgets them. */
const compiled = new Map<string, Filter>();
const CACHE_LIMIT = 64;

function dockerFilter(
  profile: "default" | { readonly json: string },
  capabilities: bigint,
  features: Features,
): Filter {
  const { architecture, kernelVersion } = features;
  const isDefault = profile === "default" && (capabilities & CONDITIONAL) === (DEFAULT_MASK & CONDITIONAL);
  if (isDefault && architecture === "x86_64" && kernelVersion[0] > 4)
    return { program: defaultProgram(), flags: DEFAULT_FLAGS };
  const key = `${capabilities} ${profile === "default" ? "" : profile.json}`;
  return (
    compiled.get(key) ??
    remember(key, () => {
      const source = profile === "default" ? DEFAULT_PROFILE : parseProfile(profile.json);
      const names = new Set(capabilityNames(capabilities));
      return chooseRules(source, { capabilities: names, architecture, kernelVersion });
    })
  );
}

/** The capabilities that docker's default profile asks about; a test keeps the list right. */
export const CONDITIONAL = capabilityMask([
  "CAP_DAC_READ_SEARCH",
  "CAP_SYS_ADMIN",
  "CAP_SYS_BOOT",
  "CAP_SYS_CHROOT",
  "CAP_SYS_MODULE",
  "CAP_SYS_PACCT",
  "CAP_SYS_PTRACE",
  "CAP_SYS_RAWIO",
  "CAP_SYS_TIME",
  "CAP_SYS_TTY_CONFIG",
  "CAP_SYS_NICE",
  "CAP_SYSLOG",
  "CAP_BPF",
  "CAP_PERFMON",
]);

let decoded: Uint8Array | undefined;

/** Of docker's profile with docker's capabilities on x86_64: compiled when berth was built. */
function defaultProgram(): Uint8Array {
  return (decoded ??= Buffer.from(DEFAULT_PROGRAM, "base64"));
}

function filterOf(seccomp: Seccomp, key: string): Filter {
  return compiled.get(key) ?? remember(key, () => seccomp);
}

function remember(key: string, rules: () => Seccomp): Filter {
  const seccomp = rules();
  const filter = { program: compileSeccomp(seccomp), flags: seccomp.flags ?? DEFAULT_FLAGS };
  if (compiled.size >= CACHE_LIMIT) compiled.clear();
  compiled.set(key, filter);
  return filter;
}

function flagBits(names: readonly string[]): number {
  return names.reduce((bits, name) => {
    const flag = FLAGS[name];
    if (flag === undefined)
      throw new BerthError("unsupported", `berth does not support the seccomp flag "${name}"`);
    return bits | flag;
  }, 0);
}

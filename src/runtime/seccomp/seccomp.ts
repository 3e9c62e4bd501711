/** The seccomp filter of a process: from a profile, or from rules, to a program and the op that loads it. Every profile is compiled once. */
import type { Features } from "../../kernel/features.ts";
import { type Digest, digestOf } from "../../lib/digest.ts";
import { BerthError } from "../../lib/error.ts";
import { formatExactJson } from "../../lib/exact-json.ts";
import { capabilityMask, capabilityNames, DEFAULT_CAPABILITIES } from "../capabilities.ts";
import type { Op } from "../op.ts";
import type { CompiledSeccomp, DockerSeccomp, Seccomp, Spec } from "../spec.ts";
import { cachedProgram } from "./cache.ts";
import { COMPILER_VERSION, compileSeccomp } from "./compile.ts";
import { DEFAULT_PROGRAM } from "./default-program.ts";
import { DEFAULT_PROFILE } from "./facts.ts";
import { listenerOf } from "./listener.ts";
import { chooseRules, parseProfile } from "./profile.ts";

const FLAG_NEW_LISTENER = 8;
const FLAG_WAIT_KILLABLE_RECV = 32;
/** SECCOMP_FILTER_FLAG_*. TSYNC is none: a process that starts has one thread. */
export const FLAGS: Readonly<Record<string, number>> = {
  SECCOMP_FILTER_FLAG_TSYNC: 0,
  SECCOMP_FILTER_FLAG_LOG: 2,
  SECCOMP_FILTER_FLAG_SPEC_ALLOW: 4,
  SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV: FLAG_WAIT_KILLABLE_RECV,
};
/** As runc where a profile names none: without it every filtered process pays for the speculation barrier. */
const DEFAULT_FLAGS = ["SECCOMP_FILTER_FLAG_SPEC_ALLOW"];

/** None for an unconfined process. */
export function seccompOps(filter: CompiledSeccomp | undefined): Op[] {
  return filter === undefined ? [] : [{ op: "seccomp", flags: filter.flags, program: filter.program }];
}

/**
 * Compiled, or remembered; with `cacheDirectory` (made, 0700) also by those who come after this process. `capabilities` are those of the
 * bounding set: docker's profiles depend on them.
 */
export function compiledSeccomp(
  choice: NonNullable<Spec["linux"]["seccomp"]>,
  capabilities: bigint,
  features: Features,
  { cacheDirectory }: { cacheDirectory?: string } = {},
): CompiledSeccomp {
  if (!features.seccomp)
    throw new BerthError(
      "unavailable",
      "this kernel has no seccomp; run with --security-opt seccomp=unconfined",
    );
  if ("program" in choice) return choice;
  if (isBuiltIn(choice, capabilities, features)) return builtIn();
  const digest = digestOfSource(choice, capabilities, features);
  const filter =
    compiled.get(digest) ??
    remember(digest, toFilter(rulesOf(choice, capabilities, features), digest, features, cacheDirectory));
  // The program does not depend on who listens.
  return "profile" in choice || filter.listener === undefined
    ? filter
    : { ...filter, listener: listenerOf(choice) };
}

/** Programs by the digest of everything they are made from. A machine has few profiles; an engine that has seen very many forgets them. */
const compiled = new Map<Digest, CompiledSeccomp>();
const CACHE_LIMIT = 64;

function remember(digest: Digest, filter: CompiledSeccomp): CompiledSeccomp {
  if (compiled.size >= CACHE_LIMIT) compiled.clear();
  compiled.set(digest, filter);
  return filter;
}

function digestOfSource(
  choice: Seccomp | DockerSeccomp,
  capabilities: bigint,
  { architecture, kernelVersion }: Features,
): Digest {
  const compiler = `${COMPILER_VERSION} ${architecture}`;
  if (!("profile" in choice)) {
    const { listenerPath, listenerMetadata: _, ...rules } = choice;
    return digestOf(`${compiler} ${listenerPath === undefined}\n${formatExactJson(rules)}`);
  }
  const source = choice.profile === "default" ? "default" : choice.profile.json;
  return digestOf(`${compiler} ${kernelVersion.join(".")} ${capabilities}\n${source}`);
}

/** The rules of a profile that hold here, in the specification's own form. */
export function rulesOf(choice: Seccomp | DockerSeccomp, capabilities: bigint, features: Features): Seccomp {
  if (!("profile" in choice)) return choice;
  const { architecture, kernelVersion } = features;
  const profile = choice.profile === "default" ? DEFAULT_PROFILE : parseProfile(choice.profile.json);
  const names = new Set(capabilityNames(capabilities));
  return chooseRules(profile, { capabilities: names, architecture, kernelVersion });
}

function toFilter(
  rules: Seccomp,
  digest: Digest,
  { architecture }: Features,
  cacheDirectory: string | undefined,
): CompiledSeccomp {
  const listener = listenerOf(rules);
  const compile = () => compileSeccomp(rules, architecture);
  return {
    program: cacheDirectory === undefined ? compile() : cachedProgram(cacheDirectory, digest, compile),
    flags: flagBits(rules.flags ?? DEFAULT_FLAGS, listener !== undefined),
    ...(listener === undefined ? {} : { listener }),
  };
}

function flagBits(names: readonly string[], listened: boolean): number {
  const bits = names.reduce((sum, name) => {
    const flag = FLAGS[name];
    if (flag === undefined)
      throw new BerthError("unsupported", `berth does not support the seccomp flag "${name}"`);
    return sum | flag;
  }, 0);
  return listened ? bits | FLAG_NEW_LISTENER : bits & ~FLAG_WAIT_KILLABLE_RECV; // the kernel takes that only with a listener
}

const DEFAULT_MASK = capabilityMask(DEFAULT_CAPABILITIES);

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

function isBuiltIn(
  choice: Seccomp | DockerSeccomp,
  capabilities: bigint,
  { architecture, kernelVersion }: Features,
): boolean {
  return (
    "profile" in choice &&
    choice.profile === "default" &&
    (capabilities & CONDITIONAL) === (DEFAULT_MASK & CONDITIONAL) &&
    architecture === "x86_64" &&
    kernelVersion[0] > 4
  );
}

let decoded: CompiledSeccomp | undefined;

/** Of docker's profile with docker's capabilities on x86_64: compiled when berth was built. */
function builtIn(): CompiledSeccomp {
  return (decoded ??= {
    program: Buffer.from(DEFAULT_PROGRAM, "base64"),
    flags: flagBits(DEFAULT_FLAGS, false),
  });
}

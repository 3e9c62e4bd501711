/** What was asked for and this engine cannot give, because it does not have it itself: said at create, never in silence. */
import { type Features, mayExceedLimits } from "../kernel/features.ts";
import {
  CAPABILITIES,
  capabilityMask,
  capabilityNames,
  DEFAULT_CAPABILITIES,
} from "../runtime/capabilities.ts";
import type { HostConfig } from "../wire/schema.ts";
import { capabilitiesOf } from "./capabilities.ts";
import { rlimitsOf } from "./ulimits.ts";

type Own = Pick<Features, "boundingSet" | "hardLimits" | "oomScoreAdjust">;

const KNOWN = { all: CAPABILITIES, defaults: DEFAULT_CAPABILITIES };

export function shortfallWarnings(hostConfig: HostConfig, own: Own): string[] {
  const limits = mayExceedLimits(own)
    ? []
    : [...limitWarnings(hostConfig, own), ...scoreWarnings(hostConfig, own)];
  return [...capabilityWarnings(hostConfig, own), ...limits];
}

/** `--privileged` is everything that there is to give; a capability that was named is missed. */
function capabilityWarnings(hostConfig: HostConfig, { boundingSet }: Own): string[] {
  if (hostConfig.Privileged || !hostConfig.CapAdd?.length) return [];
  const missing = capabilityMask(capabilitiesOf(hostConfig, KNOWN)) & ~boundingSet;
  return capabilityNames(missing).map((name) => `${name} is not given: the engine itself does not have it.`);
}

function limitWarnings(hostConfig: HostConfig, { hardLimits }: Own): string[] {
  return rlimitsOf(hostConfig).flatMap(({ type, hard }) => {
    const most = hardLimits[type];
    if (most === undefined || (hard !== -1 && hard <= most)) return [];
    const name = type.replace("RLIMIT_", "").toLowerCase();
    return [
      `ulimit ${name} is limited to ${most}: the engine lacks CAP_SYS_RESOURCE, which raising it further takes.`,
    ];
  });
}

function scoreWarnings({ OomScoreAdj: score }: HostConfig, { oomScoreAdjust }: Own): string[] {
  if (!score || score >= oomScoreAdjust) return [];
  return [
    `oom-score-adj stays at ${oomScoreAdjust}: the engine lacks CAP_SYS_RESOURCE, which lowering it takes.`,
  ];
}

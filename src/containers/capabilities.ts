/** Which capabilities a container gets: docker's default, more, fewer, or all (moby daemon/pkg/oci/caps). */
import { BerthError } from "../lib/error.ts";
import type { HostConfig } from "../wire/schema.ts";

/** What there is to choose from: names with `CAP_`. */
export interface KnownCapabilities {
  readonly all: readonly string[];
  readonly defaults: readonly string[];
}

export function capabilitiesOf(hostConfig: HostConfig, known: KnownCapabilities): string[] {
  if (hostConfig.Privileged) return [...known.all];
  const added = normalise("CapAdd", hostConfig.CapAdd ?? [], known);
  const dropped = normalise("CapDrop", hostConfig.CapDrop ?? [], known);
  return known.all.filter((name) => {
    if (added.has("ALL")) return !dropped.has(name);
    if (dropped.has("ALL")) return added.has(name);
    return added.has(name) || (known.defaults.includes(name) && !dropped.has(name));
  });
}

/** `net_admin`, `CAP_NET_ADMIN`, `ALL`. */
function normalise(option: string, names: readonly string[], known: KnownCapabilities): Set<string> {
  return new Set(
    names.map((text) => {
      const upper = text.toUpperCase();
      if (upper === "ALL" || upper === "CAP_ALL") return "ALL";
      const name = upper.startsWith("CAP_") ? upper : `CAP_${upper}`;
      if (known.all.includes(name)) return name;
      throw new BerthError("invalid", `invalid ${option}: unknown capability: "${name}"`);
    }),
  );
}

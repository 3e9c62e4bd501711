/** Which network a container is on, and what the others need to know of it. */
import { BerthError } from "../lib/error.ts";
import type { HostConfig } from "../wire/schema.ts";

/** `container` shares the network of the container that `ref` names. */
export type NetworkKind =
  { readonly kind: "bridge" | "host" | "none" } | { readonly kind: "container"; readonly ref: string };

export function networkKind(hostConfig: HostConfig): NetworkKind {
  const mode = hostConfig.NetworkMode || "default";
  if (mode === "default" || mode === "bridge") return { kind: "bridge" };
  if (mode === "host" || mode === "none") return { kind: mode };
  const ref = otherContainer(mode);
  if (ref !== undefined) return { kind: "container", ref };
  throw new BerthError(
    "unsupported", // not not_found: docker's CLI would take that for a missing image, and pull
    `network ${mode} not found: berth has the networks bridge, host and none; user-defined ones come later`,
  );
}

/** The reference of `container:<name or id>`. */
export function otherContainer(mode: string | null | undefined): string | undefined {
  if (!mode?.startsWith("container:")) return undefined;
  const ref = mode.slice("container:".length);
  if (ref === "") throw new BerthError("invalid", `invalid container format ${mode}`);
  return ref;
}

/** The name under which inspect and list show the network; a shared one is shown at its owner. */
export function networkName(hostConfig: HostConfig): string | undefined {
  const { kind } = networkKind(hostConfig);
  return kind === "container" ? undefined : kind;
}

/** `state`: what is known of a container, as JSON. */
import type { Features } from "../kernel/features.ts";
import type { Command } from "./command.ts";
import { type Container, getContainer, statusOf } from "./container.ts";
import { SPEC_VERSION } from "./version.ts";

export const state: Command = {
  flags: [],
  usage: "<container-id>",
  help: "Prints the state of a container.",
  least: 1,
  most: 1,
  run({ root, args, caller, features }) {
    const view = viewOf(getContainer(root, args[0] ?? ""), "", features);
    caller.print(1, JSON.stringify(view, undefined, 2));
  },
};

export interface View {
  readonly ociVersion: string;
  readonly id: string;
  readonly pid: number;
  readonly status: string;
  readonly bundle: string;
  readonly rootfs: string;
  readonly created: string;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly owner: string;
}

/** In runc's order. */
export function viewOf(container: Container, owner: string, features: Features): View {
  const { id, bundle, rootfs, created, process, spec } = container;
  const status = statusOf(container, features);
  return {
    ociVersion: SPEC_VERSION,
    id,
    pid: status === "stopped" ? 0 : (process?.pid ?? 0),
    status,
    bundle,
    rootfs,
    created,
    ...(Object.keys(spec.annotations ?? {}).length > 0 ? { annotations: spec.annotations } : {}),
    owner,
  };
}

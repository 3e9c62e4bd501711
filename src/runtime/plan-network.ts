/** The network in the launch plan: what is said inside, and when the engine has had its turn. */
import { LOOPBACK_INDEX, setLinkUp } from "../kernel/netlink-link.ts";
import type { Op } from "./op.ts";
import type { NetworkPlan } from "./network-plan.ts";
import type { Spec } from "./spec.ts";

/** The barrier comes as late as it can, so that the engine works on the network while the child mounts. What needs no engine goes before it. */
export function networkOps(
  spec: Spec,
  network: NetworkPlan | undefined,
  barrier: boolean,
  sysctls: readonly Op[],
): Op[] {
  const messages = (network?.inside ?? loopbackUp(spec)).map(netlinkOp);
  const wait: Op[] = barrier ? [{ op: "barrier" }] : [];
  return network?.afterClone === undefined
    ? [...messages, ...sysctls, ...wait]
    : [...wait, ...messages, ...sysctls];
}

/** Whether host-network.ts has to look at the host before the plan is made. */
export function asksOfHostNetwork({ linux: { netDevices = {}, sysctl = {}, namespaces } }: Spec): boolean {
  if (Object.keys(netDevices).length > 0) return true;
  return (
    namespaces.some(({ type, path }) => type === "network" && path !== undefined) &&
    Object.keys(sysctl).some(isOfNetwork)
  );
}

export const isOfNetwork = (sysctl: string) => /^net[./]/.test(sysctl);

/** Where nobody else plans a new network namespace, it has a loopback device at least. */
export function loopbackUp({ linux }: Spec): NetworkPlan["inside"] {
  const made = linux.namespaces.some(({ type, path }) => type === "network" && path === undefined);
  return made ? [{ label: "ip link set lo up", messages: setLinkUp(LOOPBACK_INDEX), count: 1 }] : [];
}

export function netlinkOp(step: NetworkPlan["inside"][number]): Op {
  return { op: "netlink", ...step };
}

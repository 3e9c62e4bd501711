/** What a launch needs to know of the host's network before it is planned: devices that move into the container, and whose namespace it joins. */
import { closeSync, statSync } from "node:fs";
import { openNamespace } from "../kernel/namespace-file.ts";
import { dumpAllAddresses, lastingAddress } from "../kernel/netlink-address.ts";
import { decodeLink, getLink, moveLink, setLinkUp } from "../kernel/netlink-link.ts";
import { concat } from "../kernel/netlink-message.ts";
import { Netlink, NETLINK_ROUTE } from "../kernel/netlink.ts";
import { BerthError } from "../lib/error.ts";
import { asksOfHostNetwork, isOfNetwork, loopbackUp } from "./plan-network.ts";
import type { NetworkPlan } from "./network-plan.ts";
import type { Launch } from "./runtime.ts";
import type { Spec } from "./spec.ts";

/** Throws where the specification would change the host's own network. */
export function withHostNetwork(launch: Launch): Launch {
  if (!asksOfHostNetwork(launch.spec)) return launch;
  const { netDevices = {}, sysctl = {} } = launch.spec.linux;
  const devices = Object.entries(netDevices).map(([name, { name: inside }]) => ({
    name,
    inside: inside || name,
  }));
  const setting = Object.keys(sysctl).find(isOfNetwork);
  const path = launch.spec.linux.namespaces.find(({ type }) => type === "network")?.path;
  const host = path !== undefined && isHosts(path);
  if (host && setting !== undefined)
    throw new BerthError("invalid", `sysctl "${setting}" not allowed in host network namespace`);
  if (devices.length === 0) return launch;
  requireMovable(launch.spec, host, devices);
  return {
    ...launch,
    network: withDevices(launch.network ?? { inside: loopbackUp(launch.spec) }, path, devices),
  };
}

/** What we may not look at we cannot join either: the shim says why. */
function isHosts(path: string): boolean {
  try {
    const other = statSync(path, { bigint: true });
    const own = statSync("/proc/self/ns/net", { bigint: true });
    return other.ino === own.ino && other.dev === own.dev;
  } catch {
    return false;
  }
}

interface Device {
  /** On the host, and in the container. */
  readonly name: string;
  readonly inside: string;
}

/** Unlike any that the kernel gives: where a namespace has devices already, the old one may be taken. */
const FIRST_INDEX = 100_000;

function requireMovable({ linux }: Spec, host: boolean, devices: readonly Device[]): void {
  if (!linux.namespaces.some(({ type }) => type === "network"))
    throw new BerthError("invalid", "unable to move network devices without a private NET namespace");
  if (host) throw new BerthError("invalid", "unable to move network devices to the host's network namespace");
  const seen = new Set<string>();
  for (const name of devices.flatMap((device) => [device.name, device.inside]))
    if (!/^[^\s/:]{1,15}$/.test(name) || name === "." || name === "..")
      throw new BerthError("invalid", `linux.netDevices: invalid device name "${name}"`);
  for (const { inside } of devices) {
    if (seen.has(inside))
      throw new BerthError("invalid", `linux.netDevices: two devices would be "${inside}" in the container`);
    seen.add(inside);
  }
}

/** The kernel takes addresses away from a device that moves: they are given to it again, inside. MTU and MAC address stay. */
function withDevices(plan: NetworkPlan, path: string | undefined, devices: readonly Device[]): NetworkPlan {
  using route = new Netlink(NETLINK_ROUTE);
  const addresses = route
    .dump("list the addresses", dumpAllAddresses())
    .flatMap((answer) => lastingAddress(answer) ?? []);
  const moves = devices.map(({ name, inside }, position) => {
    const index = find(route, name);
    const newIndex = FIRST_INDEX + position;
    const own = addresses.filter(({ interfaceIndex }) => interfaceIndex === index);
    const messages = [...own.map(({ again }) => again(newIndex)), setLinkUp(newIndex)];
    const label = `ip link set ${inside} up`;
    return {
      name,
      inside,
      index,
      newIndex,
      step: { label, messages: concat(messages), count: messages.length },
    };
  });
  return {
    afterClone: async (pid) => {
      await plan.afterClone?.(pid);
      const namespace = openNamespace(path ?? `/proc/${pid}/ns/net`);
      try {
        using socket = new Netlink(NETLINK_ROUTE);
        for (const { name, inside, index, newIndex } of moves)
          socket.request(
            `move network device "${name}"`,
            moveLink(index, { namespace, name: inside, index: newIndex }),
          );
      } finally {
        closeSync(namespace);
      }
    },
    inside: [...plan.inside, ...moves.map(({ step }) => step)],
    outside: [
      ...(plan.outside ?? []),
      ...moves.map(({ name, inside }) => `ip link set ${name} netns $PID name ${inside}`),
    ],
  };
}

function find(route: Netlink, name: string): number {
  const [answer] = route.request(`find network device "${name}"`, getLink({ name }));
  return answer === undefined ? 0 : decodeLink(answer).index;
}

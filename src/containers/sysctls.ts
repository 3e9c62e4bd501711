/** `--sysctl`: only what belongs to a namespace of the container's own. */
import { BerthError } from "../lib/error.ts";
import type { IdMap } from "../lib/id-map.ts";
import type { HostConfig } from "../wire/schema.ts";
import { networkKind } from "./network.ts";

const OF_IPC = new Set(
  "kernel.msgmax kernel.msgmnb kernel.msgmni kernel.sem kernel.shmall kernel.shmmax kernel.shmmni kernel.shm_rmid_forced".split(
    " ",
  ),
);

/** What docker sets in a network namespace of the container's own: low ports and ping without privileges. */
const NETWORK_DEFAULTS = {
  "net.ipv4.ip_unprivileged_port_start": "0",
  "net.ipv4.ping_group_range": "0 2147483647",
};

export function sysctlsOf(hostConfig: HostConfig, idMap?: IdMap): Record<string, string> {
  const asked = hostConfig.Sysctls ?? {};
  const { kind } = networkKind(hostConfig);
  const ownNetwork = kind === "bridge" || kind === "none";
  const anyNetwork = kind !== "host"; // the runtime looks whether that of another container is the host's
  const ipc = hostConfig.IpcMode ?? "";
  const ownIpc = ipc !== "host" && !ipc.startsWith("container:");
  for (const [name, value] of Object.entries(asked)) {
    if (!/^[a-z0-9_.-]+(\/[a-z0-9_.-]+)*$/i.test(name) || name.includes("..") || /[\n\0]/.test(value))
      throw new BerthError("invalid", `sysctl '${name}=${value}' is malformed`);
    if (!allowed(name.replaceAll("/", "."), anyNetwork, ownIpc, hostConfig)) throw refused(name);
  }
  return ownNetwork ? { ...NETWORK_DEFAULTS, ...pingGroups(idMap), ...asked } : { ...asked };
}

/** A group that is not mapped is none there: all that are. */
function pingGroups(idMap: IdMap | undefined): Record<string, string> {
  const [range] = idMap?.gid ?? [];
  return range === undefined ? {} : { "net.ipv4.ping_group_range": `0 ${range.size - 1}` };
}

function allowed(name: string, anyNetwork: boolean, ownIpc: boolean, hostConfig: HostConfig): boolean {
  if (name.startsWith("net.")) return anyNetwork;
  if (OF_IPC.has(name) || name.startsWith("fs.mqueue.")) return ownIpc;
  return name === "kernel.domainname" && hostConfig.UTSMode !== "host";
}

function refused(name: string): BerthError {
  return new BerthError("invalid", `sysctl "${name}" is not in a separate kernel namespace`);
}

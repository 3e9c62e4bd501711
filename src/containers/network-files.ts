/** `/etc/hosts`, `/etc/hostname` and `/etc/resolv.conf` of a container: files of ours that it may write to. */
import { writeFileSync } from "node:fs";
import type { Endpoint } from "../networks/endpoint.ts";
import { hostsFile } from "../networks/hosts.ts";
import type { Networks } from "../networks/networks.ts";
import { networkKind } from "./network.ts";
import type { ContainerSpec } from "./spec.ts";

/** Host paths of the three. */
export interface NetworkFiles {
  readonly hosts: string;
  readonly hostname: string;
  readonly resolvConf: string;
}

/** Where they are: in the directory of the container that owns the network. */
export function networkFilesIn(directory: string): NetworkFiles {
  return {
    hosts: `${directory}/hosts`,
    hostname: `${directory}/hostname`,
    resolvConf: `${directory}/resolv.conf`,
  };
}

/** Written anew at each start, as docker does: the address is another one each time. */
export function writeNetworkFiles(
  files: NetworkFiles,
  spec: ContainerSpec,
  networks: Networks,
  endpoint: Endpoint | undefined,
): void {
  for (const [path, text] of networkFileTexts(files, spec, networks, endpoint)) writeFileSync(path, text);
}

/** Path and content of each. */
export function networkFileTexts(
  files: NetworkFiles,
  { config, hostConfig }: ContainerSpec,
  networks: Networks,
  endpoint: Pick<Endpoint, "address"> | undefined,
): [path: string, text: string][] {
  const sharesHost = networkKind(hostConfig).kind === "host";
  const hostname = config.Hostname ?? "";
  const domainname = config.Domainname ?? undefined;
  const extraHosts = hostConfig.ExtraHosts ?? [];
  const gateway = endpoint === undefined ? undefined : networks.bridge().gateway;
  const own = { hostname, domainname, address: endpoint?.address, gateway, extraHosts, sharesHost };
  const { Dns: dns, DnsSearch: search, DnsOptions: options } = hostConfig;
  const wishes = { dns: dns ?? [], search: search ?? [], options: options ?? [], sharesHost };
  return [
    [files.hosts, hostsFile(own)],
    [files.hostname, `${domainname ? `${hostname}.${domainname}` : hostname}\n`],
    [files.resolvConf, networks.resolvConf(wishes)],
  ];
}

/** A container's /etc/hosts, line for line as docker writes it. */
import { readFileSync } from "node:fs";
import { BerthError } from "../lib/error.ts";
import { isIp } from "./ipv4.ts";

export interface HostsOptions {
  readonly hostname: string;
  readonly domainname?: string | undefined;
  /** The container's own; absent without a network. */
  readonly address?: string | undefined;
  /** `name:address`, from --add-host; `host-gateway` as address means the bridge's gateway. */
  readonly extraHosts?: readonly string[] | undefined;
  readonly gateway?: string | undefined;
  /** `--network host`: the host's own file comes first. */
  readonly sharesHost?: boolean | undefined;
}

const LOCAL_LINES = [
  "127.0.0.1\tlocalhost",
  "::1\tlocalhost ip6-localhost ip6-loopback",
  "fe00::\tip6-localnet",
  "ff00::\tip6-mcastprefix",
  "ff02::1\tip6-allnodes",
  "ff02::2\tip6-allrouters",
];

/** `invalid` for a name that would smuggle a line of its own into the file. */
export function hostsFile(options: HostsOptions): string {
  for (const name of [options.hostname, options.domainname ?? ""]) requireOneWord(name);
  const { address, sharesHost, extraHosts = [], gateway } = options;
  const extra = extraHosts.map((each) => extraLine(each, gateway));
  if (sharesHost === true) return [readHostsFile().trimEnd(), ...extra, ""].join("\n");
  return [...LOCAL_LINES, ...extra, ...(address === undefined ? [] : [ownLine(address, options)]), ""].join(
    "\n",
  );
}

/** `name:address` or `name=address`; the address may stand in brackets. Docker's own words when it is neither. */
export function parseExtraHost(text: string): { name: string; address: string } {
  const [, name, address] = /^([^:=]*)[:=](.*)$/s.exec(text) ?? [];
  if (!name || !/^[\x21-\x7e]+$/.test(name))
    throw new BerthError("invalid", `bad format for add-host: ${JSON.stringify(text)}`);
  const bare = address?.replace(/^\[(.*)\]$/, "$1") ?? "";
  if (bare !== "host-gateway" && !isIp(bare))
    throw new BerthError("invalid", `invalid IP address in add-host: ${JSON.stringify(bare)}`);
  return { name, address: bare };
}

function extraLine(text: string, gateway: string | undefined): string {
  const { name, address } = parseExtraHost(text);
  if (address !== "host-gateway") return `${address}\t${name}`;
  if (gateway !== undefined) return `${gateway}\t${name}`;
  throw new BerthError("invalid", `invalid IP address in add-host: host-gateway needs the bridge network`);
}

function requireOneWord(name: string): void {
  // eslint-disable-next-line no-control-regex
  if (/[\x00-\x20\x7f]/.test(name))
    throw new BerthError("invalid", `invalid hostname format: ${JSON.stringify(name)}`);
}

function ownLine(address: string, { hostname, domainname }: HostsOptions): string {
  const full = domainname ? `${hostname}.${domainname} ` : "";
  return `${address}\t${full}${hostname}`;
}

function readHostsFile(): string {
  try {
    return readFileSync("/etc/hosts", "utf8");
  } catch {
    return LOCAL_LINES.join("\n");
  }
}

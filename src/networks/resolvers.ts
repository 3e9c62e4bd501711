/** A container's /etc/resolv.conf: the host's, without what only the host can reach; `--dns` and its friends on top. As docker does. */
import { closeSync, openSync, readSync } from "node:fs";
import { BerthError } from "../lib/error.ts";
import { isIp, isIpv6 } from "./ipv4.ts";

export interface ResolvOptions {
  readonly dns?: readonly string[] | undefined;
  readonly search?: readonly string[] | undefined;
  readonly options?: readonly string[] | undefined;
  /** `--network host`: whatever the host can reach, the container can. */
  readonly sharesHost?: boolean | undefined;
  readonly hostPath?: string | undefined;
}

const HOST_FILE = "/etc/resolv.conf";
/** Where systemd-resolved writes the real ones; its stub at 127.0.0.53 is out of a container's reach. */
const SYSTEMD_FILE = "/run/systemd/resolve/resolv.conf";
const SYSTEMD_STUB = "127.0.0.53";
const PUBLIC_RESOLVERS = ["8.8.8.8", "8.8.4.4"];
const MAX_SIZE = 64 << 10;

export function resolvConf(wish: ResolvOptions): string {
  const host = readHost(wish);
  const dns = validResolvers(wish.dns ?? []);
  const own =
    dns.length > 0 ? dns : nameservers(host).filter((each) => wish.sharesHost === true || isReachable(each));
  const servers = own.length > 0 || wish.sharesHost === true ? own : PUBLIC_RESOLVERS;
  const search = given(wish.search) ?? lastWords(host, "search");
  const options = given(wish.options) ?? lastWords(host, "options");
  return [
    ...servers.map((each) => `nameserver ${each}`),
    ...line(
      "search",
      search.filter((each) => each !== "."),
    ), // "." says: none at all
    ...line("options", options),
    "",
  ].join("\n");
}

/** Containers of the bridge have no IPv6 and a loopback of their own. */
function isReachable(server: string): boolean {
  return !isIpv6(server) && !server.startsWith("127.");
}

function validResolvers(servers: readonly string[]): readonly string[] {
  const wrong = servers.find((each) => !isIp(each));
  if (wrong !== undefined)
    throw new BerthError("invalid", `invalid nameserver address "${wrong}": --dns wants an IP address`);
  return servers;
}

function readHost({ hostPath = HOST_FILE, sharesHost }: ResolvOptions): string {
  const text = readBounded(hostPath);
  const stubOnly = nameservers(text).length > 0 && nameservers(text).every((each) => each === SYSTEMD_STUB);
  return stubOnly && sharesHost !== true ? readBounded(SYSTEMD_FILE) || text : text;
}

function nameservers(text: string): string[] {
  return directives(text, "nameserver").flatMap(([first]) =>
    first !== undefined && isIp(first) ? [first] : [],
  );
}

/** The last line of its kind wins, as in resolv.conf(5). */
function lastWords(text: string, name: string): readonly string[] {
  return directives(text, name).at(-1) ?? [];
}

function directives(text: string, name: string): string[][] {
  return text
    .split("\n")
    .map((each) =>
      each
        .replace(/[#;].*$/, "")
        .trim()
        .split(/\s+/),
    )
    .filter(([first]) => first === name)
    .map(([, ...rest]) => rest);
}

/** undefined when the user gave none; a space or a line break would smuggle in a line of its own. */
function given(words: readonly string[] | undefined): readonly string[] | undefined {
  if (words === undefined || words.length === 0) return undefined;
  const wrong = words.find((each) => !/^[\x21-\x7e]+$/.test(each));
  if (wrong !== undefined)
    throw new BerthError(
      "invalid",
      `invalid word ${JSON.stringify(wrong)} for resolv.conf: spaces and control characters are refused`,
    );
  return words;
}

function line(name: string, words: readonly string[]): string[] {
  return words.length === 0 ? [] : [`${name} ${words.join(" ")}`];
}

/** "" when there is none. */
function readBounded(path: string): string {
  try {
    const fd = openSync(path, "r");
    try {
      const bytes = Buffer.alloc(MAX_SIZE);
      return bytes.toString("utf8", 0, readSync(fd, bytes));
    } finally {
      closeSync(fd);
    }
  } catch {
    return "";
  }
}

/** IPv4 addresses as unsigned 32-bit numbers, and the subnets they live in. */
import { BerthError } from "../lib/error.ts";

export interface Subnet {
  /** First address, a number. */
  readonly base: number;
  readonly prefixLength: number;
}

/** Four decimal parts of 0 to 255, no more and no less. */
export function isIpv4(text: string): boolean {
  const parts = text.split(".");
  return parts.length === 4 && parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) < 256);
}

/** Colons, hex digits and perhaps an IPv4 tail; a zone (`%eth0`) is accepted, as resolvers do. */
export function isIpv6(text: string): boolean {
  return text.includes(":") && URL.canParse(`http://[${text.replace(/%[\w.-]+$/, "")}]`);
}

export function isIp(text: string): boolean {
  return isIpv4(text) || isIpv6(text);
}

export function parseIpv4(text: string): number {
  if (!isIpv4(text)) throw new BerthError("invalid", `invalid IP address: ${text}`);
  return text.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
}

export function formatIpv4(address: number): string {
  return [24, 16, 8, 0].map((shift) => (address >>> shift) & 0xff).join(".");
}

/** `172.17.0.0/16`; bits behind the prefix are cut off. */
export function parseSubnet(text: string): Subnet {
  const [, address = "", length = ""] = /^([^/]*)\/([^/]*)$/.exec(text) ?? [];
  const prefixLength = Number(length);
  if (!/^\d{1,2}$/.test(length) || prefixLength > 32)
    throw new BerthError("invalid", `invalid CIDR address: ${text}`);
  return subnetOf(parseIpv4(address), prefixLength);
}

export function subnetOf(address: number, prefixLength: number): Subnet {
  return { base: (address & maskOf(prefixLength)) >>> 0, prefixLength };
}

export function formatSubnet({ base, prefixLength }: Subnet): string {
  return `${formatIpv4(base)}/${prefixLength}`;
}

export function maskOf(prefixLength: number): number {
  return prefixLength === 0 ? 0 : (0xffffffff << (32 - prefixLength)) >>> 0;
}

export function sizeOf({ prefixLength }: Subnet): number {
  return 2 ** (32 - prefixLength);
}

export function overlaps(a: Subnet, b: Subnet): boolean {
  const mask = maskOf(Math.min(a.prefixLength, b.prefixLength));
  return (a.base & mask) === (b.base & mask);
}

/** A container's place on a network, from start to exit. Names of kernel objects are made of it. */
import { BerthError } from "../lib/error.ts";
import { formatIpv4 } from "./ipv4.ts";

export interface Endpoint {
  /** 64 hex digits, new for every start: a veth's name is never used twice (the old one lingers while its namespace dies). */
  readonly id: string;
  readonly containerId: string;
  /** Dotted IPv4. */
  readonly address: string;
  /** Lower case, colons. */
  readonly mac: string;
}

/** The host's end of the container's veth. */
export function hostInterface({ id }: Pick<Endpoint, "id">): string {
  return `v${id.slice(0, 11)}`;
}

export const HOST_INTERFACE = /^v[0-9a-f]{11}$/;

/** As docker derives it: an address that comes back brings its MAC along, so nobody's neighbour table goes stale. */
export function macOf(address: number): string {
  return `02:42:${formatIpv4(address)
    .split(".")
    .map((part) => Number(part).toString(16).padStart(2, "0"))
    .join(":")}`;
}

/** Six bytes, dashes or colons; `invalid` for a group address, which no device may have. */
export function parseMac(text: string): string {
  const mac = text.toLowerCase().replaceAll("-", ":");
  if (!/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/.test(mac))
    throw new BerthError("invalid", `invalid MAC address: ${text}`);
  if ((Number.parseInt(mac.slice(0, 2), 16) & 1) !== 0) {
    throw new BerthError(
      "invalid",
      `invalid MAC address: ${text} is a group address; the first byte must be even`,
    );
  }
  return mac;
}

/** A container's place on a network, from start to exit. Names of kernel objects are made of it. */

export interface Endpoint {
  /** 64 hex digits, new for every start: a veth's name is never used twice (the old one lingers while its namespace dies). */
  readonly id: string;
  readonly containerId: string;
  /** Dotted IPv4. */
  readonly address: string;
  readonly prefixLength: number;
  readonly gateway: string;
  /** Lower case, colons. */
  readonly mac: string;
}

/** The host's end of the container's veth. */
export function hostInterface(endpoint: Endpoint): string {
  return `v${endpoint.id.slice(0, 11)}`;
}

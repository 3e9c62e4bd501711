/** What starting a container asks of the network: a call beside the launch plan, and netlink messages inside it. */

/** The same shape as runtime's NetworkPlan; the two rooms do not know each other. */
export interface NetworkPlan {
  /** Makes the host's side once the container's network namespace exists; throws when it cannot. */
  afterClone?(pid: number): Promise<void>;
  /** Sent by the child on NETLINK_ROUTE behind the barrier; the label is the `ip` command that does the same. */
  readonly inside: readonly NetlinkStep[];
  /** The host's side as `ip` commands, for --explain; $PID stands for the container's pid. */
  readonly outside?: readonly string[];
}

export interface NetlinkMessages {
  readonly messages: Uint8Array;
  readonly count: number;
}

export interface NetlinkStep extends NetlinkMessages {
  readonly label: string;
  /** The same for who has no rights over the host's network namespace: what is sent inside, and what on a socket of the host's. */
  readonly apart?: { readonly inside: NetlinkMessages; readonly host: NetlinkMessages };
}

/** What starting a process asks of the network: a call beside the launch plan, and netlink messages inside it. */
export interface NetlinkMessages {
  readonly messages: Uint8Array;
  readonly count: number;
}

export interface NetworkPlan {
  /** The engine's side: runs while the child mounts. What it throws fails the start. */
  afterClone?(pid: number): Promise<void>;
  /** Sent by the child, behind the barrier. The label is the `ip` command that does the same. */
  readonly inside: readonly (NetlinkMessages & {
    readonly label: string;
    /** For a user namespace, without rights over the host's: what is sent inside, and what on a socket of the host's. */
    readonly apart?: { readonly inside: NetlinkMessages; readonly host: NetlinkMessages };
  })[];
  /** The engine's side as `ip` commands, for --explain; $PID is the container's. */
  readonly outside?: readonly string[];
}

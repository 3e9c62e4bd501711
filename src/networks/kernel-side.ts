/** The kernel's side of the bridge network: made once, checked when the ruleset has changed, ports added and orphans removed. */
import type { NetlinkError } from "../kernel/netlink-error.ts";
import { decodeLink, deleteLink, dumpLinks, type Link } from "../kernel/netlink-link.ts";
import { deleteNeighbour } from "../kernel/netlink-address.ts";
import { Netlink, NETLINK_NETFILTER, NETLINK_ROUTE } from "../kernel/netlink.ts";
import type { Finding } from "../wire/requests.ts";
import { outsideSteps } from "./attach.ts";
import { type Bridge, ensureBridge, findLink, takenSubnets } from "./bridge.ts";
import { ensureForwardAccept, removeForwardAccept } from "./docker.ts";
import { type Endpoint, HOST_INTERFACE, hostInterface } from "./endpoint.ts";
import { ensureTable, generation, removeTable } from "./firewall.ts";
import { overlaps, type Subnet } from "./ipv4.ts";
import { lockSubnets } from "./subnet-lock.ts";

const FIRST_INDEX = 1 << 20;

export class KernelSide implements Disposable {
  /** Of the device: `berth0`. */
  readonly bridgeName: string;
  readonly #table: string;
  #route: Netlink | undefined;
  #netfilter: Netlink | undefined;
  #link: Link | undefined;
  #generation = "";
  /** Device indexes of our own choice; the beginning is random, because engines and their past selves share the numbers. */
  #nextIndex = FIRST_INDEX + ((crypto.getRandomValues(new Uint32Array(1))[0] ?? 0) % (1 << 29));

  /** Bridge and table are named after the instance. */
  constructor(instance: string) {
    this.bridgeName = `${instance}0`;
    this.#table = instance;
  }

  /** Whether the bridge has been made, or found as it must be, in this engine's life. */
  get standing(): boolean {
    return this.#link !== undefined;
  }

  /** Makes the bridge that `choose` answers. Until it stands with its address, no other engine of this machine chooses. */
  makeBridge(choose: () => Bridge): Link {
    using _ = lockSubnets();
    return (this.#link = ensureBridge(this.#routes(), choose()));
  }

  /** Bridge, forwarding and firewall. Costs one small request when nothing has changed. */
  ensure(bridge: Bridge): Link {
    const link = this.#link ?? this.makeBridge(() => bridge);
    const netfilter = this.#filters();
    if (generation(netfilter) !== this.#generation) {
      ensureTable(netfilter, this.#table, bridge);
      ensureForwardAccept(netfilter, bridge.name);
      this.#generation = generation(netfilter);
    }
    return link;
  }

  /** Makes the veth; its other end is born in the network namespace of `pid`. */
  attach(endpoint: Endpoint, bridge: Bridge, pid: number): void {
    if (this.#tryAttach(endpoint, bridge, pid) === undefined) return;
    this.#removeOld(endpoint); // of a start that was cut off
    this.#link = undefined; // or somebody has removed our bridge
    const error = this.#tryAttach(endpoint, bridge, pid);
    if (error !== undefined) throw error;
  }

  /** The neighbour entry of an address that is given back. */
  forget({ address }: Endpoint): void {
    const link = this.#link ?? findLink(this.#routes(), this.bridgeName);
    if (link === undefined) return;
    // It need not be there: the container may never have come as far as its network.
    this.#routes().exchange([
      { what: `remove neighbour ${address}`, message: deleteNeighbour(address, link.index) },
    ]);
  }

  /** Veths of containers that do not run any more, found by name among the bridge's ports. */
  orphans(owned: ReadonlySet<string>, repair: boolean): Finding[] {
    const bridge = findLink(this.#routes(), this.bridgeName);
    if (bridge === undefined) return [];
    const names = new Set([...owned].map((id) => hostInterface({ id })));
    const links = this.#routes().dump("list network devices", dumpLinks()).map(decodeLink);
    return links
      .filter(({ name, master }) => master === bridge.index && HOST_INTERFACE.test(name) && !names.has(name))
      .map((link) => this.#orphan(link, repair));
  }

  removeAll(): void {
    const bridge = findLink(this.#routes(), this.bridgeName);
    if (bridge !== undefined)
      this.#routes().request(`remove bridge "${this.bridgeName}"`, deleteLink(bridge.index));
    removeForwardAccept(this.#filters(), this.bridgeName);
    removeTable(this.#filters(), this.#table);
    this.#link = undefined;
    this.#generation = "";
  }

  taken(): Subnet[] {
    return takenSubnets(this.#routes(), findLink(this.#routes(), this.bridgeName)?.index);
  }

  isFree(subnet: Subnet): boolean {
    return !this.taken().some((other) => overlaps(other, subnet));
  }

  [Symbol.dispose](): void {
    this.#route?.[Symbol.dispose]();
    this.#netfilter?.[Symbol.dispose]();
    this.#route = undefined;
    this.#netfilter = undefined;
  }

  #tryAttach(endpoint: Endpoint, bridge: Bridge, pid: number): NetlinkError | undefined {
    const link = this.ensure(bridge);
    const steps = outsideSteps(endpoint, link, { pid, index: this.#nextIndex++ });
    return this.#routes().exchange(steps).failures[0]?.error;
  }

  #removeOld(endpoint: Endpoint): void {
    const old = findLink(this.#routes(), hostInterface(endpoint));
    if (old !== undefined) this.#remove(old);
  }

  #orphan(link: Link, repair: boolean): Finding {
    if (repair) this.#remove(link);
    return { kind: "veth", id: link.name, what: "its container does not run", repaired: repair };
  }

  /** It may be gone by itself in the same moment. */
  #remove({ name, index }: Link): void {
    this.#routes().exchange([{ what: `remove "${name}"`, message: deleteLink(index) }]);
  }

  #routes(): Netlink {
    return (this.#route ??= new Netlink(NETLINK_ROUTE));
  }

  #filters(): Netlink {
    return (this.#netfilter ??= new Netlink(NETLINK_NETFILTER));
  }
}

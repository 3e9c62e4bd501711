/** The networks of one engine: today the default bridge, its addresses, and what starting a container asks of the kernel. */
import { BerthError } from "../lib/error.ts";
import { newId } from "../lib/id.ts";
import type { Collection, Store } from "../store/store.ts";
import type { Finding } from "../wire/requests.ts";
import type { EndpointSettings } from "../wire/schema.ts";
import { Addresses } from "./addresses.ts";
import { firstHost, insideSteps, loopbackUp, outsideCommands, randomMac } from "./attach.ts";
import type { Bridge } from "./bridge.ts";
import { type Endpoint, macOf, parseMac } from "./endpoint.ts";
import { formatIpv4, formatSubnet, parseIpv4, parseSubnet } from "./ipv4.ts";
import { KernelSide } from "./kernel-side.ts";
import type { NetworkPlan } from "./plan.ts";
import { choosePool } from "./pool.ts";
import { type ResolvOptions, resolvConf } from "./resolvers.ts";

export interface NetworksOptions {
  readonly store: Store;
  readonly instance: string;
  /** Where the host's resolvers are read; /etc/resolv.conf when not named. */
  readonly hostResolvConf?: string | undefined;
}

export interface BridgeFacts {
  readonly id: string;
  readonly name: "bridge";
  /** Of the device: `berth0`. */
  readonly interfaceName: string;
  readonly subnet: string;
  readonly gateway: string;
  readonly endpoints: number;
}

interface NetworkRow {
  readonly name: string;
  readonly driver: "bridge";
  readonly subnet: string;
  readonly gateway: string;
  readonly mac: string;
}

const NETWORK = "bridge";
/** A Linux bridge has 1023 ports; the kernel calls the next one "exchange full". */
const MAX_ENDPOINTS = 1000;

export async function openNetworks(options: NetworksOptions): Promise<Networks> {
  return new Networks(options);
}

export class Networks implements AsyncDisposable {
  readonly #instance: string;
  readonly #hostResolvConf: string | undefined;
  readonly #networks: Collection<NetworkRow>;
  readonly #rows: Collection<Endpoint>;
  readonly #endpoints = new Map<string, Endpoint>();
  readonly #kernel: KernelSide;
  #chosen: { id: string; bridge: Bridge; addresses: Addresses } | undefined;

  constructor({ store, instance, hostResolvConf }: NetworksOptions) {
    this.#instance = instance;
    this.#hostResolvConf = hostResolvConf;
    this.#networks = store.collection("networks");
    this.#rows = store.collection("addresses");
    this.#kernel = new KernelSide(instance);
    for (const { value } of this.#rows.all()) this.#endpoints.set(value.containerId, value);
  }

  /** An address and names, durable until release(); asked again for the same container, the same. The first makes the bridge: its subnet is ours only then. */
  allocate(
    containerId: string,
    request: { mac?: string | undefined; ip?: string | undefined } = {},
  ): Endpoint {
    const known = this.#endpoints.get(containerId);
    if (known !== undefined) return known;
    if (request.ip !== undefined && request.ip !== "") {
      throw new BerthError("invalid", "user specified IP address is supported on user defined networks only");
    }
    if (this.#endpoints.size >= MAX_ENDPOINTS) throw full();
    const mac = request.mac ? parseMac(request.mac) : undefined;
    const { addresses } = this.#standing();
    const number = addresses.next();
    const address = formatIpv4(number);
    const endpoint: Endpoint = { id: newId(), containerId, address, mac: mac ?? macOf(number) };
    this.#rows.put(`${NETWORK}/${containerId}`, endpoint, `${NETWORK}/${address}`);
    this.#endpoints.set(containerId, endpoint);
    return endpoint;
  }

  /** What allocate() gave, until release(). */
  find(containerId: string): Endpoint | undefined {
    return this.#endpoints.get(containerId);
  }

  /** For the runtime. The bridge and its firewall are there when this returns. */
  plan(endpoint: Endpoint): NetworkPlan {
    const { bridge } = this.#network();
    this.#kernel.ensure(bridge);
    return {
      afterClone: async (pid) => this.#kernel.attach(endpoint, bridge, pid),
      inside: insideSteps(endpoint, bridge),
      outside: outsideCommands(endpoint, bridge, this.#instance),
    };
  }

  /** The same plan as data, for --explain: nothing is made, the address is only an example of the next one. */
  preview(containerId: string): NetworkPlan {
    const { bridge } = this.#network();
    const number = parseIpv4(bridge.gateway) + 1;
    const endpoint = { id: newId(), containerId, address: formatIpv4(number), mac: macOf(number) };
    return {
      inside: insideSteps(endpoint, bridge),
      outside: outsideCommands(endpoint, bridge, this.#instance),
    };
  }

  /** Only in the store, for a transaction that may come to nothing; release() is for when it has not. */
  erase(containerId: string): void {
    if (this.#endpoints.has(containerId)) this.#rows.remove(`${NETWORK}/${containerId}`);
  }

  /** Forgets the address; the veth dies with the container's namespace. May be called twice. */
  release(containerId: string): void {
    const endpoint = this.#endpoints.get(containerId);
    if (endpoint === undefined) return;
    this.#rows.remove(`${NETWORK}/${containerId}`);
    this.#endpoints.delete(containerId);
    this.#kernel.forget(endpoint);
    this.#chosen?.addresses.free(parseIpv4(endpoint.address));
  }

  /** As inspect shows it, of a running container with its endpoint, of another without. */
  describe(endpoint?: Endpoint): EndpointSettings {
    const { id, bridge } = this.#network();
    return {
      IPAMConfig: null,
      Links: null,
      Aliases: null,
      MacAddress: endpoint?.mac ?? "",
      DriverOpts: null,
      GwPriority: 0,
      NetworkID: id,
      EndpointID: endpoint?.id ?? "",
      Gateway: endpoint === undefined ? "" : bridge.gateway,
      IPAddress: endpoint?.address ?? "",
      IPPrefixLen: endpoint === undefined ? 0 : bridge.subnet.prefixLength,
      IPv6Gateway: "",
      GlobalIPv6Address: "",
      GlobalIPv6PrefixLen: 0,
      DNSNames: null,
    };
  }

  /** What `info` tells, and what `host-gateway` in --add-host stands for. */
  bridge(): BridgeFacts {
    const { id, bridge } = this.#network();
    return {
      id,
      name: NETWORK,
      interfaceName: bridge.name,
      subnet: formatSubnet(bridge.subnet),
      gateway: bridge.gateway,
      endpoints: this.#endpoints.size,
    };
  }

  /** The file for a container on the bridge, or on the host's network. */
  resolvConf(options: Omit<ResolvOptions, "hostPath"> = {}): string {
    return resolvConf({ hostPath: this.#hostResolvConf, ...options });
  }

  /** Compares with the kernel: addresses and veths of containers that are not in `live`. With `repair` they are removed. */
  async recover(live: ReadonlySet<string>, { repair = true }: { repair?: boolean } = {}): Promise<Finding[]> {
    const lost = [...this.#endpoints.values()].filter(({ containerId }) => !live.has(containerId));
    const findings = lost.map(({ containerId, address }): Finding => {
      if (repair) this.release(containerId);
      return {
        kind: "address",
        id: address,
        what: `belongs to container ${containerId}, which does not run`,
        repaired: repair,
      };
    });
    const owned = new Set(
      [...this.#endpoints.values()].filter(({ containerId }) => live.has(containerId)).map(({ id }) => id),
    );
    return [...findings, ...this.#kernel.orphans(owned, repair)];
  }

  /** Bridge and firewall are gone afterwards; `conflict` while a container is on the bridge. */
  async removeAll(): Promise<void> {
    if (this.#endpoints.size > 0) {
      throw new BerthError("conflict", `network ${NETWORK} has active endpoints: stop its containers first`);
    }
    this.#kernel.removeAll();
  }

  /** Lets go of the sockets; the kernel's side stays as it is. */
  async close(): Promise<void> {
    this.#kernel[Symbol.dispose]();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** The network with its bridge. What was read or chosen before is looked at once more while nobody else can choose. */
  #standing(): { addresses: Addresses } {
    if (!this.#kernel.standing)
      this.#kernel.makeBridge(() => {
        if (this.#endpoints.size === 0) this.#chosen = this.#open();
        return this.#network().bridge;
      });
    return this.#network();
  }

  #network(): { id: string; bridge: Bridge; addresses: Addresses } {
    this.#chosen ??= this.#open();
    return this.#chosen;
  }

  /** The subnet of last time, unless nobody uses it and the host has come to reach it otherwise. */
  #open(): { id: string; bridge: Bridge; addresses: Addresses } {
    const row = this.#networks.getByKey(NETWORK);
    const stays =
      row !== undefined && (this.#endpoints.size > 0 || this.#kernel.isFree(parseSubnet(row.value.subnet)));
    const { id, value } = stays ? row : this.#choose(row?.id ?? newId());
    const bridge = {
      name: this.#kernel.bridgeName,
      subnet: parseSubnet(value.subnet),
      gateway: value.gateway,
      mac: value.mac,
    };
    const addresses = new Addresses(bridge.subnet, parseIpv4(bridge.gateway));
    for (const { address } of this.#endpoints.values()) addresses.take(parseIpv4(address));
    return { id, bridge, addresses };
  }

  #choose(id: string): { id: string; value: NetworkRow } {
    const subnet = choosePool(this.#instance, this.#kernel.taken());
    const gateway = firstHost(subnet.base);
    const value: NetworkRow = {
      name: NETWORK,
      driver: "bridge",
      subnet: formatSubnet(subnet),
      gateway,
      mac: randomMac(),
    };
    this.#networks.put(id, value, NETWORK);
    return { id, value };
  }
}

/** For `--network none`: a loopback device and nothing else. */
export function loopbackPlan(): NetworkPlan {
  return { inside: [loopbackUp()] };
}

function full(): BerthError {
  return new BerthError(
    "unavailable",
    `network ${NETWORK} is full: a Linux bridge carries ${MAX_ENDPOINTS} containers; stop some, or run with --network host, none or container:ID`,
  );
}

/** Which addresses of a subnet are in use. The lowest free one is found at once, however many are taken. */
import { BerthError } from "../lib/error.ts";
import { formatIpv4, formatSubnet, sizeOf, type Subnet } from "./ipv4.ts";

const FULL = 0xffffffff;

export class Addresses {
  readonly #subnet: Subnet;
  /** A bit for each address; word 0 bit 0 is the network's own. */
  readonly #used: Uint32Array;
  /** All words before this one are full. */
  #firstFree = 0;

  /** The network's address, its broadcast address and the gateway are never given out. */
  constructor(subnet: Subnet, gateway: number) {
    this.#subnet = subnet;
    this.#used = new Uint32Array(Math.ceil(sizeOf(subnet) / 32));
    if (sizeOf(subnet) < 32) this.#used[0] = FULL << sizeOf(subnet); // there is nothing behind the end
    for (const reserved of [subnet.base, subnet.base + sizeOf(subnet) - 1, gateway]) this.take(reserved);
  }

  /** The lowest free address, now taken. */
  next(): number {
    while (this.#used[this.#firstFree] === FULL) this.#firstFree++;
    const word = this.#used[this.#firstFree];
    if (word === undefined) {
      this.#firstFree = this.#used.length;
      throw new BerthError(
        "unavailable",
        `no available IPv4 addresses on ${formatSubnet(this.#subnet)}: stop a container first`,
      );
    }
    const bit = 31 - Math.clz32(~word & -~word); // lowest zero
    const address = this.#subnet.base + this.#firstFree * 32 + bit;
    this.take(address);
    return address;
  }

  take(address: number): void {
    const { word, mask } = this.#place(address);
    this.#used[word] = (this.#used[word] ?? 0) | mask;
  }

  free(address: number): void {
    const { word, mask } = this.#place(address);
    this.#used[word] = (this.#used[word] ?? 0) & ~mask;
    this.#firstFree = Math.min(this.#firstFree, word);
  }

  #place(address: number): { word: number; mask: number } {
    const offset = address - this.#subnet.base;
    if (offset < 0 || offset >= sizeOf(this.#subnet)) {
      throw new BerthError("invalid", `${formatIpv4(address)} is not in ${formatSubnet(this.#subnet)}`);
    }
    return { word: offset >>> 5, mask: 1 << (offset & 31) };
  }
}

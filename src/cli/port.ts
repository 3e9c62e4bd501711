/** `berth port`. */
import { BerthError } from "../lib/error.ts";
import type { Command } from "./command.ts";
import { print } from "./output.ts";

export const port: Command = {
  usage: "CONTAINER [PRIVATE_PORT[/PROTO]]",
  args: { least: 1, most: 2 },
  completes: "containers",
  flags: [],
  async run({ args, client }) {
    const [ref = "", wanted] = args;
    const { NetworkSettings: network } = await (await client()).containers.inspect(ref);
    const ports = network?.Ports ?? {};
    if (wanted === undefined) return printAll(ports);
    const key = wanted.includes("/") ? wanted : `${wanted}/tcp`;
    const bindings = ports[key] ?? [];
    if (bindings.length === 0) {
      throw new BerthError("not_found", `Error: No public port '${wanted}' published for ${ref}`);
    }
    for (const { HostIp: ip, HostPort: number } of bindings) print(address(ip, number));
  },
};

type Bindings = { readonly HostIp?: string | null; readonly HostPort?: string | null };

function printAll(ports: Readonly<Record<string, readonly Bindings[] | null>>): void {
  for (const [name, bindings] of Object.entries(ports)) {
    for (const { HostIp: ip, HostPort: number } of bindings ?? []) print(`${name} -> ${address(ip, number)}`);
  }
}

function address(ip: string | null | undefined, number: string | null | undefined): string {
  return `${ip?.includes(":") ? `[${ip}]` : ip}:${number}`;
}

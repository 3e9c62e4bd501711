/** What is asked of a control group, before anything is made: what makes no sense, and what no kernel of today has. */
import { BerthError } from "../lib/error.ts";
import type { BlockResources, DeviceRule, MemoryResources, Resources } from "./cgroup-resources.ts";

/** Throws `invalid` or `unavailable`. */
export function checkResources(resources: Resources): void {
  const { memory, blockIO, devices, hugepageLimits, network, rdma } = resources;
  if (memory !== undefined) checkMemory(memory);
  if (blockIO !== undefined) checkBlock(blockIO);
  for (const rule of devices ?? []) checkDevice(rule);
  for (const { pageSize } of hugepageLimits ?? [])
    if (!/^[1-9]\d*[KMG]B$/.test(pageSize))
      throw new BerthError("invalid", `"${pageSize}" is no size of huge pages, as 2MB is`);
  for (const { name } of network?.priorities ?? []) checkWord(name, "interface");
  for (const name of Object.keys(rdma ?? {})) checkWord(name, "RDMA device");
}

function checkMemory({ kernel = 0, swappiness = 0, useHierarchy = true }: MemoryResources): void {
  if (kernel > 0)
    throw new BerthError(
      "unavailable",
      "kernel memory cannot be limited apart from the rest: Linux 5.16 has dropped that",
    );
  if (swappiness > 100) throw new BerthError("invalid", `memory swappiness is 0 to 100, not ${swappiness}`);
  if (!useHierarchy)
    throw new BerthError(
      "unavailable",
      "memory is always counted with that of the groups below: Linux 5.11 has dropped the choice",
    );
}

const WEIGHT = { least: 10, most: 1000 };

function checkBlock({ weight = 0, leafWeight = 0, weightDevice = [] }: BlockResources): void {
  const weights = [weight, ...weightDevice.map((device) => device.weight ?? 0)];
  const wrong = weights.find((value) => value !== 0 && (value < WEIGHT.least || value > WEIGHT.most));
  if (wrong !== undefined)
    throw new BerthError(
      "invalid",
      `a weight of block devices is ${WEIGHT.least} to ${WEIGHT.most}, not ${wrong}`,
    );
  if ([leafWeight, ...weightDevice.map((device) => device.leafWeight ?? 0)].some((value) => value > 0))
    throw new BerthError(
      "unavailable",
      "block devices have no leaf weights: Linux 5.0 has dropped them with the CFQ scheduler",
    );
}

function checkDevice({ type = "a", access = "" }: DeviceRule): void {
  if (!["a", "b", "c"].includes(type))
    throw new BerthError("invalid", `"${type}" is no type of devices: a, b or c`);
  if (!/^[rwm]*$/.test(access))
    throw new BerthError("invalid", `"${access}" is no access to devices: r, w and m`);
}

function checkWord(name: string, what: string): void {
  if (!/^[^\s/]+$/.test(name))
    throw new BerthError("invalid", `${JSON.stringify(name)} is no name of an ${what}`);
}

/** `run --rm busybox true`, without a network and on the default bridge. */
import { type Figure, milliseconds } from "./figure.ts";
import { alternate, type Environment } from "./measure.ts";
import type { Peers } from "./peers.ts";

export const startWithoutNetwork: Figure = {
  name: "`run --rm --network none busybox true`",
  goal: "≤ 20 ms, ≤ 1/12 of docker, below bare runc",
  measure: (peers, { rounds }) => measureStart(peers, ["--network", "none"], rounds, peers.bare),
};

export const startAlone: Figure = {
  name: "the same, performed by its own process (as with a terminal)",
  goal: "",
  measure: ({ berth }, { rounds }) =>
    measureStart({ berth, docker: undefined }, ["--network", "none"], rounds, [], { BERTH_ALONE: "1" }),
};

export const startOnBridge: Figure = {
  name: "`run --rm busybox true`, on the default bridge",
  goal: "≤ 25 ms",
  measure: (peers, { rounds }) => measureStart(peers, [], rounds, []),
};

async function measureStart(
  { berth, docker }: Pick<Peers, "berth" | "docker">,
  flags: readonly string[],
  rounds: number,
  bare: Peers["bare"],
  env: Environment = {},
): Promise<Record<string, string>> {
  const engines = [berth, ...(docker === undefined ? [] : [docker])].map(({ name, client }) => ({
    name,
    command: [...client, "run", "--rm", ...flags, "busybox", "true"],
  }));
  const all = [...engines, ...bare];
  const samples = alternate(
    all.map(({ command }) => command),
    rounds,
    env,
  );
  return Object.fromEntries(
    all.map(({ name }, at) => [name, milliseconds(samples[at]?.median ?? Number.NaN)]),
  );
}

/** `exec c true` in a container that runs. */
import { type Figure, milliseconds } from "./figure.ts";
import { alternate, once } from "./measure.ts";
import { enginesOf } from "./peers.ts";

export const exec: Figure = {
  name: "`exec c true`",
  goal: "≤ 12 ms",
  async measure(peers, { rounds }) {
    const engines = enginesOf(peers);
    for (const { client } of engines)
      once([...client, "run", "-d", "--name", "bench-exec", "busybox", "sleep", "1000"]);
    const samples = alternate(
      engines.map(({ client }) => [...client, "exec", "bench-exec", "true"]),
      rounds,
    );
    for (const { client } of engines) once([...client, "rm", "-f", "bench-exec"]);
    return Object.fromEntries(
      engines.map(({ name }, at) => [name, milliseconds(samples[at]?.median ?? Number.NaN)]),
    );
  },
};

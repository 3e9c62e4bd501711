/** Fifty runs at once. */
import { type Figure, milliseconds } from "./figure.ts";
import { sampleOf, together } from "./measure.ts";
import { enginesOf } from "./peers.ts";

const COUNT = 50;
const ROUNDS = 3;

export const parallelWithoutNetwork: Figure = figureOf("50 runs in parallel, `--network none`", "≤ 0.8 s", [
  "--network",
  "none",
]);
export const parallelOnBridge: Figure = figureOf("50 runs in parallel, bridge", "≤ 1.0 s", []);

function figureOf(name: string, goal: string, flags: readonly string[]): Figure {
  return {
    name,
    goal,
    async measure(peers) {
      const cells: Record<string, string> = {};
      for (const engine of enginesOf(peers)) {
        const times: number[] = [];
        for (let round = 0; round < ROUNDS; round++)
          times.push(await together([...engine.client, "run", "--rm", ...flags, "busybox", "true"], COUNT));
        cells[engine.name] = milliseconds(sampleOf(times).median);
      }
      return cells;
    },
  };
}

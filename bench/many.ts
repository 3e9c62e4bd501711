/** With a thousand stopped containers: `ps`, `ps -a`, creating them, and an engine that starts among them. */
import { type Figure, milliseconds, type Options } from "./figure.ts";
import { alternate, sampleOf } from "./measure.ts";
import { type Engine, enginesOf, type Peers } from "./peers.ts";

/** Milliseconds per engine, or undefined where it is not measured yet. */
const created = new Map<string, number>();

export const createMany: Figure = {
  name: "create of 1,000, one after the other by the API",
  goal: "",
  async measure(peers, options) {
    await ensureMany(peers, options);
    return cells(peers, ({ name }) => created.get(name) ?? Number.NaN);
  },
};

export const list: Figure = listFigure("`ps`, 1,000 stopped", "≤ 12 ms", ["ps"]);
export const listAll: Figure = listFigure("`ps -a`, 1,000 stopped", "≤ 40 ms", ["ps", "-a"]);

function listFigure(name: string, goal: string, words: readonly string[]): Figure {
  return {
    name,
    goal,
    async measure(peers, options) {
      await ensureMany(peers, options);
      const engines = enginesOf(peers);
      const samples = alternate(
        engines.map(({ client }) => [...client, ...words]),
        options.rounds,
      );
      return Object.fromEntries(
        engines.map(({ name: peer }, at) => [peer, milliseconds(samples[at]?.median ?? Number.NaN)]),
      );
    },
  };
}

export const readyEmpty: Figure = {
  name: "engine ready, no containers",
  goal: "≤ 60 ms",
  measure: (peers) => restartAll(peers),
};

export const readyMany: Figure = {
  name: "engine ready, 1,000 stopped",
  goal: "≤ 100 ms",
  async measure(peers, options) {
    await ensureMany(peers, options);
    return await restartAll(peers);
  },
};

async function restartAll(peers: Peers): Promise<Record<string, string>> {
  const times: Record<string, string> = {};
  for (const engine of enginesOf(peers)) {
    const samples: number[] = [];
    for (let round = 0; round < 5; round++) samples.push(await engine.restart());
    times[engine.name] = milliseconds(sampleOf(samples).median);
  }
  return times;
}

async function ensureMany(peers: Peers, { many }: Options): Promise<void> {
  for (const engine of enginesOf(peers)) {
    if (created.has(engine.name)) continue;
    created.set(engine.name, await createAll(engine, many));
  }
}

/** The body that `docker create busybox true` sends, without what the command line costs. */
async function createAll(engine: Engine, many: number): Promise<number> {
  const unix = (engine.client[2] ?? "").replace("unix://", "");
  const started = performance.now();
  for (let at = 0; at < many; at++) {
    const response = await fetch("http://engine/containers/create", {
      unix,
      method: "POST",
      body: JSON.stringify({ Image: "busybox", Cmd: ["true"], HostConfig: { NetworkMode: "none" } }),
      headers: { "Content-Type": "application/json" },
    });
    if (response.status !== 201) throw new Error(await response.text());
  }
  return performance.now() - started;
}

function cells(peers: Peers, value: (engine: Engine) => number): Record<string, string> {
  return Object.fromEntries(enginesOf(peers).map((engine) => [engine.name, milliseconds(value(engine))]));
}

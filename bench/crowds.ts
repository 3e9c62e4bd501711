/** A thousand containers that run at the same time: what the last start costs, and what the crowd makes slower. berth alone. */
import { type Figure, megabytes, milliseconds } from "./figure.ts";
import { memoryOf, once, sampleOf } from "./measure.ts";
import type { Engine } from "./peers.ts";

/** Of so many starts in a row the median is taken. */
const WINDOW = 50;
const POINTS = [0, 0.25, 0.5, 0.75, 1];
const ROUNDS = 5;

export const crowds: readonly Figure[] = [...crowdOf("none"), ...crowdOf("bridge")];

/** In this order: the crowd comes, stands there, and goes. */
function crowdOf(network: "none" | "bridge"): Figure[] {
  const name = (what: string) => `crowd on \`${network}\`: ${what}`;
  const figure = (
    what: string,
    goal: string,
    cell: (engine: Engine, many: number) => Promise<string>,
  ): Figure => ({
    name: name(what),
    goal,
    measure: async ({ berth }, { many }) => ({ berth: await cell(berth, many) }),
  });
  return [
    figure(
      "create and start of the first, at ¼, ½, ¾, the last",
      "last ≤ 1.5 × first",
      async (engine, many) => {
        const times = await startCrowd(engine, network, many);
        return POINTS.map((point) => milliseconds(around(times, point))).join(", ");
      },
    ),
    figure("`ps`", "", (engine) => repeated(() => once([...engine.client, "ps"]))),
    figure("`stats --no-stream`", "", (engine) =>
      repeated(() => once([...engine.client, "stats", "--no-stream"])),
    ),
    figure("engine ready again, all adopted", "≤ 1 s", (engine) => repeated(() => engine.restart())),
    figure("memory of the engine (RSS)", "", async (engine) => megabytes(await engineMemory(engine))),
    figure("stop of all, `stop -t 0`", "", async (engine, many) => forAll(engine, many, "stop", "-t", "0")),
    figure("removal of all, `rm`", "", async (engine, many) => forAll(engine, many, "rm")),
  ];
}

const nameOf = (at: number) => `crowd${at}`;

async function startCrowd(engine: Engine, network: string, many: number): Promise<number[]> {
  const body = { Image: "busybox", Cmd: ["sleep", "1000000"], HostConfig: { NetworkMode: network } };
  const times: number[] = [];
  for (let at = 0; at < many; at++) {
    const started = performance.now();
    await post(engine, `/containers/create?name=${nameOf(at)}`, body);
    await post(engine, `/containers/${nameOf(at)}/start`);
    times.push(performance.now() - started);
  }
  return times;
}

async function post(engine: Engine, path: string, body?: unknown): Promise<void> {
  const response = await fetch(`http://engine${path}`, {
    unix: (engine.client[2] ?? "").replace("unix://", ""),
    method: "POST",
    ...(body === undefined
      ? {}
      : { body: JSON.stringify(body), headers: { "Content-Type": "application/json" } }),
  });
  if (!response.ok) throw new Error(`${path}: ${await response.text()}`);
}

/** The median around a point of the curve. */
function around(times: readonly number[], point: number): number {
  const size = Math.min(WINDOW, times.length);
  const start = Math.round((times.length - size) * point);
  return sampleOf(times.slice(start, start + size)).median;
}

async function repeated(measure: () => number | Promise<number>): Promise<string> {
  const times: number[] = [];
  for (let round = 0; round < ROUNDS; round++) times.push(await measure());
  return milliseconds(sampleOf(times).median);
}

async function engineMemory(engine: Engine): Promise<number> {
  const [pid = 0] = await engine.pids();
  return await memoryOf(pid, "VmRSS");
}

/** One command line for all of them: that is how people do it. */
function forAll(engine: Engine, many: number, ...words: readonly string[]): string {
  const names = Array.from({ length: many }, (_, at) => nameOf(at));
  return milliseconds(once([...engine.client, ...words, ...names]));
}

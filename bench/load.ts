/** `load` of an image of 1.7 GB: many files of many sizes, half of them compressible. */
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { type Figure, megabytes, milliseconds } from "./figure.ts";
import { memoryOf, once } from "./measure.ts";
import { type Engine, enginesOf } from "./peers.ts";
import { command, output } from "../test/support/command.ts";

const FILES = 8500;
const FILE_BYTES = 200_000;

export const load: Figure = {
  name: "`load` of a 1.7 GB image",
  goal: "≤ half of docker's, ≤ 200 MB RSS",
  async measure(peers) {
    const place = await mkdtemp("/tmp/bench-load-");
    try {
      const archive = await makeArchive(place, peers.berth);
      const cells: Record<string, string> = {};
      for (const engine of enginesOf(peers)) cells[engine.name] = await measureLoad(engine, archive);
      return cells;
    } finally {
      await rm(place, { recursive: true, force: true });
    }
  },
};

/** A docker-archive, made by berth from a tree; the image is removed again. */
async function makeArchive(place: string, { client }: Engine): Promise<string> {
  await makeTree(`${place}/tree`);
  await output(["tar", "-C", `${place}/tree`, "-cf", `${place}/tree.tar`, "."], { timeoutMs: 120_000 });
  await output([...client, "import", `${place}/tree.tar`, "bench-load"], { timeoutMs: 300_000 });
  await output([...client, "save", "-o", `${place}/image.tar`, "bench-load"], { timeoutMs: 300_000 });
  await output([...client, "rmi", "bench-load"], { timeoutMs: 60_000 });
  await rm(`${place}/tree.tar`);
  await rm(`${place}/tree`, { recursive: true });
  return `${place}/image.tar`;
}

async function makeTree(top: string): Promise<void> {
  const random = crypto.getRandomValues(new Uint8Array(65_536));
  const block = Buffer.concat(Array.from({ length: 4 }, () => random)).subarray(0, FILE_BYTES);
  for (let at = 0; at < FILES; at++) {
    const folder = `${top}/d${at % 100}`;
    if (at < 100) await mkdir(folder, { recursive: true });
    block.writeUInt32LE(at, 0); // no two files are alike
    await Bun.write(`${folder}/f${at}`, block);
  }
}

async function measureLoad(engine: Engine, archive: string): Promise<string> {
  await command(["sync"], { timeoutMs: 120_000 });
  const watch = watchMemory(engine);
  const took = once([...engine.client, "load", "-q", "-i", archive]);
  const most = await watch();
  once([...engine.client, "rmi", "bench-load"]);
  return `${milliseconds(took)}, at most ${megabytes(most)}`;
}

/** The kernel keeps the high-water mark; it is set back first. Gives the largest sum over the engine's processes. */
function watchMemory(engine: Engine): () => Promise<number> {
  const reset = engine
    .pids()
    .then((pids) => Promise.all(pids.map((pid) => Bun.write(`/proc/${pid}/clear_refs`, "5"))));
  return async () => {
    await reset;
    const sizes = (await engine.pids()).map((pid) => highWater(pid));
    return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
  };
}

async function highWater(pid: number): Promise<number> {
  const status = await Bun.file(`/proc/${pid}/status`).text();
  return Number(/^VmHWM:\s+(\d+)/m.exec(status)?.[1]) || (await memoryOf(pid, "VmRSS"));
}

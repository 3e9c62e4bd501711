/** Resident memory: the engine that idles, and what each running container adds of the engine's own processes. */
import { type Figure, megabytes } from "./figure.ts";
import { memoryOf, once } from "./measure.ts";
import { type Engine, enginesOf } from "./peers.ts";
import { command } from "../test/support/command.ts";

export const idleMemory: Figure = {
  name: "memory of the idle engine (RSS)",
  goal: "≤ 60 MB",
  async measure(peers) {
    const cells: Record<string, string> = {};
    for (const engine of enginesOf(peers)) cells[engine.name] = megabytes(await total(await engine.pids()));
    return cells;
  },
};

export const memoryPerContainer: Figure = {
  name: "memory per running container, the supervisor's (RSS)",
  goal: "≤ 1 MB, aim 0.2",
  async measure(peers) {
    const cells: Record<string, string> = {};
    for (const engine of enginesOf(peers)) cells[engine.name] = megabytes(await supervisorOf(engine));
    return cells;
  },
};

async function supervisorOf({ client }: Engine): Promise<number> {
  const name = "bench-memory";
  once([...client, "run", "-d", "--name", name, "busybox", "sleep", "1000"]);
  const { stdout } = await command([...client, "inspect", "-f", "{{.State.Pid}}", name]);
  const parent = await command(["ps", "-o", "ppid=", "-p", stdout.trim()]);
  const size = await memoryOf(Number(parent.stdout), "VmRSS");
  once([...client, "rm", "-f", name]);
  return size;
}

async function total(pids: readonly number[]): Promise<number> {
  const sizes = await Promise.all(pids.map((pid) => memoryOf(pid, "VmRSS")));
  return sizes.reduce((sum, size) => sum + size, 0);
}

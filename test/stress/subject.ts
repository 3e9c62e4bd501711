/** The engine under stress, and what it holds: measured before a case and after it. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, setDefaultTimeout } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { isEngines } from "../support/cases.ts";
import { command, output } from "../support/command.ts";
import { BERTH, startEngine, type TestEngine } from "../support/engine.ts";
import { leaks } from "../support/leaks.ts";
import { linkOf } from "../shim/support/link.ts";
import { until } from "../shim/support/within.ts";

export const MEGABYTE = 1 << 20;
/** Bun's heap breathes; what grows by more than this was kept. */
const HEAP_BREATH = 96 * MEGABYTE;

setDefaultTimeout(30_000); // of a file that runs alone; `tools/test` says it for all

export function residentBytes(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) * 1024;
}

export function descriptors(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}

/** A shim has one for each client, and a few of its own. */
export function sockets(pid: number): number {
  const links = readdirSync(`/proc/${pid}/fd`).map((fd) => linkOf(`/proc/${pid}/fd/${fd}`));
  return links.filter((link) => link.startsWith("socket:")).length;
}

/** One engine for a file's cases. Each must leave it as it was: descriptors, memory, and all that leaks() looks for. */
export class Subject {
  #engine: TestEngine | undefined;

  constructor(
    start: () => Promise<TestEngine> = () => startEngine({ image: "busybox" }),
    end: () => Promise<void> = () => Promise.resolve(),
  ) {
    let before = { descriptors: 0, memory: 0 };
    beforeAll(async () => {
      this.#engine = await start();
      await this.told("run", "--rm", "busybox", "true"); // what the first start opens stays open: the shim's program
    }, 60_000);
    beforeEach(() => {
      const { pid } = this.engine;
      before = { descriptors: descriptors(pid), memory: residentBytes(pid) };
    });
    afterEach(async () => {
      const { engine } = this;
      await engine.removeContainers();
      expect(await this.told("system", "fsck")).toBe("nothing is lost, nothing is left over\n");
      const owned = (line: string) => isEngines(line, engine) || line === `mount ${engine.root}`;
      expect(await leaks(engine.instance, engine.place, owned)).toEqual([]);
      await until("the engine to close what it opened", () => descriptors(engine.pid) <= before.descriptors);
      const bound = before.memory + HEAP_BREATH;
      await until("an idle engine to give memory back", () => residentBytes(engine.pid) < bound);
    }, 60_000);
    afterAll(async () => {
      await this.engine[Symbol.asyncDispose]();
      await end();
    }, 60_000);
  }

  get engine(): TestEngine {
    if (this.#engine === undefined) throw new Error("there is no engine yet");
    return this.#engine;
  }

  /** Standard output of `berth WORDS`; where it fails, its code and words. */
  async told(...words: string[]): Promise<string> {
    const { stdout, stderr, code } = await this.engine.berth(words, { timeoutMs: 60_000 });
    return code === 0 ? stdout : `${code}: ${stderr}`;
  }

  async inspected(container: string, field: string): Promise<string> {
    return (await this.told("inspect", "-f", `{{${field}}}`, container)).trim();
  }

  /** The shim that looks after a container's first process. */
  async shimOf(container: string): Promise<number> {
    return await parentOf(Number(await this.inspected(container, ".State.Pid")));
  }

  /** `berth WORDS` that goes on in the background. */
  spawn(words: readonly string[], stdin: Response | "ignore" = "ignore") {
    return Bun.spawn([BERTH, ...words], {
      env: { ...this.engine.env, ...this.engine.client },
      stdin,
      stdout: "pipe",
      stderr: "pipe",
    });
  }

  /** Waits until a container runs so many processes; gives the host's numbers. */
  async processes(container: string, count: number): Promise<number[]> {
    let pids: number[] = [];
    await until(`${count} processes in the container`, async () => {
      pids = (await this.#top(container)).map(([pid]) => Number(pid));
      return pids.length === count;
    });
    return pids;
  }

  /** Waits until a container runs that command; gives the host's number. */
  async processOf(container: string, line: string): Promise<number> {
    let found: string[] | undefined;
    await until(`"${line}" in the container`, async () => {
      found = (await this.#top(container)).find(([, args]) => args === line);
      return found !== undefined;
    });
    return Number(found?.[0]);
  }

  async #top(container: string): Promise<string[][]> {
    const { body } = await this.engine.api("GET", `/containers/${container}/top?ps_args=-eo%20pid,args`);
    return (body as { Processes?: string[][] }).Processes ?? [];
  }
}

export async function parentOf(pid: number): Promise<number> {
  return Number((await output(["ps", "-o", "ppid=", "-p", String(pid)])).trim());
}

/** A signal to a process that this test has started, by its number. */
export async function signal(name: "STOP" | "CONT" | "KILL", pid: number): Promise<void> {
  await command(["kill", `-${name}`, String(pid)]);
}

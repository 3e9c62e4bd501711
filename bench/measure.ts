/** Wall time of commands, from outside: what a person or a script waits for. */

/** Milliseconds; the list is sorted. */
export interface Sample {
  readonly median: number;
  readonly least: number;
}

export type Command = readonly string[];

/** Runs each command in turn, round after round, so that what else the machine does falls on all alike. */
export function alternate(commands: readonly Command[], rounds: number, env: Environment = {}): Sample[] {
  const times = commands.map((): number[] => []);
  for (const command of commands) once(command, env); // warm
  for (let round = 0; round < rounds; round++) {
    commands.forEach((command, at) => times[at]?.push(once(command, env)));
  }
  return times.map(sampleOf);
}

export type Environment = Readonly<Record<string, string>>;

export const PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** Of all that is measured. */
const environment: Record<string, string> = { PATH, HOME: "/nonexistent" };

/** Where berth's command line finds the engine that performs its commands, as people's finds theirs in /run/berth. */
export function useEngineIn(run: string): void {
  environment["BERTH_RUN"] = run;
}

export function once(command: Command, env: Environment = {}): number {
  const started = performance.now();
  const { exitCode, stderr } = Bun.spawnSync([...command], {
    env: { ...environment, ...env },
    stdin: "ignore",
    stdout: "ignore",
    stderr: "pipe",
  });
  const took = performance.now() - started;
  if (exitCode !== 0) throw new Error(`${command.join(" ")} ended with ${exitCode}: ${stderr.toString()}`);
  return took;
}

/** The time until all of `count` such processes, started at once, have ended. */
export async function together(command: Command, count: number, env: Environment = {}): Promise<number> {
  const started = performance.now();
  const children = Array.from({ length: count }, () =>
    Bun.spawn([...command], {
      env: { ...environment, ...env },
      stdio: ["ignore", "ignore", "ignore"],
    }),
  );
  const codes = await Promise.all(children.map(({ exited }) => exited));
  const took = performance.now() - started;
  const failed = codes.filter((code) => code !== 0).length;
  if (failed > 0) throw new Error(`${failed} of ${count} failed: ${command.join(" ")}`);
  return took;
}

export function sampleOf(times: readonly number[]): Sample {
  const sorted = times.toSorted((a, b) => a - b);
  return { median: sorted[sorted.length >> 1] ?? Number.NaN, least: sorted[0] ?? Number.NaN };
}

/** kB of a field of /proc/PID/status or smaps_rollup. */
export async function memoryOf(pid: number, field: "VmRSS" | "Pss"): Promise<number> {
  const file = field === "Pss" ? "smaps_rollup" : "status";
  return Number(
    new RegExp(`^${field}:\\s+(\\d+)`, "m").exec(await Bun.file(`/proc/${pid}/${file}`).text())?.[1],
  );
}

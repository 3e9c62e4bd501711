/** berth as an OCI runtime beside runc: the same bundles, and docker.io with either of them. */
import { mkdir, mkdtemp, rm, symlink } from "node:fs/promises";
import { busyboxTar } from "../test/support/busybox.ts";
import { output } from "../test/support/command.ts";
import { Dockerd, type DockerdOptions } from "../test/support/dockerd.ts";
import { BERTH, startEngine } from "../test/support/engine.ts";
import { type Figure, milliseconds } from "./figure.ts";
import { alternate, type Environment, once, sampleOf, together } from "./measure.ts";

const COUNT = 50;
const ROUNDS = 3;

/** What stays in the background must not hold the pipe that an error would come through. */
const APART = ["sh", "-c", 'exec "$@" 2>/dev/null', "sh"];

/** Of the columns that stand in the table anyway. */
const NAMES = ["berth", "runc"] as const;

const ALONE: Environment = { BERTH_ALONE: "1" };

/** Whether no engine of berth's runs on the machine: it would perform the runtime's commands. */
type Alone = boolean;

const GOAL = "≤ 1/2.5 of runc";
const titled = (name: string, alone: Alone) => (alone ? `${name}, no engine of berth's running` : name);

export const oci: readonly Figure[] = [false, true].flatMap((alone) => [
  startOf("`berth oci run` beside `runc run`", alone, false),
  startOf("`berth oci run` with docker's seccomp profile", alone, true),
  execOf(alone),
  parallelOf(alone),
  dockerOf(alone),
]);

function startOf(name: string, alone: Alone, filtered: boolean): Figure {
  return {
    name: titled(name, alone),
    goal: GOAL,
    async measure(_, { rounds }) {
      await using runtimes = await Runtimes.open({ alone, filtered });
      const samples = alternate(
        runtimes.commands.map((command) => command.concat("run", "--bundle", runtimes.bundle, "bench")),
        rounds,
        runtimes.env,
      );
      return cells(samples.map(({ median }) => median));
    },
  };
}

function execOf(alone: Alone): Figure {
  return {
    name: titled("`berth oci exec` beside `runc exec`", alone),
    goal: GOAL,
    async measure(_, { rounds }) {
      await using runtimes = await Runtimes.open({ alone, args: ["sleep", "1000"] });
      // Their groups would be one: the second container gets another name.
      const calls = runtimes.commands.map((command, at) => ({ command, id: `bench-exec-${at}` }));
      for (const { command, id } of calls)
        once([...APART, ...command, "run", "--detach", "--bundle", runtimes.bundle, id], runtimes.env);
      const samples = alternate(
        calls.map(({ command, id }) => [...command, "exec", id, "true"]),
        rounds,
        runtimes.env,
      );
      for (const { command, id } of calls) once([...command, "delete", "--force", id], runtimes.env);
      return cells(samples.map(({ median }) => median));
    },
  };
}

function parallelOf(alone: Alone): Figure {
  return {
    name: titled("50 of `oci run` at once", alone),
    goal: GOAL,
    async measure() {
      await using runtimes = await Runtimes.open({ alone });
      const times: number[] = [];
      for (const command of runtimes.commands) {
        const rounds: number[] = [];
        for (let round = 0; round < ROUNDS; round++) {
          const script = `exec "$@" "bench-$$"`;
          const words = ["sh", "-c", script, "sh", ...command, "run", "--bundle", runtimes.bundle];
          rounds.push(await together(words, COUNT, runtimes.env));
        }
        times.push(sampleOf(rounds).median);
      }
      return cells(times);
    },
  };
}

const RUN = ["run", "--rm", "--network", "none", "box", "true"];

function dockerOf(alone: Alone): Figure {
  return {
    name: titled("docker.io's `run --rm --network none`, on berth and on runc", alone),
    goal: "faster than with runc",
    async measure(_, { rounds }) {
      await using undo = new AsyncDisposableStack();
      const place = await mkdtemp("/tmp/bench-");
      undo.defer(() => rm(place, { recursive: true, force: true }));
      await symlink(BERTH, `${place}/berth-oci`);
      const run = `${place}/run`;
      // The engine performs commands only for who is in its namespaces.
      const engine = alone ? undefined : undo.use(await startEngine({ run, wrapper: ["unshare", "--net"] }));
      const ours = await openDockerd(`${place}/ours`, undo, {
        runtime: `${place}/berth-oci`,
        ...(engine === undefined ? { env: ALONE } : { env: { BERTH_RUN: run }, networkOf: engine.pid }),
      });
      if (ours === undefined) return {};
      const theirs = await openDockerd(`${place}/theirs`, undo);
      const samples = alternate(
        [ours, theirs].map((dockerd) => (dockerd?.client ?? []).concat(RUN)),
        rounds,
      );
      return cells(samples.map(({ median }) => median));
    },
  };
}

/** With the image `box`. */
async function openDockerd(
  home: string,
  undo: AsyncDisposableStack,
  options: DockerdOptions = {},
): Promise<Dockerd | undefined> {
  const dockerd = await Dockerd.open(home, options);
  if (dockerd === undefined) return undefined;
  undo.use(dockerd);
  await output([...dockerd.client, "import", "-", "box"], { stdin: await busyboxTar() });
  return dockerd;
}

function cells(times: readonly number[]): Record<string, string> {
  return Object.fromEntries(NAMES.map((name, at) => [name, milliseconds(times[at] ?? Number.NaN)]));
}

interface RuntimesOptions {
  readonly alone: Alone;
  /** With docker's seccomp profile. */
  readonly filtered?: boolean;
  /** The container's program. */
  readonly args?: readonly string[];
}

/** Both runtimes' words before the command, with states on a tmpfs, and the bundle that they share. */
class Runtimes implements AsyncDisposable {
  readonly bundle: string;
  readonly commands: readonly (readonly string[])[];
  readonly env: Environment;
  readonly #undo: AsyncDisposableStack;

  private constructor(bundle: string, state: string, env: Environment, undo: AsyncDisposableStack) {
    this.bundle = bundle;
    this.env = env;
    this.#undo = undo;
    this.commands = [
      [BERTH, "oci", "--root", `${state}/berth`],
      ["runc", "--root", `${state}/runc`],
    ];
  }

  static async open({ alone, filtered = false, args = ["true"] }: RuntimesOptions): Promise<Runtimes> {
    await using undo = new AsyncDisposableStack();
    const directory = async (parent: string) => {
      const place = await mkdtemp(`${parent}/bench-`);
      undo.defer(() => rm(place, { recursive: true, force: true }));
      return place;
    };
    const bundle = await directory("/tmp");
    const state = await directory("/dev/shm");
    const env = alone ? ALONE : { BERTH_RUN: undo.use(await startEngine({ run: `${state}/run` })).run };
    await mkdir(`${bundle}/rootfs`);
    await output(["tar", "-C", `${bundle}/rootfs`, "-x"], { stdin: await busyboxTar() });
    await output([BERTH, "oci", "spec", "--bundle", bundle]);
    const config = (await Bun.file(`${bundle}/config.json`).json()) as {
      process: object;
      linux: object;
    };
    config.process = { ...config.process, terminal: false, args };
    if (filtered) config.linux = { ...config.linux, seccomp: await dockerProfile() };
    await Bun.write(`${bundle}/config.json`, JSON.stringify(config));
    return new Runtimes(bundle, state, env, undo.move());
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#undo.disposeAsync();
  }
}

/** Its rules for docker's capabilities, as an engine writes them into config.json. */
async function dockerProfile(): Promise<object> {
  const { DEFAULT_PROFILE } = await import("../src/runtime/seccomp/facts.ts");
  const { chooseRules } = await import("../src/runtime/seccomp/profile.ts");
  const { DEFAULT_CAPABILITIES } = await import("../src/runtime/capabilities.ts");
  return chooseRules(DEFAULT_PROFILE, {
    capabilities: new Set(DEFAULT_CAPABILITIES),
    architecture: "x86_64",
    kernelVersion: [6, 1],
  });
}

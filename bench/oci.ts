/** berth as an OCI runtime beside runc: the same bundles, and docker.io with either of them. */
import { mkdir, mkdtemp, rm, symlink } from "node:fs/promises";
import { busyboxTar } from "../test/support/busybox.ts";
import { output } from "../test/support/command.ts";
import { Dockerd } from "../test/support/dockerd.ts";
import { BERTH } from "../test/support/engine.ts";
import { type Figure, milliseconds } from "./figure.ts";
import { alternate, once, sampleOf, together } from "./measure.ts";

const COUNT = 50;
const ROUNDS = 3;

/** What stays in the background must not hold the pipe that an error would come through. */
const APART = ["sh", "-c", 'exec "$@" 2>/dev/null', "sh"];

/** Of the columns that stand in the table anyway. */
const NAMES = ["berth", "runc"] as const;

export const ociRun: Figure = startOf("`berth oci run` beside `runc run`", "≤ 1/2.5 of runc", false);
export const ociRunFiltered: Figure = startOf(
  "the same with docker's seccomp profile",
  "≤ 1/2.5 of runc",
  true,
);

function startOf(name: string, goal: string, filtered: boolean): Figure {
  return {
    name,
    goal,
    async measure(_, { rounds }) {
      await using runtimes = await Runtimes.open(filtered);
      const samples = alternate(
        runtimes.commands.map((command) => command.concat("run", "--bundle", runtimes.bundle, "bench")),
        rounds,
      );
      return cells(samples.map(({ median }) => median));
    },
  };
}

export const ociExec: Figure = {
  name: "`berth oci exec` beside `runc exec`",
  goal: "≤ 1/2.5 of runc",
  async measure(_, { rounds }) {
    await using runtimes = await Runtimes.open(false, ["sleep", "1000"]);
    // Their groups would be one: the second container gets another name.
    const calls = runtimes.commands.map((command, at) => ({ command, id: `bench-exec-${at}` }));
    for (const { command, id } of calls)
      once([...APART, ...command, "run", "--detach", "--bundle", runtimes.bundle, id]);
    const samples = alternate(
      calls.map(({ command, id }) => [...command, "exec", id, "true"]),
      rounds,
    );
    for (const { command, id } of calls) once([...command, "delete", "--force", id]);
    return cells(samples.map(({ median }) => median));
  },
};

export const ociParallel: Figure = {
  name: "50 of `oci run` at once",
  goal: "≤ 1/2.5 of runc",
  async measure() {
    await using runtimes = await Runtimes.open(false);
    const times: number[] = [];
    for (const command of runtimes.commands) {
      const rounds: number[] = [];
      for (let round = 0; round < ROUNDS; round++) {
        const script = `exec "$@" "bench-$$"`;
        const words = ["sh", "-c", script, "sh", ...command, "run", "--bundle", runtimes.bundle];
        rounds.push(await together(words, COUNT));
      }
      times.push(sampleOf(rounds).median);
    }
    return cells(times);
  },
};

export const ociDocker: Figure = {
  name: "docker.io's `run --rm --network none`, on berth and on runc",
  goal: "faster than with runc",
  async measure(_, { rounds }) {
    await using undo = new AsyncDisposableStack();
    const times: number[] = [];
    for (const runtime of [BERTH, undefined]) {
      const place = await mkdtemp("/tmp/bench-");
      undo.defer(() => rm(place, { recursive: true, force: true }));
      await symlink(BERTH, `${place}/berth-oci`);
      const dockerd = await Dockerd.open(
        `${place}/docker`,
        runtime === undefined ? {} : { runtime: `${place}/berth-oci` },
      );
      if (dockerd === undefined) return {};
      await using running = dockerd;
      await output([...running.client, "import", "-", "box"], { stdin: await busyboxTar() });
      const [sample] = alternate(
        [[...running.client, "run", "--rm", "--network", "none", "box", "true"]],
        rounds,
      );
      times.push(sample?.median ?? Number.NaN);
    }
    return cells(times);
  },
};

function cells(times: readonly number[]): Record<string, string> {
  return Object.fromEntries(NAMES.map((name, at) => [name, milliseconds(times[at] ?? Number.NaN)]));
}

/** Both runtimes' words before the command, with states on a tmpfs, and the bundle that they share. */
class Runtimes implements AsyncDisposable {
  readonly bundle: string;
  readonly commands: readonly (readonly string[])[];
  readonly #places: readonly string[];

  private constructor(bundle: string, state: string) {
    this.bundle = bundle;
    this.commands = [
      [BERTH, "oci", "--root", `${state}/berth`],
      ["runc", "--root", `${state}/runc`],
    ];
    this.#places = [bundle, state];
  }

  static async open(filtered: boolean, args: readonly string[] = ["true"]): Promise<Runtimes> {
    const bundle = await mkdtemp("/tmp/bench-");
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
    return new Runtimes(bundle, await mkdtemp("/dev/shm/bench-"));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const place of this.#places) await rm(place, { recursive: true, force: true });
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

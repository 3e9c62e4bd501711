/** Who is measured: berth, and docker.io, runc and bwrap of Debian where they are installed. All run the same busybox. */
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { startEngine, BERTH, type TestEngine } from "../test/support/engine.ts";
import { busyboxTar } from "../test/support/busybox.ts";
import { command, output, PATH } from "../test/support/command.ts";
import { useEngineIn } from "./measure.ts";
import { Dockerd } from "../test/support/dockerd.ts";

/** A command line with its engine: both speak docker's words. */
export interface Engine {
  readonly name: string;
  /** The words before `run`. */
  readonly client: readonly string[];
  /** The engine's process, and those that serve it. */
  pids(): Promise<number[]>;
  /** Ends the engine and starts it again; gives the milliseconds until it answered. */
  restart(): Promise<number>;
}

export interface Peers extends AsyncDisposable {
  readonly berth: Engine;
  readonly docker: Engine | undefined;
  /** Words that run `true` in a namespace of its own, without an engine. */
  readonly bare: readonly { readonly name: string; readonly command: readonly string[] }[];
}

/** Those that speak docker's words. */
export function enginesOf({ berth, docker }: Peers): Engine[] {
  return docker === undefined ? [berth] : [berth, docker];
}

export async function openPeers(): Promise<Peers> {
  await using undo = new AsyncDisposableStack();
  const place = await mkdtemp("/tmp/bench-");
  undo.defer(() => rm(place, { recursive: true, force: true }));
  // What is true until the reboot lies on a tmpfs, for both: as /run does on Debian.
  const run = await mkdtemp("/dev/shm/bench-");
  undo.defer(() => rm(run, { recursive: true, force: true }));
  const engine = undo.use(await startEngine({ image: "busybox", run: `${run}/berth` }));
  useEngineIn(engine.run);
  const docker = await openDocker(place, `${run}/docker`, undo);
  const bare = await openBare(place);
  const kept = undo.move();
  return { berth: berthOf(engine), docker, bare, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

function berthOf(engine: TestEngine): Engine {
  return {
    name: "berth",
    client: [BERTH, "--host", engine.host],
    pids: () => Promise.resolve([engine.pid]),
    async restart() {
      await engine.terminate();
      const started = performance.now();
      await engine.start();
      return performance.now() - started;
    },
  };
}

async function openDocker(
  place: string,
  execRoot: string,
  undo: AsyncDisposableStack,
): Promise<Engine | undefined> {
  const dockerd = await Dockerd.open(`${place}/docker`, { execRoot });
  if (dockerd === undefined) return undefined;
  undo.use(dockerd);
  await output([...dockerd.client, "import", "-", "busybox"], {
    stdin: await busyboxTar(),
    timeoutMs: 60_000,
  });
  return {
    name: "docker.io",
    client: dockerd.client,
    pids: () => familyOf(dockerd.pid),
    async restart() {
      await dockerd.stop();
      const started = performance.now();
      await dockerd.start();
      return performance.now() - started;
    },
  };
}

async function familyOf(pid: number): Promise<number[]> {
  const { stdout } = await command(["ps", "-o", "pid=", "--ppid", String(pid)]);
  return [
    pid,
    ...stdout
      .split("\n")
      .filter((line) => line.trim() !== "")
      .map(Number),
  ];
}

async function openBare(place: string): Promise<Peers["bare"]> {
  const rootfs = `${place}/bundle/rootfs`;
  await mkdir(rootfs, { recursive: true });
  await output(["tar", "-C", rootfs, "-x"], { stdin: await busyboxTar() });
  const found: { name: string; command: readonly string[] }[] = [];
  if (Bun.which("runc", { PATH }) !== null) found.push({ name: "runc", command: await runcCommand(place) });
  if (Bun.which("bwrap", { PATH }) !== null) found.push({ name: "bwrap", command: bwrapCommand(rootfs) });
  return found;
}

async function runcCommand(place: string): Promise<string[]> {
  const bundle = `${place}/bundle`;
  await output(["runc", "spec", "--bundle", bundle]);
  const config = (await Bun.file(`${bundle}/config.json`).json()) as {
    process: { terminal: boolean; args: string[] };
  };
  config.process.terminal = false;
  config.process.args = ["true"];
  await Bun.write(`${bundle}/config.json`, JSON.stringify(config));
  return ["runc", "--root", `${place}/runc`, "run", "--bundle", bundle, "bench"];
}

function bwrapCommand(rootfs: string): string[] {
  return ["bwrap", "--unshare-all", "--bind", rootfs, "/", "--proc", "/proc", "--dev", "/dev", "true"];
}

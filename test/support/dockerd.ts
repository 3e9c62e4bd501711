/** Debian's docker engine, to compare with: own directories, own network namespace, gone at the end. Never the machine's. */
import { mkdir, readdir, rmdir } from "node:fs/promises";
import { basename, dirname } from "node:path";
import { PATH } from "./command.ts";

const DOCKERD = "/usr/sbin/dockerd";
const CGROUPS = "/sys/fs/cgroup";

export interface DockerdOptions {
  readonly execRoot?: string;
  /** A runtime for all containers in the place of runc. */
  readonly runtime?: string;
  /** The process whose network namespace it is started in; absent: a new one. */
  readonly networkOf?: number;
  /** Variables besides PATH, which its runtime gets too. */
  readonly env?: Readonly<Record<string, string>>;
}

export class Dockerd implements AsyncDisposable {
  /** Words before `run`: the client that came with this engine, where it is installed. */
  readonly client: readonly string[];
  readonly #home: string;
  readonly #execRoot: string;
  readonly #runtime: string | undefined;
  readonly #env: Readonly<Record<string, string>>;
  readonly #networkOf: number | undefined;
  #process: Bun.Subprocess | undefined;

  private constructor(
    home: string,
    { execRoot = `${home}/exec`, runtime, env = {}, networkOf }: DockerdOptions,
    client: string,
  ) {
    this.#home = home;
    this.#execRoot = execRoot;
    this.#runtime = runtime;
    this.#env = env;
    this.#networkOf = networkOf;
    this.client = [client, "-H", `unix://${this.#socket}`];
  }

  /** Undefined where Debian's docker.io is not installed. The directories are the caller's to remove. */
  static async open(home: string, options: DockerdOptions = {}): Promise<Dockerd | undefined> {
    if (!(await Bun.file(DOCKERD).exists())) return undefined;
    await mkdir(home, { recursive: true });
    const dockerd = new Dockerd(
      home,
      options,
      (await Bun.file("/usr/bin/docker").exists()) ? "/usr/bin/docker" : "docker",
    );
    await dockerd.start();
    return dockerd;
  }

  get #socket(): string {
    return `${this.#home}/docker.sock`;
  }

  /** Named after the caller's directory, so that it can be removed without touching another engine's. */
  get #cgroup(): string {
    return `/dockerd-${basename(dirname(this.#home))}`;
  }

  get pid(): number {
    return this.#process?.pid ?? 0;
  }

  /** Its bridge and its firewall rules live and die in a network namespace that is not the machine's. */
  async start(): Promise<void> {
    const home = this.#home;
    const places = ["--data-root", `${home}/data`, "--exec-root", this.#execRoot, "--pidfile", `${home}/pid`];
    const named = ["--cgroup-parent", this.#cgroup, "-H", `unix://${this.#socket}`];
    const runtime =
      this.#runtime === undefined
        ? []
        : ["--add-runtime", `chosen=${this.#runtime}`, "--default-runtime", "chosen"];
    const network =
      this.#networkOf === undefined
        ? ["unshare", "--net"]
        : ["nsenter", `--net=/proc/${this.#networkOf}/ns/net`];
    const words = [...network, DOCKERD, ...places, ...named, ...runtime];
    this.#process = Bun.spawn(words, {
      env: { PATH, ...this.#env },
      stdio: ["ignore", "ignore", Bun.file(`${home}/log`)],
    });
    const deadline = Date.now() + 60_000;
    while (Date.now() < deadline && this.#process.exitCode === null) {
      const answer = await fetch("http://docker/_ping", { unix: this.#socket }).catch(() => undefined);
      if (answer?.ok === true) return;
      await Bun.sleep(2);
    }
    this.#process.kill("SIGKILL");
    throw new Error(`dockerd does not answer: ${(await Bun.file(`${home}/log`).text()).slice(-600)}`);
  }

  async stop(): Promise<void> {
    this.#process?.kill("SIGTERM");
    await this.#process?.exited;
    const hierarchies = await readdir(CGROUPS);
    // Absent where dockerd has never started a container.
    await Promise.all(hierarchies.map((name) => rmdir(`${CGROUPS}/${name}${this.#cgroup}`).catch(() => {})));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}

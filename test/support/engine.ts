/** An engine of its own for a test: own root and run directory, `berth daemon` in the foreground, gone at the end. */
import { mkdtemp, rm } from "node:fs/promises";
import { resolve } from "node:path";
import { busyboxTar } from "./busybox.ts";
import { command, type CommandOptions, type CommandResult, output, PATH } from "./command.ts";

/** The executable under test; `tools/test` names the one with sanitizers here. */
export const BERTH = resolve(process.env.BERTH_TEST_BINARY ?? `${import.meta.dir}/../../dist/berth`);

/** Who performs the commands of the command line: `tools/test` runs the end-to-end table both ways. */
const BY_ENGINE = process.env["BERTH_TEST_BY_ENGINE"] === "1";

export interface EngineOptions {
  /** Variables of the daemon besides PATH. */
  readonly env?: Readonly<Record<string, string>>;
  /** The caller's own directory, perhaps with what an engine before has left; the caller removes it. */
  readonly place?: string;
  /** The run directory, for who wants it elsewhere than below the place; the caller removes it. */
  readonly run?: string;
  /** The tag of the busybox image to import; none: no image. */
  readonly image?: string | undefined;
  /** Words behind `berth daemon`. */
  readonly arguments?: readonly string[];
  /** Words before `berth daemon`: strace, prlimit, unshare … */
  readonly wrapper?: readonly string[];
}

export class TestEngine implements AsyncDisposable {
  readonly place: string;
  readonly #options: EngineOptions;
  #process: Bun.Subprocess | undefined;

  constructor(place: string, options: EngineOptions) {
    this.place = place;
    this.#options = options;
  }

  get root(): string {
    return `${this.place}/root`;
  }
  get run(): string {
    return this.#options.run ?? `${this.place}/run`;
  }
  get socket(): string {
    return `${this.run}/berth.sock`;
  }
  get host(): string {
    return `unix://${this.socket}`;
  }
  /** What the kernel's objects of this engine are named after. */
  get instance(): string {
    return `b${new Bun.CryptoHasher("sha256").update(this.root).digest("hex").slice(0, 6)}`;
  }
  get pid(): number {
    return this.#process?.pid ?? 0;
  }
  get log(): string {
    return `${this.place}/engine.log`;
  }
  get env(): Record<string, string> {
    return { PATH, HOME: "/nonexistent", BERTH_ROOT: this.root, BERTH_RUN: this.run };
  }

  async start(): Promise<void> {
    const log = Bun.file(this.log);
    this.#process = Bun.spawn(
      [...(this.#options.wrapper ?? []), BERTH, "daemon", ...(this.#options.arguments ?? [])],
      {
        env: { ...this.env, ...this.#options.env },
        cwd: "/",
        stdin: "ignore",
        stdout: "ignore",
        stderr: log,
      },
    );
    await this.#answers();
  }

  /** kill -9; what it left behind is for the next start(). */
  async kill(): Promise<void> {
    this.#process?.kill("SIGKILL");
    await this.#process?.exited;
  }

  async terminate(): Promise<number> {
    this.#process?.kill("SIGTERM");
    return (await this.#process?.exited) ?? 0;
  }

  get exited(): Promise<number> {
    return this.#process?.exited ?? Promise.resolve(0);
  }

  /** Resolves when the shim of a container that runs has written down what it tells first: also without it the next engine knows then. */
  async recorded(id: string): Promise<void> {
    const state = Bun.file(`${this.run}/c/${id}/state`);
    while (!(await state.text()).includes('"phase":"running"')) await Bun.sleep(2);
  }

  /** `berth WORDS` against this engine. */
  berth(words: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
    return command([BERTH, ...words], { ...options, env: { ...this.client, ...options.env } });
  }

  /** Only the socket: a command line with these never starts an engine. It performs its commands itself, or lets the engine do it. */
  get client(): Record<string, string> {
    const how: Record<string, string> = BY_ENGINE
      ? { BERTH_HOST: this.host, BERTH_RUN: this.run }
      : { BERTH_ALONE: "1" };
    return { DOCKER_HOST: this.host, ...how };
  }

  /** The API: a path below the socket, JSON back. */
  async api(method: string, path: string, body?: unknown): Promise<{ status: number; body: unknown }> {
    const response = await fetch(`http://berth${path}`, {
      unix: this.socket,
      method,
      keepalive: false, // who counts the engine's descriptors shall not find ours among them
      ...(body === undefined
        ? {}
        : { body: JSON.stringify(body), headers: { "Content-Type": "application/json" } }),
    });
    const text = await response.text();
    return { status: response.status, body: text === "" ? undefined : parse(text) };
  }

  async importBusybox(tag: string): Promise<void> {
    const { stderr, code } = await this.berth(["import", "--change", 'CMD ["sh"]', "-", tag], {
      stdin: await busyboxTar(),
    });
    if (code !== 0) throw new Error(`import of ${tag}: ${stderr}`);
  }

  /** Removes every container, running or not; images stay. */
  async removeContainers(): Promise<void> {
    const { body } = await this.api("GET", "/containers/json?all=1");
    for (const { Id } of body as { Id: string }[]) await this.api("DELETE", `/containers/${Id}?force=1&v=1`);
  }

  /** `system shutdown --containers`, and if that does not help, kill. */
  async shutdown(): Promise<void> {
    if (this.#process?.exitCode !== null) return;
    await this.removeContainers().catch(() => undefined);
    await this.berth(["system", "shutdown", "--containers"], { timeoutMs: 10_000 });
    const stubborn = setTimeout(() => this.#process?.kill("SIGKILL"), 5000);
    await this.#process.exited;
    clearTimeout(stubborn);
  }

  /** Ends the engine and its containers, and removes its directories (not a place that the caller has named). */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.shutdown();
    await removeKernelObjects(this.instance);
    if (this.#options.place === undefined) await rm(this.place, { recursive: true, force: true });
  }

  async #answers(): Promise<void> {
    const deadline = Date.now() + 15_000;
    while (Date.now() < deadline) {
      if (this.#process?.exitCode !== null) break;
      const question = fetch("http://berth/_ping", { unix: this.socket, keepalive: false });
      const answer = await question.catch(() => undefined);
      if (answer?.ok === true) return;
      await Bun.sleep(5);
    }
    throw new Error(
      `the engine does not answer:\n${await Bun.file(this.log)
        .text()
        .catch(() => "")}`,
    );
  }
}

/** What an engine that could not end properly has left: the next ones need the addresses. A test that asks for leaks does so before. */
async function removeKernelObjects(instance: string): Promise<void> {
  await command(["ip", "link", "delete", `${instance}0`]);
  await command(["nft", "delete", "table", "ip", instance]);
}

export async function startEngine(options: EngineOptions = {}): Promise<TestEngine> {
  const place = options.place ?? (await mkdtemp("/tmp/bt-"));
  const engine = new TestEngine(place, options);
  try {
    await engine.start();
    if (options.image !== undefined) await engine.importBusybox(options.image);
  } catch (error) {
    await engine.kill();
    throw error;
  }
  return engine;
}

/** A directory for one test. */
export async function temporaryPlace(): Promise<string> {
  return (await output(["mktemp", "-d", "/tmp/bt-XXXXXX"])).trim();
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** Debian's containerd in a place of its own, to be used by its client `ctr`; gone at the end. */
import { mkdir, writeFile } from "node:fs/promises";
import { command, type CommandResult, PATH } from "../support/command.ts";

export class Containerd implements AsyncDisposable {
  readonly #home: string;
  readonly #process: Bun.Subprocess;

  private constructor(home: string, process: Bun.Subprocess) {
    this.#home = home;
    this.#process = process;
  }

  /** The directory is the caller's to remove. */
  static async open(home: string, env: Readonly<Record<string, string>> = { PATH }): Promise<Containerd> {
    await mkdir(home, { recursive: true });
    const config = [
      "version = 2",
      `root = "${home}/root"`,
      `state = "${home}/state"`,
      'disabled_plugins = ["io.containerd.grpc.v1.cri"]',
      "[grpc]",
      `address = "${home}/socket"`,
    ];
    await writeFile(`${home}/config.toml`, config.join("\n"));
    const log = Bun.file(`${home}/log`);
    const words = ["containerd", "--config", `${home}/config.toml`];
    const process = Bun.spawn(words, { env: { ...env }, stdio: ["ignore", log, log] });
    const containerd = new Containerd(home, process);
    const deadline = Date.now() + 30_000;
    while ((await containerd.ctr("version")).code !== 0) {
      if (Date.now() > deadline || process.exitCode !== null)
        throw new Error(`containerd does not answer: ${(await log.text()).slice(-600)}`);
      await Bun.sleep(10);
    }
    return containerd;
  }

  async ctr(...words: readonly string[]): Promise<CommandResult> {
    return await command(["ctr", "--address", `${this.#home}/socket`, ...words]);
  }

  /** Its tasks would outlive it. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const id of (await this.ctr("tasks", "list", "--quiet")).stdout.split("\n").filter(Boolean))
      await this.ctr("tasks", "delete", "--force", id);
    this.#process.kill("SIGTERM");
    await this.#process.exited;
  }
}

/** Images that somebody hostile has made: busybox, changed by shell commands in its root directory, and by changes of its config. */
import { expect } from "bun:test";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { busyboxTar } from "../support/busybox.ts";
import { command, output } from "../support/command.ts";
import { type EngineOptions, startEngine, type TestEngine } from "../support/engine.ts";

export interface Hostile {
  /** Run by sh in the image's root directory; `$OUTSIDE` is a directory of the host that must stay as it is. */
  readonly sh?: string;
  /** Dockerfile lines, as `import --change` takes them. */
  readonly changes?: readonly string[];
}

/** An engine with the image `busybox`, and a directory of the host that nothing may touch. */
export class Target implements AsyncDisposable {
  readonly engine: TestEngine;
  /** What an escape would read or write. It holds one file, `secret`. */
  readonly outside: string;

  private constructor(engine: TestEngine, outside: string) {
    this.engine = engine;
    this.outside = outside;
  }

  static async start(options: EngineOptions = {}): Promise<Target> {
    const outside = await mkdtemp("/tmp/outside-");
    await writeFile(`${outside}/secret`, SECRET);
    return new Target(await startEngine({ image: "busybox", ...options }), outside);
  }

  /** Makes the image `tag`. */
  async image(tag: string, { sh = "true", changes = [] }: Hostile): Promise<void> {
    const top = await mkdtemp("/tmp/hostile-");
    try {
      await output(["tar", "-C", top, "-x"], { stdin: await busyboxTar() });
      await output(["sh", "-e", "-c", sh], { cwd: top, env: { OUTSIDE: this.outside } });
      await output(["tar", "--numeric-owner", "--sparse", "-C", top, "-cf", `${this.outside}.tar`, "."]);
      const flags = changes.flatMap((line) => ["--change", line]);
      const { code, stderr } = await this.engine.berth(["import", ...flags, `${this.outside}.tar`, tag]);
      if (code !== 0) throw new Error(`import of ${tag}: ${stderr}`);
    } finally {
      await rm(top, { recursive: true });
      await rm(`${this.outside}.tar`, { force: true });
    }
  }

  /** `berth run --rm --network none WORDS`. */
  run(...words: readonly string[]): ReturnType<TestEngine["berth"]> {
    return this.engine.berth(["run", "--rm", "--network", "none", ...words]);
  }

  /** Standard output of a shell in a fresh busybox; it must succeed. */
  async shell(script: string, ...flags: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await this.run(...flags, "busybox", "sh", "-c", script);
    if (code !== 0) throw new Error(`${script}: ended with ${code}: ${stderr}${stdout}`);
    return stdout;
  }

  /** A running container; gives its id. */
  async start(image: string, ...words: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await this.engine.berth([
      "run",
      "-d",
      "--network",
      "none",
      image,
      ...words,
    ]);
    if (code !== 0) throw new Error(`run -d ${image}: ${stderr}`);
    return stdout.trim();
  }

  /** The directory outside is as it was. */
  async isUntouched(): Promise<void> {
    expect(await readdir(this.outside)).toEqual(["secret"]);
    expect(await Bun.file(`${this.outside}/secret`).text()).toBe(SECRET);
  }

  /** The directory outside is as it was, and the engine still works. */
  async isUnharmed(): Promise<void> {
    await this.isUntouched();
    expect(await this.shell("echo well")).toBe("well\n");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.engine[Symbol.asyncDispose]();
    await rm(this.outside, { recursive: true, force: true });
  }
}

export const SECRET = "the host's own words\n";

/** A directory of the test's own, on the host. */
export async function scratch(target: Target, name: string): Promise<string> {
  const path = `${target.engine.place}/${name}`;
  if (!existsSync(path)) await mkdir(path);
  return path;
}

/** Host processes whose parent is the engine or that name `id`: pid of the shim that looks after a container. */
export async function shimOf(id: string, target: Target): Promise<number> {
  const file = Bun.file(`${target.engine.run}/c/${id}/state`);
  const { shimPid } = (await file.json()) as { shimPid: number };
  return shimPid;
}

export { command };

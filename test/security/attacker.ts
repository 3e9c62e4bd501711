/** The attacker's program, compiled for the test, and processes that run it in a container. */
import { mkdir, readFile, symlink, writeFile } from "node:fs/promises";
import { hasErrno } from "../../src/kernel/error.ts";
import { compileProgram } from "../../tools/native.ts";
import type { Target } from "./hostile.ts";

const ETXTBSY = 26;

let built: Promise<Uint8Array> | undefined;

/** A static program in a directory of the engine's; see attacker.c for what it can do. */
export async function attackerOf(target: Target): Promise<string> {
  const path = `${target.engine.place}/attacker`;
  built ??= compileProgram(path, ["test/security/attacker.c"]).then(() => readFile(path));
  await writeFile(path, await built, { mode: 0o755, flag: "w" }).catch(ignoreBusy);
  return path;
}

/** It is there, and runs. */
function ignoreBusy(error: unknown): void {
  if (!hasErrno(error, ETXTBSY)) throw error;
}

/** A container whose shell ends as that program, once it has said that it is at work. */
export async function attack(target: Target, script: string, ...flags: readonly string[]): Promise<string> {
  const volume = `${await attackerOf(target)}:/attacker:ro`;
  const id = await target.start("-v", volume, ...flags, "busybox", "sh", "-c", script);
  await said(target, id, "ing\n");
  return id;
}

/** What the container has printed, once `text` is in it. */
export async function said(target: Target, id: string, text: string): Promise<string> {
  const deadline = Date.now() + 10_000;
  for (;;) {
    const { stdout, stderr } = await target.engine.berth(["logs", id]);
    if (stdout.includes(text)) return stdout;
    if (Date.now() > deadline) throw new Error(`${id} has not said "${text}": ${stdout}${stderr}`);
  }
}

/** A directory that a container shares with others, and in which `door`, a directory, and `trap`, a link to the outside, change places all the time. */
export class Revolving implements AsyncDisposable {
  /** The shared directory, on the host. */
  readonly volume: string;
  readonly #target: Target;
  readonly #id: string;

  private constructor(target: Target, volume: string, id: string) {
    this.#target = target;
    this.volume = volume;
    this.#id = id;
  }

  static async start(target: Target, name: string): Promise<Revolving> {
    const volume = `${target.engine.place}/${name}`;
    await mkdir(`${volume}/door`, { recursive: true });
    await writeFile(`${volume}/door/secret`, "the attacker's own words\n");
    await symlink(target.outside, `${volume}/trap`);
    const id = await attack(target, "exec /attacker swap /v/door /v/trap", "-v", `${volume}:/v`);
    return new Revolving(target, volume, id);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#target.engine.berth(["rm", "-f", this.#id]);
  }
}

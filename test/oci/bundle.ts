/** Bundles with a root filesystem that has a shell, and a runtime's command line to be called as an engine would. */
import { setDefaultTimeout } from "bun:test";
import { mkdir, mkdtemp, readdir, readFile, rm, rmdir, symlink, writeFile } from "node:fs/promises";
import { basename, resolve } from "node:path";
import { busyboxTar } from "../support/busybox.ts";
import { output, PATH } from "../support/command.ts";
import { startEngine, type TestEngine } from "../support/engine.ts";
import { has } from "../support/parts.ts";

const BERTH = resolve(process.env.BERTH_TEST_BINARY ?? "dist/berth");

setDefaultTimeout(30_000); // of a file that runs alone; `tools/test` says it for all

/** config.json as far as tests change it; the rest is what `runc spec` writes. */
export interface Config {
  ociVersion: string;
  process: Record<string, unknown> & { args: string[]; terminal: boolean };
  root: { path: string; readonly: boolean };
  mounts: Record<string, unknown>[];
  hooks?: Record<string, unknown>;
  linux: Record<string, unknown> & { namespaces: { type: string; path?: string }[] };
  annotations?: Record<string, string>;
}

export interface Outcome {
  readonly stdout: string;
  readonly stderr: string;
  readonly code: number;
}

/** Groups of an engine's own making, empty by now, which it leaves in every hierarchy. */
export async function removeEmptyGroups(...names: readonly string[]): Promise<void> {
  for (const hierarchy of await readdir("/sys/fs/cgroup"))
    for (const name of names) await rmdir(`/sys/fs/cgroup/${hierarchy}/${name}`).catch(() => undefined); // or there is none, or somebody uses it
}

/** Those of a place in every hierarchy, with what its containers have left there whose state a test has taken away. */
async function removeGroupsOf(place: string): Promise<void> {
  for (const hierarchy of await readdir("/sys/fs/cgroup"))
    await removeTree(`/sys/fs/cgroup/${hierarchy}/${place}`);
}

async function removeTree(group: string): Promise<void> {
  const entries = await readdir(group, { withFileTypes: true }).catch(() => []); // there is none
  for (const entry of entries) if (entry.isDirectory()) await removeTree(`${group}/${entry.name}`);
  await rmdir(group).catch(() => undefined);
}

/** Who performs our runtime's commands: whole files of tests run both ways. */
export const PERFORMERS = [
  { by: "itself", engine: false },
  { by: "the engine", engine: true },
] as const;

/** A place of its own for one test file, with a link named berth-oci to the executable. */
export class Place implements AsyncDisposable {
  readonly path: string;
  /** Performs our runtime's commands, where there is one. */
  readonly engine: TestEngine | undefined;
  #configured = 0;

  private constructor(path: string, engine: TestEngine | undefined) {
    this.path = path;
    this.engine = engine;
  }

  /** `wrapper`: words before those that start the engine. */
  static async make({ engine = false, wrapper = [] as readonly string[] } = {}): Promise<Place> {
    const path = await mkdtemp("/tmp/berth-oci-test-");
    const place = new Place(path, engine ? await startEngine({ place: path, wrapper }) : undefined);
    await symlink(BERTH, place.berth);
    for (const name of ["rootfs", "ours", "runc"]) await mkdir(`${place.path}/${name}`);
    await writeFile(`${place.path}/root.tar`, await busyboxTar());
    await output(["tar", "-C", `${place.path}/rootfs`, "-xf", `${place.path}/root.tar`]);
    await output([place.berth, "spec", "--bundle", place.path]);
    return place;
  }

  /** Of whoever calls a runtime here: no other engine of this machine is asked. */
  get env(): Record<string, string> {
    return { PATH, ...(this.engine === undefined ? { BERTH_ALONE: "1" } : { BERTH_RUN: this.engine.run }) };
  }

  get berth(): string {
    return `${this.path}/berth-oci`;
  }

  /** Each has its own: two containers of one name would share a control group. */
  bundle(runtime: string): string {
    return `${this.path}/${runtime === this.berth ? "ours" : "runc"}`;
  }

  /** Where its containers are kept. */
  state(runtime: string): string {
    return `${this.path}/state-${runtime === this.berth ? "ours" : "runc"}`;
  }

  /** Writes config.json: sh with this script, changed as wanted. */
  async configure(script: string, change: (config: Config) => void = () => undefined): Promise<void> {
    this.#configured += 1;
    for (const runtime of [this.berth, "runc"]) {
      const config = JSON.parse(await readFile(`${this.path}/config.json`, "utf8")) as Config;
      config.process.terminal = false;
      config.process.args = ["sh", "-c", script];
      config.root.path = `${this.path}/rootfs`;
      config.linux["cgroupsPath"] = `${this.bundle(runtime).replace("/tmp", "")}/group-${this.#configured}`;
      change(config);
      await writeFile(`${this.bundle(runtime)}/config.json`, JSON.stringify(config));
    }
  }

  /** Its streams are files: a container that goes on holds nobody up. */
  async call(
    runtime: string,
    words: readonly string[],
    { env = {}, root = this.state(runtime) }: { env?: Record<string, string>; root?: string } = {},
  ): Promise<Outcome> {
    const [out, err] = [`${this.path}/out`, `${this.path}/err`];
    await Promise.all([Bun.write(out, ""), Bun.write(err, "")]);
    const child = Bun.spawn([runtime, "--root", root, ...words], {
      cwd: this.bundle(runtime),
      env: { ...this.env, ...env },
      stdio: ["ignore", Bun.file(out), Bun.file(err)],
      timeout: 20_000,
      killSignal: "SIGKILL",
    });
    const code = await child.exited;
    return { code, stdout: await readFile(out, "utf8"), stderr: await readFile(err, "utf8") };
  }

  /** With the groups that the containers' were made in. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const runtime of [this.berth, ...(has("runc") ? ["runc"] : [])]) {
      const { stdout } = await this.call(runtime, ["list", "--quiet"]);
      for (const id of stdout.split("\n").filter(Boolean))
        await this.call(runtime, ["delete", "--force", id]);
    }
    await this.engine?.terminate();
    await removeGroupsOf(basename(this.path));
    await rm(this.path, { recursive: true, force: true });
  }
}

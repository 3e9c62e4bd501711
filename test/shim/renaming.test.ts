/** Somebody exchanges two names of a shared directory all the time: what the shim has looked at is what it goes on with. */
import { expect, test } from "bun:test";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { makeFifo } from "../../src/kernel/files.ts";
import type { Op } from "../../src/runtime/op.ts";
import { programOf } from "../seccomp/support/program.ts";
import { has } from "../support/parts.ts";
import { Place } from "./support/place.ts";
import { containerPlan, MS_SHARED, MS_SILENT } from "./support/plan.ts";
import { runContainer, Shim } from "./support/shim.ts";

const root = test.if(has("root", "busybox"));
const STARTS = 20;
const ESTALE = 116;

type Mount = Extract<Op, { op: "mount" }>;

/** A directory that others have, too, in which `one` and `other` change places until it is disposed of. */
class Shared implements AsyncDisposable {
  readonly path: string;
  readonly #place: Place;
  readonly #swapper: Bun.Subprocess;

  private constructor(place: Place, path: string, swapper: Bun.Subprocess) {
    this.#place = place;
    this.path = path;
    this.#swapper = swapper;
  }

  static async open(make: (path: string, name: "one" | "other") => void): Promise<Shared> {
    const place = new Place();
    const path = `${place.top}/volume`;
    mkdirSync(path);
    for (const name of ["one", "other"] as const) make(`${path}/${name}`, name);
    const words = [await programOf("test/security/attacker.c"), "swap", `${path}/one`, `${path}/other`];
    const swapper = Bun.spawn(words, { stdio: ["ignore", "pipe", "inherit"] });
    await swapper.stdout.getReader().read();
    return new Shared(place, path, swapper);
  }

  /** Where the container has it. */
  at(target: string): Op {
    const what = { source: this.path, target, recursive: false, makeSource: false, steps: [] };
    return { op: "bind", ...what };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#swapper.kill("SIGKILL");
    await this.#swapper.exited;
    this.#place[Symbol.dispose]();
  }
}

function tmpfs(target: string, more: Partial<Mount>): Mount {
  const plain = { source: "tmpfs", type: "tmpfs", flags: 0, data: "", api: false, optional: false };
  return { op: "mount", target, ...plain, ...more };
}

root("a mount by mount(2) is the one that gets its propagation", async () => {
  await using shared = await Shared.open((path) => mkdirSync(path));
  const steps = [{ recursive: false, set: 0, clear: 0, propagation: MS_SHARED }];
  const mounts = [shared.at("/data"), tmpfs("/data/one", { classic: true, flags: MS_SILENT, steps })];
  const script = "grep -c ' /data/.* shared:[0-9]* - tmpfs' /proc/self/mountinfo";
  for (let count = 0; count < STARTS; count++) {
    using place = new Place();
    const { stdout } = await runContainer(place, { argv: ["sh", "-c", script], mounts });
    expect(stdout).toBe("1\n");
  }
});

const MODES = { one: 0o600, other: 0o644 };

root.each<[string, (path: string, name: "one" | "other") => void, RegExp]>([
  [
    "two files",
    (path, name) => {
      writeFileSync(path, name);
      chmodSync(path, MODES[name]);
    },
    /^(600 one|644 other)$/,
  ],
  [
    "a file and a fifo",
    (path, name) => (name === "one" ? writeFileSync(path, name) : makeFifo(path, 0o640)),
    /^(644 one|a fifo)$/,
  ],
])("a tmpfs begins with what it covers as it is there, or it is an error: %s", async (_, make, fits) => {
  await using shared = await Shared.open(make);
  const targets = Array.from({ length: 10 }, (_each, number) => `/data${number}`);
  const mounts = targets.flatMap((target) => [shared.at(target), tmpfs(target, { copyUp: true })]);
  const script =
    'for each in /data*/*; do [ -p $each ] && echo a fifo || echo "$(stat -c %a $each) $(cat $each)"; done';
  for (let count = 0; count < STARTS; count++) {
    using place = new Place();
    await using shim = await Shim.launch(place, containerPlan(place, { argv: ["sh", "-c", script], mounts }));
    shim.start();
    for (const message of await shim.control.rest())
      if (message.type === "failed") expect(message).toMatchObject({ errno: ESTALE, object: "tmpcopyup" });
    await shim.ended;
    for (const { log } of place.entries()) expect(log.trim()).toMatch(fits);
  }
});

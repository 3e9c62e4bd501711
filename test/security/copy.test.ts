/** Links of a container's that lead out of it, as the source and as the target of docker cp. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { readFile, rm, writeFile } from "node:fs/promises";
import { has } from "../support/parts.ts";
import { scratch, SECRET, Target } from "./hostile.ts";

describe.if(has("root", "busybox"))("cp", () => {
  let target: Target;
  let place: string;
  beforeAll(async () => {
    target = await Target.start();
    place = await scratch(target, "cp");
    await writeFile(`${place}/evil`, "from outside\n");
  }, 30_000);
  afterAll(() => target[Symbol.asyncDispose](), 30_000);

  /** Copies both ways through `/link`, and looks at what came and went. */
  async function through(id: string): Promise<void> {
    const { berth } = target.engine;
    await berth.call(target.engine, ["cp", `${id}:/link/secret`, `${place}/out`]);
    await berth.call(target.engine, ["cp", `${place}/evil`, `${id}:/link/written`]);
    await berth.call(target.engine, ["cp", `${place}/evil`, `${id}:/link`]);
    await berth.call(target.engine, ["cp", `${place}/evil`, `${id}:/link/deep/er`]);
    if (existsSync(`${place}/out`)) expect(await readFile(`${place}/out`, "utf8")).not.toBe(SECRET);
    await rm(`${place}/out`, { recursive: true, force: true });
  }

  test.each([
    ["an absolute link", (outside: string) => `ln -s ${outside} /link`],
    ["a climbing link", (outside: string) => `ln -s ../../../../../../..${outside} /link`],
    ["a link through procfs", (outside: string) => `ln -s /proc/1/root${outside} /link`],
    ["a link through a descriptor", (outside: string) => `ln -s /proc/self/cwd/../../../..${outside} /link`],
  ])(
    "%s leads nowhere outside, running or stopped",
    async (_, script) => {
      const id = await target.start("busybox", "sh", "-c", `${script(target.outside)}; sleep 100`);
      await through(id);
      await target.engine.berth(["stop", "-t", "0", id]);
      await through(id);
      await target.isUnharmed();
    },
    30_000,
  );

  test("an archive of the user's that climbs is refused", async () => {
    const id = await target.start("busybox", "sleep", "100");
    await writeFile(`${place}/climb`, "x");
    const tar = Bun.spawnSync([
      "tar",
      "-P",
      "-C",
      place,
      "--transform",
      `s|climb|../../../../..${target.outside}/climb|`,
      "-c",
      "climb",
    ]);
    const { code } = await target.engine.berth(["cp", "-", `${id}:/tmp`], { stdin: tar.stdout });
    expect(code).toBe(1);
    await target.isUnharmed();
  }, 30_000);
});

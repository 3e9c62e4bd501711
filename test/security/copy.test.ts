/**
 * CVE-2018-15664, CVE-2026-42306, GHSA-vp62-88p7-qqf5 (docker cp): a path was resolved first and used later, by name, on the host.
 * CVE-2019-14271, CVE-2026-41567: a helper loaded or executed what it found in the container.
 */
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

  test("a link that is swapped for a directory all the time never wins", async () => {
    const swap = `mkdir /real /real/deep; echo mine >/real/secret; ln -s ${target.outside} /evil; while :; do mv -T /real /link; mv -T /link /real; ln -s ${target.outside} /link; rm /link; done`;
    const id = await target.start("busybox", "sh", "-c", swap);
    for (let count = 0; count < 15; count++) await through(id);
    await target.engine.berth(["rm", "-f", id]);
    await target.isUnharmed();
  }, 90_000);

  test("nothing of the container is executed or loaded", async () => {
    const bait =
      "printf '#!/bin/sh\\necho $$ >/ran\\n' >bait; chmod 755 bait; for each in tar xz gzip zstd unpigz chroot; do rm -f bin/$each usr/bin/$each; mkdir -p usr/bin; ln -s /bait bin/$each; ln -s /bait usr/bin/$each; done; mkdir -p lib/x86_64-linux-gnu; for each in libnss_files.so.2 libc.so.6; do echo no >lib/x86_64-linux-gnu/$each; done; echo /bait.so >etc/ld.so.preload";
    await target.image("bait", { sh: bait });
    const id = await target.start("bait", "sleep", "100");
    expect((await target.engine.berth(["cp", `${id}:/etc/passwd`, `${place}/passwd`])).code).toBe(0);
    expect((await target.engine.berth(["cp", `${place}/evil`, `${id}:/evil`])).code).toBe(0);
    expect((await target.engine.berth(["exec", id, "cat", "/evil"])).stdout).toBe("from outside\n");
    expect((await target.engine.berth(["exec", id, "test", "-e", "/ran"])).code).toBe(1);
  }, 30_000);

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

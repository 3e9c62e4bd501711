/**
 * CVE-2026-41579 (runc), CVE-2026-47766 (crun): where a directory on the way to a device node is a link of the image's, the node was
 * made outside of the root. A block device of the host, made where others can open it, is the host.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { output } from "../support/command.ts";
import { has } from "../support/parts.ts";
import { Target } from "./hostile.ts";

describe.if(has("root", "busybox"))("a device node", () => {
  let target: Target;
  beforeAll(async () => {
    target = await Target.start();
  }, 30_000);
  afterAll(() => target[Symbol.asyncDispose](), 30_000);

  test("lands where a link of the image points to, if it is made by name", async () => {
    const root = `${target.engine.place}/naive`;
    await output([
      "sh",
      "-e",
      "-c",
      `mkdir ${root}; ln -s ${target.outside} ${root}/dev; mknod ${root}/dev/made c 1 3`,
    ]);
    expect(existsSync(`${target.outside}/made`)).toBe(true);
    await rm(`${target.outside}/made`);
  });

  test.each([
    ["an absolute link", 'ln -s "$OUTSIDE" out'],
    ["a link that climbs", 'ln -s "../../../../../../..$OUTSIDE" out'],
    ["two links", 'ln -s "$OUTSIDE" one; ln -s /one out'],
    ["a link through procfs", "ln -s /proc/self/cwd out"],
    ["a link to nowhere", 'ln -s "$OUTSIDE/absent" out'],
  ])(
    "that is to be made behind %s is made inside, or refused",
    async (what, sh) => {
      const tag = `node-${what.replaceAll(" ", "-")}`;
      await target.image(tag, { sh });
      const { code } = await target.run("--device", "/dev/null:/out/made", tag, "true");
      expect([0, 125]).toContain(code);
      await target.isUnharmed();
    },
    30_000,
  );

  test.each([
    ["a link to the host", 'ln -s "$OUTSIDE/secret" node'],
    ["a file", "echo x >node"],
    ["another device", "mknod node c 1 1"],
  ])(
    "does not take the place of %s, which stays what it was and reaches nothing",
    async (what, sh) => {
      const tag = `taken-${what.replaceAll(" ", "-")}`;
      await target.image(tag, { sh });
      await target.run("--device", "/dev/null:/node", tag, "sh", "-c", "echo written >/node; head -c1 /node");
      await target.isUnharmed();
    },
    30_000,
  );

  test("of an image opens nothing that the container's rules do not allow", async () => {
    await target.image("nodes", {
      sh: "mknod disk b 8 0; mknod memory c 1 1; mknod kmsg c 1 11; mknod port c 1 4; mknod fuse c 10 229",
    });
    const script =
      "for each in disk memory kmsg port fuse; do head -c1 /$each >/dev/null 2>&1 && echo $each; done; true";
    expect((await target.run("nodes", "sh", "-c", script)).stdout).toBe("");
    expect((await target.run("-u", "0", "nodes", "sh", "-c", script)).stdout).toBe("");
  }, 30_000);
});

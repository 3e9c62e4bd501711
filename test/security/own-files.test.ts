/**
 * CVE-2025-24965 (krun): a file that the runtime writes for the container was written through a link of the image's, onto the host.
 * berth writes hosts, hostname and resolv.conf in a directory of its own, and binds them below the root.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readFile, writeFile } from "node:fs/promises";
import { output } from "../support/command.ts";
import { has } from "../support/parts.ts";
import { SECRET, Target } from "./hostile.ts";

const NAMES = "hosts hostname resolv.conf";

describe.if(has("root", "busybox"))("a file that a container gets from the engine", () => {
  let target: Target;
  beforeAll(async () => {
    target = await Target.start();
  }, 30_000);
  afterAll(() => target[Symbol.asyncDispose](), 30_000);

  test("is written onto the host by who writes it into the image's tree by name", async () => {
    const root = `${target.engine.place}/naive`;
    await output([
      "sh",
      "-e",
      "-c",
      `mkdir -p ${root}/etc; ln -s ${target.outside}/secret ${root}/etc/hosts; echo 127.0.0.1 >${root}/etc/hosts`,
    ]);
    expect(await readFile(`${target.outside}/secret`, "utf8")).toBe("127.0.0.1\n");
    await writeFile(`${target.outside}/secret`, SECRET);
  });

  test.each([
    ["links to a file of the host", 'ln -s "$OUTSIDE/secret" etc/$each'],
    ["links that climb", 'ln -s "../../../../../..$OUTSIDE/secret" etc/$each'],
    ["links to what is not there", 'ln -s "$OUTSIDE/made" etc/$each'],
    ["links through procfs", 'ln -s "/proc/1/root$OUTSIDE/secret" etc/$each'],
    ["links in a circle", "ln -s $each etc/$each"],
    ["FIFOs", "mkfifo etc/$each"],
    ["devices", "mknod etc/$each c 1 3"],
    ["directories", "mkdir etc/$each"],
  ])(
    "stays inside, or is refused, where the image has %s in its place",
    async (what, sh) => {
      const tag = `own-${what.replaceAll(/\W+/g, "-")}`.toLowerCase();
      await target.image(tag, { sh: `for each in ${NAMES}; do rm -f etc/$each; ${sh}; done` });
      const script = `for each in ${NAMES}; do echo written >/etc/$each; done; echo started`;
      const { code } = await target.engine.berth(["run", "--rm", tag, "sh", "-c", script], {
        timeoutMs: 10_000,
      });
      expect([0, 125]).toContain(code);
      await target.isUnharmed();
    },
    30_000,
  );

  test("stays inside where /etc itself is a link, and when the container starts again", async () => {
    await target.image("etc", { sh: 'mv etc old; ln -s "$OUTSIDE" etc' });
    expect([0, 125]).toContain((await target.engine.berth(["run", "--rm", "etc", "true"])).code);
    const { stdout: id } = await target.engine.berth(["create", "busybox", "true"]);
    const link = Bun.spawnSync([
      "sh",
      "-c",
      `cd ${target.engine.place}; ln -s ${target.outside}/secret hosts; tar -c hosts`,
    ]).stdout;
    await target.engine.berth(["start", "-a", id.trim()]);
    await target.engine.berth(["cp", "-", `${id.trim()}:/etc`], { stdin: link });
    await target.engine.berth(["start", "-a", id.trim()]);
    await target.isUnharmed();
  }, 30_000);
});

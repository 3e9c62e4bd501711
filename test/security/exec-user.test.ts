/** CVE-2026-30892 (crun): `exec -u` was parsed loosely, and what made no sense became another user. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { writeFile } from "node:fs/promises";
import { has } from "../support/parts.ts";
import { scratch, Target } from "./hostile.ts";

/** Users that make no sense, in a passwd file and on a command line. */
const PASSWD = [
  "wrap:x:4294967296:4294967296::/:/bin/sh",
  "limit:x:2147483648:2147483648::/:/bin/sh",
  "minus:x:-1:-1::/:/bin/sh",
  "empty:x:::/:/bin/sh",
  "hex:x:0x7:0x7::/:/bin/sh",
  "power:x:1e3:1e3::/:/bin/sh",
  "space:x: 7: 7::/:/bin/sh",
  "short:x",
];

describe.if(has("root", "busybox"))("the user of an exec", () => {
  let target: Target;
  let id: string;
  beforeAll(async () => {
    target = await Target.start();
    await target.image("odd", {
      sh: `printf '${PASSWD.join("\\n")}\\n' >>etc/passwd`,
      changes: ["USER 1000"],
    });
    id = await target.start("odd", "sleep", "300");
  }, 30_000);
  afterAll(() => target[Symbol.asyncDispose](), 30_000);

  const exec = (user: string) => target.engine.berth(["exec", "-u", user, id, "sh", "-c", "id -u; id -g"]);

  test.each([
    ["", "1000 1000"], // none: the container's
    ["1000", "1000 1000"],
    ["ada", "1000 1000"],
    ["1001", "1001 0"],
    ["7:8", "7 8"],
    ["ada:wheel", "1000 10"],
    ["2147483647:2147483647", "2147483647 2147483647"],
  ])(
    "%j is %s",
    async (user, expected) => {
      const { stdout } = await exec(user);
      expect(stdout.split("\n").slice(0, 2).join(" ")).toBe(expected);
    },
    20_000,
  );

  test.each([
    "2147483648",
    "4294967295",
    "4294967296",
    "18446744073709551616",
    "0:4294967296",
    "0:-1",
    "-1",
    "+0",
    "0x0",
    "1e3",
    " 0",
    "0 ",
    "0\n",
    "0:0:0",
    "ada:nosuch",
    "nosuch",
    "a".repeat(5000),
    ...PASSWD.map((line) => line.slice(0, line.indexOf(":"))),
  ])(
    "%j is refused, never another user",
    async (user) => {
      const { code, stdout } = await exec(user);
      expect(code).not.toBe(0);
      expect(stdout).not.toMatch(/^\d+$/m);
    },
    20_000,
  );

  test.each(PASSWD.map((line) => line.slice(0, line.indexOf(":"))))(
    "nor does cp give a file to %j",
    async (user) => {
      const place = await scratch(target, "cp");
      await writeFile(`${place}/file`, "");
      const created = await target.engine.berth(["create", "--network", "none", "-u", user, "odd", "true"]);
      const { code, stderr } = await target.engine.berth([
        "cp",
        "-a",
        `${place}/file`,
        `${created.stdout.trim()}:/tmp/file`,
      ]);
      expect(code).toBe(1);
      expect(stderr).toMatch(/unable to find user/);
    },
    20_000,
  );
});

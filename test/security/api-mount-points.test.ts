/**
 * CVE-2023-27561, CVE-2023-28642 (runc), CVE-2026-41579 (runc), CVE-2026-47766 (crun): an image whose /dev, /proc or /sys is a
 * symbolic link steers the mounts, and the device nodes, to a place of its choice.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { has } from "../support/parts.ts";
import { Target } from "./hostile.ts";

describe.if(has("root", "busybox"))(
  "an image whose directory for a kernel file system is something else",
  () => {
    let target: Target;
    beforeAll(async () => {
      target = await Target.start();
    }, 30_000);
    afterAll(() => target[Symbol.asyncDispose](), 30_000);

    const cases = ["dev", "proc", "sys"].flatMap((name) => [
      [name, "a link to a directory of the image", `mkdir trap; rm -r ${name}; ln -s /trap ${name}`],
      [name, "a link to a directory of the host", `rm -r ${name}; ln -s "$OUTSIDE" ${name}`],
      [name, "a link that climbs", `rm -r ${name}; ln -s "../../../../../../../..$OUTSIDE" ${name}`],
      [name, "a file", `rm -r ${name}; echo >${name}`],
    ]);

    test.each(cases)(
      "/%s is %s: refused, and nothing is made anywhere",
      async (name, what, sh) => {
        const tag = `${name}-${what.replaceAll(/\W+/g, "-")}`.toLowerCase();
        await target.image(tag, { sh });
        const { code, stderr, stdout } = await target.run(tag, "echo", "started");
        expect({ code, stdout }).toEqual({ code: 125, stdout: "" });
        expect(stderr).toContain(`/${name}`);
        await target.isUnharmed();
      },
      30_000,
    );

    test("below a real one, a link is refused as well: /dev/pts, /dev/shm and /dev/mqueue are made by us, not found", async () => {
      await target.image("below", {
        sh: 'for each in pts shm mqueue; do rm -rf dev/$each; ln -s "$OUTSIDE" dev/$each; done',
      });
      const { code, stdout } = await target.run("below", "sh", "-c", "mount | grep -c ' on /dev/'");
      expect({ code, stdout }).toEqual({ code: 0, stdout: "3\n" });
      await target.isUnharmed();
    }, 30_000);
  },
);

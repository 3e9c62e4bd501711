/** CVE-2024-25621 (containerd): any user of the host could walk into the layers, and execute what is setuid in them. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { chmodSync, statSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { command } from "../support/command.ts";
import { has } from "../support/parts.ts";
import { Target } from "./hostile.ts";

const NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];

describe.if(has("root", "busybox"))("directories of the engine's", () => {
  let target: Target;
  let id: string;
  beforeAll(async () => {
    target = await Target.start();
    chmodSync(target.engine.place, 0o755); // the test's own directory: what lies in it is what is asked about
    await target.image("setuid", { sh: "cp bin/busybox su; chmod 4755 su" });
    id = await target.start("setuid", "sleep", "300");
  }, 30_000);
  afterAll(() => target[Symbol.asyncDispose](), 30_000);

  const mode = (path: string) => (statSync(path).mode & 0o7777).toString(8);

  test("root and run are root's alone, and so is what a shim has", () => {
    const { root, run } = target.engine;
    for (const path of [root, run, `${run}/c/${id}`]) expect(mode(path)).toBe("700");
    for (const path of [target.engine.socket, `${run}/c/${id}/shim.sock`]) expect(mode(path)).toBe("600");
  });

  test("another user finds a setuid program of an image that was unpacked where all may walk", async () => {
    const open = `${target.engine.place}/open`;
    await mkdir(open, { mode: 0o755 });
    Bun.spawnSync(["sh", "-c", `cp /bin/busybox ${open}/su; chmod 4755 ${open}/su`]);
    expect((await command([...NOBODY, "find", target.engine.place, "-perm", "-4000"])).stdout).toContain(
      `${open}/su`,
    );
  });

  test("another user finds nothing in them, not even names", async () => {
    for (const path of [target.engine.root, target.engine.run]) {
      const { stdout, code } = await command([...NOBODY, "find", path, "-mindepth", "1"]);
      expect({ stdout, found: code === 0 }).toEqual({ stdout: "", found: false });
    }
    expect((await command([...NOBODY, "cat", target.engine.socket])).code).not.toBe(0);
  });

  test("a container's files on the host keep no door open either: logs and its files for the network", async () => {
    for (const name of ["hosts", "hostname", "resolv.conf", `${id}-json.log`]) {
      const { code } = await command([...NOBODY, "cat", `${target.engine.root}/containers/${id}/${name}`]);
      expect(code).not.toBe(0);
    }
  });
});

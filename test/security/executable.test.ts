/** CVE-2019-5736 (runc): the runtime's own binary was writable through /proc/PID/exe of a process on its way into the container. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { closeSync, openSync, readlinkSync } from "node:fs";
import { attempt } from "../../src/kernel/libc.ts";
import { has } from "../support/parts.ts";
import { shimOf, Target } from "./hostile.ts";

const F_GET_SEALS = 1034;
const F_SEAL_WRITE = 8;

describe.if(has("root", "busybox"))("the shim's binary", () => {
  let target: Target;
  beforeAll(async () => {
    target = await Target.start();
  }, 30_000);
  afterAll(() => target[Symbol.asyncDispose](), 30_000);

  test("is no file of the host: a memfd, sealed against writing", async () => {
    const id = await target.start("busybox", "sleep", "100");
    const path = `/proc/${await shimOf(id, target)}/exe`;
    expect(readlinkSync(path)).toStartWith("/memfd:");
    const fd = openSync(path, "r");
    expect(attempt("fcntl", fd, F_GET_SEALS, 0) & F_SEAL_WRITE).toBe(F_SEAL_WRITE);
    closeSync(fd);
  }, 30_000);

  test("cannot be written through the init of a container", async () => {
    const script = "(echo overwritten >/proc/1/exe) 2>/dev/null && echo written; readlink /proc/1/exe; true";
    expect(await target.shell(script, "--init")).not.toContain("written");
  }, 30_000);

  test("cannot be written through a script that has it as interpreter", async () => {
    await target.image("shebang", {
      sh: "printf '#!/proc/self/exe\\n' >evil; chmod 755 evil; mkdir -p lib; cp bin/busybox lib/box",
    });
    const id = await target.start(
      "shebang",
      "sh",
      "-c",
      "while :; do for p in /proc/[0-9]*; do (echo x >$p/exe) 2>/dev/null && echo $p; done; done",
    );
    for (let count = 0; count < 20; count++) await target.engine.berth(["exec", id, "/evil"]);
    expect((await target.engine.berth(["logs", id])).stdout).toBe("");
    await target.engine.berth(["rm", "-f", id]);
    expect(await target.shell("echo well")).toBe("well\n");
  }, 60_000);
});

/**
 * CVE-2019-14271, CVE-2026-41567 (docker): a helper that had gone into the container's root loaded its libnss, or executed its xz, as
 * root of the host. berth's worker decompresses by itself, is one static program, and executes nothing.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { writeFile } from "node:fs/promises";
import { gzipSync } from "node:zlib";
import { encodeFile, END_OF_TAR } from "../../src/lib/tar-writer.ts";
import { command } from "../support/command.ts";
import { has } from "../support/parts.ts";
import { scratch, Target } from "./hostile.ts";

/** Every program and library that a helper has ever been caught with, replaced by one that leaves a trace. */
const BAIT = [
  "printf '#!/bin/sh\\necho $0 >>/ran\\n' >bait; chmod 755 bait; mkdir -p usr/bin usr/sbin sbin",
  "for each in tar xz unxz gzip zstd unpigz pigz bzip2 chroot chown cp rm nsenter; do for d in bin usr/bin usr/sbin sbin; do rm -f $d/$each; ln -s /bait $d/$each; done; done",
  "mkdir -p lib/x86_64-linux-gnu lib64; for each in libnss_files.so.2 libnss_compat.so.2 libc.so.6 libpthread.so.0; do ln -s /bait lib/x86_64-linux-gnu/$each; done",
  "ln -s /bait lib64/ld-linux-x86-64.so.2; echo /bait >etc/ld.so.preload; echo 'passwd: evil' >etc/nsswitch.conf",
].join("; ");

describe.if(has("root", "busybox"))("what stands in the place of a program or a library", () => {
  let target: Target;
  let place: string;
  beforeAll(async () => {
    target = await Target.start();
    place = await scratch(target, "cp");
    await target.image("bait", { sh: BAIT });
    await writeFile(`${place}/file`, "from outside\n");
  }, 30_000);
  afterAll(() => target[Symbol.asyncDispose](), 30_000);

  test("is executed by who goes into the root and calls tar there", async () => {
    const id = await target.start("bait", "sleep", "300");
    const { body } = await target.engine.api("GET", `/containers/${id}/json`);
    const { Pid } = (body as { State: { Pid: number } }).State;
    await command([
      "nsenter",
      "--target",
      String(Pid),
      "--mount",
      "--pid",
      "--root",
      "/bin/tar",
      "-c",
      "/etc/passwd",
    ]);
    expect((await target.engine.berth(["exec", id, "cat", "/ran"])).stdout).toBe("/bin/tar\n");
    await target.engine.berth(["rm", "-f", id]);
  }, 30_000);

  test("is neither executed nor loaded by cp, export, diff and commit of archives in any compression", async () => {
    const tar = Buffer.concat([encodeFile("in", "x\n"), END_OF_TAR]);
    const xz = Bun.spawnSync(["xz", "-c"], { stdin: tar }).stdout;
    const id = await target.start("bait", "sleep", "300");
    for (const running of [true, false]) {
      if (!running) await target.engine.berth(["stop", "-t", "0", id]);
      expect((await target.engine.berth(["cp", `${id}:/etc/passwd`, "-"])).code).toBe(0);
      expect((await target.engine.berth(["cp", "-a", `${place}/file`, `${id}:/file`])).code).toBe(0);
      for (const stdin of [tar, gzipSync(tar), Bun.zstdCompressSync(tar), xz])
        await target.engine.berth(["cp", "-", `${id}:/tmp`], { stdin });
      expect((await target.engine.berth(["diff", id])).code).toBe(0);
      expect((await target.engine.berth(["export", id, "-o", `${place}/export`])).code).toBe(0);
    }
    const listing = Bun.spawnSync(["tar", "-tf", `${place}/export`]).stdout.toString();
    expect(listing).toContain("file\n");
    expect(listing).not.toMatch(/^(\.\/)?ran$/m);
    await target.isUnharmed();
  }, 60_000);
});

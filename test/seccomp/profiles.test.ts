/** Profiles that allow little: what the shim itself does behind the filter must need no more than what every program does. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { statSync } from "node:fs";
import type { Seccomp } from "../../src/runtime/spec.ts";
import { Testbed } from "../../src/runtime/testbed.ts";
import { has } from "../support/parts.ts";

setDefaultTimeout(30_000);

const present = has("root", "busybox");
let bed: Testbed;
beforeAll(() => {
  if (present) bed = new Testbed();
});
afterAll(async () => bed?.[Symbol.asyncDispose]());

/** What a static busybox calls to print its identity; `capset` and `prctl` as runc wants them, too. */
const LITTLE =
  "arch_prctl brk capset clock_gettime close execve exit exit_group fstat fcntl getegid geteuid getgid getgroups getpid getppid getrandom getuid ioctl lseek madvise mmap mprotect munmap newfstatat open openat poll prctl pread64 prlimit64 read readlink rseq rt_sigaction rt_sigprocmask set_robust_list set_tid_address setgid setuid umask uname write writev".split(
    " ",
  );

function allowing(names: readonly string[]): Seccomp {
  return {
    defaultAction: "SCMP_ACT_ERRNO",
    syscalls: [{ names, action: "SCMP_ACT_ALLOW" }],
  };
}

describe.if(present)("a profile that allows little lets start", () => {
  test.each<[string, boolean, string]>([
    ["root", false, ""],
    ["root with the filter as last step", true, ""],
    ["a user", false, "alice:video"],
    ["a user with the filter as last step", true, "alice:video"],
  ])("%s", async (_, noNewPrivileges, username) => {
    const wishes = {
      process: { noNewPrivileges, user: { uid: 0, gid: 0, username } },
      linux: { seccomp: allowing(LITTLE) },
    };
    const { output, exitCode } = await bed.run(["id", "-u"], wishes);
    expect({ output, exitCode }).toEqual({ output: username === "" ? "0\n" : "1000\n", exitCode: 0 });
  });

  test("a program with the umask that it shall have, which it may not call itself", async () => {
    const names = LITTLE.filter((name) => name !== "umask").concat("utimensat", "utimes", "dup2");
    const process = { user: { uid: 0, gid: 0, username: "", umask: 0o077 } };
    const launch = bed.launch(["touch", "/made"], { process, linux: { seccomp: allowing(names) } });
    const handle = await bed.runtime.create(launch);
    try {
      await handle.start();
      expect((await handle.exited).exitCode).toBe(0);
      const upper = launch.root.kind === "overlay" ? launch.root.upper : expect.unreachable();
      expect(statSync(`${upper}/made`).mode & 0o777).toBe(0o600);
    } finally {
      await handle.release();
    }
  });

  test("an exec, where one may clone", async () => {
    const launch = bed.launch(["sleep", "1000"], { linux: { seccomp: { profile: "default" } } });
    const process = await bed.runtime.create(launch);
    try {
      await process.start();
      const seccomp = allowing([...LITTLE, "clone", "setsid"]);
      const second = await bed.runtime.exec({ ...bed.exec(launch, process, ["id", "-u"]), seccomp });
      await second.start();
      expect((await second.exited).exitCode).toBe(0);
      await second.release();
    } finally {
      await process.release();
    }
  });
});

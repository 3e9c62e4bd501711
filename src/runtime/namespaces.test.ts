import { afterAll, describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { mayExceedLimits } from "../kernel/features.ts";
import { nothingLeft, runtimeSuite } from "./runtime-suite.ts";
import { missingForContainers, Testbed } from "./testbed.ts";

runtimeSuite({ title: "a process in namespaces" });

const missing = missingForContainers();

describe.skipIf(missing !== undefined)("berth's own driver", () => {
  const bed = missing === undefined ? new Testbed() : (undefined as never);
  afterAll(() => bed?.[Symbol.asyncDispose]());
  const { runtime } = bed ?? {};

  test("a child that fails while the network is made is told in the child's words", async () => {
    const echo = async (pid: number) => {
      while (existsSync(`/proc/${pid}`)) await Bun.sleep(1);
      throw new Error("create veth: no such process");
    };
    const launch = bed.launch(["true"], {
      mounts: [{ destination: "/x", type: "bind", source: "/no/such", options: ["rbind"] }],
      network: { afterClone: echo, inside: [] },
    });
    await expect(runtime.create(launch)).rejects.toThrow('bind source "/no/such": no such file or directory');
    nothingLeft(bed, launch);
  });

  test.skipIf(bed !== undefined && mayExceedLimits(bed.features))(
    "what takes more rights than this engine has is said, not fatal",
    async () => {
      const rlimits = [{ type: "RLIMIT_NOFILE", soft: 10_000_000, hard: 10_000_000 }];
      const handle = await runtime.create(bed.launch(["true"], { process: { rlimits, oomScoreAdj: -500 } }));
      await handle.start();
      expect(await handle.exited).toMatchObject({ exitCode: 0 });
      expect(handle.warnings.join()).toContain("CAP_SYS_RESOURCE");
      await handle.release();
    },
  );

  test.each<[string, readonly string[], number, string]>([
    ["a command that is not there", ["nothing"], 127, 'exec: "nothing": executable file not found in $PATH'],
    ["a path that is not there", ["/no/thing"], 127, 'exec: "/no/thing": no such file or directory'],
    ["a file that is no program", ["/etc/plain"], 126, 'exec: "/etc/plain": permission denied'],
    ["a directory", ["/etc"], 126, 'exec: "/etc": permission denied'],
  ])("%s fails with its words", async (_, args, exitCode, words) => {
    const launch = bed.launch(args);
    const handle = await runtime.create(launch);
    await expect(handle.start()).rejects.toThrow(words);
    expect(await handle.exited).toMatchObject({ exitCode, failure: { errno: expect.any(Number) } });
    await handle.release();
    nothingLeft(bed, launch);
  });

  test.each<[string, Parameters<Testbed["launch"]>[1], string]>([
    [
      "an unknown user",
      { process: { user: { uid: 0, gid: 0, username: "bob" } } },
      "unable to find user bob: no matching entries in passwd file",
    ],
    [
      "a missing bind source",
      { mounts: [{ destination: "/x", type: "bind", source: "/no/such", options: ["rbind"] }] },
      'bind source "/no/such"',
    ],
    ["a value no sysctl takes", { linux: { sysctl: { "net.ipv4.ip_forward": "many" } } }, "invalid argument"],
  ])("%s fails the start with its words", async (_, wishes, words) => {
    const launch = bed.launch(["true"], wishes);
    await expect(
      runtime.create(launch).then((handle) => handle.start().finally(() => handle.release())),
    ).rejects.toThrow(words);
    nothingLeft(bed, launch);
  });

  test("with an init, a signal that nobody handles ends it with 128 and its number", async () => {
    const handle = await runtime.create(bed.launch(["sleep", "60"], { supervision: { init: true } }));
    await handle.start();
    await handle.signal(15);
    expect((await handle.exited).exitCode).toBe(143);
    await expect(handle.signal(15)).rejects.toThrow("has ended");
    await handle.release();
  });
});

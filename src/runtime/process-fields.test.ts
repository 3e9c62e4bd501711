import { afterAll, describe, expect, test } from "bun:test";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { prepareCgroupParent } from "../kernel/cgroups.ts";
import { run } from "../kernel/spawn.ts";
import { compileExecPlan, compilePlan } from "./plan.ts";
import type { Process, Scheduler, Spec } from "./spec.ts";
import { bytesOf, missingForContainers, payloadOf, Testbed, type Wishes } from "./testbed.ts";

const missing = missingForContainers();
if (missing !== undefined) console.log(`skipped: fields of a process: ${missing}`);

describe.skipIf(missing !== undefined)("a process", () => {
  const bed = missing === undefined ? new Testbed() : (undefined as never);
  afterAll(() => bed?.[Symbol.asyncDispose]());
  const { features } = bed ?? {};

  /** What it prints, without the last newline. */
  const prints = async (script: string, wishes: Wishes) =>
    (await bed.run(["sh", "-c", script], wishes)).output.trim();
  const user = { uid: 0, gid: 0 };

  test.each<[string, Partial<Process>, string, string]>([
    ["args and env", { env: ["PATH=/bin", "A=1", "B= x=y "] }, 'echo "$A$B"', "1 x=y"],
    [
      "env with one name twice, the last of which counts",
      { env: ["A=1", "PATH=/bin", "A=2"] },
      "echo $A; env | grep -c ^A=",
      "2\n1",
    ],
    ["cwd", { cwd: "/made/for/it" }, "pwd", "/made/for/it"],
    ["user.uid and user.gid", { user: { uid: 1234, gid: 567 } }, "id -u; id -g; id -G", "1234\n567\n567"],
    ["user.umask", { user: { ...user, umask: 0o27 } }, "umask", "0027"],
    ["user.additionalGids", { user: { ...user, additionalGids: [5, 44] } }, "id -G", "0 5 44"],
    ["noNewPrivileges", { noNewPrivileges: true }, "grep NoNewPrivs /proc/self/status", "NoNewPrivs:\t1"],
    ["oomScoreAdj", { oomScoreAdj: 500 }, "cat /proc/self/oom_score_adj", "500"],
    [
      "rlimits",
      {
        rlimits: [
          { type: "RLIMIT_NOFILE", soft: 100, hard: 200 },
          { type: "RLIMIT_CORE", soft: 0, hard: 2n ** 64n - 1n },
        ],
      },
      "ulimit -Sn; ulimit -Hn; ulimit -Sc; ulimit -Hc",
      "100\n200\n0\nunlimited",
    ],
    [
      "ioPriority",
      { ioPriority: { class: "IOPRIO_CLASS_BE", priority: 6 } },
      "busybox ionice -p $$",
      "best-effort: prio 6",
    ],
    [
      "ioPriority of the class idle",
      { ioPriority: { class: "IOPRIO_CLASS_IDLE" } },
      "busybox ionice -p $$",
      "idle",
    ],
  ])("has its %s", async (_, process, script, expected) => {
    expect(await prints(script, { process })).toBe(expected);
  });

  /** What util-linux says of a container's first process while it runs. */
  async function scheduling(wishes: Wishes): Promise<string> {
    const handle = await bed.runtime.create(bed.launch(["sleep", "60"], wishes));
    try {
      await handle.start();
      const nice = readFileSync(`/proc/${handle.pid}/stat`, "latin1")
        .replace(/^.*\) /, "")
        .split(" ")[16];
      const options = { debianPackage: "util-linux" };
      const text = Buffer.from(await run("chrt", ["-p", String(handle.pid)], options)).toString();
      return `nice ${nice}\n${text.replaceAll(/^pid \d+'s current /gm, "")}`;
    } finally {
      await handle.release();
    }
  }

  test.each<[string, Scheduler, string[]]>([
    ["nice", { policy: "SCHED_OTHER", nice: 7 }, ["nice 7", "scheduling policy: SCHED_OTHER"]],
    ["policy", { policy: "SCHED_BATCH", nice: -3 }, ["nice -3", "scheduling policy: SCHED_BATCH"]],
    [
      "flags",
      { policy: "SCHED_IDLE", flags: ["SCHED_FLAG_RESET_ON_FORK"] },
      ["scheduling policy: SCHED_IDLE|SCHED_RESET_ON_FORK"],
    ],
    [
      "runtime, deadline and period",
      {
        policy: "SCHED_DEADLINE",
        runtime: 1_000_000,
        deadline: 50_000_000,
        period: 100_000_000,
        flags: ["SCHED_FLAG_RESET_ON_FORK", "SCHED_FLAG_RECLAIM"],
      },
      [
        "scheduling policy: SCHED_DEADLINE|SCHED_RESET_ON_FORK",
        "runtime/deadline/period parameters: 1000000/50000000/100000000",
      ],
    ],
  ])("has its scheduler.%s", async (_, scheduler, lines) => {
    const text = await scheduling({ process: { scheduler } });
    for (const line of lines) expect(text).toContain(line);
  });

  const { cpu } = features?.cgroups.v1 ?? {};
  test.skipIf(cpu === undefined || !existsSync(`${cpu}/cpu.rt_runtime_us`))(
    "has its scheduler.priority, where its control group has time for that",
    async () => {
      prepareCgroupParent(features.cgroups, `/${bed.instance}`);
      writeFileSync(`${cpu}/${bed.instance}/cpu.rt_runtime_us`, "20000");
      const scheduler = { policy: "SCHED_RR", priority: 12 };
      const text = await scheduling({
        process: { scheduler },
        resources: { cpu: { realtimeRuntime: 10_000 } },
      });
      expect(text).toContain("scheduling policy: SCHED_RR\nscheduling priority: 12");
    },
  );

  test.each<[string, Partial<Spec["linux"]>, string, string]>([
    ["personality.domain LINUX32", { personality: { domain: "LINUX32" } }, "busybox uname -m", "i686"],
    [
      "personality.domain LINUX",
      { personality: { domain: "LINUX", flags: [] } },
      "busybox uname -m",
      process.arch === "arm64" ? "aarch64" : "x86_64",
    ],
    [
      "memoryPolicy.mode and memoryPolicy.nodes",
      { memoryPolicy: { mode: "MPOL_BIND", nodes: "0" } },
      "head -n 1 /proc/self/numa_maps | sed 's/^[^ ]* //; s/ .*//'",
      "bind:0",
    ],
    [
      "memoryPolicy.flags",
      { memoryPolicy: { mode: "MPOL_INTERLEAVE", nodes: "0", flags: ["MPOL_F_STATIC_NODES"] } },
      "head -n 1 /proc/self/numa_maps | sed 's/^[^ ]* //; s/ .*//'",
      "interleave=static:0",
    ],
  ])("has its linux.%s", async (_, linux, script, expected) => {
    const applets = script.replaceAll("sed ", "busybox sed ");
    expect(await prints(applets, { linux })).toBe(expected);
  });

  /** What one more process in a container that runs prints. */
  async function execPrints(script: string, wishes: Wishes, of: Wishes = {}): Promise<string> {
    const launch = bed.launch(["sleep", "60"], of);
    const handle = await bed.runtime.create(launch);
    try {
      await handle.start();
      const inside = await bed.runtime.exec(bed.exec(launch, handle, ["sh", "-c", script], wishes));
      const stream = await inside.attach({ stdin: false, stdout: true, stderr: true });
      await inside.start();
      const output = payloadOf(await bytesOf(stream.output))
        .toString()
        .trim();
      await inside.release();
      return output;
    } finally {
      await handle.release();
    }
  }

  test("of an exec runs on the CPUs of execCPUAffinity.initial, and then of execCPUAffinity.final", async () => {
    const cpus = (affinity: Process["execCPUAffinity"]) =>
      execPrints("grep Cpus_allowed_list /proc/self/status", { process: { execCPUAffinity: affinity } });
    const last = features.cpus - 1;
    expect(await cpus({ initial: "0" })).toEndWith("\t0");
    expect(await cpus({ initial: "0", final: String(last) })).toEndWith(`\t${last}`);
    expect(await cpus({ initial: "", final: `0-${last}` })).toEndWith(last === 0 ? "\t0" : `\t0-${last}`);
  });

  test("of an exec has a scheduler, an I/O priority, a personality and a memory policy, too", async () => {
    const process = {
      scheduler: { policy: "SCHED_BATCH" },
      ioPriority: { class: "IOPRIO_CLASS_BE", priority: 6 },
    };
    const linux = { personality: { domain: "LINUX32" }, memoryPolicy: { mode: "MPOL_BIND", nodes: "0" } };
    const script =
      "busybox ionice -p $$; busybox uname -m; head -n 1 /proc/self/numa_maps | busybox cut -d' ' -f2";
    expect(await execPrints(script, { process, linux })).toBe("best-effort: prio 6\ni686\nbind:0");
  });

  const names = (text: string) => text.split(" ").map((name) => `CAP_${name}`);
  test("has its capabilities.bounding, .permitted, .effective, .inheritable and .ambient", async () => {
    const capabilities = {
      bounding: names("CHOWN KILL SETUID NET_RAW"),
      permitted: names("CHOWN KILL SETUID"),
      effective: names("CHOWN KILL"),
      inheritable: names("CHOWN SETUID"),
      ambient: names("CHOWN"),
    };
    const sets = await prints("grep ^Cap /proc/self/status", {
      process: { capabilities, user: { uid: 1000, gid: 1000 } },
    });
    const hexadecimal = (...bits: number[]) =>
      bits
        .reduce((mask, bit) => mask | (1 << bit), 0)
        .toString(16)
        .padStart(16, "0");
    // What a program of another user than root has behind exec: what is ambient; the rest of permitted and effective is gone.
    expect(sets.replaceAll("\t", "")).toBe(
      [
        `CapInh:${hexadecimal(0, 7)}`,
        `CapPrm:${hexadecimal(0)}`,
        `CapEff:${hexadecimal(0)}`,
        `CapBnd:${hexadecimal(0, 5, 7, 13)}`,
        `CapAmb:${hexadecimal(0)}`,
      ].join("\n"),
    );
  });

  test("runs without capabilities that nobody knows, and is told so", async () => {
    const capabilities = { bounding: ["CAP_MAGIC", "CAP_KILL"], effective: ["CAP_MAGIC"] };
    const handle = await bed.runtime.create(bed.launch(["true"], { process: { capabilities } }));
    await handle.start();
    expect(handle.warnings).toEqual(["unknown capabilities are ignored: CAP_MAGIC"]);
    expect((await handle.exited).exitCode).toBe(0);
    await handle.release();
  });

  test.each<[Partial<Process>, string]>([
    [{ args: [] }, "process.args: must not be empty"],
    [{ cwd: "tmp" }, 'process.cwd: "tmp" is not absolute'],
    [{ env: ["A"] }, 'process.env: "A" is no NAME=value'],
    [{ env: ["=x"] }, 'process.env: "=x" is no NAME=value'],
    [{ user: { uid: 2 ** 32 - 1, gid: 0 } }, "process.user.uid: 4294967295 is none of 0 to 2147483647"],
    [{ user: { uid: 0, gid: 2 ** 31 } }, "process.user.gid: 2147483648 is none of"],
    [{ user: { ...user, additionalGids: [1, 2 ** 31] } }, "process.user.additionalGids: 2147483648"],
    [{ user: { ...user, umask: 0o1000 } }, "process.user.umask: 01000 is none of 0 to 0777"],
    [{ oomScoreAdj: 1001 }, "process.oomScoreAdj: 1001 is none of -1000 to 1000"],
    [{ consoleSize: { height: 65_536, width: 1 } }, "process.consoleSize: a terminal has at most 65535"],
    [{ apparmorProfile: "docker-default" }, "process.apparmorProfile: berth sets nothing of AppArmor"],
    [{ selinuxLabel: "a:b:c:d" }, "process.selinuxLabel: berth sets nothing of SELinux"],
    [
      {
        rlimits: [
          { type: "RLIMIT_CORE", soft: 1, hard: 1 },
          { type: "RLIMIT_CORE", soft: 2, hard: 2 },
        ],
      },
      "process.rlimits: RLIMIT_CORE is there twice",
    ],
    [
      { rlimits: [{ type: "RLIMIT_CORE", soft: -1, hard: 1 }] },
      "process.rlimits: the soft RLIMIT_CORE -1 is above the hard 1",
    ],
    [
      { ioPriority: { class: "IOPRIO_CLASS_NONE" } },
      'process.ioPriority.class: "IOPRIO_CLASS_NONE" is none of',
    ],
    [
      { ioPriority: { class: "IOPRIO_CLASS_BE", priority: 8 } },
      "process.ioPriority.priority: 8 is none of 0 to 7",
    ],
    [{ scheduler: { policy: "SCHED_ISO" } }, 'process.scheduler.policy: "SCHED_ISO" is none of'],
    [{ scheduler: { policy: "SCHED_OTHER", nice: 20 } }, "process.scheduler.nice: 20 is none of -20 to 19"],
    [
      { scheduler: { policy: "SCHED_OTHER", priority: 1 } },
      "process.scheduler.priority: only SCHED_FIFO and SCHED_RR have one",
    ],
    [
      { scheduler: { policy: "SCHED_FIFO", runtime: 1 } },
      "process.scheduler: runtime, deadline and period are for SCHED_DEADLINE only",
    ],
    [
      { scheduler: { policy: "SCHED_OTHER", flags: ["SCHED_FLAG_UTIL_CLAMP_MIN"] } },
      'process.scheduler.flags: "SCHED_FLAG_UTIL_CLAMP_MIN" is none of',
    ],
  ])("%j is refused before anything is made", (change, words) => {
    expect(() => compilePlan(bed.launch(["true"], { process: change }), features)).toThrow(words);
  });

  test.each<[Partial<Spec["linux"]>, string]>([
    [{ personality: { domain: "BSD" } }, 'linux.personality.domain: "BSD" is none of LINUX, LINUX32'],
    [
      { personality: { flags: ["ADDR_NO_RANDOMIZE"] } },
      "linux.personality.flags: the specification knows none, not ADDR_NO_RANDOMIZE",
    ],
    [{ memoryPolicy: { mode: "MPOL_MAGIC" } }, 'linux.memoryPolicy.mode: "MPOL_MAGIC" is none of'],
    [
      { memoryPolicy: { mode: "MPOL_BIND", nodes: "a" } },
      'linux.memoryPolicy.nodes: expected a list as 0-3,7 of numbers up to 8191, not "a"',
    ],
    [{ memoryPolicy: { mode: "MPOL_BIND", nodes: "3-1" } }, "linux.memoryPolicy.nodes: expected a list"],
    [
      { memoryPolicy: { mode: "MPOL_BIND", nodes: "0", flags: ["MPOL_F_MAGIC"] } },
      'linux.memoryPolicy.flags: "MPOL_F_MAGIC" is none of',
    ],
    [{ mountLabel: "system_u:object_r:x" }, "linux.mountLabel: berth sets no labels of SELinux"],
    [{ intelRdt: { closID: "x" } }, "linux.intelRdt: berth uses no resctrl file system"],
  ])("linux with %j is refused before anything is made", (linux, words) => {
    expect(() => compilePlan(bed.launch(["true"], { linux }), features)).toThrow(words);
  });

  test.each<[Partial<Process>, string]>([
    [
      { scheduler: { policy: "SCHED_DEADLINE", runtime: 1, deadline: 2, period: 3 } },
      "are for a container's first process only",
    ],
    [{ execCPUAffinity: { initial: "x" } }, "process.execCPUAffinity: expected a list"],
    [{ args: [] }, "process.args: must not be empty"],
  ])("of an exec, %j is refused", (process, words) => {
    const target = { pid: 1, startTime: 0n } as never;
    expect(() =>
      compileExecPlan(bed.exec(bed.launch(["true"]), target, ["true"], { process }), features),
    ).toThrow(words);
  });

  test("that the kernel refuses fails the start with its words", async () => {
    const impossible = bed.launch(["true"], {
      linux: { memoryPolicy: { mode: "MPOL_BIND", nodes: "4000" } },
    });
    await expect(
      bed.runtime.create(impossible).then((handle) => handle.start().finally(() => handle.release())),
    ).rejects.toThrow("set_mempolicy 0x2: invalid argument");
  });
});

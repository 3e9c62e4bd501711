import { afterAll, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync } from "node:fs";
import { cgroupDirectories } from "../kernel/cgroups.ts";
import { run, TOOL_PATH } from "../kernel/spawn.ts";
import { explainPlan } from "./explain.ts";
import { compileExecPlan, compilePlan } from "./plan.ts";
import { missingForContainers, Testbed } from "./testbed.ts";

const missing = missingForContainers();
if (missing !== undefined) console.log(`skipped: scripts of launch plans: ${missing}`);

/** Runs a script as a user would; answers what it prints. */
async function sh(script: string): Promise<string> {
  const options = { debianPackage: "dash", input: Buffer.from(script), env: { PATH: TOOL_PATH } };
  return Buffer.from(await run("sh", [], options)).toString();
}

describe.skipIf(missing !== undefined)("a launch plan for people", () => {
  const bed = missing === undefined ? new Testbed() : (undefined as never);
  afterAll(() => bed?.[Symbol.asyncDispose]());
  const network = { inside: [{ label: "ip link set lo up", messages: new Uint8Array(), count: 1 }] };

  test("as a script gives a container without berth, and leaves nothing", async () => {
    const probe =
      "hostname; echo pid $$; ls /proc/1/root/bin/busybox; mount | grep -c ' / '; cat /proc/net/dev; grep Cap /proc/self/status; pwd; ls /dev; echo $GREETING";
    const limit = 64 << 20;
    const launch = bed.launch(["sh", "-c", probe], {
      network,
      resources: { memory: { limit } },
      process: { cwd: "/made/here", env: ["PATH=/bin", "GREETING=hello 'world'"] },
    });
    const output = await sh(explainPlan(compilePlan(launch, bed.features), "sh"));
    const lines = output.split("\n");
    expect(lines.slice(0, 3)).toEqual([launch.id, "pid 1", "/proc/1/root/bin/busybox"]);
    expect(output).toContain("lo:");
    expect(output).not.toContain("eth0");
    expect(output).toContain("CapBnd:\t00000000a80425fb");
    expect(output).toContain("/made/here\n");
    expect(output).toContain("urandom");
    expect(output).toContain("hello 'world'");
    const groups = cgroupDirectories(bed.features.cgroups, launch.spec.linux.cgroupsPath ?? "");
    expect(groups.filter((path) => existsSync(path))).toEqual([]);
  });

  test("as a script runs the hooks inside, with the state that they read", async () => {
    const hook = (target: string) => ({ path: "/bin/sh", args: ["sh", "-c", `cat > ${target}`], timeout: 5 });
    const launch = bed.launch(["cat", "/etc/create", "/etc/start"], {
      hooks: { createContainer: [hook("etc/create")], startContainer: [hook("/etc/start")] },
    });
    const output = await sh(explainPlan(compilePlan(launch, bed.features), "sh"));
    const statuses = [...output.matchAll(/"status":"(\w+)","pid":1,/g)].map(([, status]) => status);
    expect(statuses).toEqual(["creating", "created"]);
  });

  test("of an exec enters the container", async () => {
    const launch = bed.launch(["sleep", "60"]);
    const handle = await bed.runtime.create(launch);
    await handle.start();
    const exec = bed.exec(launch, handle, ["sh", "-c", "hostname; pwd; grep pids /proc/self/cgroup"], {
      process: { cwd: "/etc" },
    });
    const output = await sh(explainPlan(compileExecPlan(exec, bed.features), "sh"));
    expect(output.split("\n").slice(0, 2)).toEqual([launch.id, "/etc"]);
    expect(output).toContain(`/${bed.instance}/${launch.id}`);
    await handle.release();
  });

  test("as a script has mounts with their options and propagation, and clocks of its own", async () => {
    mkdirSync(`${bed.directory}/data`);
    const namespaces = ["mount", "network", "uts", "pid", "ipc", "time"] as const;
    const launch = bed.launch(
      ["sh", "-c", "cat /etc/plain; touch /etc/x /in/x; cat /proc/uptime /proc/self/mountinfo"],
      {
        network,
        mounts: [
          { destination: "/etc", type: "tmpfs", options: ["tmpcopyup", "ro"] },
          {
            destination: "/in",
            type: "bind",
            source: `${bed.directory}/data`,
            options: ["rbind", "rro", "rnoatime", "rprivate"],
          },
          { destination: "/t", type: "tmpfs", options: ["size=64k", "lazytime", "rshared"] },
          { destination: "/t", options: ["bind", "remount", "nosuid"] },
        ],
        linux: {
          namespaces: namespaces.map((type) => ({ type })),
          timeOffsets: { boottime: { secs: 10_000_000 } },
        },
      },
    );
    const output = await sh(explainPlan(compilePlan(launch, bed.features), "sh"));
    expect(output).toStartWith("no program");
    expect(Number.parseFloat(/\d+\.\d+/.exec(output)?.[0] ?? "0")).toBeGreaterThan(10_000_000);
    expect(output).toMatch(/ \/etc ro,relatime - tmpfs/);
    expect(output).toMatch(/ \/in ro,noatime /);
    expect(output).toMatch(/ \/t rw,nosuid,relatime shared:\d+ - tmpfs tmpfs rw,lazytime,size=64k/);
  });

  test("as a table says what each step is for; as JSON every step has its words", () => {
    const ops = compilePlan(bed.launch(["true"], { network }), bed.features);
    const table = explainPlan(ops, "table").split("\n");
    expect(table).toHaveLength(ops.length + 2);
    expect(table.find((line) => line.includes("clone3("))).toContain("CLONE_NEWNS");
    const { steps } = JSON.parse(explainPlan(ops, "json")) as {
      steps: { call: string; purpose: string; by: string }[];
    };
    expect(steps.filter(({ call, purpose }) => call === "" || purpose === "")).toEqual([]);
    expect(steps.at(-1)).toMatchObject({ by: "child", call: "execve(true)" });
  });
});

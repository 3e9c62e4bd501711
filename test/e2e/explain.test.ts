/** `--explain`: what the kernel would be asked, as a table, as data, and as a script that works without berth. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdir } from "node:fs/promises";
import { command } from "../support/command.ts";
import { startEngine, type TestEngine } from "../support/engine.ts";
import { has } from "../support/parts.ts";

describe.if(has("root", "busybox"))("--explain", () => {
  let engine: TestEngine;
  beforeAll(async () => {
    engine = await startEngine({ image: "busybox" });
  }, 30_000);
  afterAll(() => engine[Symbol.asyncDispose](), 30_000);

  test("prints the steps with what each is for, and runs nothing", async () => {
    const { stdout, code } = await engine.berth(["run", "--explain", "--hostname", "box", "busybox", "true"]);
    expect(code).toBe(0);
    for (const word of ["clone", "overlay", "proc", "pivot_root", "box", "seccomp", "execve", "true"])
      expect(stdout).toContain(word);
    expect((await engine.berth(["ps", "-aq"])).stdout).toBe("");
  });

  test("=json is data", async () => {
    const { stdout } = await engine.berth(["run", "--explain=json", "busybox", "true"]);
    const { steps } = JSON.parse(stdout) as { steps: { call: string; purpose: string }[] };
    expect(steps.length).toBeGreaterThan(20);
    for (const { call, purpose } of steps) expect(call.length * purpose.length).toBeGreaterThan(0);
  });

  test("of exec joins the container", async () => {
    await engine.berth(["run", "-d", "--name", "c", "busybox", "sleep", "100"]);
    const { stdout, code } = await engine.berth(["exec", "--explain", "c", "echo", "x"]);
    expect(code).toBe(0);
    expect(stdout).toContain("setns");
    await engine.berth(["rm", "-f", "c"]);
  });

  test("=sh is a script that gives a working container without berth", async () => {
    const inside =
      "hostname; echo pid $$; ls /; ls /sys/class/net; mount | grep -c ' / '; cat /proc/1/cmdline | tr '\\0' ' '";
    const words = [
      "run",
      "--explain=sh",
      "--network",
      "none",
      "--hostname",
      "explained",
      "busybox",
      "sh",
      "-c",
      inside,
    ];
    const script = (await engine.berth(words)).stdout;
    const place = `${engine.place}/explained`;
    await mkdir(place);
    await Bun.write(`${place}/run.sh`, script);
    const { stdout, stderr, code } = await command(["sh", `${place}/run.sh`], { cwd: place });
    expect({ stderr, code }).toEqual({ stderr: "", code: 0 });
    expect(stdout).toStartWith("explained\npid 1\n");
    expect(stdout).toContain("\nbin\n");
    expect(stdout).toContain("\nlo\n1\n");
    expect(stdout).not.toContain("\nwork\n");
  });
});

/** A runtime that never comes to the end of a command: it is killed, and nothing of what it has begun is left. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { openExternalRuntime } from "../../src/runtime/external.ts";
import type { Launch } from "../../src/runtime/runtime.ts";
import { nothingLeft } from "../../src/runtime/runtime-suite.ts";
import { Testbed } from "../../src/runtime/testbed.ts";
import { until } from "../shim/support/within.ts";
import { isAlive } from "../support/command.ts";
import { has } from "../support/parts.ts";

setDefaultTimeout(30_000);

/** Many times what a command of runc takes that does not hang. */
const TIMEOUT_MS = 2000;
const OVERDUE = 'the runtime "slow" was killed: it was not done within 2 s';

describe.if(has("root", "busybox", "runc"))("a runtime that hangs", () => {
  let bed: Testbed;
  let stateDirectory: string;
  beforeAll(() => {
    bed = new Testbed({
      open: ({ instance, features, directory }) => {
        stateDirectory = `${directory}/state-slow`;
        const runtime = { name: "slow", path: `${directory}/slow`, args: [], stateDirectory };
        return openExternalRuntime({ instance, features, runtime, timeoutMs: TIMEOUT_MS });
      },
    });
  });
  afterAll(() => bed[Symbol.asyncDispose]());

  /** runc; but from now on it notes its processes and waits for ever behind `command`, or before it. */
  function hangs(command: string, when: "before" | "behind"): void {
    rmSync(`${bed.directory}/hung`, { force: true });
    const run = 'runc "$@"';
    const hang = `sleep 1000 & echo $$ $! >${bed.directory}/hung; wait`;
    const both = when === "before" ? hang : `${run}; ${hang}`;
    const script = `#!/bin/sh\ncase " $* " in *" ${command} "*) ${both};; *) exec ${run};; esac\n`;
    writeFileSync(`${bed.directory}/slow`, script, { mode: 0o755 });
  }

  async function isGone(): Promise<void> {
    const [own, ...rest] = readFileSync(`${bed.directory}/hung`, "utf8").trim().split(" ");
    await until("the runtime to end", async () => !(await isAlive(Number(own))));
    for (const pid of rest)
      await until("what it has started to end", async () => !(await isAlive(Number(pid))));
  }

  function isForgotten(launch: Launch): void {
    expect(readdirSync(stateDirectory)).toEqual([]);
    nothingLeft(bed, launch);
  }

  test.each([
    ["before it has made anything", "before"],
    ["when it has made the container", "behind"],
  ] as const)("in its create, %s", async (_, when) => {
    hangs("create", when);
    const launch = bed.launch(["sleep", "1000"]);
    await expect(bed.runtime.create(launch)).rejects.toMatchObject({ code: "internal", message: OVERDUE });
    await isGone();
    isForgotten(launch);
  });

  test.each([
    ["before the program runs", "before"],
    ["when the program runs", "behind"],
  ] as const)("in its start, %s", async (_, when) => {
    hangs("start", when);
    const launch = bed.launch(["sleep", "1000"]);
    const handle = await bed.runtime.create(launch);
    await expect(handle.start()).rejects.toThrow(OVERDUE);
    await handle.release();
    await isGone();
    isForgotten(launch);
  });

  test("in an exec, and the container goes on", async () => {
    hangs("exec", "before");
    const launch = bed.launch(["sh", "-c", "read line; exit 4"], { supervision: { openStdin: true } });
    const handle = await bed.runtime.create(launch);
    await handle.start();
    const exec = bed.exec(launch, handle, ["true"], { supervision: { waitForStart: false } });
    await expect(bed.runtime.exec(exec)).rejects.toThrow(OVERDUE);
    await isGone();
    expect(existsSync(exec.supervision.runDirectory)).toBe(false);
    const stream = await handle.attach({ stdin: true, stdout: false, stderr: false });
    await stream.write(Buffer.from("\n"));
    expect(await handle.exited).toMatchObject({ exitCode: 4 });
    stream.close();
    await handle.release();
    isForgotten(launch);
  });

  test("in its delete: the processes of the container are ended all the same", async () => {
    hangs("delete", "before");
    const launch = bed.launch(["sleep", "1000"]);
    const handle = await bed.runtime.create(launch);
    await handle.start();
    await expect(handle.release()).rejects.toThrow("/slow was killed: it was not done within 2 s");
    await until("the process to end", async () => !(await isAlive(handle.pid)));
    await isGone();
  });
});

/** No start, exec or exit makes the kernel wait for RCU: read from a trace of the engine, its shims and the containers. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readFile, rm } from "node:fs/promises";
import { startEngine, temporaryPlace, type TestEngine } from "../support/engine.ts";
import { has } from "../support/parts.ts";
import { waits } from "../support/trace.ts";

const CALLS = "trace=open,openat,openat2,sendto,sendmsg,umount2,sync,syncfs,execve";

describe.if(has("root", "busybox", "strace"))("without waiting", () => {
  let engine: TestEngine;
  let trace = "";
  let read = 0;

  beforeAll(async () => {
    const place = await temporaryPlace();
    trace = `${place}/trace`;
    const wrapper = ["strace", "-f", "-qq", "-s", "200", "-e", CALLS, "-e", "signal=none", "-o", trace];
    engine = await startEngine({ place, image: "busybox", wrapper });
    // The bridge is made once in an engine's life, and the new image is written back once, some seconds later.
    do await engine.berth(["run", "--rm", "busybox", "true"]);
    while (!(await readFile(trace, "utf8")).includes("syncfs("));
  }, 60_000);
  afterAll(async () => {
    await engine[Symbol.asyncDispose]();
    await rm(engine.place, { recursive: true, force: true });
  }, 30_000);

  /** What was traced since the last look. */
  async function since(): Promise<string> {
    await Bun.sleep(200); // strace writes its file in blocks
    const text = await readFile(trace, "utf8");
    const news = text.slice(read);
    read = text.length;
    return news;
  }

  test.each([
    ["run without a network", ["run", "--rm", "--network", "none", "busybox", "true"]],
    ["run on the bridge", ["run", "--rm", "busybox", "true"]],
    ["run with limits", ["run", "--rm", "-m", "64m", "--cpus", "1", "--pids-limit", "50", "busybox", "true"]],
    ["run in a user namespace", ["run", "--rm", "--userns", "auto", "busybox", "true"]],
    ["run in the background", ["run", "-d", "--name", "c", "busybox", "sleep", "100"]],
    ["exec", ["exec", "c", "true"]],
    ["kill", ["kill", "c"]],
    ["start again", ["start", "c"]],
    ["stop", ["stop", "-t", "0", "c"]],
  ])(
    "%s",
    async (_, words) => {
      await since();
      const { stderr, code } = await engine.berth(words);
      expect({ stderr, code }).toEqual({ stderr: "", code: 0 });
      const traced = await since();
      expect(traced).not.toBe(""); // a trace that sees nothing proves nothing
      expect(waits(traced)).toEqual([]);
    },
    30_000,
  );
});

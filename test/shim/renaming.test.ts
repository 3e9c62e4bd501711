/** Somebody exchanges two names of a shared directory all the time: what the shim has looked at is what it goes on with. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync } from "node:fs";
import type { Op } from "../../src/runtime/op.ts";
import { programOf } from "../seccomp/support/program.ts";
import { has } from "../support/parts.ts";
import { Place } from "./support/place.ts";
import { MS_SHARED, MS_SILENT } from "./support/plan.ts";
import { runContainer } from "./support/shim.ts";

const STARTS = 20;

type Mount = Extract<Op, { op: "mount" }>;

/** Exchanges the two until it is disposed of. */
async function swapping(one: string, other: string): Promise<AsyncDisposable> {
  const program = await programOf("test/security/attacker.c");
  const swapper = Bun.spawn([program, "swap", one, other], { stdio: ["ignore", "pipe", "inherit"] });
  await swapper.stdout.getReader().read();
  return {
    [Symbol.asyncDispose]: async () => {
      swapper.kill("SIGKILL");
      await swapper.exited;
    },
  };
}

describe.if(has("root", "busybox"))("in a directory where two names change places all the time", () => {
  let outside: Place;
  let swapper: AsyncDisposable;
  beforeAll(async () => {
    outside = new Place();
    for (const name of ["door", "other"]) mkdirSync(`${outside.top}/volume/${name}`, { recursive: true });
    swapper = await swapping(`${outside.top}/volume/door`, `${outside.top}/volume/other`);
  });
  afterAll(async () => {
    await swapper[Symbol.asyncDispose]();
    outside[Symbol.dispose]();
  });

  async function said(script: string, mount: Partial<Mount>): Promise<string> {
    using place = new Place();
    const bind: Op = {
      op: "bind",
      source: `${outside.top}/volume`,
      target: "/data",
      recursive: false,
      makeSource: false,
      steps: [],
    };
    const base: Mount = {
      op: "mount",
      source: "tmpfs",
      target: "/data/door",
      type: "tmpfs",
      flags: 0,
      data: "",
      api: false,
      optional: false,
    };
    const { stdout, stderr } = await runContainer(place, {
      argv: ["sh", "-c", script],
      mounts: [bind, { ...base, ...mount }],
    });
    return stdout + stderr;
  }

  test("a mount by mount(2) is the one that gets its propagation", async () => {
    const steps = [{ recursive: false, set: 0, clear: 0, propagation: MS_SHARED }];
    for (let count = 0; count < STARTS; count++)
      expect(
        await said("grep -c ' /data/.* shared:[0-9]* - tmpfs' /proc/self/mountinfo", {
          classic: true,
          flags: MS_SILENT,
          steps,
        }),
      ).toBe("1\n");
  });
});

/**
 * CVE-2016-9962 (runc): a container that may trace took over the process that was just joining it, and with it whatever that process
 * might do or had open. berth's has given away all that it must before it is seen in the container's pid namespace.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { isAtLeast, probeFeatures } from "../../src/kernel/features.ts";
import { output } from "../support/command.ts";
import { has } from "../support/parts.ts";
import { attack, said } from "./attacker.ts";
import { Target } from "./hostile.ts";

const EXECS = 25;
const MORE = "caught one that may do more";

describe.if(has("root", "busybox"))("a process on its way into a container", () => {
  let target: Target;
  beforeAll(async () => {
    target = await Target.start();
  }, 30_000);
  afterAll(() => target[Symbol.asyncDispose](), 30_000);

  /** What a hunter in the container says of the processes that came by; the last of them waits until it has been heard. */
  async function hunted(flags: readonly string[], execFlags: readonly string[] = []): Promise<string[]> {
    const id = await attack(target, "exec /attacker hunt", ...flags);
    for (let count = 0; count < EXECS; count++)
      await target.engine.berth(["exec", ...execFlags, id, "true"], { timeoutMs: 5000 });
    await target.engine.berth(["exec", "-d", ...execFlags, id, "sleep", "100"]);
    const text = await said(target, id, flags.length > 0 ? "caught" : "refused");
    await target.engine.berth(["rm", "-f", id]);
    return [...new Set(text.trim().split("\n").slice(1))].toSorted();
  }

  test("is an equal of its hunter's, if that one may trace at all", async () => {
    const seen = await hunted(["--cap-add", "SYS_PTRACE"]);
    expect(seen).toContain("caught an equal");
    expect(seen).not.toContain(MORE);
  }, 60_000);

  test("is one when it has a terminal and another user, too", async () => {
    const flags = ["-t", "-u", "1000"];
    const seen = await hunted(["--cap-add", "SYS_PTRACE"], flags);
    expect(seen).toContain("caught an equal");
    expect(seen).not.toContain(MORE);
  }, 60_000);

  test.if(isAtLeast(probeFeatures(), [6, 18]))(
    "is one when it is the first of a container that shares the processes of another",
    async () => {
      const id = await attack(target, "exec /attacker hunt", "--cap-add", "SYS_PTRACE");
      const run = ["run", "--rm", "--network", "none", "--pid", `container:${id}`, "busybox"];
      for (let count = 0; count < EXECS; count++)
        await target.engine.berth([...run, "true"], { timeoutMs: 5000 });
      const seen = await said(target, id, "caught");
      expect(seen).toContain("caught an equal");
      expect(seen).not.toContain(MORE);
      await target.engine.berth(["rm", "-f", id]);
    },
    60_000,
  );

  test("is out of reach for those who may not trace", async () => {
    const seen = await hunted([]);
    expect(seen).toContain("refused");
    expect(seen).not.toContain(MORE);
  }, 60_000);

  test("is caught where it is made the naive way: joined first, then reduced", async () => {
    const id = await attack(target, "exec /attacker hunt", "--cap-add", "SYS_PTRACE");
    const { body } = await target.engine.api("GET", `/containers/${id}/json`);
    const { pid } = { pid: String((body as { State: { Pid: number } }).State.Pid) };
    const reduced = ["setpriv", "--bounding-set", "-all", "--inh-caps", "-all", "true"];
    let seen = "";
    while (!seen.includes(MORE)) {
      await output(["nsenter", "--target", pid, "--pid", ...reduced]); // on a busy machine many a one gets by
      seen = (await target.engine.berth(["logs", id])).stdout;
    }
    expect(seen).toContain("hunting");
    await target.engine.berth(["rm", "-f", id]);
  }, 60_000);
});

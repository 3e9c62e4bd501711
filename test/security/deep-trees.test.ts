/** A directory tree that is deeper than any path is long: whoever removes it by name stays behind with it, or works for ever. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { command } from "../support/command.ts";
import { has } from "../support/parts.ts";
import { Target } from "./hostile.ts";

/** Chains of 900 directories, each moved to the end of the next: 2700 in all, while no path that is named is long. */
const DEEP =
  "chain() { p=$1; i=0; while [ $i -lt 900 ]; do p=$p/a; i=$((i+1)); done; echo $p; }; mkdir -p $(chain /d); for n in 1 2; do mkdir -p $(chain /e$n); mv /d $(chain /e$n)/d; mv /e$n /d; done; echo made";

describe.if(has("root", "busybox"))("a very deep tree", () => {
  let target: Target;
  beforeAll(async () => {
    target = await Target.start();
  }, 30_000);
  afterAll(async () => {
    await command(["rm", "-rf", target.engine.root]); // whatever a failing test left, faster than by name
    await target[Symbol.asyncDispose]();
  }, 60_000);

  /** Names below the directories in which containers live and die, once they have had time to. */
  async function remains(): Promise<string[]> {
    const names = () => ["containers", "tmp"].flatMap((each) => readdirSync(`${target.engine.root}/${each}`));
    const deadline = Date.now() + 15_000;
    while (names().length > 0 && Date.now() < deadline) await Bun.sleep(50);
    return names();
  }

  test("goes with its container", async () => {
    const { stdout } = await target.run("busybox", "sh", "-c", DEEP);
    expect(stdout).toBe("made\n");
    expect(await remains()).toEqual([]);
  }, 60_000);

  test("does not hinder cp, diff and export from ending", async () => {
    const { stdout: id } = await target.engine.berth([
      "create",
      "--network",
      "none",
      "busybox",
      "sh",
      "-c",
      DEEP,
    ]);
    await target.engine.berth(["start", "-a", id.trim()]);
    for (const words of [
      ["cp", `${id.trim()}:/d`, "-"],
      ["diff", id.trim()],
      ["export", id.trim()],
    ]) {
      const ended = await target.engine.berth(words, { timeoutMs: 20_000 });
      expect(ended.stderr).not.toContain("time limit");
    }
    await target.engine.berth(["rm", "-f", id.trim()]);
    expect(await remains()).toEqual([]);
    expect(await target.shell("echo well")).toBe("well\n");
  }, 120_000);
});

/** Many processes that join one container, one after another and all at once: none is lost, and none leaves anything behind. */
import { describe, expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { output } from "../support/command.ts";
import { has } from "../support/parts.ts";
import { until } from "../shim/support/within.ts";
import { descriptors, MEGABYTE, residentBytes, Subject } from "./subject.ts";
import { Watcher } from "./watcher.ts";

const ONE_AFTER_ANOTHER = 1000;
const AT_ONCE = 100;
/** What the engine may remember of that many: their exit codes. */
const REMEMBERED = 48 * MEGABYTE;

describe.if(has("root", "busybox"))("execs", () => {
  const subject = new Subject();

  /** Runs one that says its number and ends with it; gives both as they came back. */
  async function exec(number: number): Promise<{ said: string; code: number | undefined }> {
    const { engine } = subject;
    const code = number % 256;
    const Cmd = ["sh", "-c", `echo ${number}; exit ${code}`];
    const made = await engine.api("POST", "/containers/c/exec", { Cmd, AttachStdout: true });
    const { Id } = made.body as { Id: string };
    const { stdout } = await (await Watcher.exec(engine, Id)).output();
    const { body } = await engine.api("GET", `/exec/${Id}/json`);
    return { said: stdout, code: (body as { ExitCode?: number }).ExitCode };
  }

  function expected(number: number): { said: string; code: number } {
    return { said: `${number}\n`, code: number % 256 };
  }

  /** What the engine has as children, buried or not. */
  async function children(): Promise<string[]> {
    const pids = await output(["ps", "--ppid", String(subject.engine.pid), "-o", "pid="]);
    return pids.trim().split(/\s+/);
  }

  /** A container to join; resolves when the engine has no child but its shim. */
  async function prepare(): Promise<string> {
    await subject.told("run", "-d", "--name", "c", "busybox", "sleep", "1000");
    const shim = String(await subject.shimOf("c"));
    await until("the shims of before to be buried", () => onlyChild(shim));
    return shim;
  }

  async function onlyChild(shim: string): Promise<boolean> {
    return (await children()).join(" ") === shim;
  }

  test(`${ONE_AFTER_ANOTHER} one after another`, async () => {
    const { engine } = subject;
    const shim = await prepare();
    await exec(0);
    await until("its shim to be buried", () => onlyChild(shim));
    const before = { open: descriptors(engine.pid), memory: residentBytes(engine.pid) };
    for (let number = 1; number <= ONE_AFTER_ANOTHER; number++)
      expect(await exec(number)).toEqual(expected(number));
    await until("the shims to be buried", () => onlyChild(shim));
    await until("the engine to close what it opened", () => descriptors(engine.pid) <= before.open);
    expect(residentBytes(engine.pid)).toBeLessThan(before.memory + REMEMBERED);
    await until("the run directories to go", () => runDirectories().length === 0);
  }, 120_000);

  test(`${AT_ONCE} at once`, async () => {
    const shim = await prepare();
    const numbers = Array.from({ length: AT_ONCE }, (_, at) => at);
    expect(await Promise.all(numbers.map(exec))).toEqual(numbers.map(expected));
    await until("the shims to be buried", () => onlyChild(shim));
    await until("the run directories to go", () => runDirectories().length === 0);
  }, 60_000);

  /** Those of execs; their records are kept for whoever asks later. */
  function runDirectories(): string[] {
    return readdirSync(`${subject.engine.run}/x`).filter((name) => !name.endsWith(".json"));
  }
});

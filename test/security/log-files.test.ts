/**
 * What a container prints must stay one container's output: no line of it forges another in the log, ends it early, or leads it
 * elsewhere. The log lies in a directory that no container reaches; where it lies nobody chooses.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, lstatSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { has } from "../support/parts.ts";
import { Target } from "./hostile.ts";

const FORGED = '{"log":"forged\\n","stream":"stderr","time":"2001-01-01T00:00:00Z"}';

describe.if(has("root", "busybox"))("a container's log", () => {
  let target: Target;
  beforeAll(async () => {
    target = await Target.start();
  }, 30_000);
  afterAll(() => target[Symbol.asyncDispose](), 30_000);

  /** Runs the script; gives the container's id when it has ended. */
  async function ran(script: string, ...flags: string[]): Promise<string> {
    const { stdout } = await target.engine.berth([
      "run",
      "-d",
      "--network",
      "none",
      ...flags,
      "busybox",
      "sh",
      "-c",
      script,
    ]);
    await target.engine.berth(["wait", stdout.trim()]);
    return stdout.trim();
  }

  const pathOf = (id: string): string => `${target.engine.root}/containers/${id}/${id}-json.log`;

  test.each([
    ["a line that looks like one of the log's", `echo '${FORGED}'`],
    ["quotes and ends of lines of other systems", "printf 'a\"b\\\\\\r\\n\\342\\200\\250c\\n'"],
    ["zeroes and bytes that are no text", "head -c 1000 /dev/urandom; printf '\\0\\377\\376\\n'"],
    ["a line that does not end", "head -c 100000 /dev/zero | tr '\\0' a"],
    ["an escape to another title", "printf '\\033]0;evil\\007\\n'"],
  ])(
    "has one record for each line, of %s too",
    async (_, script) => {
      const id = await ran(`${script}; echo end`);
      const lines = (await readFile(pathOf(id), "utf8")).trimEnd().split("\n");
      const records = lines.map((line) => JSON.parse(line) as { log: string; stream: string; time: string });
      for (const record of records) expect(Object.keys(record).toSorted()).toEqual(["log", "stream", "time"]);
      expect(records.every(({ stream, time }) => stream === "stdout" && !time.startsWith("2001"))).toBe(true);
      expect(records.at(-1)?.log).toEndWith("end\n");
      await target.engine.berth(["rm", "-f", id]);
    },
    30_000,
  );

  test("is a file that nobody else can open, in a directory that no volume reaches by its container's doing", async () => {
    const id = await ran(
      `ls ${target.engine.root} 2>/dev/null; ln -s ${target.outside}/secret /json.log; echo printed`,
    );
    expect(lstatSync(pathOf(id))).toMatchObject({ nlink: 1 });
    expect((lstatSync(pathOf(id)).mode & 0o7777).toString(8)).toMatch(/^6[04]0$/);
    expect((await target.engine.berth(["logs", id])).stdout).toBe("printed\n");
    await target.isUnharmed();
  }, 30_000);

  test.each([
    "log-path=/etc/evil",
    "path=/etc/evil",
    "tag=../../evil",
    "max-file=-1",
    "max-file=1e9",
    "max-size=-1",
    "max-size=x",
  ])(
    "takes no option %s",
    async (option) => {
      const { code } = await target.run("--log-opt", option, "busybox", "true");
      expect(code).toBe(125);
      expect(existsSync("/etc/evil")).toBe(false);
    },
    20_000,
  );

  test("of another kind than berth's own is refused: none runs a program", async () => {
    for (const driver of ["binary:///bin/sh", "fluentd", "syslog", "../json-file"])
      expect((await target.run("--log-driver", driver, "busybox", "true")).code).toBe(125);
  }, 30_000);
});

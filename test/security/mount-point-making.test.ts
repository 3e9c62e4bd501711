/** CVE-2024-45310 (runc): the directories on the way to a mount point, and the file for a bind, were made by name, outside of the root. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, lstatSync, mkdirSync } from "node:fs";
import { rm, writeFile } from "node:fs/promises";
import { has } from "../support/parts.ts";
import { Revolving } from "./attacker.ts";
import { scratch, Target } from "./hostile.ts";

const STARTS = 12;
const NAIVE_TRIES = 100_000;

describe.if(has("root", "busybox"))("what is made on the way to a mount point", () => {
  let target: Target;
  let shared: Revolving;
  let source: string;
  beforeAll(async () => {
    target = await Target.start();
    source = await scratch(target, "source");
    await writeFile(`${source}/file`, "");
    shared = await Revolving.start(target, "v");
  }, 30_000);
  afterAll(async () => {
    await shared[Symbol.asyncDispose]();
    await target[Symbol.asyncDispose]();
  }, 30_000);

  test("is made outside by who looks first and makes then", async () => {
    const door = `${shared.volume}/door`;
    const made = `${target.outside}/made`;
    for (let tries = 0; tries < NAIVE_TRIES && !existsSync(made); tries++)
      if (lstatSync(door).isDirectory()) makeAsIfAlone(`${door}/made`);
    expect(existsSync(made)).toBe(true);
    await rm(made, { recursive: true });
    await rm(`${door}/made`, { recursive: true, force: true });
  }, 60_000);

  test.each([
    ["directories for a bind", ["-v", "SOURCE:/data/door/a/b/c"]],
    ["a file for a bind", ["-v", "SOURCE/file:/data/door/a/file"]],
    ["directories for a tmpfs", ["--tmpfs", "/data/door/d/e"]],
    ["a working directory", ["-w", "/data/door/f/g"]],
    ["a device", ["--device", "/dev/null:/data/door/h/null"]],
  ])(
    "is made inside, or not at all: %s",
    async (_, flags) => {
      const words = flags.map((flag) => flag.replace("SOURCE", source));
      for (let count = 0; count < STARTS; count++) {
        const { code } = await target.run("-v", `${shared.volume}:/data`, ...words, "busybox", "true");
        expect([0, 125]).toContain(code);
        await target.isUntouched();
      }
      await target.isUnharmed();
    },
    60_000,
  );
});

/** What is exchanged under its hands may make it fail; then it looks again. */
function makeAsIfAlone(path: string): void {
  try {
    mkdirSync(path, { recursive: true });
  } catch (error) {
    expect(error).toHaveProperty("code");
  }
}

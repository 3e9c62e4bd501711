/** CVE-2024-45310 (runc): the directories on the way to a mount point, and the file for a bind, were made by name, outside of the root. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, lstatSync, mkdirSync } from "node:fs";
import { rm } from "node:fs/promises";
import { has } from "../support/parts.ts";
import { RacedVolume } from "./raced-volume.ts";

const NAIVE_TRIES = 100_000;

describe.if(has("root", "busybox"))("what is made on the way to a mount point", () => {
  let raced: RacedVolume;
  beforeAll(async () => {
    raced = await RacedVolume.start();
  }, 30_000);
  afterAll(() => raced[Symbol.asyncDispose](), 30_000);

  test("is made outside by who looks first and makes then", async () => {
    const { door } = raced;
    const made = `${raced.target.outside}/made`;
    for (let tries = 0; tries < NAIVE_TRIES && !existsSync(made); tries++)
      if (lstatSync(door).isDirectory()) makeAsIfAlone(`${door}/made`);
    expect(existsSync(made)).toBe(true);
    await rm(made, { recursive: true });
    await rm(`${door}/made`, { recursive: true, force: true });
  }, 60_000);

  test.each([
    ["directories for a bind", ["-v", "SOURCE:/data/door/a/b/c"]],
    ["a file for a bind", ["-v", "SOURCE/inside:/data/door/a/file"]],
    ["directories for a tmpfs", ["--tmpfs", "/data/door/d/e"]],
    ["a working directory", ["-w", "/data/door/f/g"]],
    ["a device", ["--device", "/dev/null:/data/door/h/null"]],
  ])("is made inside, or not at all: %s", (_, flags) => raced.keepsInside(flags), 60_000);
});

/** What is exchanged under its hands may make it fail; then it looks again. */
function makeAsIfAlone(path: string): void {
  try {
    mkdirSync(path, { recursive: true });
  } catch (error) {
    expect(error).toHaveProperty("code");
  }
}

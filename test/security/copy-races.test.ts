/**
 * CVE-2018-15664, CVE-2026-42306, GHSA-vp62-88p7-qqf5 (docker cp): between the look at a path and its use the container puts a link
 * there. Here it does so as fast as the kernel can, while files are copied in both directions.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { lstatSync, readFileSync } from "node:fs";
import { readdir, writeFile } from "node:fs/promises";
import { has } from "../support/parts.ts";
import { attack, Revolving } from "./attacker.ts";
import { scratch, SECRET, Target } from "./hostile.ts";

const COPIES = 12;
const NAIVE_TRIES = 100_000;

describe.if(has("root", "busybox"))("a path that changes all the time", () => {
  let target: Target;
  let place: string;
  beforeAll(async () => {
    target = await Target.start();
    place = await scratch(target, "cp");
    await writeFile(`${place}/evil`, "from outside\n");
  }, 30_000);
  afterAll(() => target[Symbol.asyncDispose](), 30_000);

  test("leads those outside who look at it on the host and then open it", async () => {
    await using shared = await Revolving.start(target, "naive");
    const door = `${shared.volume}/door`;
    let read = "";
    for (let tries = 0; tries < NAIVE_TRIES && read !== SECRET; tries++)
      if (lstatSync(door).isDirectory()) read = readFileSync(`${door}/secret`, "utf8");
    expect(read).toBe(SECRET);
  }, 60_000);

  test("in a volume leads no copy outside, in neither direction", async () => {
    await using shared = await Revolving.start(target, "shared");
    const id = await target.start("-v", `${shared.volume}:/v`, "busybox", "sleep", "300");
    await copies(id, "/v");
  }, 60_000);

  test("in the container's own file system leads no copy outside, in neither direction", async () => {
    const made = `mkdir -p /v/door; echo "the attacker's own words" >/v/door/secret; ln -s ${target.outside} /v/trap`;
    const id = await attack(target, `${made}; exec /attacker swap /v/door /v/trap`);
    await copies(id, "/v");
  }, 60_000);

  test("with links that climb, or go through procfs, leads no copy outside", async () => {
    const made = `mkdir -p /v/door; echo "the attacker's own words" >/v/door/secret; ln -s /proc/1/root/../../../..${target.outside} /v/trap`;
    const id = await attack(target, `${made}; exec /attacker swap /v/door /v/trap`);
    await copies(id, "/v");
  }, 60_000);

  /** Copies both ways through `door`; what comes out is never the host's, and what goes in never gets there. */
  async function copies(id: string, directory: string): Promise<void> {
    const { berth } = target.engine;
    const cp = (...words: string[]) => berth.call(target.engine, ["cp", ...words], { timeoutMs: 10_000 });
    for (let count = 0; count < COPIES; count++) {
      expect((await cp(`${id}:${directory}/door/secret`, "-")).stdout).not.toContain(SECRET);
      expect((await cp(`${id}:${directory}/door`, "-")).stdout).not.toContain(SECRET);
      await cp(`${place}/evil`, `${id}:${directory}/door/written`);
      await cp(`${place}/evil`, `${id}:${directory}/door`);
      expect(await readdir(target.outside)).toEqual(["secret"]);
    }
    await berth.call(target.engine, ["rm", "-f", id]);
    await target.isUnharmed();
  }
});

/** The engine dies, as by kill -9, after step N of each operation, for every N. The next engine finds everything whole or absent. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { rm } from "node:fs/promises";
import { busyboxTar } from "../support/busybox.ts";
import { startEngine, temporaryPlace, type TestEngine } from "../support/engine.ts";
import { isEngines } from "../support/cases.ts";
import { leaks } from "../support/leaks.ts";
import { has } from "../support/parts.ts";

interface Operation {
  readonly name: string;
  /** Command lines that come before, against an engine that does not die. */
  readonly before?: readonly (readonly string[])[];
  readonly words: readonly string[];
  readonly input?: "root filesystem" | "archive";
  /** Whether the container `c` runs all the time, whatever happens to the engine. */
  readonly goesOn?: boolean;
}

const RUN = ["run", "-d", "--name", "c", "busybox", "sleep", "1000"];

const OPERATIONS: readonly Operation[] = [
  { name: "create", words: ["create", "--name", "c", "busybox", "true"] },
  { name: "start", before: [["create", "--name", "c", "busybox", "sleep", "1000"]], words: ["start", "c"] },
  { name: "run of what ends at once", words: ["run", "--name", "c", "busybox", "true"] },
  { name: "run --rm", words: ["run", "--rm", "--name", "c", "busybox", "true"] },
  { name: "run in a user namespace", words: ["run", "--userns", "auto", "--name", "c", "busybox", "true"] },
  { name: "exec", before: [RUN], words: ["exec", "c", "true"], goesOn: true },
  { name: "stop", before: [RUN], words: ["stop", "-t", "0", "c"] },
  { name: "restart", before: [RUN], words: ["restart", "-t", "0", "c"] },
  { name: "rename", before: [RUN], words: ["rename", "c", "d"] },
  { name: "rm", before: [["create", "--name", "c", "busybox"]], words: ["rm", "c"] },
  { name: "rm -f of a running one", before: [RUN], words: ["rm", "-f", "c"] },
  { name: "import", words: ["import", "-", "fresh"], input: "root filesystem" },
  { name: "load", words: ["load"], input: "archive" },
  { name: "tag", words: ["tag", "busybox", "fresh"] },
  { name: "rmi", before: [["import", "ROOTFS", "fresh"]], words: ["rmi", "fresh"] },
];

/** More steps than any operation has: an operation that never ends its steps is a fault of the test. */
const MOST_STEPS = 40;

describe.if(has("root", "busybox"))("kill -9 after every step", () => {
  let place = "";
  let archive = new Uint8Array();

  beforeAll(async () => {
    place = await temporaryPlace();
    const engine = await startEngine({ place, image: "busybox" });
    await Bun.write(`${place}/rootfs.tar`, await busyboxTar());
    await engine.berth(["import", "--change", "LABEL made=loaded", `${place}/rootfs.tar`, "loaded"]);
    await engine.berth(["save", "-o", `${place}/archive.tar`, "loaded"]);
    await engine.berth(["rmi", "loaded"]);
    archive = await Bun.file(`${place}/archive.tar`).bytes();
    await engine.terminate();
  }, 30_000);

  afterAll(async () => {
    await (await startEngine({ place }))[Symbol.asyncDispose](); // with the bridge and the groups that the last one has left to the next
    await rm(place, { recursive: true, force: true });
  }, 30_000);

  test.each(OPERATIONS)(
    "of $name",
    async (operation) => {
      let deaths = 0;
      for (let step = 1; step <= MOST_STEPS; step++) {
        const died = await dieAfter(operation, step);
        await recover(operation, step);
        if (!died) break;
        deaths += 1;
      }
      expect(deaths).toBeGreaterThan(0);
      expect(deaths).toBeLessThan(MOST_STEPS);
    },
    120_000,
  );

  /** Whether the engine died on the way. */
  async function dieAfter({ before, words, input }: Operation, step: number): Promise<boolean> {
    if (before !== undefined) {
      const sound = await startEngine({ place });
      for (const line of before) {
        const { stderr, code } = await sound.berth(
          line.map((word) => word.replace("ROOTFS", `${place}/rootfs.tar`)),
        );
        if (code !== 0) throw new Error(`${line.join(" ")}: ${stderr}`);
      }
      await sound.terminate();
    }
    const engine = await startEngine({ place, env: { BERTH_CRASH_AFTER: String(step) } });
    const stdin =
      input === "archive" ? archive : input === "root filesystem" ? await busyboxTar() : undefined;
    await engine.berth(words, stdin === undefined ? {} : { stdin });
    const died = await isDead(engine);
    if (!died) await engine.terminate();
    return died;
  }

  async function recover({ name, goesOn }: Operation, step: number): Promise<void> {
    const told = `${name}, step ${step}`;
    const engine = await startEngine({ place });
    try {
      const fsck = await engine.berth(["system", "fsck"]);
      expect(`${told}: ${fsck.code} ${fsck.stdout}${fsck.stderr}`).toStartWith(`${told}: 0`);
      if (goesOn === true) expect((await engine.berth(["exec", "c", "echo", told])).stdout).toBe(`${told}\n`);
      await everythingWorks(engine, told);
      await cleanUp(engine);
      const left = await leaks(engine.instance, engine.place, (line) => isEngines(line, engine));
      expect([told, ...left]).toEqual([told]);
    } finally {
      await engine.terminate();
    }
  }
});

/** A kill by its own hand may come a moment after the answer, or after the one that never came. Who answers then lives. */
async function isDead(engine: TestEngine): Promise<boolean> {
  const isGone = engine.exited.then(() => true);
  const answers = Bun.sleep(100).then(() => engine.api("GET", "/_ping"));
  return await Promise.race([isGone, answers.then(() => false).catch(() => isGone)]);
}

/** Whatever containers and images there are now: they can be looked at, started and run. */
async function everythingWorks(engine: TestEngine, told: string): Promise<void> {
  for (const name of await lines(engine, ["ps", "-a", "--format", "{{.Names}}"])) {
    const started = await engine.berth(["start", name]);
    expect(`${told}: start ${name}: ${started.stderr}${started.code}`).toBe(`${told}: start ${name}: 0`);
  }
  for (const image of await lines(engine, ["images", "-q"])) {
    const ran = await engine.berth(["run", "--rm", "--network", "none", image, "echo", "whole"]);
    expect(`${told}: run ${image}: ${ran.stderr}${ran.stdout}`).toBe(`${told}: run ${image}: whole\n`);
  }
}

async function lines(engine: TestEngine, words: readonly string[]): Promise<string[]> {
  const { stdout, stderr, code } = await engine.berth(words);
  if (code !== 0) throw new Error(`${words.join(" ")}: ${stderr}`);
  return stdout.split("\n").filter((line) => line !== "");
}

async function cleanUp(engine: TestEngine): Promise<void> {
  await engine.removeContainers();
  for (const image of await lines(engine, ["images", "--format", "{{.Repository}} {{.ID}}"]))
    if (!image.startsWith("busybox ")) await engine.berth(["rmi", "-f", image.split(" ")[1] ?? image]);
}

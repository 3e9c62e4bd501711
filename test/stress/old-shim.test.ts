/** Shims of other versions under this engine: test/fixtures/shim-v1.tar.xz is native/ as it was when the protocol was at version 1. */
import { describe, expect, test } from "bun:test";
import { mkdirSync, rmSync } from "node:fs";
import { encodePlan } from "../../src/runtime/encode.ts";
import type { Op } from "../../src/runtime/op.ts";
import { compileProgram, filesOf } from "../../tools/native.ts";
import { output } from "../support/command.ts";
import { has } from "../support/parts.ts";
import { Place } from "../shim/support/place.ts";
import { containerPlan } from "../shim/support/plan.ts";
import { Shim } from "../shim/support/shim.ts";
import { signal, Subject } from "./subject.ts";

const FIXTURE = `${import.meta.dir}/../fixtures/shim-v1.tar.xz`;
const OPEN_STDIN = 2;

/** The path of the old shim, built once. */
async function oldShim(): Promise<string> {
  const folder = `${process.cwd()}/dist/shim-v1`;
  if (await Bun.file(`${folder}/shim`).exists()) return `${folder}/shim`;
  mkdirSync(folder, { recursive: true });
  await output(["tar", "-C", folder, "-xf", FIXTURE]);
  const flags = ["cc", "-O2", "-static", `-I${folder}/native`];
  await compileProgram(`${folder}/shim`, filesOf("dist/shim-v1/native/shim/*.c"), flags);
  return `${folder}/shim`;
}

const here = has("root", "busybox");
const OLD_SHIM = here ? await oldShim() : ""; // before the first test, whose time it would take

describe.if(here)("a shim of version 1", () => {
  const subject = new Subject();

  /**
   * A container that an engine before this one has left: its record is of today, as migrations would have made it, its shim and
   * its process are of then. No engine runs when this resolves.
   */
  async function left(place: Place, script: string): Promise<Shim> {
    const { engine } = subject;
    await subject.told("run", "-d", "-i", "--name", "c", "busybox", "sleep", "1000");
    const id = await subject.inspected("c", ".Id");
    const [pid, shim] = [Number(await subject.inspected("c", ".State.Pid")), await subject.shimOf("c")];
    await engine.kill();
    await signal("KILL", shim);
    await signal("KILL", pid);
    const runDirectory = `${engine.run}/c/${id}`;
    rmSync(runDirectory, { recursive: true });
    mkdirSync(runDirectory, { mode: 0o700 });
    const path = `${engine.root}/containers/${id}/${id}-json.log`;
    const plan = containerPlan(place, { argv: ["sh", "-c", script], flags: OPEN_STDIN, log: { path } });
    const [first, ...rest] = plan;
    if (first?.op !== "supervise") throw new Error("a plan begins with what the shim is told");
    const old = await Shim.launch(place, inVersion1([{ ...first, runDirectory }, ...rest]), OLD_SHIM);
    await old.control.next("state");
    old.start();
    await old.running();
    old.control.close();
    return old;
  }

  test("is adopted: its container is seen, talked to, joined, followed and stopped", async () => {
    using place = new Place();
    const script =
      "echo early; trap 'exit 9' TERM; while read -r line; do echo got $line; done; while :; do usleep 1000; done";
    await using old = await left(place, script);
    await subject.engine.start();
    expect(await subject.shimOf("c")).toBe(old.pid);
    const follower = subject.spawn(["logs", "-f", "c"]);
    const client = subject.spawn(["attach", "c"], new Response("word\n"));
    expect(await firstLine(client.stdout)).toBe("got word\n");
    expect(await subject.told("exec", "c", "echo", "joined")).toBe("joined\n");
    expect(await subject.told("stop", "c")).toBe("c\n");
    expect(await subject.inspected("c", ".State.ExitCode")).toBe("9");
    expect(await follower.stdout.text()).toBe("early\ngot word\n");
    expect(await subject.told("start", "c")).toBe("c\n");
  });

  test("that has come to its end meanwhile has left a record that is understood", async () => {
    using place = new Place();
    await using old = await left(place, "echo last words; exit 4");
    expect(await old.ended).toBe(0);
    await subject.engine.start();
    expect(await subject.inspected("c", ".State.ExitCode")).toBe("4");
    expect(await subject.inspected("c", ".State.Error")).toBe("");
    expect(await subject.told("logs", "c")).toBe("last words\n");
  });
});

/** A plan is only for a shim of the engine's own build; the old one reads these ops as they are. */
function inVersion1(plan: readonly Op[]): Uint8Array {
  const bytes = Buffer.from(encodePlan(plan));
  bytes.writeUInt16LE(1, 4);
  return bytes;
}

async function firstLine(stream: ReadableStream<Uint8Array>): Promise<string> {
  let text = "";
  for await (const piece of stream) {
    text += new TextDecoder().decode(piece);
    if (text.includes("\n")) break;
  }
  return text;
}

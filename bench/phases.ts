/**
 * Where a start spends its time: the launch plan is cut behind each phase, an operation that must fail is put at the cut, and the time
 * until the shim tells of it is taken. The phase's own time is what its cut takes longer than the cut before; the last one is that much
 * short of what the failing operation costs.
 */
import { prepareCgroupParent, removeCgroup } from "../src/kernel/cgroups.ts";
import { Control } from "../src/runtime/control.ts";
import { startFrame, type ShimMessage } from "../src/runtime/frames.ts";
import type { Op, OpName } from "../src/runtime/op.ts";
import { compilePlan } from "../src/runtime/plan.ts";
import type { Launch } from "../src/runtime/runtime.ts";
import { spawnShim } from "../src/runtime/shim.ts";
import { Testbed } from "../src/runtime/testbed.ts";
import { mkdir, rm } from "node:fs/promises";
import type { Figure } from "./figure.ts";
import { sampleOf } from "./measure.ts";

/** A phase ends before the first operation of its name that stands behind the phase before; the last one with the program's end. */
const PHASES: readonly (readonly [name: string, end: OpName | "exited"])[] = [
  ["shim spawned, supervision", "mkdir"],
  ["control groups made and limited", "clone"],
  ["clone, namespaces", "write"],
  ["control groups joined", "session"],
  ["overlay", "mount"],
  ["file systems of the kernel, /dev", "mask"],
  ["masks, pivot, name", "barrier"],
  ["seccomp, user, capabilities", "exec"],
  ["exec of `true`, its end, the record", "exited"],
];

const CUT: Op = { op: "join", path: "/nonexistent/end-of-phase", type: 0 };

export const phases: readonly Figure[] = PHASES.map(([name], at) => ({
  name: `phase: ${name}`,
  goal: "",
  async measure(_, { rounds }) {
    const medians = await (measured ??= measureAll(rounds));
    return { berth: `${(((medians[at] ?? 0) - (medians[at - 1] ?? 0)) * 1000).toFixed(0)} µs` };
  },
}));

let measured: Promise<number[]> | undefined;

/** Of each phase's end, counted from the beginning. */
async function measureAll(rounds: number): Promise<number[]> {
  await using bed = new Testbed();
  prepareCgroupParent(bed.features.cgroups, `/${bed.instance}`);
  const times = PHASES.map((): number[] => []);
  for (let round = -1; round < rounds; round++)
    for (const [at, list] of times.entries()) {
      const took = await timeOf(bed, at);
      if (round >= 0) list.push(took); // the first is for warming up
    }
  return times.map((list) => sampleOf(list).median);
}

async function timeOf(bed: Testbed, phase: number): Promise<number> {
  const launch = bed.launch(["true"]);
  const ops = compilePlan(launch, bed.features);
  const end = PHASES[phase]?.[1];
  const { runDirectory } = launch.supervision;
  await mkdir(runDirectory, { mode: 0o700 });
  try {
    if (end === "exited") return await untilSaid(ops, "exited");
    return await untilSaid([...ops.slice(0, endOf(ops, phase)), CUT], "failed");
  } finally {
    await tidy(bed, launch);
  }
}

function endOf(ops: readonly Op[], phase: number): number {
  return PHASES.slice(0, phase + 1).reduce((from, [, end]) => {
    const found = ops.findIndex(({ op }, at) => at > from && op === end);
    return found < 0 ? from : found;
  }, 0);
}

/** Milliseconds until the shim says so; waits until it is gone. */
async function untilSaid(ops: readonly Op[], wanted: ShimMessage["type"]): Promise<number> {
  const said = Promise.withResolvers<number>();
  const gone = Promise.withResolvers<void>();
  const started = performance.now();
  const control = await Control.open(
    { fd: spawnShim(ops) },
    {
      message(message) {
        if (message.type === wanted) said.resolve(performance.now());
        else if (message.type === "failed")
          said.reject(new Error(`${message.object}: errno ${message.errno}`));
      },
      closed: () => gone.resolve(),
    },
  );
  control.send(startFrame());
  const took = (await said.promise) - started;
  await gone.promise;
  return took;
}

async function tidy(bed: Testbed, { spec, supervision }: Launch): Promise<void> {
  await removeCgroup(bed.features.cgroups, spec.linux.cgroupsPath ?? "", { kill: true });
  await rm(supervision.runDirectory, { recursive: true, force: true });
}

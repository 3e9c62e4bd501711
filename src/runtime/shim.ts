/** Starting a shim: a program in sealed memory, a plan in memory, one end of a socket pair, and nothing else of ours. */
import { closeSync, readFileSync } from "node:fs";
import shimPath from "../../dist/native/shim" with { type: "file" };
import { memfd, socketpair } from "../kernel/libc.ts";
import { becomeProgram, spawnNow } from "../kernel/process-image.ts";
import { spawn } from "../kernel/spawn.ts";
import { encodePlan } from "./encode.ts";
import type { Op } from "./op.ts";

let program: string | undefined;

/** A path of the shim that no container can write to: the file exists only in our descriptor, and is sealed. */
function shimProgram(): string {
  return (program ??= `/proc/${process.pid}/fd/${memfd("berth-shim", readFileSync(shimPath), { seal: true })}`);
}

/** Spawns the shim of one process; answers our end of its control socket. It outlives us. */
export function spawnShim(
  ops: readonly Op[],
  { stderr = "ignore" }: { stderr?: number | "ignore" } = {},
): number {
  const plan = memfd("berth-plan", encodePlan(ops), { seal: false });
  const [ours, theirs] = socketpair();
  try {
    spawn([shimProgram()], {
      argv0: "berth-shim",
      stdio: ["ignore", "ignore", stderr, plan, theirs],
      detached: true,
    }).unref();
    return ours;
  } catch (error) {
    closeSync(ours);
    throw error;
  } finally {
    closeSync(plan);
    closeSync(theirs);
  }
}

/** A shim that hands its process over: with our streams, and `descriptors` for its plan behind. Answers its pid, and our end of the control socket. */
export function spawnHandover(
  ops: readonly Op[],
  descriptors: readonly number[],
): { readonly pid: number; readonly control: number } {
  const plan = memfd("berth-plan", encodePlan(ops), { seal: false });
  const [ours, theirs] = socketpair();
  try {
    const pid = spawnNow(shimProgram(), ["berth-shim"], [plan, theirs, ...descriptors]);
    return { pid, control: ours };
  } catch (error) {
    closeSync(ours);
    throw error;
  } finally {
    closeSync(plan);
    closeSync(theirs);
  }
}

/** We become the attendant of a child of ours; `argv` is what we were called by. Returns only by throwing. */
export function becomeAttendant(ops: readonly Op[], argv: readonly string[], terminal?: number): never {
  const plan = memfd("berth-plan", encodePlan(ops), { seal: false });
  const extra = terminal === undefined ? [] : [terminal];
  becomeProgram(shimProgram(), argv, [plan, plan, ...extra]); // nobody is at the other end of a control socket
}

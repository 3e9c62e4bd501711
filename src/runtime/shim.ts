/** Starting a shim: a program in sealed memory, a plan in memory, one end of a socket pair, and nothing else of ours. */
import { closeSync, readFileSync, readSync, writeSync } from "node:fs";
import shimPath from "../../dist/native/shim" with { type: "file" };
import { memfd, socketpair } from "../kernel/libc.ts";
import { becomeProgram, spawnNow } from "../kernel/process-image.ts";
import { spawn } from "../kernel/spawn.ts";
import { encodePlan } from "./encode.ts";
import type { Started } from "./handover.ts";
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

/** A shim that hands its process over: with our streams, and `descriptors` for its plan behind. */
export function spawnHandover(ops: readonly Op[], descriptors: readonly number[]): Started {
  const plan = memfd("berth-plan", encodePlan(ops), { seal: false });
  const [ours, theirs] = socketpair();
  try {
    const pid = spawnNow(shimProgram(), ["berth-shim"], [plan, theirs, ...descriptors]);
    return {
      pid,
      chunks: chunksOf(ours),
      send: (frame) => void writeSync(ours, frame),
      close: () => closeSync(ours),
    };
  } catch (error) {
    closeSync(ours);
    throw error;
  } finally {
    closeSync(plan);
    closeSync(theirs);
  }
}

/** Until its other end is closed, in a buffer that is used again. Each is waited for: this process has nothing else to do. */
function* chunksOf(control: number): Generator<Uint8Array> {
  const buffer = Buffer.alloc(CHUNK_SIZE);
  for (let size = readSync(control, buffer); size > 0; size = readSync(control, buffer))
    yield buffer.subarray(0, size);
}
const CHUNK_SIZE = 64 << 10;

/** We become the attendant of a process; `argv` is what we were called by. Returns only by throwing. */
export function becomeAttendant(
  ops: readonly Op[],
  argv: readonly string[],
  descriptors: readonly number[],
): never {
  const plan = memfd("berth-plan", encodePlan(ops), { seal: false });
  becomeProgram(shimProgram(), argv, [plan, plan, ...descriptors]); // nobody is at the other end of a control socket
}

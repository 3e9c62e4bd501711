/** Waiting for a process in the foreground: done by a small program that takes the place of this one. */
import { cgroupDirectories } from "../kernel/cgroups.ts";
import type { Op } from "../runtime/op.ts";
import type { Surroundings } from "./command.ts";
import type { Container } from "./container.ts";

/** What a container without hooks has in its directory when it has ended. */
const FILES = ["state.json", "state", "exec.fifo"];

/** The caller ends with the process's exit code. What is left of the container then is removed, unless it is to be kept. */
export function attendContainer(
  around: Surroundings,
  { id, directory, process, spec }: Container,
  { keep, master, startFifo }: { keep: boolean; master?: number; startFifo: string },
): number {
  const groups = cgroupDirectories(around.features.cgroups, spec.linux.cgroupsPath ?? "");
  const left = [...groups, ...FILES.map((name) => `${directory}/${name}`), directory];
  const hooked = (spec.hooks?.poststop ?? []).length > 0;
  const removal: Op[] = keep || hooked ? [] : left.map((path) => ({ op: "remove", path }));
  return attendProcess(around, process?.pid ?? 0, master, {
    startFifo,
    directory,
    removal,
    conclude: {
      argv: keep ? [] : [...ourselves(), "--root", around.root, "delete", "--force", id],
      always: hooked,
    },
  });
}

/** From the start of a process, where it waits for that, to what is done behind its end. */
interface Course {
  readonly startFifo: string;
  readonly directory: string;
  readonly removal: readonly Op[];
  readonly conclude: Extract<Op, { op: "attend" }>["conclude"];
}

export function attendProcess(
  { caller, words }: Surroundings,
  pid: number,
  master: number | undefined,
  course: Course = { startFifo: "", directory: "", removal: [], conclude: { argv: [], always: false } },
): number {
  const { removal, ...rest } = course;
  const attend: Op = { op: "attend", pid, terminal: master !== undefined, ...rest };
  return caller.attend([attend, ...removal], words, master);
}

function ourselves(): string[] {
  return [process.execPath, "oci"];
}

/** Waiting for a process in the foreground: done by a small program that takes the place of this one. */
import { cgroupDirectories } from "../kernel/cgroups.ts";
import { probeFeatures } from "../kernel/features.ts";
import type { Op } from "../runtime/op.ts";
import { becomeAttendant } from "../runtime/shim.ts";
import type { Surroundings } from "./command.ts";
import type { Container } from "./container.ts";

/** What a container without hooks has in its directory when it has ended. */
const FILES = ["state.json", "state", "exec.fifo"];

/** Ends with the process's exit code. What is left of the container then is removed, unless it is to be kept. */
export function attendContainer(
  { root, words }: Surroundings,
  { id, directory, process, spec }: Container,
  { keep, master, startFifo }: { keep: boolean; master?: number; startFifo: string },
): never {
  const groups = cgroupDirectories(probeFeatures().cgroups, spec.linux.cgroupsPath ?? "");
  const left = [...groups, ...FILES.map((name) => `${directory}/${name}`), directory];
  const hooked = (spec.hooks?.poststop ?? []).length > 0;
  const removal: Op[] = keep || hooked ? [] : left.map((path) => ({ op: "remove", path }));
  attendProcess(words, process?.pid ?? 0, master, {
    startFifo,
    directory,
    removal,
    conclude: { argv: keep ? [] : [...ourselves(), "--root", root, "delete", "--force", id], always: hooked },
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
  words: readonly string[],
  pid: number,
  master: number | undefined,
  course: Course = { startFifo: "", directory: "", removal: [], conclude: { argv: [], always: false } },
): never {
  const { removal, ...rest } = course;
  const attend: Op = { op: "attend", pid, terminal: master !== undefined, ...rest };
  becomeAttendant([attend, ...removal], [process.argv0, ...words], master);
}

function ourselves(): string[] {
  return [process.execPath, "oci"];
}

/** Waiting for a process in the foreground: done by a small program that takes the place of this one. */
import { cgroupDirectories } from "../kernel/cgroups.ts";
import type { Op } from "../runtime/op.ts";
import type { ProcessIdentity } from "../runtime/runtime.ts";
import type { Surroundings } from "./command.ts";
import type { Container } from "./container.ts";
import { NOTIFY_FILES, type Readiness } from "./notify.ts";

/** What a container without hooks has in its directory when it has ended. */
const FILES = ["state.json", "state", "exec.fifo"];

/** What the attendant passes on besides signals. */
interface Relayed {
  /** Of the process's terminal. */
  readonly master?: number | undefined;
  readonly readiness?: Readiness | undefined;
}

/** The caller ends with the process's exit code. What is left of the container then is removed, unless it is to be kept. */
export function attendContainer(
  around: Surroundings,
  { id, directory, process, spec }: Container,
  { keep, startFifo, ...relayed }: Relayed & { keep: boolean; startFifo: string },
): number {
  const groups = cgroupDirectories(around.features.cgroups, spec.linux.cgroupsPath ?? "");
  const files = relayed.readiness === undefined ? FILES : [...FILES, ...NOTIFY_FILES];
  const left = [...groups, ...files.map((name) => `${directory}/${name}`), directory];
  const hooked = (spec.hooks?.poststop ?? []).length > 0;
  const removal: Op[] = keep || hooked ? [] : left.map((path) => ({ op: "remove", path }));
  return attend(around, process, relayed, {
    startFifo,
    directory,
    removal,
    conclude: {
      argv: keep ? [] : [...ourselves(), "--root", around.root, "delete", "--force", id],
      always: hooked,
    },
  });
}

export function attendProcess(around: Surroundings, process: ProcessIdentity, master?: number): number {
  return attend(around, process, { master });
}

/** The caller ends when the started process is ready or has ended. Otherwise nothing becomes of it: the process is on its own. */
export function attendReadiness(
  around: Surroundings,
  process: ProcessIdentity | undefined,
  readiness: Readiness,
): number {
  return attend(around, process, { readiness }, { leave: true });
}

/** From the start of a process, where it waits for that, to what is done behind its end. */
interface Course {
  readonly startFifo: string;
  readonly directory: string;
  readonly leave: boolean;
  readonly removal: readonly Op[];
  readonly conclude: Extract<Op, { op: "attend" }>["conclude"];
}

const PLAIN: Course = {
  startFifo: "",
  directory: "",
  leave: false,
  removal: [],
  conclude: { argv: [], always: false },
};

function attend(
  { caller, words }: Surroundings,
  process: ProcessIdentity | undefined,
  { master, readiness }: Relayed,
  course: Partial<Course> = {},
): number {
  const { removal, ...rest } = { ...PLAIN, ...course };
  const manager = readiness?.manager ?? "";
  const op: Op = { op: "attend", pid: process?.pid ?? 0, terminal: master !== undefined, manager, ...rest };
  const descriptors = [master, readiness?.socket].filter((descriptor) => descriptor !== undefined);
  return caller.attend([op, ...removal], words, descriptors);
}

function ourselves(): string[] {
  return [process.execPath, "oci"];
}

/** The specification's state of a container: what `state` prints and hooks read from their standard input. */
import type { Launch } from "./runtime.ts";

export interface ContainerState {
  readonly ociVersion: string;
  readonly id: string;
  readonly status: ContainerStatus;
  /** Absent where there is no process. */
  readonly pid?: number;
  readonly bundle: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

export type ContainerStatus = "creating" | "created" | "running" | "stopped";

/** What of a launch outlives its start. */
export type StateSource = Pick<Launch, "id" | "spec" | "bundle">;

export function containerState(source: StateSource, status: ContainerStatus, pid?: number): ContainerState {
  const { bundle = "", spec } = source;
  return {
    ociVersion: spec.ociVersion,
    id: source.id,
    status,
    ...(pid === undefined ? {} : { pid }),
    bundle,
    ...(spec.annotations === undefined ? {} : { annotations: spec.annotations }),
  };
}

/** Its JSON before and behind a process id that only the process itself will know. */
export function stateAroundPid(source: StateSource, status: ContainerStatus): readonly [string, string] {
  const { bundle, annotations, ...head } = containerState(source, status);
  return [
    `${JSON.stringify(head).slice(0, -1)},"pid":`,
    `,${JSON.stringify({ bundle, annotations }).slice(1)}`,
  ];
}

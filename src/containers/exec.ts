/** One exec: what was asked, and how far it has come. */
import type { ExecConfig, ExecInspectResponse } from "../wire/requests.ts";
import type { ProcessHandle } from "../runtime/runtime.ts";
import type { Container } from "./container.ts";

export type ExecState =
  | { readonly status: "created" | "starting" }
  | { readonly status: "running"; readonly handle: ProcessHandle }
  | { readonly status: "exited"; readonly exitCode: number; readonly pid: number };

export interface Exec {
  readonly id: string;
  readonly container: Container;
  readonly config: ExecConfig;
  state: ExecState;
}

/** What the run directory keeps of it for the next engine. */
export interface ExecRecord {
  readonly container: string;
  readonly config: ExecConfig;
  readonly exitCode?: number;
}

export function inspectExec({ id, container, config, state }: Exec): ExecInspectResponse {
  const [entrypoint = "", ...args] = config.Cmd ?? [];
  return {
    ID: id,
    Running: state.status === "running",
    ExitCode: state.status === "exited" ? state.exitCode : null,
    ProcessConfig: {
      tty: config.Tty ?? false,
      entrypoint,
      arguments: args,
      privileged: config.Privileged ?? false,
      ...(config.User ? { user: config.User } : {}),
    },
    OpenStdin: config.AttachStdin ?? false,
    OpenStderr: config.AttachStderr ?? false,
    OpenStdout: config.AttachStdout ?? false,
    CanRemove: false,
    ContainerID: container.id,
    DetachKeys: config.DetachKeys ?? "",
    Pid: state.status === "running" ? state.handle.pid : state.status === "exited" ? state.pid : 0,
  };
}

/** What the runtime is told about an exec. Pure: the same capabilities, filter and control group as the container's. */
import type { ExecLaunch, ProcessIdentity } from "../runtime/runtime.ts";
import type { Launch } from "../runtime/runtime.ts";
import type { Process } from "../runtime/spec.ts";
import type { ExecConfig } from "../wire/requests.ts";
import { CAPABILITIES } from "../runtime/capabilities.ts";
import { environmentOf, overrideEnvironment } from "./spec.ts";
import type { ContainerSpec } from "./spec.ts";

export interface ExecContext {
  readonly id: string;
  readonly target: ProcessIdentity;
  /** How the container itself was launched. */
  readonly container: Launch;
  readonly runDirectory: string;
  readonly waitForStart: boolean;
  readonly consoleSize?: { readonly height: number; readonly width: number };
}

export function toExecLaunch(spec: ContainerSpec, config: ExecConfig, context: ExecContext): ExecLaunch {
  const { id, target, container, runDirectory, waitForStart } = context;
  const { seccomp, cgroupsPath = "" } = container.spec.linux;
  return {
    id,
    container,
    target,
    ...(spec.idMap === undefined ? {} : { idMap: spec.idMap }),
    process: execProcess(spec, config, container.spec.process, context.consoleSize),
    ...(seccomp === undefined ? {} : { seccomp }),
    supervision: {
      runDirectory,
      openStdin: config.AttachStdin ?? false,
      stdinOnce: true,
      init: false,
      spillDirectory: container.supervision.spillDirectory,
      waitForStart,
    },
    cgroup: cgroupsPath,
  };
}

function execProcess(
  spec: ContainerSpec,
  config: ExecConfig,
  first: Process,
  consoleSize: ExecContext["consoleSize"],
): Process {
  const tty = config.Tty ?? false;
  const defaults = environmentOf({ ...spec.config, Tty: tty }, spec.config.Hostname ?? "");
  return {
    ...first,
    terminal: tty,
    ...(tty && consoleSize ? { consoleSize } : {}),
    user: { ...first.user, username: config.User || spec.config.User || "" },
    args: config.Cmd ?? [],
    env: overrideEnvironment(defaults, config.Env ?? []),
    cwd: config.WorkingDir || spec.config.WorkingDir || "/",
    ...(config.Privileged
      ? {
          capabilities: {
            bounding: CAPABILITIES,
            effective: CAPABILITIES,
            permitted: CAPABILITIES,
            inheritable: [],
            ambient: [],
          },
        }
      : {}),
  };
}

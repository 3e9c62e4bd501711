/** What the runtime is told about one start of a container. */
import { CAPABILITIES } from "../runtime/capabilities.ts";
import { defaultSpec } from "../runtime/defaults.ts";
import type { NetworkPlan } from "../runtime/network-plan.ts";
import type { Launch } from "../runtime/runtime.ts";
import { findDevices, deviceAt } from "./host-devices.ts";
import type { NetworkFiles } from "./network-files.ts";
import { type OciContext, toOci } from "./oci.ts";
import type { Parts } from "./parts.ts";
import { containerDirectory, layersDirectory, logPath, runDirectory } from "./places.ts";
import type { ContainerSpec } from "./spec.ts";
import { logLimits } from "./verify.ts";

/** What belongs to this start and no other. */
export interface StartContext {
  readonly files: NetworkFiles;
  readonly join: OciContext["join"];
  readonly sharedShm?: string | undefined;
  readonly network: NetworkPlan | undefined;
  /** Somebody waits to be connected before the program runs. */
  readonly waitForStart: boolean;
}

export function toLaunch(parts: Parts, id: string, spec: ContainerSpec, start: StartContext): Launch {
  return {
    id,
    spec: toOci(spec, ociContext(parts, id, start)),
    root: rootOf(parts, id, spec),
    supervision: supervisionOf(parts, id, spec, start.waitForStart),
    ...(start.network === undefined ? {} : { network: start.network }),
  };
}

function ociContext(
  { features, instance }: Parts,
  id: string,
  { files, join, sharedShm }: StartContext,
): OciContext {
  const defaults = defaultSpec({ cpus: features.cpus });
  return {
    defaults,
    capabilities: { all: CAPABILITIES, defaults: defaults.capabilities },
    files,
    join,
    sharedShm,
    unifiedCgroups: features.cgroups.mode === "v2",
    cgroupsPath: `/${instance}/${id}`,
    findDevices,
    findDevice: deviceAt,
  };
}

function rootOf({ places }: Parts, id: string, { image, hostConfig }: ContainerSpec): Launch["root"] {
  const directory = containerDirectory(places, id);
  return {
    kind: "overlay",
    lower: image.layers,
    layersDirectory: layersDirectory(places),
    upper: `${directory}/upper`,
    work: `${directory}/work`,
    volatile: hostConfig.AutoRemove ?? false,
    mountpoint: `${directory}/root`,
  };
}

function supervisionOf(
  { places }: Parts,
  id: string,
  { config, hostConfig }: ContainerSpec,
  waitForStart: boolean,
): Launch["supervision"] {
  const logged = hostConfig.LogConfig?.Type !== "none";
  return {
    runDirectory: runDirectory(places, id),
    openStdin: config.OpenStdin ?? false,
    stdinOnce: config.StdinOnce ?? false,
    init: hostConfig.Init ?? false,
    ...(logged
      ? { log: { path: logPath(places, id), ...logLimits(hostConfig.LogConfig?.Config ?? {}) } }
      : {}),
    spillDirectory: containerDirectory(places, id),
    waitForStart,
  };
}

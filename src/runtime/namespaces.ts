/** The driver that runs processes in namespaces of this kernel: the shim's child itself becomes the program. */
import { entryGroup } from "../kernel/cgroups.ts";
import { attachDeviceProgram } from "../kernel/device-program.ts";
import type { Features } from "../kernel/features.ts";
import type { StateSource } from "./container-state.ts";
import { withHostNetwork } from "./host-network.ts";
import { hasRuntimeHooks, runHooks, runPoststopHooks } from "./hooks.ts";
import { compileExecPlan, compilePlan } from "./plan.ts";
import { cgroupPlanOf } from "./plan-cgroups.ts";
import type { Supervised } from "./process.ts";
import type { ExecLaunch, Launch, Runtime } from "./runtime.ts";
import { endProcess, ShimRuntime } from "./shim-runtime.ts";

export interface NamespacesOptions {
  /** Names the parent control group: `/<instance>/<id>`. */
  readonly instance: string;
  readonly features: Features;
}

export function openNamespacesRuntime({ instance, features }: NamespacesOptions): Runtime {
  const driver = {
    resolve: withHostNetwork,
    plan: (launch: Launch) => compilePlan(launch, features),
    execPlan: (launch: ExecLaunch) =>
      compileExecPlan(
        { ...launch, v2Cgroup: entryGroup(features.cgroups, launch.cgroup, launch.target.pid) },
        features,
      ),
    created: (launch: Launch) => attachDevices(launch, features),
    hooks: { created: createHooks, started: poststart, stopped: runPoststopHooks },
  };
  return new ShimRuntime({ instance, features, driver });
}

/** On version 2 a program rules the devices; the child cannot open any before the barrier opens. */
function attachDevices({ spec }: Launch, features: Features): void {
  const plan = cgroupPlanOf(spec, features);
  if (plan?.deviceProgram !== undefined && plan.v2Directory !== undefined)
    attachDeviceProgram(plan.v2Directory, plan.deviceProgram);
}

/** What create does from the clone to the place where only the program is missing. */
async function createHooks(process: Supervised, launch: Launch): Promise<void> {
  if (hasRuntimeHooks(launch.spec)) {
    await process.atHooks;
    await runHooks("prestart", launch, "creating", process.pid);
    await runHooks("createRuntime", launch, "creating", process.pid);
    process.openHooks();
  }
  await process.ready;
}

/** A container whose hook failed has no right to run. */
async function poststart(process: Supervised, source: StateSource): Promise<void> {
  try {
    await runHooks("poststart", source, process.alive ? "running" : "stopped", process.pid);
  } catch (error) {
    await endProcess(process);
    throw error;
  }
}

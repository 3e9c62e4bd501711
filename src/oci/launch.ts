/** A container's first process: from the bundle to the place where it waits for its start. Either all of it exists afterwards, or nothing. */
import { closeSync, renameSync, writeFileSync } from "node:fs";
import { removeCgroup } from "../kernel/cgroups.ts";
import { attachDeviceProgram } from "../kernel/device-program.ts";
import type { Features } from "../kernel/features.ts";
import { makeFifo } from "../kernel/files.ts";
import { signalProcess } from "../kernel/processes.ts";
import { BerthError, doing } from "../lib/error.ts";
import { SIGKILL } from "../lib/signal.ts";
import { startHandedOver } from "../runtime/handover.ts";
import type { Op } from "../runtime/op.ts";
import { withJoinedMappings } from "../runtime/joined-users.ts";
import { asksOfHostNetwork } from "../runtime/plan-network.ts";
import { compilePlan } from "../runtime/plan.ts";
import { capabilityWarnings } from "../runtime/plan-identity.ts";
import { cgroupPlanOf } from "../runtime/plan-cgroups.ts";
import type { Handover, Launch, ProcessIdentity } from "../runtime/runtime.ts";
import type { Spec } from "../runtime/spec.ts";
import { readBundle } from "./bundle.ts";
import { demandFree, prepareParent, withCpus } from "./cgroup.ts";
import type { Call } from "./command.ts";
import {
  claimDirectory,
  type ContainerRecord,
  removeDirectory,
  startFifo,
  writeRecord,
} from "./container.ts";
import { inheritedDescriptors } from "./descriptors.ts";
import { compiled } from "./filter.ts";
import { managerOf, withNotifyDirectory } from "./notify.ts";
import { demandPlain } from "./own-files.ts";
import type { Console } from "./terminal.ts";

export interface Launched {
  readonly record: ContainerRecord;
  readonly directory: string;
  readonly process: ProcessIdentity;
  /** Our end of the console socket. */
  readonly console?: number;
}

/** `console` is asked before anything is made. */
export async function launchContainer(
  call: Call,
  id: string,
  console: (spec: Spec) => Console | undefined,
): Promise<Launched> {
  const { features, caller } = call;
  using claim = claimDirectory(call.root, id);
  const { directory } = claim;
  await using undo = new AsyncDisposableStack();
  undo.defer(() => (claim.stands() ? removeDirectory(directory) : undefined));
  const path = call.flags.text("bundle") ?? caller.directory ?? ".";
  if (!caller.ours) demandPlain(`${path}/config.json`);
  const read = readBundle(path, id);
  const bundle = { ...read, spec: await withJoinedMappings(read.spec) };
  refuse(call);
  const terminal = console(bundle.spec);
  const inherited = inheritedDescriptors(call);
  const manager = managerOf(call);
  const group = bundle.spec.linux.cgroupsPath ?? "";
  demandFree(features.cgroups, group);
  prepareParent(features.cgroups, group);
  const told = { ...bundle.spec, process: inherited.toProcess(bundle.spec.process) };
  const notifying = manager === undefined ? told : withNotifyDirectory(told, directory);
  const spec = compiled(withCpus(notifying, features.cgroups), call.root, features);
  const record = {
    id,
    bundle: bundle.path,
    rootfs: bundle.rootfs,
    created: new Date().toISOString(),
    spec: bundle.spec,
  };
  const asked = launchOf(record, spec, directory, {
    preserved: inherited.count,
    console: terminal !== undefined,
    startFifo: startFifo(directory),
    ...(call.flags.on("no-new-keyring") ? {} : { keyring: keyringOf(id) }),
  });
  const launch = asksOfHostNetwork(spec)
    ? (await import("../runtime/host-network.ts")).withHostNetwork(asked)
    : asked;
  const ops = compilePlan(launch, features);
  for (const warning of capabilityWarnings(spec.process)) call.log("warning", warning);
  writeRecord(directory, record);
  makeFifo(startFifo(directory), 0o600);
  undo.defer(() => (claim.stands() ? removeCgroup(features.cgroups, group, { kill: true }) : undefined));
  const process = await startFirst(call, launch, ops, features, [
    ...inherited.numbers,
    ...(terminal === undefined ? [] : [terminal.socket]),
  ]);
  undo.defer(() => void signalProcess(process, SIGKILL));
  if (terminal !== undefined) closeSync(terminal.socket);
  writePidFile(call.flags.text("pid-file"), process.pid);
  undo.move();
  return { record, directory, process, ...(terminal?.ours === undefined ? {} : { console: terminal.ours }) };
}

function refuse({ flags }: Call): void {
  if (flags.on("no-pivot"))
    throw new BerthError(
      "unsupported",
      "--no-pivot is not supported: berth leaves the old root by pivot_root only; copy the root filesystem off the ramdisk",
    );
}

function launchOf(
  { id, bundle, rootfs }: ContainerRecord,
  spec: Spec,
  directory: string,
  handover: Handover,
): Launch {
  return {
    id,
    spec,
    bundle,
    root: { kind: "directory", path: rootfs },
    supervision: {
      runDirectory: directory,
      openStdin: true,
      stdinOnce: false,
      init: false,
      spillDirectory: "",
      waitForStart: false,
      handover,
    },
  };
}

/** The name that runc gives it. */
export const keyringOf = (id: string) => `_ses.${id}`;

async function startFirst(
  { log, caller }: Call,
  launch: Launch,
  ops: readonly Op[],
  features: Features,
  descriptors: readonly number[],
): Promise<ProcessIdentity> {
  return await doing("unable to start container process", () =>
    startHandedOver(caller, ops, {
      descriptors,
      runtimeHooks: async ({ pid }) => {
        const { runHooks } = await import("../runtime/hooks.ts");
        await runHooks("prestart", launch, "creating", pid);
        await runHooks("createRuntime", launch, "creating", pid);
      },
      ready: async ({ pid }) => {
        const plan = cgroupPlanOf(launch.spec, features);
        if (plan?.deviceProgram !== undefined && plan.v2Directory !== undefined)
          attachDeviceProgram(plan.v2Directory, plan.deviceProgram);
        await launch.network?.afterClone?.(pid);
      },
      warn: (text) => log("warning", text),
    }),
  );
}

/** Beside it and renamed, as runc does: whoever waits for the file finds a number in it. */
export function writePidFile(path: string | undefined, pid: number): void {
  if (path === undefined) return;
  const at = path.lastIndexOf("/") + 1;
  const beside = `${path.slice(0, at)}.${path.slice(at)}`;
  writeFileSync(beside, String(pid), { mode: 0o666, flag: "wx" }); // nobody's link, nobody's file
  renameSync(beside, path);
}

/** `exec`: one more process in a container that runs. */
import { closeSync, readFileSync } from "node:fs";
import { entryGroup } from "../kernel/cgroups.ts";
import type { Features } from "../kernel/features.ts";
import { signalProcess } from "../kernel/processes.ts";
import { BerthError, doing } from "../lib/error.ts";
import { SIGKILL } from "../lib/signal.ts";
import { parseProcess } from "../runtime/config.ts";
import { startHandedOver } from "../runtime/handover.ts";
import { compileExecPlan } from "../runtime/plan.ts";
import { usersOf } from "../runtime/plan-user.ts";
import type { ExecLaunch, Handover, ProcessIdentity } from "../runtime/runtime.ts";
import type { Capabilities, Process, Spec } from "../runtime/spec.ts";
import { attendProcess } from "./attend.ts";
import { checkProcess } from "./bundle.ts";
import type { Call, Command } from "./command.ts";
import { type Container, getContainer, statusOf } from "./container.ts";
import { CONSOLE_SOCKET, PID_FILE, PRESERVE_FDS } from "./create.ts";
import { inheritedDescriptors } from "./descriptors.ts";
import { compiled } from "./filter.ts";
import type { Flags } from "./flags.ts";
import { keyringOf, writePidFile } from "./launch.ts";
import { type Console, detachedConsole, foregroundConsole, takeMaster } from "./terminal.ts";

export const exec: Command = {
  flags: [
    CONSOLE_SOCKET,
    { names: ["cwd"], value: "text", help: "working directory in the container" },
    { names: ["env", "e"], value: "list", help: "environment variable, NAME=value" },
    { names: ["tty", "t"], help: "with a terminal" },
    { names: ["user", "u"], value: "text", help: "<uid>[:<gid>]" },
    { names: ["additional-gids", "g"], value: "list", help: "further group" },
    { names: ["process", "p"], value: "path", help: "file with the process as JSON" },
    { names: ["detach", "d"], help: "do not wait for the process" },
    PID_FILE,
    { names: ["process-label"], value: "text", help: "refused: berth sets no SELinux labels" },
    { names: ["apparmor"], value: "text", help: "refused: berth sets no AppArmor profiles" },
    { names: ["no-new-privs"], help: "programs gain no privileges" },
    { names: ["cap", "c"], value: "list", help: "further capability" },
    PRESERVE_FDS,
    { names: ["cgroup"], value: "list", help: "refused: the process joins its container's control group" },
    { names: ["ignore-paused"], help: "also in a paused container" },
  ],
  usage: "<container-id> <command> [command options]  || -p process.json <container-id>",
  help: "Executes a program in a container that runs.",
  least: 1,
  failure: "exec failed: ",
  failureCode: 255,
  run: execInContainer,
};

async function execInContainer(call: Call): Promise<number> {
  const { root, args, flags, features } = call;
  const [id = "", ...argv] = args;
  const container = getContainer(root, id);
  const target = demandRunning(container, flags, features);
  refuse(flags);
  const inherited = inheritedDescriptors(call);
  const process = inherited.toProcess(processOf(container, argv, flags));
  const detach = flags.on("detach");
  const terminal = detach ? detachedConsole(call, process) : foregroundConsole(call, process);
  const handover: Handover = {
    preserved: inherited.count,
    console: terminal !== undefined,
    keyring: keyringOf(id),
  };
  const launch = launchOf(container, target, process, handover, call, features);
  if (!detach) call.caller.keepSignals();
  const started = await startProcess(call, launch, features, inherited.numbers, terminal);
  try {
    writePidFile(flags.text("pid-file"), started.pid);
    if (detach) return 0;
    return attendProcess(call, started, terminal?.ours === undefined ? undefined : takeMaster(terminal.ours));
  } catch (error) {
    signalProcess(started, SIGKILL); // nobody would know of it
    throw error;
  }
}

function demandRunning(container: Container, flags: Flags, features: Features): ProcessIdentity {
  const status = statusOf(container, features);
  if (status === "stopped" || container.process === undefined)
    throw new BerthError("conflict", "cannot exec in a stopped container");
  if (status === "paused" && !flags.on("ignore-paused"))
    throw new BerthError("conflict", "cannot exec in a paused container (use --ignore-paused to override)");
  return container.process;
}

function refuse(flags: Flags): void {
  for (const name of ["process-label", "apparmor", "cgroup"])
    if (flags.text(name)) throw new BerthError("unsupported", `--${name} is not supported by berth`);
}

function processOf({ spec }: Container, argv: readonly string[], flags: Flags): Process {
  const path = flags.text("process");
  if (path !== undefined) return checked(parseProcess(readFileSync(path, "utf8")));
  if (argv.length === 0) throw new BerthError("invalid", "process args cannot be empty");
  const { process } = spec;
  return checked({
    ...process,
    args: argv,
    env: [...(process.env ?? []), ...flags.list("env")],
    cwd: flags.text("cwd") ?? process.cwd,
    terminal: flags.on("tty"),
    user: userOf(process, flags),
    ...(flags.has("no-new-privs") ? { noNewPrivileges: flags.on("no-new-privs") } : {}),
    ...(flags.has("cap") ? { capabilities: withCapabilities(process.capabilities, flags.list("cap")) } : {}),
  });
}

function checked(process: Process): Process {
  checkProcess(process);
  return process;
}

function userOf({ user }: Process, flags: Flags): Process["user"] {
  const [uid, gid] = (flags.text("user") ?? "").split(":", 2);
  const additionalGids = [
    ...(user.additionalGids ?? []),
    ...flags.list("additional-gids").map((text) => numericId("gid", text)),
  ];
  return {
    ...user,
    ...(uid ? { uid: numericId("uid", uid) } : {}),
    ...(gid ? { gid: numericId("gid", gid) } : {}),
    ...(additionalGids.length > 0 ? { additionalGids } : {}),
  };
}

const ID_MAX = 0x7fff_ffff;

function numericId(what: "uid" | "gid", text: string): number {
  if (!/^\d+$/.test(text) || Number(text) > ID_MAX)
    throw new BerthError(
      "invalid",
      `parsing ${text} as int for ${what} failed: a number from 0 to ${ID_MAX} is wanted`,
    );
  return Number(text);
}

/** To every set, as runc does. */
function withCapabilities(sets: Capabilities = {}, names: readonly string[]): Capabilities {
  const { bounding = [], effective = [], permitted = [], ambient = [], inheritable } = sets;
  return {
    bounding: [...bounding, ...names],
    effective: [...effective, ...names],
    permitted: [...permitted, ...names],
    ambient,
    ...(inheritable === undefined ? {} : { inheritable }),
  };
}

function launchOf(
  container: Container,
  target: ProcessIdentity,
  process: Process,
  handover: Handover,
  { root }: Call,
  features: Features,
): ExecLaunch {
  const { id: name, rootfs, spec } = container;
  const cgroup = spec.linux.cgroupsPath ?? "";
  const { seccomp }: Spec["linux"] = compiled(spec, root, features).linux;
  const users = usersOf(spec.linux);
  const supervision = {
    runDirectory: "",
    openStdin: true,
    stdinOnce: false,
    init: false,
    spillDirectory: "",
    waitForStart: false,
    handover,
  };
  return {
    id: name,
    container: {
      id: name,
      spec,
      bundle: container.bundle,
      root: { kind: "directory", path: rootfs },
      supervision,
    },
    target,
    process,
    linux: spec.linux,
    supervision,
    cgroup,
    v2Cgroup: entryGroup(features.cgroups, cgroup, target.pid),
    ...(seccomp === undefined ? {} : { seccomp }),
    ...(users === undefined ? {} : { idMap: users.map }),
  };
}

async function startProcess(
  { log, caller }: Call,
  launch: ExecLaunch,
  features: Features,
  preserved: readonly number[],
  terminal: Console | undefined,
): Promise<ProcessIdentity> {
  const descriptors = [...preserved, ...(terminal === undefined ? [] : [terminal.socket])];
  const ops = compileExecPlan(launch, features);
  const started = await doing("unable to start container process", () =>
    startHandedOver(caller, ops, { descriptors, warn: (text) => log("warning", text) }),
  );
  if (terminal !== undefined) closeSync(terminal.socket);
  return started;
}

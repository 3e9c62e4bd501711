/** A launch plan as a shell script of ordinary commands: unshare, mount, mkdir, mknod, ip, setpriv. Run by root it gives a container without berth. */
import { capabilityNames } from "./capabilities.ts";
import { describe, namespaceTypes } from "./describe.ts";
import { insideCommand, quote } from "./explain-commands.ts";
import type { Op } from "./op.ts";

type Of<Name extends Op["op"]> = Extract<Op, { op: Name }>;

function all<Name extends Op["op"]>(ops: readonly Op[], name: Name): Of<Name>[] {
  return ops.filter((op): op is Of<Name> => op.op === name);
}

const HEAD = `#!/bin/sh
# What berth asks of the kernel, as ordinary commands (util-linux, coreutils, iproute2). Run it as root.
set -eu
`;

/** Makes control groups with their parents; on version 1 a new group has no CPUs until it is given some. */
const GROUP_FUNCTION = `groups=
group() {
  [ -d "$1" ] || { group "\${1%/*}"; mkdir "$1"; groups="$1 $groups"; }
  for file in cpuset.cpus cpuset.mems; do
    [ ! -e "$1/$file" ] || [ -n "$(cat "$1/$file")" ] || cat "\${1%/*}/$file" >"$1/$file" 2>/dev/null || true
  done
}
`;

const UNSHARE: Readonly<Record<string, string>> = {
  mount: "--mount",
  uts: "--uts",
  ipc: "--ipc",
  network: "--net",
  pid: "--pid --fork",
  cgroup: "--cgroup",
};

export function launchScript(ops: readonly Op[], outside: readonly string[]): string {
  const at = ops.findIndex(({ op }) => op === "clone");
  const [before, after] = [ops.slice(0, at), ops.slice(at + 1)];
  const hostname = all(ops, "hostname")[0]?.name ?? "";
  return [
    HEAD,
    ...cleanup(upperDirectory(ops), outside.length > 0),
    GROUP_FUNCTION,
    ...before.flatMap(hostLines),
    ...networkHolder(outside),
    "# Its own namespaces; what stands between the two INSIDE is performed in them.",
    `(\n${joins(ops)
      .map((line) => `${line}\n`)
      .join("")}exec ${entry(ops, outside.length > 0)} sh -eu /dev/fd/3 3<<'INSIDE'`,
    ...after.flatMap((op) => insideLines(op, hostname)),
    finalCommand(ops),
    "INSIDE",
    ")",
    "",
  ].join("\n");
}

function hostLines(op: Op): string[] {
  const { purpose } = describe(op);
  switch (op.op) {
    case "mkdir":
      return [
        `# ${purpose}`,
        `${op.path.startsWith("/sys/fs/cgroup/") ? "group" : "mkdir -p"} ${quote(op.path)}`,
      ];
    case "write":
      return [`# ${purpose}`, `echo ${quote(op.data)} >${quote(op.path)}${op.optional ? " || true" : ""}`];
    case "supervise":
    case "log":
      return [`# not in this script: ${purpose}`];
    default:
      return [];
  }
}

/** Where the container writes. If it is not there yet, the script makes it, and takes its parent away again. */
function upperDirectory(ops: readonly Op[]): string | undefined {
  return /(?:^|,)upperdir=([^,]*)/.exec(all(ops, "mount-host")[0]?.data ?? "")?.[1];
}

/** Only of what the script itself has made. */
function cleanup(upper: string | undefined, holder: boolean): string[] {
  const own = upper?.slice(0, upper.lastIndexOf("/")) ?? "";
  const steps = [
    "set +e",
    ...(holder ? ["kill $PID 2>/dev/null"] : []),
    'for each in $groups; do rmdir "$each"; done',
    ...(upper === undefined ? [] : ['[ -z "$made" ] || rm -rf "$made"']),
  ];
  return [
    "# Nothing is left behind.",
    ...(upper === undefined
      ? []
      : [`made=; [ -e ${quote(upper)} ] || { made=${quote(own)}; mkdir -p "$made"; }`]),
    `cleanup() { ${steps.join("; ")}; }`,
    "trap cleanup EXIT",
  ];
}

/** A process that does nothing but keep the new network namespace, so that the host's side can be made first. */
function networkHolder(outside: readonly string[]): string[] {
  if (outside.length === 0) return [];
  return [
    "# The host's side of the network.",
    "unshare --net sleep infinity & PID=$!",
    "sleep 0.2",
    ...outside,
  ];
}

/** The shell that becomes the container joins the groups; with version 1 by its own hand. */
function joins(ops: readonly Op[]): string[] {
  const clone = all(ops, "clone")[0];
  const tasks = all(ops, "write").filter(({ path }) => path.endsWith("/tasks"));
  const own = tasks.map(({ path }) => `echo 0 >${quote(path)}`);
  return clone === undefined || clone.cgroup === ""
    ? own
    : [...own, `echo 0 >${quote(`${clone.cgroup}/cgroup.procs`)}`];
}

/** `nsenter` into what exists, `unshare` of what is new. */
function entry(ops: readonly Op[], holder: boolean): string {
  const made = [...all(ops, "clone"), ...all(ops, "unshare")].flatMap(({ flags }) => namespaceTypes(flags));
  const joined = all(ops, "join").map(({ path, type }) => ({ path, type: namespaceTypes(type)[0] ?? "" }));
  const enter = [
    ...joined.map(({ path, type }) => `--${NSENTER[type]}=${quote(path)}`),
    ...(holder ? ['--net="/proc/$PID/ns/net"'] : []),
  ];
  const options = made.filter((type) => !(holder && type === "network")).map((type) => UNSHARE[type] ?? "");
  return `${enter.length > 0 ? `nsenter ${enter.join(" ")} ` : ""}unshare ${options.join(" ")}`;
}

const NSENTER: Readonly<Record<string, string>> = {
  mount: "mount",
  uts: "uts",
  ipc: "ipc",
  network: "net",
  pid: "pid",
  cgroup: "cgroup",
};

function insideLines(op: Op, hostname: string): string[] {
  const commands = insideCommand(op, hostname);
  return commands.length === 0 ? [] : [`# ${describe(op).purpose}`, ...commands];
}

/** The root is moved over the host's; then only its own rights, environment and program are left. */
function finalCommand(ops: readonly Op[]): string {
  const exec = all(ops, "exec")[0];
  const cwd = all(ops, "cwd")[0]?.path ?? "/";
  const environment = (exec?.env ?? []).map(quote).join(" ");
  const home = exec?.env.some((variable) => variable.startsWith("HOME=")) ? "" : " HOME=/root";
  return [
    "# The container's root becomes the root; descriptor 3 was this script.",
    `mkdir -p "$ROOT"${quote(cwd)}`,
    'cd "$ROOT"',
    "mount --move . /",
    "exec 3<&-",
    `${limits(ops)}exec env -i ${environment}${home} "$(command -v setpriv)"${privileges(ops)} "$(command -v unshare)" --root=. --wd=${quote(cwd)}${identity(ops)} ${(exec?.argv ?? []).map(quote).join(" ")}`,
  ].join("\n");
}

function limits(ops: readonly Op[]): string {
  const mask = all(ops, "umask")[0]?.mask;
  return mask === undefined ? "" : `umask ${mask.toString(8).padStart(4, "0")}\n`;
}

/** setpriv changes what the program may get; chroot(2) must still be allowed for the step behind it. */
function privileges(ops: readonly Op[]): string {
  const bounding = all(ops, "bounding")[0];
  const names =
    bounding === undefined
      ? []
      : capabilityNames(bounding.mask).map((name) => `+${name.slice(4).toLowerCase()}`);
  const keepsChroot = names.includes("+sys_chroot");
  const bound = keepsChroot ? ` --bounding-set=-all,${names.join(",")} --inh-caps=-all` : "";
  return `${bound}${all(ops, "no-new-privs").length > 0 ? " --no-new-privs" : ""}`;
}

/** Numbers only: a name is looked up in the image, which takes the shim. */
function identity(ops: readonly Op[]): string {
  const [, uid, gid] = /^(\d+)(?::(\d+))?$/.exec(all(ops, "user")[0]?.user ?? "") ?? [];
  return uid === undefined ? "" : ` --setgid=${gid ?? "0"} --setuid=${uid}`;
}

/** One more process: groups, then namespaces, then the program. */
export function execScript(ops: readonly Op[]): string {
  const target = all(ops, "join-process");
  const pid = target[0]?.pid ?? 0;
  const types = target.flatMap(({ flags }) => namespaceTypes(flags)).map((type) => `--${NSENTER[type]}`);
  const exec = all(ops, "exec")[0];
  const cwd = all(ops, "cwd")[0]?.path ?? "/";
  const environment = (exec?.env ?? []).map(quote).join(" ");
  return [
    HEAD,
    "# The container's limits count for this process, too.",
    ...joins(ops),
    "# Not in this script: dropping capabilities and the seccomp filter. Entering takes rights that are given up only behind it.",
    "# Its namespaces, its root, its program.",
    `exec env -i ${environment} "$(command -v nsenter)" --target ${pid} ${types.join(" ")} --root=/proc/${pid}/root --wd=${quote(`/proc/${pid}/root${cwd}`)}${nsenterIdentity(ops)} ${(exec?.argv ?? []).map(quote).join(" ")}`,
    "",
  ].join("\n");
}

function nsenterIdentity(ops: readonly Op[]): string {
  return identity(ops);
}

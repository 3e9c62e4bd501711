/** A launch plan as a shell script of ordinary commands: unshare, mount, mkdir, mknod, ip, setpriv. Run by root it gives a container without berth. */
import { capabilityNames } from "./capabilities.ts";
import { describe, namespaceTypes } from "./describe.ts";
import { insideCommand, quote } from "./explain-commands.ts";
import { all, HEAD, identity, joins, NSENTER } from "./explain-parts.ts";
import type { Op } from "./op.ts";

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
  time: "--time",
};

const TIME_OFFSETS = "/proc/self/timens_offsets";

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
      if (op.path === TIME_OFFSETS) return []; // an option of unshare
      return [`# ${purpose}`, `echo ${quote(op.data)} >${quote(op.path)}${op.optional ? " || true" : ""}`];
    case "supervise":
    case "log":
    case "seccomp-listener":
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

/** `nsenter` into what exists, `unshare` of what is new. */
function entry(ops: readonly Op[], holder: boolean): string {
  const made = [...all(ops, "clone"), ...all(ops, "unshare")].flatMap(({ flags }) => namespaceTypes(flags));
  const joined = all(ops, "join").map(({ path, type }) => ({ path, type: namespaceTypes(type)[0] ?? "" }));
  const enter = [
    ...joined.map(({ path, type }) => `--${NSENTER[type]}=${quote(path)}`),
    ...(holder ? ['--net="/proc/$PID/ns/net"'] : []),
  ];
  const options = made.filter((type) => !(holder && type === "network")).map((type) => UNSHARE[type] ?? "");
  const clocks = all(ops, "write").filter(({ path }) => path === TIME_OFFSETS);
  options.push(...clocks.flatMap(({ data }) => [...data.matchAll(/(\w+) (-?\d+)/g)].map(clockOption)));
  return `${enter.length > 0 ? `nsenter ${enter.join(" ")} ` : ""}unshare ${options.join(" ")}`;
}

/** In whole seconds. */
function clockOption([, clock, seconds]: RegExpExecArray): string {
  return `--${clock}=${seconds}`;
}

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
    ...(all(ops, "chroot").length > 0 ? [] : ["mount --move . /"]),
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

/** Operations behind the clone as commands of a shell that runs in the new namespaces, with $ROOT the container's root. */
import { MS_SLAVE } from "./mount-options.ts";
import { flagWords, stepCommands } from "./explain-mounts.ts";
import { performanceCommand } from "./describe-performance.ts";
import type { Op } from "./op.ts";

export function quote(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

const inRoot = (path: string) => `"$ROOT"${quote(path)}`;

/** Files that berth writes for each container, for a script that runs before it did. */
function contentOf(target: string, hostname: string): string | undefined {
  if (target === "/etc/resolv.conf") return "cat /etc/resolv.conf";
  if (target === "/etc/hostname") return `echo ${quote(hostname)}`;
  return target === "/etc/hosts" ? `printf '127.0.0.1\\tlocalhost\\n::1\\tlocalhost\\n'` : undefined;
}

/** Empty for what has no command, or is part of the script's first or last one. */
export function insideCommand(op: Op, hostname: string): string[] {
  switch (op.op) {
    case "propagation":
      return [`mount --make-r${op.flags & MS_SLAVE ? "slave" : "private"} ${quote(op.path)}`];
    case "mount-host":
      return [
        ...directories(op.data),
        `mkdir -p ${quote(op.target)}`,
        `cd ${quote(op.workingDirectory)}`,
        `mount -t ${op.type} -o ${quote(op.data)} ${quote(op.source)} ${quote(op.target)}`,
        "cd /",
      ];
    case "root":
      return [`ROOT=${quote(op.path)}`, ...(op.bind ? ['mount --rbind "$ROOT" "$ROOT"'] : [])];
    case "bind-source":
      return [
        `# before that: ${op.source} is taken as a peer of the host's; here it is bound later, as it is by then`,
      ];
    case "mount": {
      const options = [...flagWords(op.flags), ...(op.data === "" ? [] : [op.data])].join(",");
      return [
        `mkdir -p ${inRoot(op.target)}`,
        ...(op.copyUp ? [`cp -a ${inRoot(op.target)} "$ROOT.copy"`] : []),
        `mount -t ${op.type}${options === "" ? "" : ` -o ${quote(options)}`} ${quote(op.source)} ${inRoot(op.target)}`,
        ...(op.copyUp ? [`cp -a "$ROOT.copy/." ${inRoot(op.target)} && rm -rf "$ROOT.copy"`] : []),
        ...stepCommands(op.steps, inRoot(op.target)),
      ];
    }
    case "remount":
      return [
        `mount -o ${quote(["remount", ...flagWords(op.flags), ...(op.data === "" ? [] : [op.data])].join(","))} ${inRoot(op.target)}`,
      ];
    case "bind":
      return bindCommands(op, hostname);
    case "mask":
      return [
        `if [ -d ${inRoot(op.path)} ]; then mount -t tmpfs -o ro,size=0 tmpfs ${inRoot(op.path)}; elif [ -e ${inRoot(op.path)} ]; then mount --bind /dev/null ${inRoot(op.path)}; fi`,
      ];
    case "readonly-path":
      return [
        `if [ -e ${inRoot(op.path)} ]; then mount --bind ${inRoot(op.path)} ${inRoot(op.path)}; mount -o remount,bind,ro ${inRoot(op.path)}; fi`,
      ];
    case "mount-attributes":
      return stepCommands(op.steps, inRoot(op.path));
    case "readonly-root":
      return ['mount -o remount,bind,ro "$ROOT"'];
    case "mknod":
      return [
        `mknod -m ${(op.mode & 0o7777).toString(8)} ${inRoot(op.path)} ${kind(op.mode)}${kind(op.mode) === "p" ? "" : ` ${op.major} ${op.minor}`}${op.uid || op.gid ? ` && chown ${op.uid}:${op.gid} ${inRoot(op.path)}` : ""}`,
      ];
    case "symlink":
      return [`ln -sfn ${quote(op.target)} ${inRoot(op.path)}`];
    case "directory":
      return [`mkdir -p -m ${op.mode.toString(8)} ${inRoot(op.path)}`];
    default:
      return settingCommand(op);
  }
}

/** Where the changes go need not exist yet when a plan is only explained. */
function directories(data: string): string[] {
  const found = data.split(",").filter((option) => /^(upperdir|workdir)=/.test(option));
  return found.map((option) => `mkdir -p ${quote(option.slice(option.indexOf("=") + 1))}`);
}

function bindCommands(op: Extract<Op, { op: "bind" }>, hostname: string): string[] {
  const content = contentOf(op.target, hostname);
  const { source, target, recursive, makeSource } = op;
  return [
    ...(content === undefined ? [] : [`[ -e ${quote(source)} ] || ${content} >${quote(source)}`]),
    ...(makeSource ? [`[ -e ${quote(source)} ] || mkdir -p ${quote(source)}`] : []),
    `if [ -d ${quote(source)} ]; then mkdir -p ${inRoot(target)}; else mkdir -p "$(dirname ${inRoot(target)})"; [ -e ${inRoot(target)} ] || : >${inRoot(target)}; fi`,
    `mount --${recursive ? "rbind" : "bind"} ${quote(source)} ${inRoot(target)}`,
    ...stepCommands(op.steps, inRoot(target)),
  ];
}

function settingCommand(op: Op): string[] {
  switch (op.op) {
    case "hostname":
      return [`hostname ${quote(op.name)}`];
    case "domainname":
      return [`domainname ${quote(op.name)}`];
    case "sysctl":
      return [`echo ${quote(op.value)} >/proc/sys/${op.name}`];
    case "netlink":
      return [op.label];
    case "oom-score":
      return [`echo ${op.value} >/proc/self/oom_score_adj`];
    case "rlimit":
      return [
        `prlimit --pid "$(readlink /proc/self)" --${RLIMITS[op.resource]}=${limitText(op.soft)}:${limitText(op.hard)} || true`,
      ];
    case "hook":
      return hookCommand(op);
    case "scheduler":
    case "io-priority":
    case "affinity":
    case "personality":
    case "memory-policy":
      return performanceCommand(op);
    case "seccomp":
      return ["# no ordinary command loads a filter: this step is left out"];
    default:
      return [];
  }
}

/** The shell that runs it will be the container's first process. */
function hookCommand(op: Extract<Op, { op: "hook" }>): string[] {
  const [before, behind] = op.state.map(quote);
  const limit = op.timeoutMs === 0 ? "" : `timeout -s KILL ${op.timeoutMs / 1000} `;
  const place = op.atRoot ? 'cd "$ROOT" && ' : "";
  const command = `env -i ${[...op.env, op.path, ...op.argv.slice(1)].map(quote).join(" ")}`;
  return [
    `(${place}printf %s%s%s ${before} $$ ${behind} | ${limit}${op.atRoot ? command : `chroot "$ROOT" ${command}`} >/dev/null)`,
  ];
}

const RLIMITS = [
  "cpu",
  "fsize",
  "data",
  "stack",
  "core",
  "rss",
  "nproc",
  "nofile",
  "memlock",
  "as",
  "locks",
  "sigpending",
  "msgqueue",
  "nice",
  "rtprio",
  "rttime",
];
const limitText = (value: bigint) => (value === 2n ** 64n - 1n ? "unlimited" : String(value));
const kind = (mode: number) =>
  (mode & 0o170000) === 0o060000 ? "b" : (mode & 0o170000) === 0o010000 ? "p" : "c";

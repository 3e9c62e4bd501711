/** The flags that say what a container shall be: `run` and `create` have them in common. */
import {
  checkAttach,
  checkCpus,
  checkDeviceRule,
  checkEnvironment,
  checkLabel,
  checkSwap,
  checkSysctl,
  checkThrottle,
  checkUnsigned,
  checkWeightDevice,
} from "./container-checks.ts";
import type { Flag } from "./flags.ts";
import { parseMount } from "./mount.ts";
import { parseSizeBytes } from "../lib/size.ts";
import { parseUlimit } from "./ulimit.ts";

const SOON = "it comes with a later version";
const WINDOWS = "it is for Windows containers";
const PORTS = "ports cannot be published yet; the container's address is in 'berth inspect'";
const HEALTH = "there are no health checks yet";

const LIMITS: readonly Flag[] = [
  {
    name: "blkio-weight",
    value: "uint16",
    help: "Block IO (relative weight), between 10 and 1000, or 0 to disable (default 0)",
    check: checkUnsigned,
  },
  {
    name: "blkio-weight-device",
    value: "list",
    many: true,
    help: "Block IO weight (relative device weight) (default [])",
    check: checkWeightDevice,
  },
  { name: "cpu-period", value: "int", help: "Limit CPU CFS (Completely Fair Scheduler) period" },
  { name: "cpu-quota", value: "int", help: "Limit CPU CFS (Completely Fair Scheduler) quota" },
  { name: "cpu-shares", short: "c", value: "int", help: "CPU shares (relative weight)" },
  { name: "cpus", value: "decimal", help: "Number of CPUs", check: checkCpus },
  { name: "cpuset-cpus", value: "string", help: "CPUs in which to allow execution (0-3, 0,1)" },
  { name: "cpuset-mems", value: "string", help: "MEMs in which to allow execution (0-3, 0,1)" },
  ...["read-bps", "write-bps"].map((what): Flag => ({
    name: `device-${what}`,
    value: "list",
    many: true,
    help: `Limit ${what.split("-")[0]} rate (bytes per second) ${what.startsWith("read") ? "from" : "to"} a device (default [])`,
    check: checkThrottle(parseSizeBytes),
  })),
  ...["read-iops", "write-iops"].map((what): Flag => ({
    name: `device-${what}`,
    value: "list",
    many: true,
    help: `Limit ${what.split("-")[0]} rate (IO per second) ${what.startsWith("read") ? "from" : "to"} a device (default [])`,
    check: checkThrottle(checkUnsigned),
  })),
  { name: "memory", short: "m", value: "bytes", help: "Memory limit", check: parseSizeBytes },
  { name: "memory-reservation", value: "bytes", help: "Memory soft limit", check: parseSizeBytes },
  {
    name: "memory-swap",
    value: "bytes",
    help: "Swap limit equal to memory plus swap: '-1' to enable unlimited swap",
    check: checkSwap,
  },
  {
    name: "memory-swappiness",
    value: "int",
    help: "Tune container memory swappiness (0 to 100)",
    initial: "-1",
  },
  { name: "oom-kill-disable", help: "Disable OOM Killer" },
  { name: "oom-score-adj", value: "int", help: "Tune host's OOM preferences (-1000 to 1000)" },
  { name: "pids-limit", value: "int", help: "Tune container pids limit (set -1 for unlimited)" },
  { name: "shm-size", value: "bytes", help: "Size of /dev/shm", check: parseSizeBytes },
  {
    name: "ulimit",
    value: "ulimit",
    many: true,
    help: "Ulimit options (default [])",
    check: parseUlimit,
  },
];

const SECURITY: readonly Flag[] = [
  { name: "cap-add", value: "list", many: true, help: "Add Linux capabilities" },
  { name: "cap-drop", value: "list", many: true, help: "Drop Linux capabilities" },
  {
    name: "cgroupns",
    value: "string",
    completes: ["host", "private"],
    help: "Cgroup namespace to use (host|private)\n'host':    Run the container in the host's cgroup namespace\n'private': Run the container in its own private cgroup namespace (default)",
  },
  {
    name: "device",
    value: "list",
    many: true,
    help: "Add a host device to the container",
    completes: "file",
  },
  {
    name: "device-cgroup-rule",
    value: "list",
    many: true,
    help: "Add a rule to the cgroup allowed devices list",
    check: checkDeviceRule,
  },
  { name: "group-add", value: "list", many: true, help: "Add additional groups to join" },
  {
    name: "ipc",
    value: "string",
    help: "IPC mode to use",
    completes: ["host", "private", "none", "shareable"],
  },
  { name: "pid", value: "string", help: "PID namespace to use", completes: ["host"] },
  { name: "privileged", help: "Give extended privileges to this container" },
  { name: "read-only", help: "Mount the container's root filesystem as read only" },
  {
    name: "security-opt",
    value: "list",
    many: true,
    help: "Security Options",
    completes: ["no-new-privileges", "seccomp=unconfined", "systempaths=unconfined"],
  },
  { name: "sysctl", value: "map", many: true, help: "Sysctl options (default map[])", check: checkSysctl },
  {
    name: "userns",
    value: "string",
    help: "User namespace to use (host, auto, auto:size=NUMBER, private)",
    completes: ["host", "auto", "private"],
  },
  { name: "uts", value: "string", help: "UTS namespace to use", completes: ["host"] },
];

const FILES: readonly Flag[] = [
  {
    name: "mount",
    value: "mount",
    many: true,
    help: "Attach a filesystem mount to the container",
    check: parseMount,
  },
  { name: "tmpfs", value: "list", many: true, help: "Mount a tmpfs directory" },
  { name: "volume", short: "v", value: "list", many: true, help: "Bind mount a volume", completes: "file" },
];

const NETWORK: readonly Flag[] = [
  { name: "add-host", value: "list", many: true, help: "Add a custom host-to-IP mapping (host:ip)" },
  { name: "dns", value: "list", many: true, help: "Set custom DNS servers" },
  { name: "dns-option", value: "list", many: true, help: "Set DNS options" },
  { name: "dns-opt", value: "list", many: true, help: "Set DNS options", hidden: true },
  { name: "dns-search", value: "list", many: true, help: "Set custom DNS search domains" },
  { name: "domainname", value: "string", help: "Container NIS domain name" },
  { name: "expose", value: "list", many: true, help: "Expose a port or a range of ports" },
  { name: "hostname", short: "h", value: "string", help: "Container host name" },
  { name: "ip", value: "string", help: "IPv4 address (e.g., 172.30.100.104)" },
  { name: "mac-address", value: "string", help: "Container MAC address (e.g., 92:d0:c6:0a:29:33)" },
  {
    name: "network",
    value: "network",
    many: true,
    help: "Connect a container to a network",
    completes: ["bridge", "host", "none"],
  },
  { name: "net", value: "network", many: true, help: "Connect a container to a network", hidden: true },
];

const PROCESS: readonly Flag[] = [
  {
    name: "annotation",
    value: "map",
    many: true,
    help: "Add an annotation to the container (passed through to the OCI runtime) (default map[])",
  },
  {
    name: "attach",
    short: "a",
    value: "list",
    many: true,
    help: "Attach to STDIN, STDOUT or STDERR",
    check: checkAttach,
    completes: ["stdin", "stdout", "stderr"],
  },
  { name: "cidfile", value: "string", help: "Write the container ID to the file", completes: "file" },
  { name: "entrypoint", value: "string", help: "Overwrite the default ENTRYPOINT of the image" },
  {
    name: "env",
    short: "e",
    value: "list",
    many: true,
    help: "Set environment variables",
    check: checkEnvironment,
  },
  {
    name: "env-file",
    value: "list",
    many: true,
    help: "Read in a file of environment variables",
    completes: "file",
  },
  { name: "init", help: "Run an init inside the container that forwards signals and reaps processes" },
  { name: "interactive", short: "i", help: "Keep STDIN open even if not attached" },
  {
    name: "label",
    short: "l",
    value: "list",
    many: true,
    help: "Set meta data on a container",
    check: checkLabel,
  },
  {
    name: "label-file",
    value: "list",
    many: true,
    help: "Read in a line delimited file of labels",
    completes: "file",
  },
  {
    name: "log-driver",
    value: "string",
    help: "Logging driver for the container",
    completes: ["json-file", "none"],
  },
  {
    name: "log-opt",
    value: "list",
    many: true,
    help: "Log driver options",
    completes: ["max-size=", "max-file="],
  },
  { name: "name", value: "string", help: "Assign a name to the container" },
  { name: "no-healthcheck", help: "Disable any container-specified HEALTHCHECK" },
  { name: "platform", value: "string", help: "Set platform if server is multi-platform capable" },
  {
    name: "pull",
    value: "string",
    help: 'Pull image before running ("always", "missing", "never")',
    initial: "missing",
    completes: ["always", "missing", "never"],
  },
  { name: "quiet", short: "q", help: "Suppress the pull output" },
  {
    name: "rm",
    help: "Automatically remove the container and its associated anonymous volumes when it exits",
  },
  {
    name: "runtime",
    value: "string",
    help: "Runtime to use for this container",
    completes: ["berth", "runc", "crun", "runsc"],
  },
  { name: "stop-signal", value: "string", help: "Signal to stop the container" },
  { name: "stop-timeout", value: "int", help: "Timeout (in seconds) to stop a container" },
  { name: "tty", short: "t", help: "Allocate a pseudo-TTY" },
  { name: "user", short: "u", value: "string", help: "Username or UID (format: <name|uid>[:<group|gid>])" },
  { name: "workdir", short: "w", value: "string", help: "Working directory inside the container" },
];

/** Docker has these. Each is refused by its name, never ignored. */
const REFUSED: readonly Flag[] = [
  ...refused(
    "list",
    SOON,
    "link",
    "link-local-ip",
    "network-alias",
    "net-alias",
    "volumes-from",
    "storage-opt",
  ),
  ...refused("string", SOON, "cgroup-parent", "ip6", "restart", "volume-driver", "gpus"),
  ...refused("string", HEALTH, "health-cmd", "health-interval", "health-retries", "health-timeout"),
  ...refused("string", HEALTH, "health-start-interval", "health-start-period"),
  ...refused("string", "real-time scheduling groups are not used", "cpu-rt-period", "cpu-rt-runtime"),
  ...refused("string", WINDOWS, "cpu-count", "cpu-percent", "io-maxbandwidth", "io-maxiops", "isolation"),
  ...refused("string", "the kernel has no such limit any more", "kernel-memory"),
  { name: "publish", short: "p", value: "list", many: true, help: "", unsupported: PORTS },
  { name: "publish-all", short: "P", help: "", unsupported: PORTS },
  { name: "use-api-socket", help: "", unsupported: SOON },
  { name: "disable-content-trust", help: "Skip image verification", initial: "true", hidden: true },
];

export const CONTAINER_FLAGS: readonly Flag[] = [
  ...PROCESS,
  ...LIMITS,
  ...SECURITY,
  ...FILES,
  ...NETWORK,
  ...REFUSED,
];

function refused(value: string, unsupported: string, ...names: readonly string[]): Flag[] {
  return names.map((name) => ({ name, value, many: true, help: "", unsupported }));
}

const CHANGEABLE = new Set([
  "blkio-weight",
  "cpu-period",
  "cpu-quota",
  "cpu-shares",
  "cpus",
  "cpuset-cpus",
  "cpuset-mems",
  "memory",
  "memory-reservation",
  "memory-swap",
  "pids-limit",
]);

/** What `update` may change of a container that exists. */
export const CHANGEABLE_LIMITS: readonly Flag[] = [
  ...LIMITS.filter(({ name }) => CHANGEABLE.has(name)),
  ...refused("string", "real-time scheduling groups are not used", "cpu-rt-period", "cpu-rt-runtime"),
  ...refused("string", SOON, "restart"),
];

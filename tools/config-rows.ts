/** What berth does with each field of config.json: the rows of the table in docs/runtime.md, which tools/config-table.ts prints. */

export type Verdict =
  /** A test shows it. */
  | { readonly kind: "works"; readonly file: string; readonly test: string; readonly note?: string }
  /** With an error that names it, or as its specification wants it where nothing of this system is meant. */
  | { readonly kind: "refused"; readonly reason: string };

export interface Row {
  readonly fields: readonly string[];
  readonly verdict: Verdict;
}

const words = (text: string) => text.split(/\s+/).filter(Boolean);

/** `file` without src/runtime/ and .test.ts; one with a slash is whole. */
function works(file: string, test: string, fields: string, note?: string): Row {
  const path = file.includes("/") ? file : `src/runtime/${file}.test.ts`;
  return {
    fields: words(fields),
    verdict: { kind: "works", file: path, test, ...(note === undefined ? {} : { note }) },
  };
}

function refused(reason: string, fields: string): Row {
  return { fields: words(fields), verdict: { kind: "refused", reason } };
}

const SECCOMP = "src/runtime/seccomp/seccomp.test.ts";

const below = (path: string, names: string) =>
  words(names)
    .map((name) => `${path}.${name}`)
    .join(" ");
const hooks = (
  name: string,
  kinds = "prestart createRuntime createContainer startContainer poststart poststop",
) =>
  words(kinds)
    .map((kind) => `hooks.${kind}[].${name}`)
    .join(" ");

export const ROWS: readonly Row[] = [
  works(
    "config",
    "what has no right form is refused by the path of its field: %.60s: %s",
    "ociVersion",
    "of version 1",
  ),
  works(
    "hooks",
    "run in the order of the specification, those inside in the container's namespaces",
    hooks("path"),
  ),
  works(
    "hooks",
    "have the environment and arguments that they name, and no descriptor of ours",
    `${hooks("args[]")} ${hooks("env[]")}`,
  ),
  works("hooks", "are killed at their timeout, and whoever waits is told", hooks("timeout")),
  works(
    "hooks",
    "read the state: the process id as it is seen where they run, the bundle, the annotations",
    "annotations{}",
  ),
  works(
    "config",
    "ignores what is for other systems: sections of theirs, command line and user name of Windows",
    "process.commandLine process.user.username solaris windows zos freebsd",
    "for other systems: ignored",
  ),
  refused(
    "this runtime runs containers, no virtual machines",
    below(
      "vm",
      "hypervisor.path hypervisor.parameters[] kernel.path kernel.parameters[] kernel.initrd image.path image.format hwConfig.deviceTree hwConfig.vcpus hwConfig.memory hwConfig.dtdevs[] hwConfig.iomems[].firstGFN hwConfig.iomems[].firstMFN hwConfig.iomems[].nrMFNs hwConfig.irqs[]",
    ),
  ),
  works(
    "user-namespace",
    "a mount's own mappings count, with a user namespace and without",
    ["uid", "gid"].map((kind) => below(`mounts[].${kind}Mappings[]`, "containerID hostID size")).join(" "),
  ),
  works(
    "isolation",
    "are what their fields say: %s",
    below("linux.devices[]", "type path fileMode major minor uid gid"),
    "made; what is there and is no such device is an error",
  ),
  works(
    "user-namespace",
    "root is root inside and one of the mapped ids outside, also in several ranges",
    ["uid", "gid"].map((kind) => below(`linux.${kind}Mappings[]`, "containerID hostID size")).join(" "),
  ),
  works("resources", "unified are files of the version 2 group, as they are", "linux.resources.unified{}"),
  works(
    "resources",
    "%s of a container is what its control group keeps",
    below(
      "linux.resources",
      `pids.limit memory.limit memory.swap
    memory.reservation cpu.shares cpu.quota cpu.period cpu.burst cpu.idle cpu.cpus cpu.mems hugepageLimits[].pageSize hugepageLimits[].limit`,
    ),
  ),
  works(
    "resources",
    "memory.%s, which only version 1 has, is kept there",
    below("linux.resources.memory", "swappiness disableOOMKiller kernelTCP"),
    "with version 1; refused with version 2",
  ),
  works(
    "resources",
    "an update to less memory than is in use is refused before anything is written, where that is asked for",
    "linux.resources.memory.checkBeforeUpdate",
  ),
  works(
    "resources",
    "%s is refused, and nothing is left",
    "linux.resources.memory.useHierarchy",
    "as true, which Linux 5.11 has made the only way; false is refused",
  ),
  refused("Linux 5.16 has dropped limits for kernel memory alone", "linux.resources.memory.kernel"),
  works(
    "resources",
    "cpu.realtimePeriod and cpu.realtimeRuntime are kept where the group above has as much",
    below("linux.resources.cpu", "realtimePeriod realtimeRuntime"),
    "with version 1; refused with version 2",
  ),
  ...[
    "throttleReadBpsDevice",
    "throttleWriteBpsDevice",
    "throttleReadIOPSDevice",
    "throttleWriteIOPSDevice",
  ].map((name) =>
    works(
      "resources",
      "blockIO.%s slows a device down",
      below(`linux.resources.blockIO.${name}[]`, "major minor rate"),
    ),
  ),
  works(
    "resources",
    "blockIO.weight and blockIO.weightDevice are kept by an I/O scheduler that knows them; without one they are a warning",
    below(
      "linux.resources.blockIO",
      "weight weightDevice[].major weightDevice[].minor weightDevice[].weight",
    ),
  ),
  refused(
    "Linux 5.0 has dropped leaf weights with the CFQ scheduler",
    below("linux.resources.blockIO", "leafWeight weightDevice[].leafWeight"),
  ),
  works(
    "resources",
    "network.classID and network.priorities are kept where version 1 has their controllers",
    below("linux.resources.network", "classID priorities[].name priorities[].priority"),
    "where net_cls and net_prio of version 1 are mounted",
  ),
  works(
    "src/kernel/cgroups.test.ts",
    "what few ask for has its files, too",
    below("linux.resources.rdma{}", "hcaHandles hcaObjects"),
    "where there is an rdma controller",
  ),
  works(
    "test/seccomp/kernel.test.ts",
    "%s %p does what its name says",
    below("linux.seccomp", "defaultAction syscalls[].action"),
  ),
  works(
    SECCOMP,
    "actions: %s",
    below("linux.seccomp", "defaultErrnoRet syscalls[].errnoRet"),
    "to 4095; for a tracer to 65535",
  ),
  works(SECCOMP, "flags: %s", "linux.seccomp.flags[]"),
  works(
    "test/seccomp/listener.test.ts",
    "is told of the container and of the process that it decides about; of a second process, too%s",
    below("linux.seccomp", "listenerPath listenerMetadata"),
  ),
  works(
    SECCOMP,
    "the machine's own architecture is always filtered, those of other machines are killed, names that nobody knows do nothing",
    "linux.seccomp.architectures[]",
    "x86_64, i386, x32, aarch64 and 32-bit ARM",
  ),
  works(
    "test/seccomp/kernel.test.ts",
    "for any profile",
    below("linux.seccomp.syscalls[]", "names[] args[].index args[].value args[].valueTwo args[].op"),
  ),
  works(
    "process-fields",
    "has its %s",
    below(
      "process",
      "args[] env[] cwd user.uid user.gid user.umask user.additionalGids[] noNewPrivileges oomScoreAdj rlimits[].type rlimits[].soft rlimits[].hard ioPriority.class ioPriority.priority",
    ),
  ),
  works(
    "src/runtime/runtime-suite.ts",
    "a terminal has a size, can be resized, and is raw bytes",
    below("process", "terminal consoleSize.height consoleSize.width"),
  ),
  works(
    "process-fields",
    "has its capabilities.bounding, .permitted, .effective, .inheritable and .ambient",
    below("process.capabilities", "bounding[] permitted[] effective[] inheritable[] ambient[]"),
  ),
  works(
    "process-fields",
    "has its scheduler.%s",
    below("process.scheduler", "policy nice runtime deadline period"),
  ),
  works(
    "process-fields",
    "has its scheduler.%s",
    "process.scheduler.flags[]",
    "but for SCHED_FLAG_UTIL_CLAMP_*, whose values the specification does not have",
  ),
  works(
    "process-fields",
    "has its scheduler.priority, where its control group has time for that",
    "process.scheduler.priority",
  ),
  works(
    "process-fields",
    "of an exec runs on the CPUs of execCPUAffinity.initial, and then of execCPUAffinity.final",
    below("process.execCPUAffinity", "initial final"),
  ),
  refused("berth sets nothing of AppArmor", "process.apparmorProfile"),
  refused("berth sets nothing of SELinux", "process.selinuxLabel linux.mountLabel"),
  refused(
    "berth uses no resctrl file system",
    below("linux.intelRdt", "closID schemata[] l3CacheSchema memBwSchema enableMonitoring"),
  ),
  works(
    "process-fields",
    "has its linux.%s",
    below("linux", "memoryPolicy.mode memoryPolicy.nodes memoryPolicy.flags[] personality.domain"),
  ),
  refused("the specification knows no flag yet", "linux.personality.flags[]"),
  works(
    "src/runtime/runtime-suite.ts",
    "runs as process 1 with its own name, and leaves its exit code and nothing else",
    "hostname",
  ),
  works("isolation", "names of its own; an empty one is none", "domainname"),
  works(
    "src/runtime/runtime-suite.ts",
    "a read-only root and a bind are what they were asked to be",
    "root.readonly",
  ),
  works(
    "mounts",
    "a source may be a file, a socket, a pipe; a target is made, and is what the source is",
    "mounts[].source",
    "of a bind also relative to the bundle",
  ),
  works("mounts", "a destination is relative to the root, and cannot climb above it", "mounts[].destination"),
  works(
    "mounts",
    "the options %p of a bind are %p for itself, %p for what is mounted below",
    "mounts[].options[]",
    "all of runc's",
  ),
  works("mounts", "a new file system has the options of the whole of it: %s", "mounts[].type"),
  works(
    "isolation",
    "move into the container with address, MTU and MAC, under another name",
    "linux.netDevices{}.name",
  ),
  works("isolation", "%s: a new one", "linux.namespaces[].type"),
  works("isolation", "%s: one that exists", "linux.namespaces[].path", "not mount with user"),
  works("mounts", "a root that is %s", "linux.rootfsPropagation"),
  works(
    "isolation",
    "kernel settings of its namespaces, named with dots or slashes",
    "linux.sysctl{}",
    "those that belong to a namespace of the container",
  ),
  works(
    "isolation",
    "may be files, directories, links, absent, or named twice",
    below("linux", "maskedPaths[] readonlyPaths[]"),
  ),
  works(
    "isolation",
    "of time have clocks of their own, which an exec sees as well",
    below("linux.timeOffsets", "boottime.secs boottime.nanosecs monotonic.secs monotonic.nanosecs"),
  ),
  works("test/e2e/bundle.test.ts", "finds root and binds below the bundle", "root.path"),
  works("test/e2e/bundle.test.ts", "puts the container into its control group", "linux.cgroupsPath"),
  works(
    "resources",
    "devices may be opened as the last rule that names them says",
    below("linux.resources.devices[]", "allow type major minor access"),
  ),
];

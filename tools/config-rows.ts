/** What berth does with each field of config.json: the rows of the table in docs/runtime.md, which tools/config-table.ts prints. */

export type Verdict =
  /** A test shows it. */
  | { readonly kind: "works"; readonly file: string; readonly test: string; readonly note?: string }
  /** With an error that names it, or as its specification wants it where nothing of this system is meant. */
  | { readonly kind: "refused"; readonly reason: string }
  | { readonly kind: "open" };

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

const open = (fields: string): Row => ({ fields: words(fields), verdict: { kind: "open" } });

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

  open(`hostname domainname root.path root.readonly
    mounts[].source mounts[].destination mounts[].options[] mounts[].type`),
  open(below("mounts[].uidMappings[]", "containerID hostID size")),
  open(below("mounts[].gidMappings[]", "containerID hostID size")),
  open(
    below(
      "process",
      `args[] consoleSize.height consoleSize.width cwd env[] terminal user.uid user.gid user.umask user.additionalGids[]
    capabilities.bounding[] capabilities.permitted[] capabilities.effective[] capabilities.inheritable[] capabilities.ambient[]
    apparmorProfile oomScoreAdj selinuxLabel ioPriority.class ioPriority.priority noNewPrivileges
    scheduler.policy scheduler.nice scheduler.priority scheduler.flags[] scheduler.runtime scheduler.deadline scheduler.period
    rlimits[].hard rlimits[].soft rlimits[].type execCPUAffinity.initial execCPUAffinity.final`,
    ),
  ),
  open(below("linux.devices[]", "type path fileMode major minor uid gid")),
  open(
    below(
      "linux",
      "netDevices{}.name namespaces[].type namespaces[].path cgroupsPath rootfsPropagation sysctl{} maskedPaths[] readonlyPaths[] mountLabel",
    ),
  ),
  open(below("linux.uidMappings[]", "containerID hostID size")),
  open(below("linux.gidMappings[]", "containerID hostID size")),
  open(
    below(
      "linux.resources",
      "unified{} devices[].allow devices[].type devices[].major devices[].minor devices[].access pids.limit",
    ),
  ),
  open(
    below(
      "linux.resources.blockIO",
      "weight leafWeight weightDevice[].major weightDevice[].minor weightDevice[].weight weightDevice[].leafWeight",
    ),
  ),
  ...[
    "throttleReadBpsDevice",
    "throttleWriteBpsDevice",
    "throttleReadIOPSDevice",
    "throttleWriteIOPSDevice",
  ].map((name) => open(below(`linux.resources.blockIO.${name}[]`, "major minor rate"))),
  open(
    below("linux.resources.cpu", "cpus mems period quota burst realtimePeriod realtimeRuntime shares idle"),
  ),
  open(
    below(
      "linux.resources",
      "hugepageLimits[].pageSize hugepageLimits[].limit network.classID network.priorities[].name network.priorities[].priority rdma{}.hcaHandles rdma{}.hcaObjects",
    ),
  ),
  open(
    below(
      "linux.resources.memory",
      "kernel kernelTCP limit reservation swap swappiness disableOOMKiller useHierarchy checkBeforeUpdate",
    ),
  ),
  open(
    below(
      "linux.seccomp",
      "defaultAction defaultErrnoRet flags[] listenerPath listenerMetadata architectures[] syscalls[].names[] syscalls[].action syscalls[].errnoRet syscalls[].args[].index syscalls[].args[].value syscalls[].args[].valueTwo syscalls[].args[].op",
    ),
  ),
  open(below("linux.intelRdt", "closID schemata[] l3CacheSchema memBwSchema enableMonitoring")),
  open(
    below(
      "linux",
      "memoryPolicy.mode memoryPolicy.nodes memoryPolicy.flags[] personality.domain personality.flags[]",
    ),
  ),
  open(below("linux.timeOffsets", "boottime.secs boottime.nanosecs monotonic.secs monotonic.nanosecs")),
];

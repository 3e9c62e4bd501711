/** What the files and directories of control groups are for, in words. */

/** `pids` for /sys/fs/cgroup/pids/…; the first of several. Undefined for what is no control group. */
function controllerOf(path: string): string | undefined {
  return /^\/sys\/fs\/cgroup\/([^/,]+)/.exec(path)?.[1];
}

export function purposeOfDirectory(path: string): string {
  const controller = controllerOf(path);
  if (controller === undefined) return "an empty directory to mount on";
  return `a control group of its own, ${GROUPS[controller] ?? "to count, limit, freeze and kill all of it"}`;
}

const GROUPS: Readonly<Record<string, string>> = {
  cpu: "for its part of the CPUs' time",
  cpuacct: "to count the CPU time that it uses",
  cpuset: "for the CPUs and memory nodes that it runs on",
  memory: "to count its memory, and limit it",
  devices: "for the devices that it may open",
  freezer: "to stop all of it, and let it go on",
  blkio: "to count its block I/O, and limit it",
  pids: "to count its processes, and limit them",
  hugetlb: "to count its huge pages, and limit them",
  systemd: "by which systemd knows it",
  unified: "of version 2: to freeze and kill all of it at once",
};

export function purposeOfWrite(path: string, data: string): string {
  const file = path.slice(path.lastIndexOf("/") + 1);
  if (file === "tasks")
    return `joins its group of "${controllerOf(path) ?? path}" by itself: moved by another it would wait for RCU`;
  if (file === "devices.allow") return `may use ${DEVICES[data] ?? "this device: it was asked for"}`;
  const found = WRITES.find(([start]) => file.startsWith(start));
  return found?.[1] ?? "a setting of the control group";
}

const DEVICES: Readonly<Record<string, string>> = {
  a: "every device",
  "c *:* m": "mknod for any character device, which opens none",
  "b *:* m": "mknod for any block device, which opens none",
  "c 1:3 rwm": "/dev/null",
  "c 1:5 rwm": "/dev/zero",
  "c 1:7 rwm": "/dev/full",
  "c 1:8 rwm": "/dev/random",
  "c 1:9 rwm": "/dev/urandom",
  "c 5:0 rwm": "/dev/tty",
  "c 5:1 rwm": "/dev/console",
  "c 5:2 rwm": "/dev/ptmx",
  "c 136:* rwm": "the terminals in /dev/pts",
};

const WRITES: readonly (readonly [start: string, purpose: string])[] = [
  ["timens_offsets", "how far its clocks are ahead, as long as nobody is in the namespace"],
  ["devices.deny", "no device may be opened or made, but for those that follow"],
  ["memory.memsw", "the most memory and swap together"],
  ["memory.swap", "the most swap"],
  ["memory.soft", "what it keeps of its memory when the machine runs short"],
  ["memory.low", "what it keeps of its memory when the machine runs short"],
  ["memory.swappiness", "how willingly its memory is swapped out"],
  ["memory.oom", "whether a process is killed when memory runs out"],
  ["memory.", "the most memory"],
  ["cpu.shares", "its part of the CPUs when they are busy"],
  ["cpu.weight", "its part of the CPUs when they are busy"],
  ["cpu.", "how much CPU time in each period"],
  ["cpuset.", "which CPUs and memory nodes it runs on"],
  ["pids.", "the most processes and threads"],
  ["blkio.", "how fast it may use block devices"],
  ["io.", "how fast it may use block devices"],
  ["hugetlb.", "the most huge pages"],
];

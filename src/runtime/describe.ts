/** Every operation of a launch plan in words: the system call it comes to, and what it is for. */
import { capabilityNames } from "./capabilities.ts";
import type { Description } from "./description.ts";
import { purposeOfDirectory, purposeOfWrite } from "./describe-cgroups.ts";
import { mountFlags, stepText } from "./describe-flags.ts";
import { describePerformance } from "./describe-performance.ts";
import { describeUser } from "./describe-user.ts";
import type { CallerOp, ChildOp, IdentityOp, Op, PerformanceOp, SettingOp } from "./op.ts";
import { isUserOp } from "./op-user.ts";
import { CLONE } from "./plan-namespaces.ts";

const NAMES: Readonly<Record<string, string>> = {
  mount: "NEWNS",
  cgroup: "NEWCGROUP",
  uts: "NEWUTS",
  ipc: "NEWIPC",
  user: "NEWUSER",
  pid: "NEWPID",
  network: "NEWNET",
  time: "NEWTIME",
};

export function namespaceTypes(flags: number): string[] {
  return Object.entries(CLONE)
    .filter(([, flag]) => (flags & flag) !== 0)
    .map(([type]) => type);
}

export function cloneFlags(flags: number): string {
  return (
    namespaceTypes(flags)
      .map((type) => `CLONE_${NAMES[type]}`)
      .join("|") || "0"
  );
}

const quoted = (text: string) => JSON.stringify(text);
const octal = (mode: number) => `0${mode.toString(8)}`;
const words = (list: readonly string[]) =>
  list.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : quoted(word))).join(" ");

export function describe(op: Op): Description {
  if (isUserOp(op)) return describeUser(op);
  switch (op.op) {
    case "supervise":
      return {
        call: `setsid(), socket ${op.runDirectory}/shim.sock`,
        purpose: "one small process looks after the container: it holds its streams and outlives the engine",
      };
    case "log":
      return {
        call: `open(${quoted(op.path)})`,
        purpose: `output is written here as it comes, ${op.maxFiles} files of at most ${op.maxBytes} bytes`,
      };
    case "spill":
      return {
        call: `open(${quoted(op.directory)}, O_TMPFILE) when needed`,
        purpose: `what slow clients have not read yet, at most ${op.maxBytes} bytes, waits in a file without a name, never in the container's way`,
      };
    case "oom-counter":
      return {
        call: `read(${quoted(op.file)})`,
        purpose: "counts the kills for want of memory, before and after",
      };
    case "seccomp-listener":
      return {
        call: `connect(${quoted(op.path)})`,
        purpose: "who listens there will decide about some of its system calls",
      };
    case "descriptors":
      return {
        call: `dup2() of ${op.preserved} descriptors`,
        purpose: `what the caller holds open, from 3 on${op.console ? "; its socket takes the terminal" : ""}`,
      };
    case "start-fifo":
      return {
        call: `open(${quoted(op.path)}, O_RDWR)`,
        purpose: "the process will wait at it for its start",
      };
    case "attend":
      return {
        call: `waitpid(${op.pid})`,
        purpose: `passes signals on${op.terminal ? " and relays the terminal" : ""} until the process ${op.leave ? "is ready" : "ends"}`,
      };
    case "remove":
      return { call: `unlink(${quoted(op.path)})`, purpose: "nothing is left behind" };
    case "clone":
      return {
        call: `clone3(${cloneFlags(op.flags)}${op.cgroup === "" ? "" : `, CLONE_INTO_CGROUP ${op.cgroup}`})`,
        purpose: "a new process, born into new namespaces: what it sees of the system is its own",
      };
    case "mkdir":
      return {
        call: `mkdir(${quoted(op.path)}, ${octal(op.mode)})`,
        purpose: purposeOfDirectory(op.path),
      };
    case "write":
      return {
        call: `write(${quoted(op.path)}, ${quoted(op.data)})`,
        purpose: purposeOfWrite(op.path, op.data),
      };
    case "join":
      return {
        call: `setns(${quoted(op.path)})`,
        purpose: `shares the ${namespaceTypes(op.type).join(", ")} namespace that is there`,
      };
    case "join-process":
      if (op.flags === 0)
        return { call: `pidfd_open(${op.pid})`, purpose: "the container's process, if it is that one still" };
      return {
        call: `setns(pidfd of ${op.pid}, ${cloneFlags(op.flags)})`,
        purpose: `enters the namespaces of process ${op.pid}: ${namespaceTypes(op.flags).join(", ")}`,
      };
    case "unshare":
      return {
        call: `unshare(${cloneFlags(op.flags)})`,
        purpose: UNSHARED[namespaceTypes(op.flags)[0] ?? ""] ?? "a namespace of its own",
      };
    default:
      return describeTree(op);
  }
}

const UNSHARED: Readonly<Record<string, string>> = {
  mount: "what it mounts from here on is seen by it and its children only",
  time: "its children are born into new clocks",
  cgroup: "the groups it is in now become the root of what it sees in /proc/self/cgroup and /sys/fs/cgroup",
};

function describeTree(op: ChildOp | CallerOp): Description {
  switch (op.op) {
    case "bind-source":
      return {
        call: `open_tree(${quoted(op.source)}, OPEN_TREE_CLONE${op.recursive ? "|AT_RECURSIVE" : ""})`,
        purpose: `takes ${op.source} while it still hears of the host's mounts`,
      };
    case "propagation":
      return {
        call: `mount(${quoted(op.path)}, ${mountFlags(op.flags)})`,
        purpose: "what is mounted from here on does not spread to the host",
      };
    case "mount-host":
      return {
        call: `mount(${quoted(op.source)}, ${quoted(op.target)}, ${op.type}, ${quoted(op.data)})`,
        purpose:
          "the image's layers, read-only, below one directory that takes the changes: the root file system",
      };
    case "root":
      return {
        call: `open(${quoted(op.path)}, O_PATH)`,
        purpose: "every path of the container is looked up below this descriptor: no link leads out of it",
      };
    case "mount":
      return {
        call: `mount(${quoted(op.source)}, ${quoted(op.target)}, ${op.type}, ${mountFlags(op.flags)}${op.data === "" ? "" : `, ${quoted(op.data)}`})`,
        purpose: TARGETS[op.target] ?? MOUNTS[op.type] ?? "a file system",
      };
    case "bind":
      return {
        call: `mount(${quoted(op.source)}, ${quoted(op.target)}, MS_BIND${op.recursive ? "|MS_REC" : ""})`,
        purpose: `makes ${op.source} of the host visible here${op.steps.some(({ set }) => set & 1) ? ", read-only" : ""}`,
      };
    case "remount":
      return {
        call: `mount(${quoted(op.target)}, MS_REMOUNT|${mountFlags(op.flags)}${op.data === "" ? "" : `, ${quoted(op.data)}`})`,
        purpose: "changes what is mounted here",
      };
    case "mask":
      return {
        call: `mount(null, ${quoted(op.path)}, MS_BIND)`,
        purpose: "covers what tells or changes things about the host",
      };
    case "readonly-path":
      return {
        call: `mount(${quoted(op.path)}, MS_BIND|MS_RDONLY)`,
        purpose: "can be read, and changes nothing of the host",
      };
    case "mount-attributes":
      return {
        call: op.steps.map((step) => `mount_setattr(${quoted(op.path)}, ${stepText(step)})`).join(", "),
        purpose: op.steps.some(({ set }) => set & 1)
          ? "read-only, now that all is in it"
          : "whether mounts made later are seen elsewhere",
      };
    case "pivot":
      return {
        call: 'pivot_root(".", "."), umount2(".", MNT_DETACH)',
        purpose: "the container's root becomes the root; the host's is gone from its sight",
      };
    case "chroot":
      return {
        call: 'chroot(".")',
        purpose: "the container's root becomes its root, in a mount namespace that others are in as well",
      };
    case "readonly-root":
      return {
        call: 'mount_setattr("/", MOUNT_ATTR_RDONLY)',
        purpose: "the root file system cannot be changed",
      };
    case "directory":
      return {
        call: `mkdir(${quoted(op.path)}, ${octal(op.mode)})`,
        purpose: "a directory of the container",
      };
    case "mknod":
      return {
        call: `mknod(${quoted(op.path)}, ${octal(op.mode)}, ${op.major}:${op.minor})`,
        purpose: "a device that every program expects",
      };
    case "symlink":
      return {
        call: `symlink(${quoted(op.target)}, ${quoted(op.path)})`,
        purpose: "a name that programs expect",
      };
    case "console":
      return {
        call: "open(/dev/pts/ptmx), ioctl(TIOCGPTPEER)",
        purpose: "a terminal of its own; the shim holds the other end",
      };
    default:
      return describeIdentity(op);
  }
}

const TARGETS: Readonly<Record<string, string>> = {
  "/dev": "devices of its own, in memory",
  "/dev/shm": "POSIX shared memory of its own",
  "/sys/fs/cgroup": "where its control groups are to be seen",
};

const MOUNTS: Readonly<Record<string, string>> = {
  proc: "information about its own processes",
  sysfs: "information about devices, read-only",
  tmpfs: "a file system in memory",
  devpts: "terminals of its own",
  mqueue: "POSIX message queues of its own",
  cgroup: "its own control groups, to be looked at",
  cgroup2: "its own control groups, to be looked at",
};

function describeIdentity(op: IdentityOp | SettingOp | CallerOp | PerformanceOp): Description {
  switch (op.op) {
    case "barrier":
      return {
        call: "recv()",
        purpose:
          op.for === "hooks"
            ? "waits until the hooks outside have run: the root is there, and they may still change it"
            : "waits until the engine says start: the host's side of the network is ready",
      };
    case "bundle":
      return {
        call: `write(${quoted(op.path)})`,
        purpose: "what the other runtime is told, with the user as numbers of the container's own tables",
      };
    case "runtime":
      return {
        call: `vfork(), execve(${words(op.argv)}), waitpid()`,
        purpose: op.makesProcess
          ? "another runtime makes the process, which then is the shim's to look after"
          : "another runtime lets the process run",
      };
    case "process-network":
      return {
        call: op.enter ? "setns(pidfd of the process, CLONE_NEWNET)" : "setns(own network)",
        purpose: op.enter ? "what follows happens in the container's network" : "back to where runtimes run",
      };
    case "hook":
      return {
        call: `vfork(), execve(${words([op.path, ...op.argv.slice(1)])}), poll(${op.timeoutMs || "no limit"})`,
        purpose: `the ${op.name}: a program that the container's owner wants to run here`,
      };
    case "sysctl":
      return {
        call: `write("/proc/sys/${op.name}", ${quoted(op.value)})`,
        purpose: "a kernel setting that belongs to its namespace",
      };
    case "hostname":
      return { call: `sethostname(${quoted(op.name)})`, purpose: "its own name" };
    case "domainname":
      return { call: `setdomainname(${quoted(op.name)})`, purpose: "its own NIS domain name" };
    case "netlink":
      return { call: op.label, purpose: "its own network, set up from inside while it still has the right" };
    case "rlimit":
      return {
        call: `setrlimit(${op.resource}, ${op.soft}, ${op.hard})`,
        purpose: "a limit for each of its processes",
      };
    case "oom-score":
      return {
        call: `write("/proc/self/oom_score_adj", "${op.value}")`,
        purpose: "how early it is killed when the machine runs out of memory",
      };
    case "umask":
      return { call: `umask(${octal(op.mask)})`, purpose: "rights that new files do not get" };
    case "session":
      return { call: "setsid()", purpose: "a session of its own: signals of our terminal do not reach it" };
    case "cwd":
      return {
        call: `chdir(${quoted(op.path)})`,
        purpose: "the working directory, verified to be inside the root",
      };
    case "find":
      return {
        call: `access(${quoted(op.program)}, X_OK)`,
        purpose: "the program must be there, and the user must be allowed to run it",
      };
    case "keyring":
      return {
        call: `keyctl(KEYCTL_JOIN_SESSION_KEYRING, ${quoted(op.name)})`,
        purpose: "keys of its own, none of the caller's",
      };
    case "await-start":
      return { call: "read(exec.fifo)", purpose: "waits for its start; nobody looks after it any more" };
    case "bounding":
      return {
        call: `prctl(PR_CAPBSET_DROP, all but ${capabilityNames(op.mask).length})`,
        purpose: "rights that nothing it runs can ever get back",
      };
    case "user":
      return {
        call: `setgroups(${words(op.groups)}), setresgid(), setresuid(${op.user === "" ? "0" : op.user})`,
        purpose: "becomes the user it shall be",
      };
    case "capabilities":
      return {
        call: `capset(${capabilityNames(op.effective).join(",") || "none"})`,
        purpose: "keeps these parts of root's rights only",
      };
    case "enter":
      return {
        call: "clone(CLONE_PARENT)",
        purpose:
          "a new process, born in the container's pid namespace: nobody there has seen it while it might do more",
      };
    case "no-new-privs":
      return {
        call: "prctl(PR_SET_NO_NEW_PRIVS)",
        purpose: "programs that it runs gain no rights, setuid or not",
      };
    case "seccomp-messenger":
      return {
        call: "clone(CLONE_FILES)",
        purpose:
          "a process without filter will hand over the listener, while the program itself may not call",
      };
    case "seccomp":
      return {
        call: `seccomp(SECCOMP_SET_MODE_FILTER, ${op.program.length / 8} instructions)`,
        purpose: "system calls that a container does not need are refused",
      };
    case "exec":
      return { call: `execve(${words(op.argv)})`, purpose: "the program; every other descriptor is closed" };
    default:
      return describePerformance(op);
  }
}

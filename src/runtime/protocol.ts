/** The numbers that the engine and the shim share: those of native/protocol.h. A test reads the header and compares. */
import type { OpName } from "./op.ts";

export const PROTOCOL_VERSION = 2;
export const PLAN_MAGIC = 0x48545242;
export const PLAN_MAX_SIZE = 4 << 20;
export const FRAME_MAX_SIZE = 64 << 10;

export const OP_CODES: Readonly<Record<OpName, number>> = {
  supervise: 1,
  log: 2,
  spill: 3,
  "oom-counter": 4,
  "seccomp-listener": 86,
  "seccomp-messenger": 87,
  clone: 5,
  mkdir: 16,
  write: 17,
  join: 18,
  "join-process": 19,
  unshare: 20,
  barrier: 32,
  propagation: 33,
  "mount-host": 34,
  root: 35,
  mount: 36,
  bind: 37,
  directory: 38,
  mknod: 39,
  symlink: 40,
  console: 41,
  mask: 42,
  "readonly-path": 43,
  pivot: 44,
  "readonly-root": 45,
  sysctl: 46,
  hostname: 47,
  domainname: 48,
  netlink: 49,
  rlimit: 50,
  "oom-score": 51,
  umask: 52,
  session: 53,
  bounding: 54,
  user: 55,
  capabilities: 56,
  "no-new-privs": 57,
  seccomp: 58,
  cwd: 59,
  exec: 60,
  "mount-attributes": 61,
  enter: 62,
  "user-namespace": 100,
  open: 101,
  tree: 102,
  overlay: 103,
  "file-system": 104,
  within: 105,
  owner: 106,
  stage: 107,
  "join-user": 108,
  "become-root": 109,
  "attach-root": 110,
  attach: 111,
  descriptors: 64,
  "start-fifo": 65,
  find: 66,
  "await-start": 67,
  attend: 68,
  remove: 69,
  keyring: 70,
  "host-socket": 112,
  hook: 80,
  scheduler: 81,
  "io-priority": 82,
  affinity: 83,
  personality: 84,
  "memory-policy": 85,
  "bind-source": 90,
  remount: 91,
  bundle: 116,
  runtime: 117,
  "process-network": 118,
  chroot: 92,
};

export const BARRIER_HOOKS = 1;
export const BARRIER_START = 2;

export const SUPERVISE_TTY = 1;
export const SUPERVISE_STDIN = 2;
export const SUPERVISE_STDIN_ONCE = 4;
export const SUPERVISE_INIT = 8;
export const SUPERVISE_HANDOVER = 16;
export const SUPERVISE_CALLER = 32;

export const WRITE_APPEND = 1;
export const WRITE_OPTIONAL = 2;
export const ROOT_BIND = 1;
export const MOUNT_API = 1;
export const MOUNT_OPTIONAL = 2;
export const MOUNT_CLASSIC = 4;
export const MOUNT_COPY_UP = 8;
export const BIND_RECURSIVE = 1;
export const BIND_MAKE_SOURCE = 2;
export const BIND_IDMAP_RECURSIVE = 16;
export const OVERLAY_VOLATILE = 1;
export const BIND_TAKEN = 4;
export const BIND_PROCFS = 8;
export const BIND_SLOTS = 64;
export const EXEC_SET_HOME = 1;
export const ATTEND_TERMINAL = 1;
export const ATTEND_CONCLUDE = 2;
export const ATTEND_LEAVE = 4;
export const CONSOLE_BIND = 1;
export const CONSOLE_ENTERING = 2;
export const HOOK_AT_ROOT = 1;
export const RUNTIME_MAKES_PROCESS = 1;
export const RUNTIME_CONSOLE = 2;
export const RUNTIME_LAST = 4;

export const MSG_HELLO = 1;
export const MSG_ATTACH = 2;
export const MSG_START = 3;
export const MSG_SIGNAL = 4;
export const MSG_RESIZE = 5;
export const MSG_STATE = 16;
export const MSG_FAILED = 17;
export const MSG_EXITED = 18;
export const MSG_REPLY = 19;
export const MSG_WARNING = 20;
export const MSG_BARRIER = 21;

export const ATTACH_STDIN = 1;
export const ATTACH_STDOUT = 2;
export const ATTACH_STDERR = 4;
export const ATTACH_LOG = 8;

export const CLIENTS_LIMIT = 400;
export const FRAME_HEADER = 8;

export const PHASE_CLONED = 1;
export const PHASE_READY = 2;
export const PHASE_RUNNING = 3;
export const PHASE_EXITED = 4;

export const EXITED_OOM_KILLED = 1;
export const EXITED_SIGNALLED = 2;

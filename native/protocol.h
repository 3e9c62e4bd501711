/*
 * What the engine and the shim say to each other. The same numbers stand in src/runtime/protocol.ts; a test compares them.
 * Everything is little endian.
 *
 * The plan (a memfd on descriptor 3):
 *   struct plan_header, then op_count ops back to back. An op is struct op_header, `numbers` 64-bit numbers, then
 *   `strings` times { uint32 length, the bytes, a NUL, zeroes up to a multiple of 4 }, then zeroes up to a multiple of 8.
 *   Ops up to and with OP_CLONE are performed by the shim, in order; the ops behind it by the child. Where there is an OP_STAGE, the
 *   ops between it and OP_CLONE, and the clone, are performed by a process of their own that ends with the clone.
 *   A "slot" is a number from 0: a descriptor that the shim prepared with the host's rights and that the child still has.
 *   OP_ATTEND begins a plan of its own: the ops behind it are performed when the process has ended.
 *   "in root" means: resolved below the descriptor that OP_ROOT opened, by openat2(RESOLVE_IN_ROOT); never by name twice.
 *
 * A connection (descriptor 4, a stream socketpair, for the engine that spawned the shim; shim.sock in the run directory for
 * everybody later) carries frames: struct frame_header and `size` bytes. Its first frame is MSG_HELLO or MSG_ATTACH.
 *
 * A shim lives as long as its process, over many engines, newer and older ones. So what is here stays as it is for ever:
 *   - a number is never used again, a field never changes; a payload only grows at its end, and who knows less of it reads less;
 *   - a type of frame that the receiver does not know is skipped by the engine, and answered with ENOSYS by the shim;
 *   - both sides say their version (MSG_HELLO, MSG_STATE). What the shim's version does not have it is never sent: the engine
 *     does without, or refuses. A shim newer than its engine is asked for what that engine knows.
 * The plan is not part of this: engine and shim that meet there are of one build, and other versions are refused.
 *
 * Version 2: ATTACH_LOG; the lost entries in MSG_EXITED.
 */
#ifndef BERTH_PROTOCOL_H
#define BERTH_PROTOCOL_H

#include <stdint.h>

#define BERTH_PROTOCOL_VERSION 2
#define PLAN_MAGIC 0x48545242u /* "BRTH" */
#define PLAN_MAX_SIZE (4u << 20)
#define FRAME_MAX_SIZE (64u << 10)

#define FD_PLAN 3
#define FD_CONTROL 4
#define FD_EXTRA 5 /* OP_DESCRIPTORS */

struct plan_header { uint32_t magic; uint16_t version; uint16_t reserved; uint32_t op_count; uint32_t size; };
struct op_header { uint16_t code; uint16_t numbers; uint16_t strings; uint16_t reserved; uint32_t size; uint32_t reserved2; };
/* What a client that follows the log is sent first: uint64 number of files, then those, oldest first. */
struct log_file { uint64_t inode, size; };
struct frame_header { uint32_t size; uint16_t type; uint16_t reserved; };

enum op_code {
    /* The shim itself, before the clone. */
    OP_SUPERVISE = 1,  /* numbers: flags SUPERVISE_*, rows, columns, drain ms | strings: id, run directory */
    OP_LOG = 2,        /* numbers: max bytes, max files | strings: path of the json-file log */
    OP_SPILL = 3,      /* numbers: max bytes that a client may lag behind, percent of the disk to leave free | strings: directory for the O_TMPFILE */
    OP_OOM_COUNTER = 4,/* strings: file with an "oom_kill N" line (memory.oom_control, memory.events), read at start and at exit */
    OP_SECCOMP_LISTENER = 86, /* numbers: 1 when the process is OP_ENTER's, which does not exist yet when the filter is loaded | strings: path of a unix socket, then a message in pieces, between which the process's pid goes: connected to now, sent
                          with the descriptor that OP_SECCOMP makes by SECCOMP_FILTER_FLAG_NEW_LISTENER */
    OP_SECCOMP_MESSENGER = 87, /* no operands, of the child, before it can make children in another pid namespace: makes the process that hands over the listener
                          of OP_SECCOMP */
    OP_CLONE = 5,      /* numbers: CLONE_NEW* flags | strings: directory of the v2 cgroup to be born in, or "" */

    /* Anywhere. */
    OP_MKDIR = 16,     /* numbers: mode, exist_ok | strings: host path */
    OP_WRITE = 17,     /* numbers: flags WRITE_* | strings: host path, data: open(O_WRONLY) + one write; cgroup files, oom_score_adj */
    OP_JOIN = 18,      /* numbers: CLONE_NEW* type | strings: namespace file */
    OP_JOIN_PROCESS = 19, /* numbers: pid, start time (field 22 of /proc/pid/stat), CLONE_NEW* flags: setns(pidfd). Before the clone
                             without flags: opens it, and looks whether it is that process still. The pid namespace is that of OP_ENTER's
                             new process */
    OP_UNSHARE = 20,   /* numbers: CLONE_NEW* flags */

    /* The child, on its way into the container. */
    OP_BARRIER = 32,   /* numbers: BARRIER_*, rising along the plan: says that it is there and waits until MSG_START opens it */
    OP_PROPAGATION = 33, /* numbers: MS_* flags | strings: host path ("/" recursively private or slave) */
    OP_MOUNT_HOST = 34, /* numbers: MS_* flags | strings: source, target (host path), type, data, working directory or "" */
    OP_ROOT = 35,      /* numbers: flags ROOT_* | strings: host path of the root filesystem */
    OP_MOUNT = 36,     /* numbers: MS_* flags, MOUNT_* options, steps | strings: source, target in root, type, data. A tmpfs takes the mode of
                          a directory that it covers, unless data says mode=. Steps, here and below: any number of times four numbers, each
                          a mount_setattr(2): with all that is mounted below (1) or not, MOUNT_ATTR_* to set, to clear, propagation MS_* or 0 */
    OP_BIND = 37,      /* numbers: BIND_* flags, slot, steps | strings: host source, target in root */
    OP_DIRECTORY = 38, /* numbers: mode, uid, gid | strings: path in root; made with its parents, kept if it is there */
    OP_MKNOD = 39,     /* numbers: mode with S_IF*, major, minor, uid, gid | strings: path in root; kept if this very device is there */
    OP_SYMLINK = 40,   /* strings: target text, path in root; kept if it is there */
    OP_CONSOLE = 41,   /* numbers: rows, columns, CONSOLE_* flags: pty from dev/ptmx in root, master to the shim, slave on 0-2 and as controlling terminal */
    OP_MASK = 42,      /* strings: path in root; file: verified null device, directory: shared empty read-only tmpfs; absent: nothing */
    OP_READONLY_PATH = 43, /* strings: path in root; absent: nothing */
    OP_PIVOT = 44,     /* no operands: pivot_root to the root, the old one detached; later paths are the container's */
    OP_READONLY_ROOT = 45, /* no operands */
    OP_SYSCTL = 46,    /* strings: name with slashes, value; written through a procfs that the shim mounted itself */
    OP_HOSTNAME = 47,  /* strings: name */
    OP_DOMAINNAME = 48,/* strings: name */
    OP_NETLINK = 49,   /* numbers: protocol (NETLINK_ROUTE 0), messages, 1 + slot of a socket or 0 | strings: what it is for, the messages; every one is acknowledged */
    OP_RLIMIT = 50,    /* numbers: resource, soft, hard */
    OP_OOM_SCORE = 51, /* numbers: value as two's complement */
    OP_UMASK = 52,     /* numbers: mask */
    OP_SESSION = 53,   /* no operands: setsid */
    OP_BOUNDING = 54,  /* numbers: mask of capabilities to keep in the bounding set */
    OP_USER = 55,      /* strings: docker's user text ("", "uid", "uid:gid", "name:group"), then additional groups; read in /etc of the root after OP_PIVOT; digits are never looked up as names; keeps capabilities, in effect */
    OP_CAPABILITIES = 56, /* numbers: effective, permitted, inheritable, ambient */
    OP_NO_NEW_PRIVS = 57, /* no operands */
    OP_SECCOMP = 58,   /* numbers: SECCOMP_FILTER_FLAG_* | strings: struct sock_filter[]; a new listener is in the hands of OP_SECCOMP_LISTENER's socket
                          before the child does anything else */
    OP_CWD = 59,       /* numbers: create (1) or not | strings: path in the container; verified to be inside the root */
    OP_ENTER = 62,     /* no operands: the rest is performed by a new process, a session of its own, in the pid namespace that was joined;
                          a terminal on its standard input becomes the controlling one. The one before it ends */
    OP_MOUNT_ATTRIBUTES = 61, /* numbers: steps | strings: path in root of a mount */
    /* User namespaces and id-mapped mounts: what takes the host's rights is prepared in slots. */
    OP_USER_NAMESPACE = 100, /* numbers: slot | strings: uid_map, gid_map: a new user namespace with these maps, and nobody in it */
    OP_OPEN = 101,     /* numbers: slot | strings: host path, opened for reading: a namespace file */
    OP_TREE = 102,     /* numbers: slot, BIND_* flags, 1 + slot of the user namespace that maps its ids or 0, steps | strings: host source: a copy
                          of the mount, attached nowhere */
    OP_OVERLAY = 103,  /* numbers: slot, OVERLAY_* flags, slot of a user namespace, uid and gid of its root | strings: directory of the layers,
                          directory of the container, options for mount(2) in the layers' directory, or "", then its upper, its work, and the
                          lower ones by their names in the layers' directory */
    OP_FILE_SYSTEM = 104, /* numbers: slot, MS_* flags | strings: source, type, data: a new file system, attached nowhere */
    OP_WITHIN = 105,   /* numbers: slot: "in root" means below it from here on */
    OP_OWNER = 106,    /* numbers: uid, gid: whom the process's pipes belong to at first */
    OP_STAGE = 107,    /* strings: the directory that the child's root is put on: it is born there. What follows up to the clone is
                          performed by an intermediate process, which may give away its rights */
    OP_JOIN_USER = 108,/* numbers: slot: setns to a user namespace; the intermediate's last step before the clone */
    OP_BECOME_ROOT = 109, /* no operands: uid and gid 0 of the user namespace, no other groups */
    OP_ATTACH_ROOT = 110, /* numbers: slot: attached where the child is; as OP_ROOT from then on */
    OP_ATTACH = 111,   /* numbers: slot, MOUNT_* options | strings: source, target in root, made as what is attached */
    OP_HOST_SOCKET = 112, /* numbers: slot: a NETLINK_ROUTE socket of the host's network namespace */

    OP_EXEC = 60,      /* numbers: argc, EXEC_* flags | strings: argv, then the environment; PATH is searched in that environment */

    /* A process that is handed over to whoever called (SUPERVISE_HANDOVER), and one that is attended. */
    OP_DESCRIPTORS = 64, /* shim; numbers: how many from FD_EXTRA on the process gets as 3 and so on, 1 when a connected socket follows
                            that the terminal's master is sent over */
    OP_START_FIFO = 65, /* shim; strings: host path of the fifo that the process will wait at */
    OP_FIND = 66,      /* child; strings: program, PATH: finds what OP_EXEC will execute, and that it may be */
    OP_AWAIT_START = 67, /* child; no operands: hands over, and waits at the fifo until somebody writes to it */
    OP_ATTEND = 68,    /* numbers: pid of a child of the caller's, ATTEND_* flags | strings: the fifo at which it waits for its start or "", its container's directory or "", the service
                          manager's socket or "", program and arguments that remove what the process leaves; nothing is removed where that directory is not there any more, or another. In the place of a clone: the caller itself has become this program, with its own streams.
                          Forwards signals, relays the terminal on FD_EXTRA and readiness from the datagram socket behind, ends with the process's code */
    OP_REMOVE = 69,    /* behind OP_ATTEND; strings: a file or an empty directory. What cannot be removed is left to that program */
    OP_KEYRING = 70,   /* child; strings: name of the session keyring to join or make */
    OP_HOOK = 80,      /* numbers: argc, timeout in ms or 0, HOOK_* flags | strings: its name for people, path, what its standard input holds before and
                          behind the child's pid, argv, then the environment. Runs to its end; output comes back where it fails */
    OP_SCHEDULER = 81, /* numbers: SCHED_* policy, SCHED_FLAG_*, nice as two's complement, priority, runtime, deadline, period in ns */
    OP_IO_PRIORITY = 82, /* numbers: class and priority as ioprio_set(2) wants them */
    OP_AFFINITY = 83,  /* numbers: mask of CPUs, 64 in each */
    OP_PERSONALITY = 84, /* numbers: as personality(2) wants it */
    OP_MEMORY_POLICY = 85, /* numbers: MPOL_* mode and flags, mask of nodes, 64 in each */
    OP_BIND_SOURCE = 90, /* numbers: slot (below BIND_SLOTS), BIND_* flags | strings: host source of an OP_BIND that names the slot; behind
                          OP_PROPAGATION it would be no peer of the host's mount any more */
    OP_REMOUNT = 91,   /* numbers: MS_* flags | strings: path in root of a mount, data */

    /* The child as the caller of another OCI runtime: never in the container itself. */
    OP_BUNDLE = 116,   /* strings: host path, text before, text behind, docker's user text, then additional groups: writes a file; between the
                          two texts stands whom the user is in /etc of the root: "uid":1,"gid":2,"additionalGids":[3] */
    OP_RUNTIME = 117,  /* numbers: argc, RUNTIME_* flags, rows, columns | strings: host directory to run in, argv, then the environment: runs the
                          program to its end. Where that is no success, the failure's object is the last line of log.json in the directory */
    OP_PROCESS_NETWORK = 118, /* numbers: 1 enters the network namespace of the process that OP_RUNTIME made, 0 goes back */
    OP_CHROOT = 92,    /* no operands: as OP_PIVOT, in a mount namespace whose root is that of others, too */
};

/* OP_BARRIER */
#define BARRIER_HOOKS 1u        /* said by MSG_BARRIER: the engine has work to do between the mounts and the pivot */
#define BARRIER_START 2u        /* said by MSG_STATE ready: nothing but the program is missing */
/* OP_SUPERVISE */
#define SUPERVISE_TTY 1u        /* the child sends a pty master */
#define SUPERVISE_STDIN 2u      /* OpenStdin: a pipe; without it /dev/null */
#define SUPERVISE_STDIN_ONCE 4u /* the first attached client that closes its side closes the process's stdin */
#define SUPERVISE_INIT 8u       /* pid 1 is our reaper, the program its child */
#define SUPERVISE_HANDOVER 16u  /* the process keeps the shim's own streams and becomes a child of the shim's parent (CLONE_PARENT); the
                                   shim ends when it waits at the start fifo or has exec'd. Without a run directory nothing is recorded */
#define SUPERVISE_CALLER 32u    /* the child only calls another runtime: the process is the one that OP_RUNTIME hands over */
/* OP_WRITE */
#define WRITE_APPEND 1u
#define WRITE_OPTIONAL 2u       /* absent file or EINVAL/EPERM/EACCES is no failure: reported as MSG_WARNING */
/* OP_ROOT */
#define ROOT_BIND 1u            /* a directory that is no mount yet: bind it onto itself */
/* OP_MOUNT */
#define MOUNT_API 1u            /* proc, sysfs, dev, devpts, mqueue, cgroup: every component of the target must be a real directory */
#define MOUNT_OPTIONAL 2u       /* ENODEV or EPERM is no failure */
#define MOUNT_CLASSIC 4u        /* by mount(2), all flags as they are: fsconfig(2) has no word for some */
#define MOUNT_COPY_UP 8u        /* a tmpfs begins with a copy of what it covers */
/* OP_BIND */
#define BIND_RECURSIVE 1u
#define BIND_MAKE_SOURCE 2u     /* docker -v: a missing host directory is made */
#define BIND_TAKEN 4u           /* the source is in the slot */
#define BIND_PROCFS 8u          /* the source must be the root of a procfs */
#define BIND_IDMAP_RECURSIVE 16u /* OP_TREE: the ids of what is mounted below are mapped, too */
#define BIND_SLOTS 64u
/* OP_OVERLAY */
#define OVERLAY_VOLATILE 1u     /* no sync when it is unmounted */
/* OP_CONSOLE */
#define CONSOLE_BIND 1u         /* the first process: the slave is mounted over dev/console */
#define CONSOLE_ENTERING 2u     /* it becomes the controlling terminal not at once, but by OP_ENTER */
/* OP_ATTEND */
#define ATTEND_TERMINAL 1u      /* FD_EXTRA is the master of the process's terminal */
#define ATTEND_CONCLUDE 2u      /* the program that removes is always run */
#define ATTEND_LEAVE 4u         /* only until the process, anybody's, is ready or has ended; then with 0, and nothing is removed */
/* OP_EXEC */
#define EXEC_SET_HOME 1u        /* add HOME from /etc/passwd of the root where the environment has none */
/* OP_HOOK */
#define HOOK_AT_ROOT 1u         /* its working directory is the root filesystem, which the pivot has not made the root yet */
/* OP_RUNTIME */
#define RUNTIME_MAKES_PROCESS 1u /* gets our streams; the process whose number it leaves in the file pid is handed to the shim */
#define RUNTIME_CONSOLE 2u       /* with it, the terminal that it sends to terminal.sock */
#define RUNTIME_LAST 4u          /* the process runs now; the child has no more to do */

enum message_type {
    /* engine to shim */
    MSG_HELLO = 1,   /* uint32 version: this connection controls; answered by MSG_STATE */
    MSG_ATTACH = 2,  /* uint32 version, uint32 flags ATTACH_*: then no frames any more: docker's stream format down (raw bytes for a tty), stdin up; half-close ends stdin */
    MSG_START = 3,   /* uint32 BARRIER_*: opens all up to this one; without it, all */
    MSG_SIGNAL = 4,  /* uint32 number: to the process, by pidfd; answered by MSG_REPLY */
    MSG_RESIZE = 5,  /* uint16 rows, uint16 columns; answered by MSG_REPLY */
    /* shim to engine, to every control connection */
    MSG_STATE = 16,  /* uint32 phase PHASE_*, int32 pid of the process (its init in the container), uint64 start time, int32 pid of the shim, uint32 version */
    MSG_FAILED = 17, /* uint32 index of the op, int32 errno (0: the text says all), uint32 length, object text; the shim ends afterwards */
    MSG_EXITED = 18, /* int32 exit code (128+n for a signal), uint32 flags EXITED_*, int64 unix time in ns, uint64 entries missing in the log; sent after the exit file is written and output is drained */
    MSG_REPLY = 19,  /* uint16 type answered, uint16 0, int32 errno */
    MSG_WARNING = 20,/* uint32 index of the op, int32 errno, uint32 length, object text */
    MSG_BARRIER = 21,/* uint32 BARRIER_*: the process waits there; BARRIER_START is a phase instead */
};

#define ATTACH_STDIN 1u
#define ATTACH_STDOUT 2u
#define ATTACH_STDERR 4u
#define ATTACH_LOG 8u    /* instead of output: the log's files as they are (struct log_file), then every entry that is not in them yet */

#define CLIENTS_LIMIT 400 /* attached at a time; a further one is told so and hung up */
#define FRAME_HEADER 8    /* of docker's stream format */

#define PHASE_CLONED 1u  /* the child exists, its namespaces too */
#define PHASE_READY 2u   /* it waits at BARRIER_START */
#define PHASE_RUNNING 3u /* exec has succeeded */
#define PHASE_EXITED 4u

#define EXITED_OOM_KILLED 1u
#define EXITED_SIGNALLED 2u

/*
 * Files in the run directory (0700), each written beside and renamed:
 *   shim.sock  0600, stream
 *   state      {"version":2,"phase":"running","pid":12,"startTime":345,"shimPid":11,"startedAt":1700000000000000000}
 *   exit       {"exitCode":0,"oomKilled":false,"lostEntries":0,"finishedAt":1700000000000000000} written before anyone is told;
 *              a failed start: {"exitCode":-1,"failedOp":7,"errno":2,"object":"exec /bin/x","finishedAt":…}
 */
#endif

/*
 * What a command and the engine that performs it say to each other. Both are of one build, or the command goes on by itself. The same
 * numbers stand in src/front/protocol.ts; a test compares them.
 *
 * Frames as in protocol.h (struct frame_header, then `size` bytes), on FRONT_SOCKET in the engine's run directory. The first frame of a
 * connection is FRONT_HELLO, or FRONT_CONTROL: then it is a shim's control connection from there on.
 */
#ifndef BERTH_FRONT_H
#define BERTH_FRONT_H

#define FRONT_SOCKET "front.sock"
/* Of the environment: `connection,executable,build`, for the front, the first two descriptors; and that no engine is to be asked. */
#define FRONT_VARIABLE "BERTH_FRONT"
#define FRONT_ALONE_VARIABLE "BERTH_ALONE"

#define FRONT_BUILD_SIZE 16
#define FRONT_LIMITS 16 /* RLIMIT_*, by number */
#define FRONT_NAMESPACES "mnt\0pid\0user\0net\0cgroup\0ipc\0uts\0time\0"
/* The inodes of the namespaces; of the root directory device, inode and the mount that it is in; the bounding set, the effective set, whether
   no privileges are gained (prctl), the mode of seccomp, and the umask. */
#define FRONT_FACTS 16

enum front_message {
    /* front to engine */
    FRONT_HELLO = 1,    /* nothing: answered by FRONT_GREETING */
    FRONT_CALL = 2,     /* uint64 hard limits[FRONT_LIMITS], int64 oom_score_adj, uint32 which of 0, 1, 2 are terminals (1, 2, 4),
                           uint32 count; the working directory, `count` words, the
                           environment: strings, each with a NUL behind */
    FRONT_CONTROL = 3,  /* uint64 token of the FRONT_LAUNCH */
    FRONT_LAUNCHED = 4, /* int32 pid of the shim, or a negative errno */
    FRONT_SIGNAL = 5,   /* int32 number of one that has come */
    FRONT_TROUBLE = 6,  /* int32 errno, int32 descriptor: text could not be printed there, and no more is */
    FRONT_PRINTED = 7,  /* answers FRONT_FLUSH: all before it is printed */
    /* engine to front */
    FRONT_GREETING = 16,/* char build[FRONT_BUILD_SIZE], uint64 facts[FRONT_FACTS] */
    FRONT_ALONE = 17,   /* nothing has been done: the command is to be performed without the engine */
    FRONT_PRINT = 18,   /* uint32 descriptor, text */
    FRONT_LAUNCH = 19,  /* uint64 token, a plan: a shim is started with it, connected by FRONT_CONTROL */
    FRONT_REAP = 20,    /* int32 pid of a child: waited for */
    FRONT_ATTEND = 21,  /* a plan: the front becomes the attendant; the last frame */
    FRONT_END = 22,     /* int32 exit code; the last frame */
    FRONT_SIGNALS = 23, /* uint64 set: from now on these are told by FRONT_SIGNAL, and do nothing else */
    FRONT_FLUSH = 24,   /* answered by FRONT_PRINTED */
    FRONT_KEEP = 25,    /* nothing: signals that come from now on wait for the attendant that the front will be */
};

#endif

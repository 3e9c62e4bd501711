/*
 * What a command of the OCI runtime and the engine that performs it say to each other. Both are of one build, or the command goes on by
 * itself. The same numbers stand in src/oci/front-protocol.ts; a test compares them.
 *
 * Frames as in protocol.h (struct frame_header, then `size` bytes), on FRONT_SOCKET in the engine's run directory. The first frame of a
 * connection is FRONT_HELLO, or FRONT_CONTROL: then it is a shim's control connection from there on.
 */
#ifndef BERTH_FRONT_H
#define BERTH_FRONT_H

#define FRONT_SOCKET "oci.sock"
/* Of the environment: `connection,executable,build`, for the front, the first two descriptors; and that no engine is to be asked. */
#define FRONT_VARIABLE "BERTH_FRONT"
#define FRONT_ALONE_VARIABLE "BERTH_ALONE"

#define FRONT_BUILD_SIZE 16
#define FRONT_LIMITS 16 /* RLIMIT_*, by number */
#define FRONT_NAMESPACES "mnt\0pid\0user\0net\0cgroup\0ipc\0uts\0time\0"
/* The inodes of the namespaces, device and inode of the root directory, the bounding set, the effective set. */
#define FRONT_FACTS 12

enum front_message {
    /* front to engine */
    FRONT_HELLO = 1,    /* nothing: answered by FRONT_GREETING */
    FRONT_CALL = 2,     /* uint64 hard limits[FRONT_LIMITS], int64 oom_score_adj, uint32 count; the working directory, `count` words, the
                           environment: strings, each with a NUL behind */
    FRONT_CONTROL = 3,  /* uint64 token of the FRONT_LAUNCH */
    FRONT_LAUNCHED = 4, /* int32 pid of the shim, or a negative errno */
    /* engine to front */
    FRONT_GREETING = 16,/* char build[FRONT_BUILD_SIZE], uint64 facts[FRONT_FACTS] */
    FRONT_ALONE = 17,   /* nothing has been done: the command is to be performed without the engine */
    FRONT_PRINT = 18,   /* uint32 descriptor, text */
    FRONT_LAUNCH = 19,  /* uint64 token, a plan: a shim is started with it, connected by FRONT_CONTROL */
    FRONT_REAP = 20,    /* int32 pid of a child: waited for */
    FRONT_ATTEND = 21,  /* a plan: the front becomes the attendant; the last frame */
    FRONT_END = 22,     /* int32 exit code; the last frame */
};

#endif

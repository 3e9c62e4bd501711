/*
 * berth's shim: looks after one process. It performs the launch plan that the engine made (descriptor 3), clones the
 * process, keeps its output and its exit status, and outlives the engine. It decides nothing.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "shim.h"

struct context context = {
    .settings = {.run_directory = -1},
    .sync = -1,
    .root = -1,
    .null_device = -1,
    .empty = -1,
    .target_pidfd = -1,
    .console = -1,
    .start_fifo = -1,
    .umask = 022,
    .home = "/",
};

/* Whoever removes what a killed caller has left must not find us at work where it cannot ask us. */
static void die_with_caller(void)
{
    struct pollfd control = {.fd = FD_CONTROL};

    if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0 || getppid() != context.caller || poll(&control, 1, 0) != 0)
        _exit(1);
}

static void detach_from_engine(void)
{
    setsid();
    die_with_caller();
    /* Orphans of an exec come to us, not to the host's init; those of a process that is handed over are not ours. */
    if (!(context.settings.flags & SUPERVISE_HANDOVER))
        prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    prctl(PR_SET_NAME, "berth-shim", 0, 0, 0);
}

static int configure_supervision(const struct op *op, struct failure *why)
{
    struct settings *settings = &context.settings;

    settings->flags = (uint32_t)op_number(op, 0);
    settings->drain_ms = (uint32_t)op_number(op, 3);
    detach_from_engine();
    if (op_string(op, 1).size == 0)
        return 0;
    settings->run_directory = open(op_string(op, 1).bytes, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return settings->run_directory < 0 ? fail(why, "open run directory \"%s\"", op_string(op, 1).bytes) : 0;
}

/* Held for reading and writing: a read of it waits, whether or not there has been a writer yet. */
static int open_start_fifo(const char *path, struct failure *why)
{
    context.start_fifo = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    return context.start_fifo < 0 ? fail(why, "open \"%s\"", path) : 0;
}

/* The ops that only the shim itself performs; others are shared with the child. */
static int prepare(const struct op *op, struct failure *why)
{
    struct settings *settings = &context.settings;

    switch (op->code) {
    case OP_SUPERVISE:
        return configure_supervision(op, why);
    case OP_LOG:
        settings->log_max_bytes = op_number(op, 0);
        settings->log_max_files = (uint32_t)op_number(op, 1);
        settings->log_path = op_string(op, 0).bytes;
        return log_open(settings) < 0 ? fail(why, "open log \"%s\"", settings->log_path) : 0;
    case OP_SPILL:
        settings->spill_max_bytes = op_number(op, 0);
        settings->spill_spare_percent = (uint32_t)op_number(op, 1);
        settings->spill_directory = op_string(op, 0).bytes;
        return 0;
    case OP_OOM_COUNTER:
        settings->oom_counter = op_string(op, 0).bytes;
        return 0;
    case OP_DESCRIPTORS:
        context.preserved = (int)op_number(op, 0);
        context.console = op_number(op, 1) ? FD_EXTRA + context.preserved : -1;
        return 0;
    case OP_START_FIFO:
        return open_start_fifo(op_string(op, 0).bytes, why);
    default:
        return run_op(op, why);
    }
}

/* Who comes after our caller finds us by this. Bound by a relative name: the path of a run directory may be longer than a socket's address. */
static int listen_in_run_directory(struct failure *why)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "shim.sock"};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    umask(0177);
    if (fd < 0 || fchdir(context.settings.run_directory) < 0 ||
        (unlink(address.sun_path) < 0 && errno != ENOENT) ||
        bind(fd, (struct sockaddr *)&address, sizeof address) < 0 || listen(fd, 512) < 0) {
        fail(why, "listen on shim.sock");
        if (fd >= 0)
            close(fd);
        fd = -1;
    }
    umask(0);
    prctl(PR_SET_PDEATHSIG, 0, 0, 0, 0);
    return chdir("/") < 0 ? -1 : fd;
}

/* *cgroup stays -1 where the process is to be born in ours. */
static int open_cgroup(const struct op *clone, int *cgroup, struct failure *why)
{
    struct text directory = op_string(clone, 0);

    *cgroup = directory.size > 0 ? open(directory.bytes, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    return *cgroup < 0 && directory.size > 0 ? fail(why, "open cgroup \"%s\"", directory.bytes) : 0;
}

/* Behind what is to be preserved; the first number that is free then. */
static int keep_extras(void)
{
    int next = FD_EXTRA + context.preserved;

    if (context.target_pidfd < 0)
        close(FD_TARGET);
    if (context.start_fifo < 0)
        return next;
    if (context.start_fifo != next && dup3(context.start_fifo, next, O_CLOEXEC) < 0)
        _exit(1);
    context.start_fifo = next;
    return next + 1;
}

/*
 * All that the child holds: its streams, the socket to the shim, the process it joins, what is in slots. Of the shim's descriptors nothing
 * stays, not even until exec: execve resolves /proc/self/fd/N/… before it closes anything.
 */
static void keep_descriptors(const struct streams *streams, int sync)
{
    if (streams_take(streams) < 0 || dup3(sync, FD_SYNC, O_CLOEXEC) < 0)
        _exit(1);
    context.sync = FD_SYNC;
    if (context.target_pidfd >= 0)
        context.target_pidfd = dup3(context.target_pidfd, FD_TARGET, O_CLOEXEC);
    unsigned first = context.target_pidfd >= 0 ? FD_TARGET + 1 : FD_TARGET;

    if (context.preserved > 0 || context.start_fifo >= 0)
        first = (unsigned)keep_extras();
    if (context.slots > 0 && sys_close_range(first, FD_SLOTS - 1, 0) < 0)
        _exit(1);
    if (sys_close_range(context.slots > 0 ? FD_SLOTS + context.slots : first, ~0u, 0) < 0)
        _exit(1);
}

static bool is_handed_over(void)
{
    return context.settings.flags & SUPERVISE_HANDOVER;
}

/* What shim and child have in common when there are two of them. */
struct launch {
    struct streams streams;
    int pair[2], listener;
};

static int open_launch(struct launch *launch, struct failure *why)
{
    launch->listener = -1;
    if (!is_handed_over() && ((launch->listener = listen_in_run_directory(why)) < 0 || supervise_open(why) < 0))
        return -1;
    if (streams_open(&launch->streams, why) < 0)
        return -1;
    return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, launch->pair) < 0 ? fail(why, "socketpair") : 0;
}

/* From here on there are two: the child performs the rest of the plan and does not return. */
static pid_t clone_child(struct plan *plan, const struct op *clone, const struct launch *launch, int *pidfd, struct failure *why)
{
    cleanup_close int cgroup = -1; /* held, it would outlive its removal */
    uint64_t flags = op_number(clone, 0) | (pidfd == NULL ? CLONE_PARENT : 0);

    if (open_cgroup(clone, &cgroup, why) < 0)
        return -1;
    pid_t child = sys_clone3(flags, pidfd, cgroup);

    if (child == 0) {
        keep_descriptors(&launch->streams, launch->pair[1]);
        run_child(plan);
    }
    return child < 0 ? fail(why, "clone3 with flags 0x%llx", (unsigned long long)flags) : child;
}

static int look_after(pid_t child, int pidfd, const struct launch *launch)
{
    close(launch->pair[1]);
    close(FD_PLAN);
    slots_close();
    streams_close_child_ends(&launch->streams);
    if (is_handed_over())
        return hand_over(child, pidfd, launch->pair[0]);
    return supervise(child, pidfd, launch->pair[0], launch->streams.shim, launch->listener);
}

static int launch(struct plan *plan, const struct op *clone, struct failure *why)
{
    struct launch launch;
    int pidfd = -1;
    pid_t child = open_launch(&launch, why) < 0 ? -1 : clone_child(plan, clone, &launch, &pidfd, why);

    return child < 0 ? -1 : look_after(child, pidfd, &launch);
}

/* What the intermediate process has to say, in memory that it shares with the shim. */
struct staged {
    pid_t child; /* 0: none; `index` and `why` say what has failed */
    uint32_t index;
    struct failure why;
};

/* Gives away what the shim must keep, then clones a brother of itself: the shim is the child's parent. */
static _Noreturn void run_stage(struct plan *plan, struct op *op, const struct launch *launch, struct staged *staged)
{
    const char *directory = op_string(op, 0).bytes;
    int done = chdir(directory) < 0 ? fail(&staged->why, "chdir \"%s\"", directory) : 0;

    context.sync = launch->pair[1];
    while (done == 0 && plan_next(plan, op) == 1) {
        if (op->code == OP_CLONE) {
            pid_t child = clone_child(plan, op, launch, NULL, &staged->why);

            staged->child = child < 0 ? 0 : child;
            break;
        }
        done = run_op(op, &staged->why);
    }
    staged->index = op->index;
    _exit(0);
}

/* The process need not be a child of ours. */
static void wait_for(int pidfd)
{
    struct pollfd watched = {.fd = pidfd, .events = POLLIN};

    while (poll(&watched, 1, -1) < 0 && errno == EINTR)
        ;
    close(pidfd);
}

static int stage(struct plan *plan, struct op *op, struct failure *why)
{
    struct launch launch;
    struct staged *staged = mmap(NULL, sizeof *staged, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    if (staged == MAP_FAILED)
        return fail(why, "mmap");
    if (open_launch(&launch, why) < 0)
        return -1;
    staged->why = (struct failure){.error = EBADMSG, .object = "the process before the clone ended"};
    /* The child's brother: both are the children of whom the child is handed over to, or of ours. */
    int ended = -1;
    pid_t intermediate = sys_clone3(is_handed_over() ? CLONE_PARENT : 0, &ended, -1);

    if (intermediate < 0)
        return fail(why, "fork");
    if (intermediate == 0)
        run_stage(plan, op, &launch, staged);
    wait_for(ended);
    if (staged->child == 0) {
        op->index = staged->index;
        *why = staged->why;
        return -1;
    }
    /* Ours: it is there under this number until we have waited for it. */
    int pidfd = sys_pidfd_open(staged->child);

    return pidfd < 0 ? fail(why, "pidfd_open %d", staged->child) : look_after(staged->child, pidfd, &launch);
}

static int perform(struct plan *plan, struct op *op, struct failure *why)
{
    int next;

    while ((next = plan_next(plan, op)) == 1) {
        if (op->code == OP_CLONE)
            return launch(plan, op, why);
        if (op->code == OP_STAGE)
            return stage(plan, op, why);
        if (op->code == OP_ATTEND)
            return attend(plan, op, why);
        if (prepare(op, why) < 0)
            return -1;
    }
    errno = next < 0 ? EBADMSG : ENOEXEC;
    return fail(why, "plan without a clone");
}

/* A failure before there is anything to look after: one frame, one record, the end. */
static void report(uint32_t op, const struct failure *why)
{
    if (context.settings.run_directory >= 0)
        record_failure(context.settings.run_directory, (int)op, why);
    frame_failure(MSG_FAILED, op, why->error, why->object);
}

static void be_left_alone(void)
{
    sigset_t all;

    umask(0);
    /* Nobody ends a shim by a signal but SIGKILL; the end of its child is read from a descriptor. */
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    /* A container that is joined must not be able to trace us. */
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

int shim(void)
{
    struct failure why = {0};
    struct plan plan;
    struct op op = {0};
    int code;

    /* The child will reuse both numbers; were one of them free now, something else of ours would get it. */
    if (fcntl(FD_PLAN, F_SETFD, FD_CLOEXEC) < 0 || fcntl(FD_CONTROL, F_SETFD, FD_CLOEXEC) < 0)
        return 1;
    be_left_alone();
    code = plan_open(&plan, FD_PLAN, &why) < 0 ? -1 : perform(&plan, &op, &why);
    if (code >= 0)
        return code;
    report(op.index, &why);
    return 1;
}

/*
 * The seccomp filter, and the listener that decides for it. A filter may ask its listener about every call the child
 * makes, and who listens is told by the shim. So a messenger is made before the filter is loaded: it has no filter, shares the
 * child's descriptors, and hands the listener over while the child waits without a system call. That the messenger has ended, by
 * whatever signal, is written into the child's memory by the kernel: what they share holds a robust futex (get_robust_list(2)).
 */
#define _GNU_SOURCE
#include <linux/filter.h>
#include <linux/futex.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "shim.h"

#define AGENT_TIMEOUT_SECONDS 10
#define PIECES_LIMIT 3

/* What child and messenger tell each other in shared memory: one of these, or the number of the listener. */
#define LOADING 0
#define DELIVERED (-1)
#define LOST (-2)

/* In the shim: who is to have the listener, and what it is told. */
static int agent = -1;
static struct op introduction;
/* Of a process that gives way to another: whom to tell about is not known yet, so that its calls, which are ours, go on. */
static int kept = -1;

int op_seccomp_listener(const struct op *op, struct failure *why)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct timeval patience = {.tv_sec = AGENT_TIMEOUT_SECONDS};
    struct text path = op_string(op, 0);

    errno = ENAMETOOLONG;
    if (path.size >= sizeof address.sun_path || op->strings - 1 > PIECES_LIMIT)
        return fail(why, "seccomp listener \"%s\"", path.bytes);
    memcpy(address.sun_path, path.bytes, path.size);
    agent = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    /* For connect, too: nobody waits for ever on one who listens and never accepts. */
    if (agent < 0 || setsockopt(agent, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience) < 0 ||
        connect(agent, (struct sockaddr *)&address, sizeof address) < 0)
        return fail(why, "connect to seccomp listener \"%s\"", path.bytes);
    introduction = *op;
    return 0;
}

/* One message with the descriptor; the connection ends behind it. */
static int introduce(int socket, int listener, pid_t process)
{
    struct iovec parts[2 * PIECES_LIMIT];
    union descriptor_space space;
    struct msghdr message = {.msg_iov = parts};
    char pid[16];
    ssize_t whole = 0;
    int digits = snprintf(pid, sizeof pid, "%d", process);

    for (unsigned piece = 1; piece < introduction.strings; piece++) {
        struct text text = op_string(&introduction, piece);

        if (piece > 1)
            parts[message.msg_iovlen++] = (struct iovec){pid, (size_t)digits};
        parts[message.msg_iovlen++] = (struct iovec){(char *)(uintptr_t)text.bytes, text.size};
        whole += text.size + (piece > 1 ? digits : 0);
    }
    put_descriptor(&message, &space, listener);
    ssize_t sent = sendmsg(socket, &message, MSG_NOSIGNAL);

    if (sent >= 0 && sent < whole)
        errno = EMSGSIZE;
    return sent == whole ? 0 : -1;
}

static int pass_on(int listener, pid_t process, struct failure *why)
{
    cleanup_close int socket = agent;

    agent = -1;
    if (listener < 0 || socket < 0 || introduce(socket, listener, process) < 0)
        return fail(why, "send to seccomp listener \"%s\"", op_string(&introduction, 0).bytes);
    return 0;
}

int seccomp_listener_take(struct msghdr *from_child, pid_t process, struct failure *why)
{
    cleanup_close int listener = take_descriptor(from_child);

    if (op_number(&introduction, 0) == 0)
        return pass_on(listener, process, why);
    kept = listener;
    listener = -1;
    return kept < 0 ? fail(why, "receive the seccomp listener") : 0;
}

int seccomp_listener_kept(void)
{
    return kept;
}

int seccomp_listener_give(pid_t process, struct failure *why)
{
    cleanup_close int listener = kept;

    kept = -1;
    return pass_on(listener, process, why);
}

void seccomp_listener_continue(void)
{
    /* A newer kernel's may be longer. */
    union {
        struct seccomp_notif call;
        char bytes[1024];
    } asked = {.bytes = ""};
    union {
        struct seccomp_notif_resp call;
        char bytes[1024];
    } answer = {.bytes = ""};

    if (ioctl(kept, SECCOMP_IOCTL_NOTIF_RECV, &asked) < 0)
        return; /* who called is gone */
    answer.call.id = asked.call.id;
    answer.call.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
    ioctl(kept, SECCOMP_IOCTL_NOTIF_SEND, &answer);
}

/* In the child: the number of the listener where one was asked for, else 0. */
static int load(const struct op *op, struct failure *why)
{
    struct text filter = op_string(op, 0);
    static struct sock_filter aligned[BPF_MAXINSNS];
    struct sock_fprog program = {.len = (unsigned short)(filter.size / sizeof *aligned), .filter = aligned};

    errno = E2BIG;
    if (filter.size > sizeof aligned)
        return fail(why, "seccomp filter of %u bytes", filter.size);
    memcpy(aligned, filter.bytes, filter.size);
    long listener = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, op_number(op, 0), &program);

    return listener < 0 ? fail(why, "seccomp") : (int)listener;
}

struct shared {
    atomic_int said;
    atomic_uint owner; /* the messenger's number; 0 before it is at work; the kernel adds FUTEX_OWNER_DIED */
    struct robust_list lock; /* says to the kernel where `owner` is */
};

/* In the child: what it shares with its messenger. */
static struct {
    pid_t pid;
    int bell; /* rung right before the filter is loaded */
    struct shared *shared;
} messenger;

/* From here on the kernel marks `owner` when we end. */
static int own(struct shared *shared)
{
    static struct robust_list_head locks = {.futex_offset = offsetof(struct shared, owner) - offsetof(struct shared, lock)};

    locks.list.next = &shared->lock;
    shared->lock.next = &locks.list;
    if (syscall(SYS_set_robust_list, &locks, sizeof locks) < 0)
        return -1;
    atomic_store(&shared->owner, (unsigned)getpid());
    return 0;
}

/* The child's copy is closed in its table: one who dies must not be waited for because the child itself holds what it held. */
static _Noreturn void run_messenger(pid_t child)
{
    struct shared *shared = messenger.shared;
    uint64_t rung;
    int listener;

    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    if (own(shared) < 0 || getppid() != child || read(messenger.bell, &rung, sizeof rung) != sizeof rung)
        _exit(1);
    while ((listener = atomic_load(&shared->said)) == LOADING)
        sched_yield();
    if (listener > 0) {
        bool delivered = send_descriptor(SYNC_LISTENER, (uint32_t)rung, listener) == 0 && hear_go() == 0;

        close(listener);
        atomic_store(&shared->said, delivered ? DELIVERED : LOST);
    }
    _exit(0);
}

int op_seccomp_messenger(const struct op *op, struct failure *why)
{
    pid_t child = getpid();

    (void)op;
    messenger.shared = mmap(NULL, sizeof *messenger.shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    messenger.bell = eventfd(0, EFD_CLOEXEC);
    if (messenger.shared == MAP_FAILED || messenger.bell < 0)
        return fail(why, "memory for the seccomp listener");
    messenger.pid = (pid_t)syscall(SYS_clone, CLONE_FILES, NULL, NULL, NULL, NULL);
    if (messenger.pid == 0)
        run_messenger(child);
    return messenger.pid < 0 ? fail(why, "clone for the seccomp listener") : 0;
}

static bool messenger_lives(void)
{
    return !(atomic_load(&messenger.shared->owner) & FUTEX_OWNER_DIED);
}

/* It may still be on its way to its work, or have ended before. */
static bool messenger_is_at_work(void)
{
    while (atomic_load(&messenger.shared->owner) == 0) {
        if (waitpid(messenger.pid, NULL, WNOHANG | __WALL) != 0)
            return false;
        sched_yield();
    }
    return messenger_lives();
}

static int fail_without_messenger(struct failure *why)
{
    return errno = 0, fail(why, "the seccomp listener was not handed over: its messenger was killed");
}

/* The bell says which op of the plan it is; never 0, as there is a clone before it. */
static int load_with_listener(const struct op *op, struct failure *why)
{
    struct shared *shared = messenger.shared;
    uint64_t index = op->index;

    if (shared == NULL)
        return errno = ENOTCONN, fail(why, "seccomp without a messenger");
    if (!messenger_is_at_work())
        return fail_without_messenger(why);
    if (write(messenger.bell, &index, sizeof index) != sizeof index)
        return fail(why, "call the seccomp messenger");
    int listener = load(op, why);

    atomic_store(&shared->said, listener < 0 ? LOST : listener);
    while (atomic_load(&shared->said) == listener && messenger_lives())
        ; /* no system call: it would be asked about, and nobody is there to answer */
    if (listener >= 0 && atomic_load(&shared->said) == listener)
        return fail_without_messenger(why); /* which is told by a write and answered by SIGKILL: to exit would be asked about, too */
    waitpid(messenger.pid, NULL, __WALL);
    if (listener >= 0 && atomic_load(&shared->said) == LOST)
        return errno = EPIPE, fail(why, "hand over the seccomp listener");
    return listener < 0 ? -1 : 0;
}

int op_seccomp(const struct op *op, struct failure *why)
{
    umask(context.umask); /* nothing is made from here on, and the filter may forbid to say it later */
    if (op_number(op, 0) & SECCOMP_FILTER_FLAG_NEW_LISTENER)
        return load_with_listener(op, why);
    return load(op, why) < 0 ? -1 : 0;
}

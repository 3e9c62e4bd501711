/* A process that the shim does not keep: it becomes a child of whoever called, and the shim ends when it needs nobody any more. */
#define _GNU_SOURCE
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>

#include "shim.h"

static void say(enum message_type type, const void *payload, size_t size)
{
    struct {
        struct frame_header header;
        char payload[512];
    } frame = {.header = {.size = (uint32_t)size, .type = (uint16_t)type}};

    memcpy(frame.payload, payload, size);
    send(FD_CONTROL, &frame, sizeof frame.header + size, MSG_NOSIGNAL);
}

void frame_failure(enum message_type type, uint32_t op, int error, const char *object)
{
    say_failure(say, type, op, error, object);
}

/* The caller opens the barrier that it has been told of, or it is gone. */
static bool hear_start(void)
{
    struct {
        struct frame_header header;
        uint32_t barrier;
    } frame;

    return recv(FD_CONTROL, &frame, sizeof frame, MSG_WAITALL) == sizeof frame && frame.header.type == MSG_START;
}

static void wait_at_barrier(int pidfd, int sync)
{
    struct sync_message go = {.type = SYNC_GO};

    if (!hear_start() || send(sync, &go, sizeof go, MSG_NOSIGNAL) < 0)
        sys_pidfd_signal(pidfd, SIGKILL);
}

/* The master goes on to the console socket, with the name that runc sends. */
static void pass_terminal(struct msghdr *message)
{
    static char name[] = "/dev/ptmx";
    struct iovec part = {name, sizeof name - 1};
    union descriptor_space space;
    struct msghdr onward = {.msg_iov = &part, .msg_iovlen = 1};
    cleanup_close int master = take_descriptor(message);

    if (master < 0)
        return;
    put_descriptor(&onward, &space, master);
    sendmsg(context.console, &onward, MSG_NOSIGNAL);
}

/* Whom it is about, from now on: an exec's process is followed by one in the container's pid namespace. */
struct handed_over {
    pid_t pid;
    int pidfd, sync;
    uint64_t start_time;
    bool failed;
};

static void record_created(const struct handed_over *process)
{
    if (context.settings.run_directory >= 0)
        record_state(context.settings.run_directory, "created", process->pid, process->start_time);
}

static void enter(const struct handed_over *process, uint32_t phase)
{
    say_state(say, phase, process->pid, process->start_time);
}

/* It would end by itself, but for a filter that asks about every call and has nobody to ask. */
static void process_failed(struct handed_over *process, uint32_t op, int error, const char *object)
{
    process->failed = true;
    frame_failure(MSG_FAILED, op, error, object);
    sys_pidfd_signal(process->pidfd, SIGKILL);
}

/* The child waits for this or for its end. */
static void answer_child(struct handed_over *process, int outcome, uint32_t op, const struct failure *why)
{
    struct sync_message go = {.type = SYNC_GO, .index = op};

    if (outcome == 0) {
        send(process->sync, &go, sizeof go, MSG_NOSIGNAL);
        return;
    }
    process_failed(process, op, why->error, why->object);
}

/* Only a brother can be meant: whoever is told of the process signals it, and that must be no stranger. */
static void change_process(struct handed_over *process, pid_t pid)
{
    struct failure why;

    if (parent_of(pid) != getppid())
        return;
    close(process->pidfd);
    process->pid = pid;
    process->pidfd = sys_pidfd_open(pid);
    process->start_time = start_time_of(pid);
    record_created(process);
    enter(process, PHASE_CLONED);
    answer_child(process, seccomp_listener_kept() < 0 ? 0 : seccomp_listener_give(pid, &why), 0, &why);
}

static void pass_listener(struct handed_over *process, struct msghdr *message, uint32_t op)
{
    struct failure why;

    answer_child(process, seccomp_listener_take(message, process->pid, &why), op, &why);
}

static void hear(struct handed_over *process, struct sync_message *said, struct msghdr *message)
{
    switch (said->type) {
    case SYNC_READY:
        if (said->error == BARRIER_START)
            enter(process, PHASE_READY);
        else
            say(MSG_BARRIER, &said->error, sizeof said->error);
        wait_at_barrier(process->pidfd, process->sync);
        return;
    case SYNC_CONSOLE:
        return pass_terminal(message);
    case SYNC_PARKING:
        return answer_child(process, 0, said->index, NULL);
    case SYNC_LISTENER:
        return pass_listener(process, message, said->index);
    case SYNC_SUCCESSOR:
        return change_process(process, (pid_t)said->index);
    case SYNC_WARNING:
        return frame_failure(MSG_WARNING, said->index, said->error, said->object);
    default:
        return process_failed(process, said->index, said->error, said->object);
    }
}

/* Until the child has said something, or is gone. What is asked of a listener meanwhile goes on. */
static void wait_for_child(int sync)
{
    struct pollfd watched[] = {{.fd = sync, .events = POLLIN}, {.fd = seccomp_listener_kept(), .events = POLLIN}};

    while (watched[0].revents == 0) {
        if (poll(watched, array_size(watched), -1) < 0 && errno != EINTR)
            return;
        if (watched[1].revents & POLLIN)
            seccomp_listener_continue();
        else if (watched[1].revents != 0)
            watched[1].fd = -1; /* nobody is under the filter any more */
    }
}

int hand_over(pid_t child, int pidfd, int sync)
{
    struct handed_over process = {child, pidfd, sync, start_time_of(child), false};

    record_created(&process);
    enter(&process, PHASE_CLONED);
    for (;;) {
        struct sync_message said;
        struct iovec part = {&said, sizeof said};
        union descriptor_space space;
        struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = &space, .msg_controllen = sizeof space};

        if (seccomp_listener_kept() >= 0)
            wait_for_child(sync);
        ssize_t size = recvmsg(sync, &message, MSG_CMSG_CLOEXEC);

        if (size < 0 && errno == ECONNRESET)
            continue; /* it ended before it had read all; what it said before that is still to come */
        if (size != (ssize_t)sizeof said)
            break;
        said.object[sizeof said.object - 1] = 0;
        hear(&process, &said, &message);
    }
    if (!process.failed)
        enter(&process, PHASE_RUNNING);
    return process.failed ? 1 : 0;
}

/* The child's end of the socket to its shim. */
#define _GNU_SOURCE
#include <stdio.h>
#include <sys/socket.h>

#include "shim.h"

/* By write and read: a container's own filter, which may hold by now, lets these through if anything. */
int tell_shim(enum sync_type type, uint32_t index, int error, const char *object)
{
    struct sync_message message = {.type = type, .index = index, .error = error};

    snprintf(message.object, sizeof message.object, "%s", object);
    return write(context.sync, &message, sizeof message) < 0 ? -1 : 0;
}

void warn_shim(const struct op *op, const char *object, int error)
{
    tell_shim(SYNC_WARNING, op->index, error, object);
}

int send_descriptor(enum sync_type type, uint32_t index, int fd)
{
    struct sync_message message = {.type = type, .index = index};
    struct iovec part = {&message, sizeof message};
    union descriptor_space space;
    struct msghdr packet = {.msg_iov = &part, .msg_iovlen = 1};

    put_descriptor(&packet, &space, fd);
    return sendmsg(context.sync, &packet, MSG_NOSIGNAL) < 0 ? -1 : 0;
}

int send_process(pid_t pid)
{
    return tell_shim(SYNC_PROCESS, (uint32_t)pid, 0, "");
}

int send_running(void)
{
    return tell_shim(SYNC_RUNNING, 0, 0, "");
}

int hear_go(void)
{
    struct sync_message answer;
    ssize_t size = read(context.sync, &answer, sizeof answer);

    return size == (ssize_t)sizeof answer && answer.type == SYNC_GO ? 0 : -1;
}

void leave_shim(void)
{
    close(context.sync);
    context.sync = -1;
}

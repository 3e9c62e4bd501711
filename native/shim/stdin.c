/* The process's standard input: one bounded buffer. While it is full no client is read, so nobody waits for anybody. */
#define _GNU_SOURCE
#include <string.h>
#include <sys/epoll.h>

#include "shim.h"

static struct {
    int epoll, fd;
    bool close_with_client, ended, armed, closed;
    size_t start, size;
} input = {.fd = -1};

/* What the process has not taken yet. */
static char buffer[INPUT_SIZE];

const void *stdin_source(void)
{
    return &input;
}

void stdin_open(int epoll, int fd, bool close_with_client)
{
    input.epoll = epoll;
    input.fd = fd;
    input.close_with_client = close_with_client;
    connections_read_input(true);
}

bool stdin_closed(void)
{
    return input.closed || !(context.settings.flags & SUPERVISE_STDIN);
}

bool stdin_wants(void)
{
    return input.fd >= 0 && !input.ended && input.size == 0;
}

/* Waits for room in the pipe, or stops waiting. */
static void arm(bool wanted)
{
    struct epoll_event event = {.events = EPOLLOUT, .data.ptr = &input};

    if (wanted == input.armed)
        return;
    if (epoll_ctl(input.epoll, wanted ? EPOLL_CTL_ADD : EPOLL_CTL_DEL, input.fd, &event) == 0)
        input.armed = wanted;
}

void stdin_close(void)
{
    if (input.fd < 0)
        return;
    arm(false);
    close(input.fd);
    input.fd = -1;
    input.size = 0;
    input.closed = true;
    connections_end_input();
}

void stdin_ready(void)
{
    while (input.fd >= 0 && input.size > 0) {
        ssize_t written = write(input.fd, buffer + input.start, input.size);

        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0 && errno == EAGAIN)
            break;
        if (written < 0)
            return stdin_close(); /* EPIPE: the process does not read any more */
        input.start += (size_t)written;
        input.size -= (size_t)written;
    }
    if (input.fd >= 0 && input.size == 0 && input.ended)
        return stdin_close();
    if (input.fd >= 0)
        arm(input.size > 0);
    connections_read_input(stdin_wants());
}

void stdin_write(const char *bytes, size_t size)
{
    if (!stdin_wants())
        return;
    memcpy(buffer, bytes, size);
    input.start = 0;
    input.size = size;
    stdin_ready();
}

void stdin_client_ended(void)
{
    if (!input.close_with_client || input.fd < 0)
        return;
    input.ended = true;
    stdin_ready();
}

/*
 * Readiness (sd_notify(3)): what a container's program says at a socket of its own goes on to the service manager's. Nothing else
 * does: which process is the service's main one, what is stored for it and what its watchdog does is not for a container to say.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "shim.h"

/* As much of a message as the service manager itself reads. */
#define MESSAGE_SIZE 4096
/* A service manager that does not read for so long does not hold up a container. */
#define PATIENCE_SECONDS 30
/* More than a socket of datagrams usually holds (net.unix.max_dgram_qlen). */
#define LAST_MESSAGES 1024
#define READY "READY=1"

enum word { NOTHING, ANYTHING, READINESS };

/* The next message: it is about readiness when one of its lines says so. Descriptors that come with it are not taken. */
static enum word hear(int socket)
{
    char message[MESSAGE_SIZE + 1], *line = message, *next;
    ssize_t size = recv(socket, message, MESSAGE_SIZE, MSG_DONTWAIT);

    if (size < 0)
        return NOTHING;
    message[size] = 0;
    while ((next = strsep(&line, "\n")) != NULL)
        if (strcmp(next, READY) == 0)
            return READINESS;
    return ANYTHING;
}

/* A path, or `@` and a name that is no file's. */
static int connect_manager(const char *address)
{
    struct timeval patience = {.tv_sec = PATIENCE_SECONDS};
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    size_t size = strlen(address);
    int manager;

    if (size >= sizeof to.sun_path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memcpy(to.sun_path, address, size);
    if (*address == '@')
        to.sun_path[0] = 0;
    manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (manager < 0)
        return -1;
    if (setsockopt(manager, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience) == 0 &&
        connect(manager, (struct sockaddr *)&to, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size)) == 0)
        return manager;
    close(manager);
    return -1;
}

/* Until the service manager has closed its copy of a descriptor: then it has read all, and seen by whom it was sent. */
static void wait_until_read(int manager)
{
    static char barrier[] = "BARRIER=1";
    union descriptor_space space;
    struct iovec part = {.iov_base = barrier, .iov_len = sizeof barrier - 1};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    int ends[2];

    if (pipe2(ends, O_CLOEXEC) < 0)
        return;
    put_descriptor(&message, &space, ends[1]);
    bool sent = sendmsg(manager, &message, MSG_NOSIGNAL) >= 0;
    struct pollfd read_end = {.fd = ends[0]};

    close(ends[1]);
    if (sent)
        poll(&read_end, 1, PATIENCE_SECONDS * 1000);
    close(ends[0]);
}

/* `main`: the process that the service manager looks after from now on. Who leaves then is the sender until the message was read. */
static bool tell_readiness(const char *address, pid_t main, bool leaving)
{
    cleanup_close int manager = connect_manager(address);
    char message[64];
    int size = snprintf(message, sizeof message, "MAINPID=%d\n" READY "\n", main);

    if (manager < 0 || send(manager, message, (size_t)size, MSG_NOSIGNAL) < 0) {
        dprintf(STDERR_FILENO, "berth: the service manager's socket %s cannot be told that the container is ready: %s\n",
                address, strerror(errno));
        return false;
    }
    if (leaving)
        wait_until_read(manager);
    return true;
}

/* What is there by now, which others may go on and on with: READINESS where some of it is about that. */
static enum word hear_all(int socket)
{
    enum word said = ANYTHING;

    for (unsigned count = 0; said == ANYTHING && count < LAST_MESSAGES; count++)
        said = hear(socket);
    return said;
}

void relay_readiness(int socket, const char **address)
{
    if (socket < 0 || hear_all(socket) != READINESS || *address == NULL)
        return;
    tell_readiness(*address, getpid(), false);
    *address = NULL; /* what is said from here on is read, so that nobody waits for that, and goes nowhere */
}

int await_readiness(int socket, const char *address, pid_t process)
{
    cleanup_close int pidfd = sys_pidfd_open(process);
    struct pollfd watched[] = {{.fd = socket, .events = POLLIN}, {.fd = pidfd, .events = POLLIN}};
    bool ended = pidfd < 0; /* and was buried before we looked: what it said is there */
    sigset_t none;

    /* Who does not want to wait any longer may end us: the process is on its own. */
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    for (;;) {
        if (!ended && poll(watched, array_size(watched), -1) < 0 && errno != EINTR)
            return 1;
        ended = ended || watched[1].revents != 0;
        if (hear_all(socket) == READINESS)
            return tell_readiness(address, process, true) ? 0 : 1;
        if (ended)
            return 0;
    }
}

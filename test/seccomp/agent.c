/*
 * A seccomp agent for tests: `agent SOCKET`. Prints `listening`, then for every listener that it is given the introduction, and for every mkdir
 * its path. A directory whose name is `faked` is said to be made, one named `refused` is denied; everything else goes on to the kernel.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

static int listen_at(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    strncpy(address.sun_path, path, sizeof address.sun_path - 1);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) < 0 || listen(fd, 8) < 0) {
        perror(path);
        exit(1);
    }
    printf("listening\n");
    fflush(stdout);
    return fd;
}

/* Prints what comes up to the end of the connection, on one line; answers the descriptor. */
static int take_listener(int connection)
{
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(int))];
    } space;
    char text[65536];
    struct iovec part = {text, sizeof text};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = &space, .msg_controllen = sizeof space};
    ssize_t size = recvmsg(connection, &message, MSG_CMSG_CLOEXEC);
    int listener = -1;

    if (size > 0 && CMSG_FIRSTHDR(&message) != NULL)
        memcpy(&listener, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof listener);
    while (size > 0) {
        fwrite(text, 1, (size_t)size, stdout);
        size = read(connection, text, sizeof text);
    }
    printf("\n");
    fflush(stdout);
    return listener;
}

static int judge(const struct seccomp_notif *asked, uint32_t *flags)
{
    char file[32], path[256] = "";

    snprintf(file, sizeof file, "/proc/%u/mem", asked->pid);
    int memory = asked->data.nr == SYS_mkdir ? open(file, O_RDONLY | O_CLOEXEC) : -1;

    if (memory >= 0) {
        if (pread(memory, path, sizeof path - 1, (off_t)asked->data.args[0]) < 0)
            perror(file);
        printf("mkdir %s\n", path);
        fflush(stdout);
        close(memory);
    }
    if (strcmp(path, "/faked") == 0)
        return 0;
    if (strcmp(path, "/refused") == 0)
        return -EDQUOT;
    *flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
    return 0;
}

static void serve(int listener)
{
    struct pollfd wait = {.fd = listener, .events = POLLIN};

    while (poll(&wait, 1, -1) == 1 && !(wait.revents & POLLHUP)) {
        struct seccomp_notif asked = {0};
        struct seccomp_notif_resp answer = {0};

        if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &asked) < 0)
            continue;
        answer.id = asked.id;
        answer.error = judge(&asked, &answer.flags);
        ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &answer);
    }
}

int main(int argc, char **argv)
{
    int sockets = listen_at(argv[argc - 1]);

    signal(SIGCHLD, SIG_IGN);
    for (;;) {
        int connection = accept4(sockets, NULL, NULL, SOCK_CLOEXEC);

        if (connection >= 0 && fork() == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            serve(take_listener(connection));
            return 0;
        }
        close(connection);
    }
}

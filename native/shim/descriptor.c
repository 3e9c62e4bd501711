/* A descriptor that goes with a message over a unix socket. */
#define _GNU_SOURCE
#include <poll.h>
#include <string.h>

#include "shim.h"

void put_descriptor(struct msghdr *message, union descriptor_space *space, int fd)
{
    *space = (union descriptor_space){
        .header = {.cmsg_len = CMSG_LEN(sizeof fd), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS}};
    memcpy(CMSG_DATA(&space->header), &fd, sizeof fd);
    message->msg_control = space;
    message->msg_controllen = sizeof *space;
}

int take_descriptor(struct msghdr *message)
{
    struct cmsghdr *control = CMSG_FIRSTHDR(message);
    int fd;

    if (control == NULL || control->cmsg_type != SCM_RIGHTS)
        return errno = EBADMSG, -1;
    memcpy(&fd, CMSG_DATA(control), sizeof fd);
    return fd;
}

bool write_all(int fd, const char *bytes, size_t size)
{
    while (size > 0) {
        struct pollfd room = {.fd = fd, .events = POLLOUT};
        ssize_t written = write(fd, bytes, size);

        if (written < 0 && errno == EAGAIN)
            poll(&room, 1, -1); /* whoever gave it to us does not want to wait; we have nothing else to do */
        else if (written < 0 && errno != EINTR)
            return false;
        if (written > 0)
            bytes += written, size -= (size_t)written;
    }
    return true;
}

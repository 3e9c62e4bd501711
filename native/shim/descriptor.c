/* A descriptor that goes with a message over a unix socket. */
#define _GNU_SOURCE
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

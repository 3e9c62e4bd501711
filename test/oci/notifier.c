/* For tests: sends each argument behind the first as one message to that unix datagram socket; a barrier as sd_notify_barrier(3) does. */
#define _GNU_SOURCE
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define BARRIER "BARRIER=1"
#define PATIENCE_MS 5000

/* Waits until the descriptor that goes with it has been closed. */
static int pass_barrier(int sender, struct sockaddr_un *to)
{
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control = {.bytes = {0}};
    struct iovec part = {.iov_base = (char[]){BARRIER}, .iov_len = sizeof BARRIER - 1};
    struct msghdr message = {
        .msg_name = to,
        .msg_namelen = sizeof *to,
        .msg_iov = &part,
        .msg_iovlen = 1,
        .msg_control = &control,
        .msg_controllen = sizeof control,
    };
    int ends[2];

    if (pipe(ends) < 0)
        return -1;
    control.header = (struct cmsghdr){
        .cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
    memcpy(CMSG_DATA(&control.header), &ends[1], sizeof ends[1]);
    if (sendmsg(sender, &message, 0) < 0)
        return -1;
    close(ends[1]);
    return poll(&(struct pollfd){.fd = ends[0]}, 1, PATIENCE_MS) == 1 ? 0 : -1;
}

static int say(int sender, struct sockaddr_un *to, const char *word)
{
    if (strcmp(word, BARRIER) == 0)
        return pass_barrier(sender, to);
    return sendto(sender, word, strlen(word), 0, (struct sockaddr *)to, sizeof *to) < 0 ? -1 : 0;
}

int main(int count, char **words)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    int sender = socket(AF_UNIX, SOCK_DGRAM, 0);

    if (count < 2 || strlen(words[1]) >= sizeof to.sun_path)
        return 1;
    strcpy(to.sun_path, words[1]);
    for (int index = 2; index < count; index++)
        if (say(sender, &to, words[index]) < 0) {
            perror(words[1]);
            return 1;
        }
    return 0;
}

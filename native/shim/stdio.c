/* The process's standard streams: pipes to the shim, or the null device until a terminal takes their place. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "shim.h"

int streams_open(struct streams *streams, struct failure *why)
{
    bool pipes = !(context.settings.flags & SUPERVISE_TTY);

    if (pipes && (context.settings.flags & SUPERVISE_HANDOVER)) {
        *streams = (struct streams){.child = {0, 1, 2}, .shim = {-1, -1, -1}};
        return 0;
    }
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);

    if (null < 0)
        return fail(why, "open /dev/null");
    for (int fd = 0; fd < 3; fd++) {
        bool wanted = pipes && (fd > 0 || (context.settings.flags & SUPERVISE_STDIN));
        int ends[2];

        streams->child[fd] = null;
        streams->shim[fd] = -1;
        if (!wanted)
            continue;
        if (pipe2(ends, O_CLOEXEC) < 0)
            return fail(why, "pipe");
        streams->child[fd] = ends[fd > 0];
        streams->shim[fd] = ends[fd == 0];
        /* The child itself may not give away what belongs to nobody in its user namespace. */
        if (context.settings.owner_uid != 0 && fchown(ends[0], context.settings.owner_uid, context.settings.owner_gid) < 0)
            return fail(why, "chown of a pipe to %u", context.settings.owner_uid);
        fcntl(streams->shim[fd], F_SETFL, O_NONBLOCK);
    }
    return 0;
}

void streams_close_child_ends(const struct streams *streams)
{
    if (streams->child[0] == 0)
        return; /* our own: they go with us */
    for (int fd = 0; fd < 3; fd++)
        if (fd == 0 || streams->child[fd] != streams->child[0])
            close(streams->child[fd]);
}

int streams_take(const struct streams *streams)
{
    for (int fd = 0; fd < 3; fd++)
        if (dup2(streams->child[fd], fd) < 0)
            return -1;
    return 0;
}

bool is_null_device(int fd)
{
    struct stat status;

    return fstat(fd, &status) == 0 && S_ISCHR(status.st_mode) && status.st_rdev == makedev(1, 3);
}

/* The container's own null device, or -1: looked at before it is opened, and again, as it may be another by then. */
static int open_null_device(void)
{
    cleanup_close int seen = root_open("dev/null", 0, O_PATH);

    if (seen < 0 || !is_null_device(seen))
        return -1;
    int opened = root_open("dev/null", 0, O_RDWR | O_NONBLOCK | O_NOCTTY);

    if (opened < 0 || is_null_device(opened))
        return opened;
    close(opened);
    return -1;
}

/* Where the container has no genuine null device it is a pipe that has ended. */
static int open_nothing(void)
{
    int ends[2], null = open_null_device();

    if (null >= 0)
        return null;
    if (pipe2(ends, O_CLOEXEC) < 0)
        return -1;
    close(ends[1]);
    return ends[0];
}

int streams_leave_host(struct failure *why)
{
    for (int fd = 0; fd < 3; fd++) {
        if (!is_null_device(fd))
            continue;
        cleanup_close int nothing = open_nothing();

        if (nothing < 0 || dup2(nothing, fd) < 0)
            return fail(why, "open /dev/null of the container");
    }
    return 0;
}

int streams_own(uid_t uid)
{
    struct stat status;

    for (int fd = 0; fd < 3; fd++) {
        if (fstat(fd, &status) < 0)
            return -1;
        bool ours = S_ISFIFO(status.st_mode) || isatty(fd);

        if (ours && status.st_uid != uid && fchown(fd, uid, (gid_t)-1) < 0 && errno != EROFS && errno != EPERM)
            return -1;
    }
    return 0;
}

/*
 * What the process printed and some client has not been sent yet: records in one file without a name, for all clients
 * together. Who lags behind reads from its own place; what the slowest has passed is given back to the disk.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/statvfs.h>

#include "shim.h"

/* Holes are made, and the disk is looked at, once for so many bytes. */
#define PIECE (1 << 20)

static struct {
    int fd;
    off_t end, passed;
} backlog = {.fd = -1};

off_t backlog_end(void)
{
    return backlog.end;
}

static bool open_file(void)
{
    const char *directory = context.settings.spill_directory;

    if (backlog.fd < 0 && directory != NULL)
        backlog.fd = open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    return backlog.fd >= 0;
}

bool backlog_append(const struct iovec *parts, int number)
{
    ssize_t size = 0;

    for (int index = 0; index < number; index++)
        size += (ssize_t)parts[index].iov_len;
    /* What a full disk took of it is not behind the end: the next record overwrites it. */
    if (!open_file() || pwritev(backlog.fd, parts, number, backlog.end) != size)
        return false;
    backlog.end += size;
    return true;
}

bool backlog_has_room(off_t before)
{
    struct statvfs disk;

    if (before / PIECE == backlog.end / PIECE || fstatvfs(backlog.fd, &disk) < 0)
        return true;
    return disk.f_bavail * 100 >= disk.f_blocks * context.settings.spill_spare_percent;
}

ssize_t backlog_read(char *bytes, size_t size, off_t at)
{
    return pread(backlog.fd, bytes, size, at);
}

void backlog_pass(off_t slowest)
{
    off_t from = backlog.passed / PIECE * PIECE, to = slowest / PIECE * PIECE;

    if (to > from)
        fallocate(backlog.fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, from, to - from);
    backlog.passed = slowest;
}

void backlog_close(void)
{
    if (backlog.fd >= 0)
        close(backlog.fd);
    backlog.fd = -1;
    backlog.end = backlog.passed = 0;
}

/*
 * tmpcopyup: a tmpfs begins with what it covers. The source is the image's, or others change it meanwhile, so it is hostile: nothing is
 * followed or waited for, what is opened is what was looked at, the depth is limited, and the copy cannot be larger than the tmpfs.
 * Times, owners and modes come along; holes and hard links do not.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "shim.h"

#define DEPTH_LIMIT 100
#define ENTRIES_SIZE 4096
#define LINK_SIZE 4096
#define PIECE_SIZE (1u << 30)

static int copy_directory(int from, int to, unsigned depth);

static int copy_content(int from, int to)
{
    ssize_t copied;

    while ((copied = sendfile(to, from, NULL, PIECE_SIZE)) > 0)
        ;
    return copied < 0 ? -1 : 0;
}

static bool is_same(int fd, const struct stat *seen)
{
    struct stat opened;

    return fstat(fd, &opened) == 0 && opened.st_dev == seen->st_dev && opened.st_ino == seen->st_ino &&
           (opened.st_mode & S_IFMT) == (seen->st_mode & S_IFMT);
}

/* By now the name may be another's: a fifo's, where nobody shall wait, or a file's with an owner and a mode that are not those we give the copy. */
static int open_seen(int from, const char *name, int flags, const struct stat *seen)
{
    int fd = openat(from, name, flags | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

    if (fd < 0 || is_same(fd, seen))
        return fd;
    close(fd);
    return errno = ESTALE, -1;
}

static int copy_file(int from, int to, const char *name, const struct stat *status)
{
    cleanup_close int source = open_seen(from, name, O_RDONLY, status);
    cleanup_close int target = source < 0 ? -1 : openat(to, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

    return target < 0 ? -1 : copy_content(source, target);
}

static int copy_link(int from, int to, const char *name, const struct stat *status)
{
    char target[LINK_SIZE];
    cleanup_close int source = open_seen(from, name, O_PATH, status);
    ssize_t size = source < 0 ? -1 : readlinkat(source, "", target, sizeof target - 1);

    if (size < 0)
        return -1;
    target[size] = 0;
    return symlinkat(target, to, name);
}

static int copy_below(int from, int to, const char *name, const struct stat *status, unsigned depth)
{
    cleanup_close int source = open_seen(from, name, O_RDONLY | O_DIRECTORY, status);

    if (source < 0 || mkdirat(to, name, 0700) < 0)
        return -1;
    cleanup_close int target = openat(to, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    return target < 0 ? -1 : copy_directory(source, target, depth + 1);
}

static int copy_kind(int from, int to, const char *name, const struct stat *status, unsigned depth)
{
    switch (status->st_mode & S_IFMT) {
    case S_IFDIR:
        return copy_below(from, to, name, status, depth);
    case S_IFREG:
        return copy_file(from, to, name, status);
    case S_IFLNK:
        return copy_link(from, to, name, status);
    default:
        return mknodat(to, name, status->st_mode & (S_IFMT | 0777), status->st_rdev);
    }
}

/* Owner before mode: a change of owner takes set-user-ID away. */
static int copy_attributes(int to, const char *name, const struct stat *status)
{
    struct timespec times[] = {status->st_atim, status->st_mtim};

    if (fchownat(to, name, status->st_uid, status->st_gid, AT_SYMLINK_NOFOLLOW) < 0)
        return -1;
    if (!S_ISLNK(status->st_mode) && fchmodat(to, name, status->st_mode & 07777, 0) < 0)
        return -1;
    return utimensat(to, name, times, AT_SYMLINK_NOFOLLOW);
}

static int copy_entry(int from, int to, const char *name, unsigned depth)
{
    struct stat status;

    if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        return 0;
    if (fstatat(from, name, &status, AT_SYMLINK_NOFOLLOW) < 0 || copy_kind(from, to, name, &status, depth) < 0)
        return -1;
    return copy_attributes(to, name, &status);
}

static int copy_directory(int from, int to, unsigned depth)
{
    char entries[ENTRIES_SIZE] __attribute__((aligned(8)));
    long size;

    if (depth > DEPTH_LIMIT)
        return errno = ELOOP, -1;
    while ((size = syscall(SYS_getdents64, from, entries, sizeof entries)) > 0)
        for (long at = 0; at < size; at += ((struct dirent64 *)(void *)(entries + at))->d_reclen)
            if (copy_entry(from, to, ((struct dirent64 *)(void *)(entries + at))->d_name, depth) < 0)
                return -1;
    return size < 0 ? -1 : 0;
}

int copy_up(int from, int to, struct failure *why)
{
    cleanup_close int source = openat(from, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    return source < 0 || copy_directory(source, to, 0) < 0 ? fail(why, "tmpcopyup") : 0;
}

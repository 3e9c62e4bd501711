/*
 * Paths of a container become descriptors here and nowhere else. The image may hold any symlink and a running container
 * may change it at any moment, so nothing is checked by name and used by name again: openat2 resolves below the root,
 * and what is made is made in a directory that is held open.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>

#include "shim.h"

int root_open(const char *path, uint64_t resolve, int flags)
{
    while (*path == '/')
        path++;
    return sys_openat2(context.root, *path ? path : ".", (uint64_t)(flags | O_CLOEXEC), 0,
                       RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS | resolve);
}

/* Splits at the last component and opens the directory before it, made where it is absent. */
int root_parent(const char *path, char *name, size_t size)
{
    char parent[4096];
    size_t length = strlen(path);
    const char *slash;

    while (length > 0 && path[length - 1] == '/')
        length--;
    if (length == 0 || length >= sizeof parent) {
        errno = length == 0 ? EEXIST : ENAMETOOLONG;
        return -1;
    }
    slash = memrchr(path, '/', length);
    size_t start = slash == NULL ? 0 : (size_t)(slash - path) + 1;

    if (length - start >= size || strncmp(path + start, "..", length - start) == 0) {
        errno = length - start >= size ? ENAMETOOLONG : EINVAL;
        return -1;
    }
    memcpy(name, path + start, length - start);
    name[length - start] = 0;
    memcpy(parent, path, start);
    parent[start] = 0;
    return root_make_directory(parent, 0755);
}

int root_make_directory(const char *path, mode_t mode)
{
    char name[256];
    int found = root_open(path, 0, O_PATH | O_DIRECTORY);

    if (found >= 0 || errno != ENOENT)
        return found;
    cleanup_close int parent = root_parent(path, name, sizeof name);

    if (parent < 0 || (mkdirat(parent, name, mode) < 0 && errno != EEXIST))
        return -1;
    return root_open(path, 0, O_PATH | O_DIRECTORY);
}

int root_make_file(const char *path)
{
    char name[256];
    int found = root_open(path, 0, O_PATH);

    if (found >= 0 || errno != ENOENT)
        return found;
    cleanup_close int parent = root_parent(path, name, sizeof name);

    if (parent < 0)
        return -1;
    cleanup_close int made = openat(parent, name, O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC | O_WRONLY, 0644);

    if (made < 0 && errno != EEXIST)
        return -1;
    return root_open(path, 0, O_PATH);
}

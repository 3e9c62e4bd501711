/*
 * Paths of a container become descriptors here and nowhere else. The image may hold any symlink and a running container
 * may change it at any moment, so nothing is checked by name and used by name again: openat2 resolves below the root,
 * and what is made is made in a directory that is held open.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "shim.h"

#define PATH_SIZE 4096
#define NAME_SIZE 256
#define LINKS_LIMIT 40

int root_open(const char *path, uint64_t resolve, int flags)
{
    while (*path == '/')
        path++;
    return sys_openat2(context.root, *path ? path : ".", (uint64_t)(flags | O_CLOEXEC), 0,
                       RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS | resolve);
}

/* Something that shall exist: a directory, or a file in a directory; what leads to it is made too. */
struct wish {
    char path[PATH_SIZE];
    mode_t mode;
    bool file;
    unsigned links; /* dangling symlinks that were followed */
};

/* Where in the path of a wish one component stands; `next` is the start of the one behind it. */
struct component {
    size_t start, end, next;
};

static struct component component_at(const char *path, size_t start)
{
    size_t end = start + strcspn(path + start, "/");

    return (struct component){start, end, end + strspn(path + end, "/")};
}

static bool is_file(const struct wish *wish, struct component component)
{
    return wish->file && wish->path[component.next] == 0;
}

static int open_up_to(struct wish *wish, struct component component, int flags)
{
    char behind = wish->path[component.end];

    wish->path[component.end] = 0;
    int found = root_open(wish->path, 0, flags);

    wish->path[component.end] = behind;
    return found;
}

/* From its parent, which is quick in a deep tree; what is no plain entry of it (a symlink, "..") from the root. */
static int open_component(struct wish *wish, int parent, const char *name, struct component component)
{
    int flags = O_PATH | O_CLOEXEC | (is_file(wish, component) ? 0 : O_DIRECTORY);
    int found = sys_openat2(parent, name, (uint64_t)flags, 0, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS);

    return found >= 0 || (errno != ELOOP && errno != EXDEV) ? found : open_up_to(wish, component, flags);
}

static int make_component(const struct wish *wish, int parent, const char *name, struct component component)
{
    if (!is_file(wish, component))
        return mkdirat(parent, name, wish->path[component.next] == 0 ? wish->mode : 0755);
    int made = openat(parent, name, O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC | O_WRONLY, wish->mode);

    return made < 0 ? -1 : close(made);
}

/* A symlink to what is not there yet (/etc/resolv.conf -> ../run/…): its text takes its place in the path. Always -1. */
static int follow(struct wish *wish, int parent, const char *name, struct component component)
{
    char target[PATH_SIZE], rest[PATH_SIZE];
    ssize_t size = readlinkat(parent, name, target, sizeof target - 1);

    if (size < 0)
        return errno = ENOENT, -1;
    target[size] = 0;
    strcpy(rest, wish->path + component.next);
    size_t kept = target[0] == '/' ? 0 : component.start;
    int length = snprintf(wish->path + kept, PATH_SIZE - kept, "%s%s%s", target, *rest ? "/" : "", rest);

    errno = ++wish->links > LINKS_LIMIT ? ELOOP : length >= (int)(PATH_SIZE - kept) ? ENAMETOOLONG : EAGAIN;
    return -1;
}

/* Opens one component, made where it is absent. */
static int enter(struct wish *wish, int parent, struct component component)
{
    size_t size = component.end - component.start;
    char name[NAME_SIZE];

    if (size >= sizeof name)
        return errno = ENAMETOOLONG, -1;
    memcpy(name, wish->path + component.start, size);
    name[size] = 0;
    int found = open_component(wish, parent, name, component);

    if (found < 0 && errno == ENOENT && (make_component(wish, parent, name, component) == 0 || errno == EEXIST))
        found = open_component(wish, parent, name, component);
    return found < 0 && errno == ENOENT ? follow(wish, parent, name, component) : found;
}

/* The deepest directory on the way that is there; *next is what comes below it. Mostly all but the last component is. */
static int open_deepest(const struct wish *wish, size_t *next)
{
    char path[PATH_SIZE];
    size_t end = strlen(strcpy(path, wish->path));

    for (;;) {
        while (end > 0 && path[end - 1] == '/')
            end--;
        while (end > 0 && path[end - 1] != '/')
            end--;
        path[end] = 0;
        int found = root_open(path, 0, O_PATH | O_DIRECTORY);

        *next = end;
        if (found >= 0 || errno != ENOENT || end == 0)
            return found;
    }
}

/* Down to the end of the path; EAGAIN when the path has changed on the way. */
static int descend(struct wish *wish)
{
    struct component component = {0};
    int parent = open_deepest(wish, &component.next);

    while (parent >= 0 && wish->path[component.next] != 0) {
        component = component_at(wish->path, component.next);
        int found = enter(wish, parent, component);

        close_scoped(&parent);
        parent = found;
    }
    return parent;
}

static int make(const char *path, mode_t mode, bool file)
{
    struct wish wish = {.mode = mode, .file = file};
    int found = root_open(path, 0, O_PATH | (file ? 0 : O_DIRECTORY)), rounds = 0;

    if (found >= 0 || errno != ENOENT)
        return found;
    if (strlen(path) >= sizeof wish.path)
        return errno = ENAMETOOLONG, -1;
    strcpy(wish.path, path);
    while ((found = descend(&wish)) < 0 && errno == EAGAIN && rounds++ < LINKS_LIMIT)
        ;
    return found;
}

int root_make_directory(const char *path, mode_t mode)
{
    return make(path, mode, false);
}

int root_make_file(const char *path)
{
    return make(path, 0644, true);
}

int root_parent(const char *path, char *name, size_t size)
{
    char parent[PATH_SIZE];
    size_t length = strlen(path);

    while (length > 0 && path[length - 1] == '/')
        length--;
    if (length == 0 || length >= sizeof parent)
        return errno = length == 0 ? EEXIST : ENAMETOOLONG, -1;
    const char *slash = memrchr(path, '/', length);
    size_t start = slash == NULL ? 0 : (size_t)(slash - path) + 1;

    if (length - start >= size)
        return errno = ENAMETOOLONG, -1;
    memcpy(name, path + start, length - start);
    name[length - start] = 0;
    memcpy(parent, path, start);
    parent[start] = 0;
    return root_make_directory(parent, 0755);
}

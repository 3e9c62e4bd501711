/* Binds: what of the host a container sees, and what its mounts allow. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "shim.h"

#define PROC_ROOT_INODE 1

/* What OP_BIND_SOURCE has taken. */
static int taken[BIND_SLOTS];

int op_mount_attributes(const struct op *op, struct failure *why)
{
    const char *path = op_string(op, 0).bytes;
    cleanup_close int target = root_open(path, 0, O_PATH);

    return target < 0 ? fail(why, "mount \"%s\"", path) : take_steps(op, 0, target, path, why);
}

static int make_host_directory(const char *path)
{
    char part[4096];

    for (const char *slash = strchr(path + 1, '/');; slash = strchr(slash + 1, '/')) {
        size_t length = slash ? (size_t)(slash - path) : strlen(path);

        if (length >= sizeof part)
            return errno = ENAMETOOLONG, -1;
        memcpy(part, path, length);
        part[length] = 0;
        if (mkdir(part, 0755) < 0 && errno != EEXIST)
            return -1;
        if (slash == NULL)
            return 0;
    }
}

static int open_source(const char *path, uint64_t flags, struct failure *why)
{
    if ((flags & BIND_MAKE_SOURCE) && access(path, F_OK) < 0 && make_host_directory(path) < 0)
        return fail(why, "mkdir \"%s\"", path);
    int tree = sys_open_tree(AT_FDCWD, path, TREE_CLONE | (flags & BIND_RECURSIVE ? TREE_RECURSIVE : 0));

    return tree < 0 ? fail(why, "bind source \"%s\"", path) : tree;
}

int op_bind_source(const struct op *op, struct failure *why)
{
    uint64_t slot = op_number(op, 0);

    errno = EINVAL;
    if (slot >= BIND_SLOTS)
        return fail(why, "slot %llu of a bind source", (unsigned long long)slot);
    taken[slot] = open_source(op_string(op, 0).bytes, op_number(op, 1), why);
    return taken[slot] < 0 ? -1 : 0;
}

/* What lies over /proc must be all of a /proc: anything else could pretend to be one. */
static bool is_procfs_root(int tree, const struct stat *status)
{
    return is_on_procfs(tree) && status->st_ino == PROC_ROOT_INODE;
}

/* The steps of an op from its number `first` on, before anyone can see the mount. */
static int make_ready(const struct op *op, unsigned first, uint64_t flags, int tree, struct failure *why)
{
    const char *source = op_string(op, 0).bytes;
    struct stat status;

    if (fstat(tree, &status) < 0)
        return fail(why, "bind source \"%s\"", source);
    if ((flags & BIND_PROCFS) && !is_procfs_root(tree, &status))
        return errno = EINVAL, fail(why, "\"/proc\" cannot be mounted because it is not of type proc");
    return take_steps(op, first, tree, source, why);
}

/* Onto a path in root, which is made as what is attached. `options` are those of OP_MOUNT. */
static int attach(int tree, const char *source, const char *path, uint64_t options, struct failure *why)
{
    struct stat status;
    bool directory = fstat(tree, &status) == 0 && S_ISDIR(status.st_mode);
    cleanup_close int target = directory ? mount_point(path, options) : root_make_file(path);

    if (target >= 0 && stay_out_of_procfs(target, path, why) < 0)
        return -1;
    if (target >= 0 && sys_move_mount(tree, target) == 0)
        return 0;
    if (target >= 0 && errno == EINVAL && !directory)
        errno = EISDIR; /* what the kernel means */
    return fail(why, "bind \"%s\" on \"%s\"", source, path);
}

int op_bind(const struct op *op, struct failure *why)
{
    uint64_t flags = op_number(op, 0);
    const char *source = op_string(op, 0).bytes, *path = op_string(op, 1).bytes;
    cleanup_close int tree = flags & BIND_TAKEN ? taken[op_number(op, 1) % BIND_SLOTS] : open_source(source, flags, why);

    return tree < 0 || make_ready(op, 2, flags, tree, why) < 0 ? -1 : attach(tree, source, path, 0, why);
}

int op_tree(const struct op *op, struct failure *why)
{
    uint64_t flags = op_number(op, 1), user_namespace = op_number(op, 2);
    const char *source = op_string(op, 0).bytes;
    unsigned recursive = flags & BIND_IDMAP_RECURSIVE ? TREE_RECURSIVE : 0;
    int tree = open_source(source, flags, why);

    if (tree >= 0 && make_ready(op, 3, flags, tree, why) < 0)
        return close_scoped(&tree), -1;
    if (tree >= 0 && user_namespace != 0 && map_ids(tree, user_namespace - 1, recursive, source, why) < 0)
        return close_scoped(&tree), -1;
    return slot_fill(op_number(op, 0), tree, why);
}

int op_attach(const struct op *op, struct failure *why)
{
    return attach(slot_fd(op_number(op, 0)), op_string(op, 0).bytes, op_string(op, 1).bytes, op_number(op, 1), why);
}

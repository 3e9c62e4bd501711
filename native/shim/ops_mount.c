/* Ops that build the container's tree. Host paths are the engine's own; every path of the container goes through root.c. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>

#include "shim.h"


int op_propagation(const struct op *op, struct failure *why)
{
    const char *path = op_string(op, 0).bytes;

    if (mount(NULL, path, NULL, op_number(op, 0), NULL) < 0)
        return fail(why, "mount propagation of \"%s\"", path);
    return 0;
}

int op_mount_host(const struct op *op, struct failure *why)
{
    const char *source = op_string(op, 0).bytes, *target = op_string(op, 1).bytes, *type = op_string(op, 2).bytes;
    struct text data = op_string(op, 3), cwd = op_string(op, 4);

    if (cwd.size > 0 && chdir(cwd.bytes) < 0)
        return fail(why, "chdir \"%s\"", cwd.bytes);
    if (mount(source, target, type, op_number(op, 0), data.bytes) < 0)
        return fail(why, "mount %s on \"%s\"", type, target);
    return chdir("/") < 0 ? fail(why, "chdir \"/\"") : 0;
}

/* Binds a directory onto itself, so that it is a mount that pivot_root accepts. */
static int bind_to_itself(const char *path, struct failure *why)
{
    cleanup_close int tree = sys_open_tree(AT_FDCWD, path, TREE_CLONE | TREE_RECURSIVE);
    cleanup_close int target = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

    if (tree < 0 || target < 0 || sys_move_mount(tree, target) < 0)
        return fail(why, "bind \"%s\" onto itself", path);
    return 0;
}

int op_root(const struct op *op, struct failure *why)
{
    const char *path = op_string(op, 0).bytes;

    if ((op_number(op, 0) & ROOT_BIND) && bind_to_itself(path, why) < 0)
        return -1;
    /* A second time where something was mounted onto the root itself. */
    close_scoped(&context.root);
    close_scoped(&context.null_device);
    context.root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    return context.root < 0 ? fail(why, "open root \"%s\"", path) : hold_null_device(why);
}

/* The host's null device, taken while the host is still in sight: the container's own is the image's to choose. */
int hold_null_device(struct failure *why)
{
    context.null_device = open("/dev/null", O_PATH | O_NOFOLLOW | O_CLOEXEC);
    return is_null_device(context.null_device) ? 0 : (errno = ENODEV, fail(why, "the host's /dev/null is none"));
}

/* A tmpfs over a directory of the image takes over its mode, unless its own options say another one; runc does the same. */
static const char *options_over(int covered, const char *type, const char *data, char *buffer, size_t size)
{
    struct stat status;

    if (covered < 0 || strcmp(type, "tmpfs") != 0 || fstat(covered, &status) < 0)
        return data;
    snprintf(buffer, size, "mode=%o,%s", status.st_mode & 07777, data);
    return buffer;
}

/* What is mounted over a directory, without its name: ".." of a root is that root, and as any step it goes on to what covers it. */
static int open_over(int directory)
{
    return sys_openat2(directory, "..", O_PATH | O_DIRECTORY | O_CLOEXEC, 0, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
}

/* "." is the mount point that is held open: no name of it is resolved again. Answers the new mount. */
static int mount_classic(const struct op *op, int target, const char *data, struct failure *why)
{
    const char *source = op_string(op, 0).bytes, *path = op_string(op, 1).bytes, *type = op_string(op, 2).bytes;
    int mounted;

    if (fchdir(target) < 0 || mount(source, ".", type, op_number(op, 0), data) < 0)
        return fail(why, "mount %s on \"%s\"", type, path);
    mounted = chdir("/") < 0 ? -1 : open_over(target);
    if (mounted < 0)
        return fail(why, "open the mount on \"%s\"", path);
    if (!(op_number(op, 1) & MOUNT_COPY_UP) || copy_up(target, mounted, why) == 0)
        return mounted;
    close(mounted);
    return -1;
}

static int mount_detached(const struct op *op, int target, const char *data, struct failure *why)
{
    const char *source = op_string(op, 0).bytes, *path = op_string(op, 1).bytes, *type = op_string(op, 2).bytes;
    int made = mount_new(source, type, data, op_number(op, 0), why);

    if (made < 0)
        return -1;
    if (!(op_number(op, 1) & MOUNT_COPY_UP) || copy_up(target, made, why) == 0) {
        if (sys_move_mount(made, target) == 0)
            return made;
        fail(why, "mount %s on \"%s\"", type, path);
    }
    close(made);
    return -1;
}

int op_mount(const struct op *op, struct failure *why)
{
    const char *path = op_string(op, 1).bytes, *type = op_string(op, 2).bytes;
    uint64_t options = op_number(op, 1);
    char buffer[MOUNT_DATA_SIZE + 16];
    cleanup_close int target = find_mount_point(path, options);
    const char *data = options_over(target, type, op_string(op, 3).bytes, buffer, sizeof buffer);

    if (target < 0)
        target = mount_point(path, options);
    if (target < 0)
        return fail(why, "mount point \"%s\" for %s", path, type);
    if (!(options & MOUNT_API) && stay_out_of_procfs(target, path, why) < 0)
        return -1;
    cleanup_close int made =
        options & MOUNT_CLASSIC ? mount_classic(op, target, data, why) : mount_detached(op, target, data, why);

    if (made < 0 && (options & MOUNT_OPTIONAL) && (why->error == ENODEV || why->error == EPERM))
        return warn_shim(op, path, why->error), 0;
    return made < 0 || take_steps(op, 2, made, path, why) < 0 ? -1 : 0;
}

int op_remount(const struct op *op, struct failure *why)
{
    const char *path = op_string(op, 0).bytes;
    cleanup_close int target = root_open(path, 0, O_PATH | O_DIRECTORY);

    if (target < 0 || fchdir(target) < 0 ||
        mount(NULL, ".", NULL, MS_REMOUNT | op_number(op, 0), op_string(op, 1).bytes) < 0)
        return fail(why, "remount \"%s\"", path);
    return chdir("/") < 0 ? fail(why, "chdir \"/\"") : 0;
}

int op_directory(const struct op *op, struct failure *why)
{
    const char *path = op_string(op, 0).bytes;
    bool absent = true;
    cleanup_close int found = root_open(path, 0, O_PATH | O_DIRECTORY);

    if (found >= 0)
        absent = false;
    cleanup_close int made = absent ? root_make_directory(path, (mode_t)op_number(op, 0)) : -1;

    if (!absent)
        return 0;
    if (made < 0 || fchownat(made, "", (uid_t)op_number(op, 1), (gid_t)op_number(op, 2), AT_EMPTY_PATH) < 0)
        return fail(why, "mkdir \"%s\"", path);
    return 0;
}

/* Anything else in its place would be taken for it; errno stays. */
static bool is_device(int parent, const char *name, mode_t mode, dev_t device)
{
    int saved = errno;
    struct stat found;
    bool same = fstatat(parent, name, &found, AT_SYMLINK_NOFOLLOW) == 0 &&
                (found.st_mode & S_IFMT) == (mode & S_IFMT) && found.st_rdev == device;

    errno = saved;
    return same;
}

int op_mknod(const struct op *op, struct failure *why)
{
    const char *path = op_string(op, 0).bytes;
    mode_t mode = (mode_t)op_number(op, 0);
    dev_t device = makedev((unsigned)op_number(op, 1), (unsigned)op_number(op, 2));
    char name[256];
    cleanup_close int parent = root_parent(path, name, sizeof name);
    int made = parent < 0 ? -1 : mknodat(parent, name, mode, device);

    if (made < 0 && errno == EEXIST && is_device(parent, name, mode, device))
        return 0;
    if (made < 0)
        return fail(why, "mknod \"%s\"", path);
    if (fchownat(parent, name, (uid_t)op_number(op, 3), (gid_t)op_number(op, 4), AT_SYMLINK_NOFOLLOW) < 0)
        return fail(why, "chown \"%s\"", path);
    return 0;
}

int op_symlink(const struct op *op, struct failure *why)
{
    const char *target = op_string(op, 0).bytes, *path = op_string(op, 1).bytes;
    char name[256];
    cleanup_close int parent = root_parent(path, name, sizeof name);

    if (parent < 0 || (symlinkat(target, parent, name) < 0 && errno != EEXIST))
        return fail(why, "symlink \"%s\"", path);
    return 0;
}

/* The same empty read-only tmpfs covers every masked directory; a mount can be cloned once it is attached somewhere. */
static int cover_directory(int target)
{
    struct failure ignored;

    if (context.empty < 0)
        context.empty = mount_new("tmpfs", "tmpfs", "size=0,nr_inodes=1", MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, &ignored);
    if (context.empty < 0)
        return -1;
    if (!context.empty_is_attached) {
        context.empty_is_attached = true;
        return sys_move_mount(context.empty, target);
    }
    cleanup_close int copy = sys_open_tree(context.empty, "", TREE_CLONE | AT_EMPTY_PATH);

    return copy < 0 ? -1 : sys_move_mount(copy, target);
}

static int cover_file(int target)
{
    struct mount_attributes readonly = {.set = ATTRIBUTE_READONLY | ATTRIBUTE_NOSUID | ATTRIBUTE_NOEXEC};
    cleanup_close int copy = sys_open_tree(context.null_device, "", TREE_CLONE | AT_EMPTY_PATH);

    /* The inode is the host's: it takes writes on a read-only mount as well, but no chmod and no chown. */
    return copy < 0 || sys_mount_setattr(copy, 0, &readonly) < 0 ? -1 : sys_move_mount(copy, target);
}

int op_mask(const struct op *op, struct failure *why)
{
    const char *path = op_string(op, 0).bytes;
    cleanup_close int target = root_open(path, 0, O_PATH);
    struct stat status;

    if (target < 0 && (errno == ENOENT || errno == ENOTDIR))
        return 0;
    if (target < 0 || fstat(target, &status) < 0)
        return fail(why, "mask \"%s\"", path);
    if ((S_ISDIR(status.st_mode) ? cover_directory(target) : cover_file(target)) < 0)
        return fail(why, "mask \"%s\"", path);
    return 0;
}

int op_readonly_path(const struct op *op, struct failure *why)
{
    const char *path = op_string(op, 0).bytes;
    cleanup_close int target = root_open(path, 0, O_PATH);
    struct mount_attributes readonly = {.set = ATTRIBUTE_READONLY};

    if (target < 0 && (errno == ENOENT || errno == ENOTDIR))
        return 0;
    cleanup_close int tree = target < 0 ? -1 : sys_open_tree(target, "", TREE_CLONE | TREE_RECURSIVE | AT_EMPTY_PATH);

    if (tree < 0 || sys_mount_setattr(tree, TREE_RECURSIVE, &readonly) < 0 || sys_move_mount(tree, target) < 0)
        return fail(why, "read-only \"%s\"", path);
    return 0;
}

int op_pivot(const struct op *op, struct failure *why)
{
    (void)op;
    /* pivot_root(".", "."): the old root ends up on top of the new one and is detached from there; no directory is needed. */
    if (fchdir(context.root) < 0 || syscall(SYS_pivot_root, ".", ".") < 0)
        return fail(why, "pivot_root");
    if (umount2(".", MNT_DETACH) < 0 || chdir("/") < 0)
        return fail(why, "umount the old root");
    return streams_leave_host(why);
}

int op_chroot(const struct op *op, struct failure *why)
{
    (void)op;
    if (fchdir(context.root) < 0 || chroot(".") < 0 || chdir("/") < 0)
        return fail(why, "chroot");
    return streams_leave_host(why);
}

int op_readonly_root(const struct op *op, struct failure *why)
{
    struct mount_attributes readonly = {.set = ATTRIBUTE_READONLY};

    (void)op;
    if (sys_mount_setattr(context.root, 0, &readonly) < 0)
        return fail(why, "mount_setattr of the root read-only");
    return 0;
}

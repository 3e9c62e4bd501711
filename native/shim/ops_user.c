/* Ops of user namespaces: what takes the host's rights is prepared here as descriptors, before the child has none of them. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/fsuid.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "shim.h"

#define LOWERS_LIMIT 500 /* OVL_MAX_STACK of the kernel */
/* Strings of OP_OVERLAY. */
#define OVERLAY_OPTIONS 2
#define OVERLAY_UPPER 3
#define OVERLAY_WORK 4
#define OVERLAY_LOWER 5

static int write_map(pid_t pid, const char *name, struct text map, struct failure *why)
{
    char path[40];

    snprintf(path, sizeof path, "/proc/%d/%s", pid, name);
    cleanup_close int fd = open(path, O_WRONLY | O_CLOEXEC);

    return fd < 0 || write(fd, map.bytes, map.size) != (ssize_t)map.size ? fail(why, "write %s \"%s\"", name, map.bytes) : 0;
}

static int open_user_namespace(pid_t pid, struct failure *why)
{
    char path[40];

    snprintf(path, sizeof path, "/proc/%d/ns/user", pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    return fd < 0 ? fail(why, "open %s", path) : fd;
}

/* A namespace exists as long as somebody is in it or has it open: the process that it is born with is not needed any longer. */
int op_user_namespace(const struct op *op, struct failure *why)
{
    int pidfd = -1, fd = -1;
    pid_t pid = sys_clone3(CLONE_NEWUSER, &pidfd, -1);

    if (pid < 0)
        return fail(why, "clone3 of a user namespace");
    if (pid == 0)
        prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    while (pid == 0)
        pause();
    if (write_map(pid, "uid_map", op_string(op, 0), why) == 0 && write_map(pid, "gid_map", op_string(op, 1), why) == 0)
        fd = open_user_namespace(pid, why);
    sys_pidfd_signal(pidfd, SIGKILL);
    waitpid(pid, NULL, 0);
    close_scoped(&pidfd);
    return slot_fill(op_number(op, 0), fd, why);
}

int op_open(const struct op *op, struct failure *why)
{
    const char *path = op_string(op, 0).bytes;
    int fd = open_namespace(path);

    return fd < 0 ? fail(why, "join namespace \"%s\"", path) : slot_fill(op_number(op, 0), fd, why);
}

int map_ids(int tree, uint64_t user_namespace, unsigned recursive, const char *what, struct failure *why)
{
    struct mount_attributes attributes = {.set = ATTRIBUTE_IDMAP, .userns_fd = (uint64_t)slot_fd(user_namespace)};

    if (sys_mount_setattr(tree, recursive, &attributes) < 0)
        return fail(why, "map the ids of \"%s\" (not every file system can)", what);
    return 0;
}

int op_file_system(const struct op *op, struct failure *why)
{
    const char *source = op_string(op, 0).bytes, *type = op_string(op, 1).bytes, *data = op_string(op, 2).bytes;

    return slot_fill(op_number(op, 0), mount_new(source, type, data, op_number(op, 1), why), why);
}

static int mapped_copy(const char *directory, uint64_t user_namespace, struct failure *why)
{
    int tree = sys_open_tree(AT_FDCWD, directory, TREE_CLONE);

    if (tree < 0)
        return fail(why, "open_tree \"%s\"", directory);
    return map_ids(tree, user_namespace, 0, directory, why) < 0 ? (close_scoped(&tree), -1) : tree;
}

static int configure_layer(int fs, const char *key, int tree, const char *name, struct failure *why)
{
    cleanup_close int layer = openat(tree, name, O_PATH | O_DIRECTORY | O_CLOEXEC);

    return layer < 0 || sys_fsconfig_fd(fs, key, layer) < 0 ? fail(why, "overlay %s=%s", key, name) : 0;
}

static int configure_lowers(int fs, int layers, const struct op *op, struct failure *why)
{
    const unsigned char *at = op->first_string;

    for (unsigned index = 0; index < op->strings; index++) {
        const char *name = next_string(&at).bytes;

        if (index >= OVERLAY_LOWER && configure_layer(fs, "lowerdir+", layers, name, why) < 0)
            return -1;
    }
    return 0;
}

/* Layers below one mount and the changes below another: overlay wants upper and work on the same one. */
static int configure_overlay(int fs, int layers, int own, const struct op *op, struct failure *why)
{
    if (sys_fsconfig(fs, CONFIG_STRING, "source", "overlay") < 0)
        return fail(why, "fsconfig source of overlay");
    if (configure_lowers(fs, layers, op, why) < 0 ||
        configure_layer(fs, "upperdir", own, op_string(op, OVERLAY_UPPER).bytes, why) < 0 ||
        configure_layer(fs, "workdir", own, op_string(op, OVERLAY_WORK).bytes, why) < 0)
        return -1;
    /* Else a kernel that has it on refuses the mount as long as the last one of a run before is being written out. */
    if (sys_fsconfig(fs, CONFIG_STRING, "index", "off") < 0)
        return fail(why, "overlay index=off");
    if ((op_number(op, 1) & OVERLAY_VOLATILE) && sys_fsconfig(fs, CONFIG_FLAG, "volatile", NULL) < 0)
        return fail(why, "overlay volatile");
    return 0;
}

/*
 * Whoever mounts an overlay makes its work directory, and later what is copied up: as an id that the mapped upper directory
 * can store. The rights stay the host's, for trusted.* attributes.
 */
static int act_as(uid_t uid, gid_t gid, struct failure *why)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct all[2];

    if (syscall(SYS_capget, &header, all) < 0)
        return fail(why, "capget");
    setfsgid(gid);
    setfsuid(uid);
    return syscall(SYS_capset, &header, all) < 0 ? fail(why, "capset") : 0;
}

static void act_as_root(void)
{
    setfsuid(0);
    setfsgid(0);
    /* A change of user sets this to what fs.suid_dumpable says. */
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

static int overlay_detached(const struct op *op, int layers, int own, struct failure *why)
{
    cleanup_close int fs = sys_fsopen("overlay");

    if (fs < 0)
        return fail(why, "fsopen overlay");
    if (configure_overlay(fs, layers, own, op, why) < 0)
        return -1;
    int acting = act_as((uid_t)op_number(op, 3), (gid_t)op_number(op, 4), why);
    int created = acting < 0 ? -1 : sys_fsconfig(fs, CONFIG_CREATE, NULL, NULL);

    if (acting == 0 && created < 0)
        fail(why, "mount overlay for \"%s\"", op_string(op, 1).bytes);
    act_as_root();
    int made = created < 0 ? -1 : sys_fsmount(fs, 0);

    return made < 0 && created >= 0 ? fail(why, "fsmount overlay") : made;
}

static int attach_over(int tree, const char *path, struct failure *why)
{
    cleanup_close int target = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

    return target < 0 || sys_move_mount(tree, target) < 0 ? fail(why, "attach the mapped \"%s\"", path) : 0;
}

/* The mapped directories stand where the others did; a copy of the overlay is all that leaves this namespace. */
static int overlay_in_own_namespace(const struct op *op, int layers, int own, struct failure *why)
{
    const char *directory = op_string(op, 0).bytes;
    int made = -1;

    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
        return fail(why, "mount propagation of \"/\"");
    if (attach_over(own, op_string(op, 1).bytes, why) < 0 || attach_over(layers, directory, why) < 0)
        return -1;
    if (chdir(directory) < 0)
        return fail(why, "chdir \"%s\"", directory);
    if (act_as((uid_t)op_number(op, 3), (gid_t)op_number(op, 4), why) == 0) {
        if (mount("overlay", directory, "overlay", 0, op_string(op, OVERLAY_OPTIONS).bytes) < 0)
            fail(why, "mount overlay for \"%s\"", op_string(op, 1).bytes);
        else if ((made = sys_open_tree(AT_FDCWD, directory, TREE_CLONE)) < 0)
            fail(why, "open_tree of the overlay");
    }
    act_as_root();
    return made;
}

/* Before Linux 6.15 overlay takes no directories of mounts that are attached nowhere: they are attached for a moment. */
static int overlay_attached(const struct op *op, int layers, int own, struct failure *why)
{
    cleanup_close int ours = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC), root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

    if (ours < 0 || root < 0 || unshare(CLONE_NEWNS) < 0)
        return fail(why, "a mount namespace for the overlay");
    int made = overlay_in_own_namespace(op, layers, own, why);

    if (setns(ours, CLONE_NEWNS) < 0 || fchdir(root) < 0 || chroot(".") < 0)
        return close_scoped(&made), fail(why, "back to the host's mount namespace");
    return made;
}

/* The two copies stay open as long as the shim: who closes a mount that is attached nowhere waits for RCU. */
int op_overlay(const struct op *op, struct failure *why)
{
    uint64_t user_namespace = op_number(op, 2);
    int layers = mapped_copy(op_string(op, 0).bytes, user_namespace, why);
    int own = layers < 0 ? -1 : mapped_copy(op_string(op, 1).bytes, user_namespace, why);
    bool attached = op_string(op, OVERLAY_OPTIONS).size > 0;

    if (layers < 0 || own < 0)
        return -1;
    errno = E2BIG;
    if (op->strings > LOWERS_LIMIT + OVERLAY_LOWER)
        return fail(why, "overlay of %u layers", op->strings - OVERLAY_LOWER);
    return slot_fill(op_number(op, 0), (attached ? overlay_attached : overlay_detached)(op, layers, own, why), why);
}

int op_within(const struct op *op, struct failure *why)
{
    context.root = slot_fd(op_number(op, 0));
    errno = EBADMSG;
    return context.root < 0 ? fail(why, "slot %llu is empty", (unsigned long long)op_number(op, 0)) : 0;
}

int op_owner(const struct op *op, struct failure *why)
{
    (void)why;
    context.settings.owner_uid = (uid_t)op_number(op, 0);
    context.settings.owner_gid = (gid_t)op_number(op, 1);
    return 0;
}

int op_join_user(const struct op *op, struct failure *why)
{
    return setns(slot_fd(op_number(op, 0)), CLONE_NEWUSER) < 0 ? fail(why, "join the user namespace") : 0;
}

/* The host's root, whom it still is, means nobody in there: what it makes and opens is to be the namespace's root's. */
int op_become_root(const struct op *op, struct failure *why)
{
    (void)op;
    if (syscall(SYS_setgroups, 0, NULL) < 0 || syscall(SYS_setresgid, 0, 0, 0) < 0 || syscall(SYS_setresuid, 0, 0, 0) < 0)
        return fail(why, "become root of the user namespace");
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    return 0;
}

int op_attach_root(const struct op *op, struct failure *why)
{
    int root = slot_fd(op_number(op, 0));
    cleanup_close int here = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);

    if (root < 0 || here < 0 || sys_move_mount(root, here) < 0)
        return fail(why, "attach the root");
    context.root = root;
    return hold_null_device(why);
}

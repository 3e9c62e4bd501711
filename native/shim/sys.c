/* System calls that the C library or the kernel headers of Debian 12 do not have. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>

#include "shim.h"

#define NR_pidfd_send_signal 424
#define NR_open_tree 428
#define NR_move_mount 429
#define NR_fsopen 430
#define NR_fsconfig 431
#define NR_fsmount 432
#define NR_pidfd_open 434
#define NR_clone3 435
#define NR_close_range 436
#define NR_openat2 437
#define NR_mount_setattr 442

#define OPENAT2_ATTEMPTS 10000 /* some 20 ms */
#define LOW_DESCRIPTORS 1024

#define CLONE_PIDFD_FLAG 0x1000ull
#define CLONE_INTO_CGROUP_FLAG 0x200000000ull
#define MOVE_MOUNT_BOTH_EMPTY_PATHS 0x44u
#define FSOPEN_CLOSE_ON_EXEC 1u
#define FSMOUNT_CLOSE_ON_EXEC 1u

/* clone_args of linux/sched.h, version 2. */
struct clone_arguments {
    uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls, set_tid, set_tid_size, cgroup;
};

int sys_clone3(uint64_t flags, int *pidfd, int cgroup)
{
    struct clone_arguments arguments = {
        .flags = flags | (pidfd ? CLONE_PIDFD_FLAG : 0) | (cgroup >= 0 ? CLONE_INTO_CGROUP_FLAG : 0),
        .pidfd = (uint64_t)(uintptr_t)pidfd,
        .exit_signal = flags & CLONE_PARENT ? 0 : SIGCHLD, /* a sibling has that of its brother */
        .cgroup = cgroup >= 0 ? (uint64_t)cgroup : 0,
    };

    return (int)syscall(NR_clone3, &arguments, sizeof arguments);
}

int sys_open_tree(int at, const char *path, unsigned flags)
{
    return (int)syscall(NR_open_tree, at, path, flags | O_CLOEXEC);
}

int sys_move_mount(int from, int to)
{
    return (int)syscall(NR_move_mount, from, "", to, "", MOVE_MOUNT_BOTH_EMPTY_PATHS);
}

int sys_mount_setattr(int fd, unsigned flags, const struct mount_attributes *attributes)
{
    return (int)syscall(NR_mount_setattr, fd, "", flags | AT_EMPTY_PATH, attributes, sizeof *attributes);
}

int sys_fsopen(const char *type)
{
    return (int)syscall(NR_fsopen, type, FSOPEN_CLOSE_ON_EXEC);
}

int sys_fsconfig(int fd, unsigned command, const char *key, const char *value)
{
    return (int)syscall(NR_fsconfig, fd, command, key, value, 0);
}

int sys_fsconfig_fd(int fs, const char *key, int fd)
{
    return (int)syscall(NR_fsconfig, fs, 5 /* FSCONFIG_SET_FD */, key, NULL, fd);
}

int sys_fsmount(int fd, unsigned attributes)
{
    return (int)syscall(NR_fsmount, fd, FSMOUNT_CLOSE_ON_EXEC, attributes);
}

/*
 * A ".." below a root cannot be vouched for while anything anywhere on the machine is renamed: the kernel says EAGAIN then. A process
 * that renames all the time lets about one attempt in three through; it shall not be able to keep others from starting.
 */
int sys_openat2(int at, const char *path, uint64_t flags, uint64_t mode, uint64_t resolve)
{
    struct {
        uint64_t flags, mode, resolve;
    } how = {flags, mode, resolve};
    int found, attempts = 0;

    do
        found = (int)syscall(NR_openat2, at, path, &how, sizeof how);
    while (found < 0 && errno == EAGAIN && ++attempts < OPENAT2_ATTEMPTS);
    return found;
}

int sys_pidfd_open(pid_t pid)
{
    return (int)syscall(NR_pidfd_open, pid, 0);
}

int sys_pidfd_signal(int pidfd, int signal)
{
    return (int)syscall(NR_pidfd_send_signal, pidfd, signal, NULL, 0);
}

/* A container's own filter may know nothing of it: then one by one, and all that we ever have are low. */
int sys_close_range(unsigned first, unsigned last, unsigned flags)
{
    if (syscall(NR_close_range, first, last, flags) == 0)
        return 0;
    if (flags != 0 || errno == EINVAL)
        return -1;
    for (unsigned fd = first; fd <= last && fd < LOW_DESCRIPTORS; fd++)
        close((int)fd);
    return 0;
}

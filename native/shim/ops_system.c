/* Ops on the kernel's own files and namespaces. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/keyctl.h>
#include <linux/magic.h>
#include <linux/netlink.h>
#include <sched.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>

#include "shim.h"

int op_mkdir(const struct op *op, struct failure *why)
{
    const char *path = op_string(op, 0).bytes;

    if (mkdir(path, (mode_t)op_number(op, 0)) == 0 || (errno == EEXIST && op_number(op, 1) != 0))
        return 0;
    return fail(why, "mkdir \"%s\"", path);
}

static bool tolerable(int error)
{
    return error == ENOENT || error == EINVAL || error == EPERM || error == EACCES || error == EOPNOTSUPP;
}

int op_write(const struct op *op, struct failure *why)
{
    const char *path = op_string(op, 0).bytes;
    struct text data = op_string(op, 1);
    int append = op_number(op, 0) & WRITE_APPEND ? O_APPEND : 0;
    cleanup_close int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW | append);

    if (fd >= 0 && write(fd, data.bytes, data.size) == (ssize_t)data.size)
        return 0;
    if ((op_number(op, 0) & WRITE_OPTIONAL) && tolerable(errno))
        return warn_shim(op, path, errno), 0;
    return fail(why, "write \"%.*s\" to \"%s\"", (int)(data.size < 100 ? data.size : 100), data.bytes, path);
}

int open_namespace(const char *path)
{
    cleanup_close int found = open(path, O_PATH | O_CLOEXEC);
    struct statfs status;

    if (found < 0 || fstatfs(found, &status) < 0)
        return -1;
    errno = EINVAL;
    return status.f_type == NSFS_MAGIC ? open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC) : -1;
}

int op_join(const struct op *op, struct failure *why)
{
    const char *path = op_string(op, 0).bytes;
    cleanup_close int fd = open_namespace(path);

    if (fd < 0 || setns(fd, (int)op_number(op, 0)) < 0)
        return fail(why, "join namespace \"%s\"", path);
    return 0;
}

int op_join_process(const struct op *op, struct failure *why)
{
    pid_t pid = (pid_t)op_number(op, 0);

    /* The shim opens it, its child inherits it: one look for both, before anything is made. */
    if (context.target_pid != pid) {
        context.target_pidfd = sys_pidfd_open(pid);
        if (context.target_pidfd < 0)
            return fail(why, "pidfd_open %d", pid);
        errno = ESRCH;
        if (start_time_of(pid) != op_number(op, 1))
            return fail(why, "process %d is not the container's any more", pid);
        context.target_pid = pid;
    }
    int flags = (int)op_number(op, 2);

    if (flags == 0)
        return 0;
    if (setns(context.target_pidfd, flags) < 0)
        return fail(why, "setns to process %d", pid);
    if (!(flags & CLONE_NEWNS))
        return 0;
    context.root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    return context.root < 0 ? fail(why, "open the root of process %d", pid) : streams_leave_host(why);
}

int op_unshare(const struct op *op, struct failure *why)
{
    return unshare((int)op_number(op, 0)) < 0 ? fail(why, "unshare 0x%llx", (unsigned long long)op_number(op, 0)) : 0;
}

/* A procfs of our own making, mounted nowhere: no volume and no symlink can stand in its place. */
static int own_proc(void)
{
    cleanup_close int fs = sys_fsopen("proc");

    if (fs < 0 || sys_fsconfig(fs, 6 /* FSCONFIG_CMD_CREATE */, NULL, NULL) < 0)
        return -1;
    return sys_fsmount(fs, 0);
}

int op_sysctl(const struct op *op, struct failure *why)
{
    const char *name = op_string(op, 0).bytes;
    struct text value = op_string(op, 1);
    char path[256];
    cleanup_close int proc = own_proc();

    if (snprintf(path, sizeof path, "sys/%s", name) >= (int)sizeof path)
        return errno = ENAMETOOLONG, fail(why, "sysctl %.40s…", name);
    cleanup_close int fd = proc < 0 ? -1 : openat(proc, path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);

    if (fd < 0 || write(fd, value.bytes, value.size) != (ssize_t)value.size)
        return fail(why, "sysctl %s=%s", name, value.bytes);
    return 0;
}

int op_hostname(const struct op *op, struct failure *why)
{
    struct text name = op_string(op, 0);

    return sethostname(name.bytes, name.size) < 0 ? fail(why, "sethostname \"%s\"", name.bytes) : 0;
}

int op_domainname(const struct op *op, struct failure *why)
{
    struct text name = op_string(op, 0);

    return setdomainname(name.bytes, name.size) < 0 ? fail(why, "setdomainname \"%s\"", name.bytes) : 0;
}

/* Reads acknowledgements until `expected` have come; the first error ends it. */
static int acknowledged(int fd, uint64_t expected)
{
    char answer[8192] __attribute__((aligned(8)));

    while (expected > 0) {
        /* The kernel has answered all of it before the send returned: what is not there does not come. */
        ssize_t size = recv(fd, answer, sizeof answer, MSG_DONTWAIT);

        if (size < 0)
            return -1;
        for (struct nlmsghdr *at = (void *)answer; NLMSG_OK(at, size) && expected > 0; at = NLMSG_NEXT(at, size)) {
            if (at->nlmsg_type != NLMSG_ERROR)
                continue;
            errno = -((struct nlmsgerr *)NLMSG_DATA(at))->error;
            if (errno != 0)
                return -1;
            expected--;
        }
    }
    return 0;
}

int op_netlink(const struct op *op, struct failure *why)
{
    struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
    struct text messages = op_string(op, 1);
    uint64_t slot = op_number(op, 2);
    cleanup_close int fd = slot != 0 ? slot_fd(slot - 1) : socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, (int)op_number(op, 0));

    if (fd < 0 || sendto(fd, messages.bytes, messages.size, 0, (void *)&kernel, sizeof kernel) < 0 ||
        acknowledged(fd, op_number(op, 1)) < 0)
        return fail(why, "netlink: %s", op_string(op, 0).bytes);
    return 0;
}

int op_host_socket(const struct op *op, struct failure *why)
{
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

    return fd < 0 ? fail(why, "netlink socket") : slot_fill(op_number(op, 0), fd, why);
}

int op_rlimit(const struct op *op, struct failure *why)
{
    int resource = (int)op_number(op, 0);
    struct rlimit current, wanted = {op_number(op, 1), op_number(op, 2)};

    if (setrlimit(resource, &wanted) == 0)
        return 0;
    /* Without CAP_SYS_RESOURCE the hard limit cannot rise: give what can be given, and say so. */
    if (errno != EPERM || getrlimit(resource, &current) < 0)
        return fail(why, "setrlimit %d", resource);
    warn_shim(op, "setrlimit", EPERM);
    wanted.rlim_max = wanted.rlim_max < current.rlim_max ? wanted.rlim_max : current.rlim_max;
    wanted.rlim_cur = wanted.rlim_cur < wanted.rlim_max ? wanted.rlim_cur : wanted.rlim_max;
    return setrlimit(resource, &wanted) < 0 ? fail(why, "setrlimit %d", resource) : 0;
}

int op_oom_score(const struct op *op, struct failure *why)
{
    char text[24];
    int length = snprintf(text, sizeof text, "%lld", (long long)op_number(op, 0));
    cleanup_close int proc = own_proc();
    cleanup_close int fd = proc < 0 ? -1 : openat(proc, "self/oom_score_adj", O_WRONLY | O_CLOEXEC);

    if (fd >= 0 && write(fd, text, (size_t)length) == length)
        return 0;
    if (errno == EACCES || errno == EPERM)
        return warn_shim(op, "oom_score_adj", errno), 0;
    return fail(why, "oom_score_adj %s", text);
}

int op_umask(const struct op *op, struct failure *why)
{
    (void)why;
    context.umask = (mode_t)op_number(op, 0);
    return 0;
}

int op_keyring(const struct op *op, struct failure *why)
{
    /* A kernel without keyrings has nothing that could be inherited. */
    if (syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, op_string(op, 0).bytes) < 0 && errno != ENOSYS)
        return fail(why, "join the session keyring");
    return 0;
}

int op_session(const struct op *op, struct failure *why)
{
    (void)op;
    return setsid() < 0 && errno != EPERM ? fail(why, "setsid") : 0;
}

/* Hooks that belong inside: programs that run to their end, on the way into the container or right before exec. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "shim.h"

#define OUTPUT_SHOWN 256 /* bytes, from its start */

struct hook {
    const char *name, *path;
    char **argv, **envp;
    /* Files in memory: a hook that does not read, or never stops to print, holds nobody up. */
    int input, output;
    bool at_root;
};

/* The container's state, with the one number in it that only the process itself knows. */
static int write_state(int fd, struct text before, struct text behind)
{
    char pid[16];
    int length = snprintf(pid, sizeof pid, "%d", getpid());

    if (write(fd, before.bytes, before.size) != (ssize_t)before.size || write(fd, pid, (size_t)length) != length ||
        write(fd, behind.bytes, behind.size) != (ssize_t)behind.size)
        return -1;
    return lseek(fd, 0, SEEK_SET) < 0 ? -1 : 0;
}

/* Comes back only to say why not. */
static int become_hook(const struct hook *hook)
{
    if (hook->at_root && fchdir(context.root) < 0)
        return errno;
    if (dup2(hook->input, 0) < 0 || dup2(hook->output, 1) < 0 || dup2(hook->output, 2) < 0 || sys_close_range(3, ~0u, 0) < 0)
        return errno;
    umask(context.umask);
    execve(hook->path, hook->argv, hook->envp);
    return errno;
}

/* The child borrows our memory until it has executed or failed, so its errno is ours to read. */
static pid_t spawn_hook(const struct hook *hook)
{
    volatile int error = 0;
    pid_t pid = vfork();

    if (pid == 0) {
        error = become_hook(hook);
        _exit(127);
    }
    if (pid > 0 && error != 0) {
        waitpid(pid, NULL, 0);
        return errno = error, -1;
    }
    return pid;
}

/* Until its end, at most `timeout_ms`, or for ever if that is 0. */
static int wait_for_hook(pid_t pid, uint64_t timeout_ms, int *status)
{
    cleanup_close int pidfd = sys_pidfd_open(pid);
    struct pollfd end = {.fd = pidfd, .events = POLLIN};
    int ready = pidfd < 0 ? -1 : poll(&end, 1, timeout_ms == 0 ? -1 : (int)timeout_ms);

    if (ready != 1)
        kill(pid, SIGKILL);
    waitpid(pid, status, 0);
    if (ready == 0)
        errno = ETIMEDOUT;
    return ready == 1 ? 0 : -1;
}

static int judge(const struct hook *hook, int status, struct failure *why)
{
    char said[OUTPUT_SHOWN + 1];
    ssize_t size = pread(hook->output, said, OUTPUT_SHOWN, 0);
    bool signalled = WIFSIGNALED(status);
    const char *end = signalled ? "was ended by signal" : "exited with";

    said[size > 0 ? size : 0] = 0;
    if (status == 0)
        return 0;
    errno = 0;
    return fail(why, "%s \"%.80s\" %s %d%s%s", hook->name, hook->path, end, signalled ? WTERMSIG(status) : WEXITSTATUS(status),
                size > 0 ? ": " : "", said);
}

static int run_hook(const struct hook *hook, uint64_t timeout_ms, struct failure *why)
{
    int status = 0;
    pid_t pid = spawn_hook(hook);

    if (pid < 0)
        return fail(why, "%s \"%.80s\"", hook->name, hook->path);
    if (wait_for_hook(pid, timeout_ms, &status) == 0)
        return judge(hook, status, why);
    if (errno != ETIMEDOUT)
        return fail(why, "wait for %s", hook->name);
    errno = 0;
    return fail(why, "%s \"%.80s\" ran past its timeout of %llu seconds", hook->name, hook->path,
                (unsigned long long)timeout_ms / 1000);
}

int op_hook(const struct op *op, struct failure *why)
{
    unsigned argc = (unsigned)op_number(op, 0);
    cleanup_close int input = memfd_create("hook-state", MFD_CLOEXEC);
    cleanup_close int output = memfd_create("hook-output", MFD_CLOEXEC);
    struct hook hook = {.name = op_string(op, 0).bytes,
                        .path = op_string(op, 1).bytes,
                        .argv = op_arguments(op, 4, argc),
                        .input = input,
                        .output = output,
                        .at_root = op_number(op, 2) & HOOK_AT_ROOT};

    if (hook.argv == NULL)
        return fail(why, "%s with %u arguments", hook.name, argc);
    hook.envp = hook.argv + argc + 1;
    if (input < 0 || output < 0 || write_state(input, op_string(op, 2), op_string(op, 3)) < 0)
        return fail(why, "state for %s", hook.name);
    return run_hook(&hook, op_number(op, 1), why);
}

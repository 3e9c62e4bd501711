/* The child between clone and exec: performs the ops in order, allocates nothing, decides nothing. */
#define _GNU_SOURCE
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>

#include "shim.h"

/* Nobody ignores those behind it, and each would be a system call. */
#define FIRST_REALTIME_SIGNAL 32

static op_function *const OPS[] = {
    [OP_MKDIR] = op_mkdir,
    [OP_WRITE] = op_write,
    [OP_JOIN] = op_join,
    [OP_JOIN_PROCESS] = op_join_process,
    [OP_UNSHARE] = op_unshare,
    [OP_BARRIER] = op_barrier,
    [OP_PROPAGATION] = op_propagation,
    [OP_MOUNT_HOST] = op_mount_host,
    [OP_ROOT] = op_root,
    [OP_MOUNT] = op_mount,
    [OP_BIND] = op_bind,
    [OP_DIRECTORY] = op_directory,
    [OP_MKNOD] = op_mknod,
    [OP_SYMLINK] = op_symlink,
    [OP_CONSOLE] = op_console,
    [OP_MASK] = op_mask,
    [OP_READONLY_PATH] = op_readonly_path,
    [OP_PIVOT] = op_pivot,
    [OP_READONLY_ROOT] = op_readonly_root,
    [OP_SYSCTL] = op_sysctl,
    [OP_HOSTNAME] = op_hostname,
    [OP_DOMAINNAME] = op_domainname,
    [OP_NETLINK] = op_netlink,
    [OP_RLIMIT] = op_rlimit,
    [OP_OOM_SCORE] = op_oom_score,
    [OP_UMASK] = op_umask,
    [OP_SESSION] = op_session,
    [OP_BOUNDING] = op_bounding,
    [OP_USER] = op_user,
    [OP_CAPABILITIES] = op_capabilities,
    [OP_NO_NEW_PRIVS] = op_no_new_privs,
    [OP_SECCOMP] = op_seccomp,
    [OP_SECCOMP_LISTENER] = op_seccomp_listener,
    [OP_SECCOMP_MESSENGER] = op_seccomp_messenger,
    [OP_CWD] = op_cwd,
    [OP_MOUNT_ATTRIBUTES] = op_mount_attributes,
    [OP_ENTER] = op_enter,
    [OP_USER_NAMESPACE] = op_user_namespace,
    [OP_OPEN] = op_open,
    [OP_TREE] = op_tree,
    [OP_OVERLAY] = op_overlay,
    [OP_FILE_SYSTEM] = op_file_system,
    [OP_WITHIN] = op_within,
    [OP_OWNER] = op_owner,
    [OP_JOIN_USER] = op_join_user,
    [OP_BECOME_ROOT] = op_become_root,
    [OP_ATTACH_ROOT] = op_attach_root,
    [OP_ATTACH] = op_attach,
    [OP_HOST_SOCKET] = op_host_socket,
    [OP_EXEC] = op_exec,
    [OP_FIND] = op_find,
    [OP_AWAIT_START] = op_await_start,
    [OP_KEYRING] = op_keyring,
    [OP_HOOK] = op_hook,
    [OP_SCHEDULER] = op_scheduler,
    [OP_IO_PRIORITY] = op_io_priority,
    [OP_AFFINITY] = op_affinity,
    [OP_PERSONALITY] = op_personality,
    [OP_MEMORY_POLICY] = op_memory_policy,
    [OP_BIND_SOURCE] = op_bind_source,
    [OP_REMOUNT] = op_remount,
    [OP_BUNDLE] = op_bundle,
    [OP_RUNTIME] = op_runtime,
    [OP_PROCESS_NETWORK] = op_process_network,
    [OP_CHROOT] = op_chroot,
};

int run_op(const struct op *op, struct failure *why)
{
    if (op->code < array_size(OPS) && OPS[op->code] != NULL)
        return OPS[op->code](op, why);
    errno = ENOSYS;
    return fail(why, "op %u is unknown to this shim", op->code);
}

static void await_go(void)
{
    /* The shim is gone, or it was told not to start: nothing to report to anyone. */
    if (hear_go() < 0)
        _exit(1);
}

int op_barrier(const struct op *op, struct failure *why)
{
    if (tell_shim(SYNC_READY, op->index, (int)op_number(op, 0), "") < 0)
        return fail(why, "barrier");
    await_go();
    return 0;
}

/*
 * Who may trace in the container (CAP_SYS_PTRACE) sees no process that may do more than it will: all that took privileges was done
 * by this process, which is not in the container's pid namespace. The new one is a child of the shim's, as this one is.
 */
int op_enter(const struct op *op, struct failure *why)
{
    (void)op;
    /* Not clone3: docker's seccomp profile, which holds by now, cannot look into its arguments and refuses it. */
    long pid = syscall(SYS_clone, CLONE_PARENT | SIGCHLD, 0, 0, 0, 0);

    if (pid < 0)
        return fail(why, "clone into the container's pid namespace");
    if (pid > 0)
        _exit(tell_shim(SYNC_SUCCESSOR, (uint32_t)pid, 0, "") < 0);
    await_go();
    return begin_session(why);
}

int op_await_start(const struct op *op, struct failure *why)
{
    ssize_t size;
    char go;

    /* A process that nobody has written down would wait for ever: without the shim's word it ends here. */
    if (tell_shim(SYNC_PARKING, op->index, 0, "") < 0)
        return fail(why, "hand over");
    await_go();
    leave_shim();
    do
        size = read(context.start_fifo, &go, 1);
    while (size < 0 && errno == EINTR);
    close(context.start_fifo);
    return size < 0 ? fail(why, "wait at the start fifo") : 0;
}

/* The program starts with every signal as the kernel delivers it by default. */
static void reset_signals(void)
{
    sigset_t none;

    for (int number = 1; number < FIRST_REALTIME_SIGNAL; number++)
        signal(number, SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

_Noreturn void run_child(struct plan *plan)
{
    struct failure why = {.error = EBADMSG, .object = "plan without an exec"};
    struct op op = {0};

    reset_signals();
    while (plan_next(plan, &op) == 1)
        if (run_op(&op, &why) < 0)
            break;
    if (context.sync < 0)
        dprintf(STDERR_FILENO, "%s: %s\n", why.object, strerror(why.error));
    else
        tell_shim(SYNC_FAILED, op.index, why.error, why.object);
    _exit(1);
}

/*
 * The child as the caller of another OCI runtime (runc, crun, runsc). It stays outside of the container: it writes the
 * bundle, runs the runtime's commands, and hands what they make to the shim, to whom it falls when the runtime ends.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "shim.h"

#define LOG_TAIL 4096

/* The process that a runtime has made, and the network namespace that we come from. */
static int made = -1, own_network = -1;

static int write_user(FILE *file, const struct user *user)
{
    int written = fprintf(file, "\"uid\":%u,\"gid\":%u,\"additionalGids\":[", user->uid, user->gid);

    for (unsigned index = 0; index < user->count && written >= 0; index++)
        written = fprintf(file, "%s%u", index == 0 ? "" : ",", user->groups[index]);
    return written < 0 || fputc(']', file) < 0 ? -1 : 0;
}

int op_bundle(const struct op *op, struct failure *why)
{
    static struct user user;
    const char *path = op_string(op, 0).bytes;
    struct text before = op_string(op, 1), behind = op_string(op, 2);

    if (resolve_user(op, 3, &user, why) < 0)
        return -1;
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    FILE *file = fd < 0 ? NULL : fdopen(fd, "w");

    if (file == NULL)
        return fail(why, "open \"%s\"", path);
    bool whole = fwrite(before.bytes, 1, before.size, file) == before.size && write_user(file, &user) == 0 &&
                 fwrite(behind.bytes, 1, behind.size, file) == behind.size;

    return fclose(file) != 0 || !whole ? fail(why, "write \"%s\"", path) : 0;
}

/* In the directory that we work in: its path may be longer than a socket's address. */
static int listen_for_console(struct failure *why)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "terminal.sock"};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof address) == 0 && listen(fd, 1) == 0)
        return fd;
    fail(why, "listen on terminal.sock");
    close_scoped(&fd);
    return -1;
}

static int receive_descriptor(int socket)
{
    char byte[64], control[CMSG_SPACE(sizeof(int))] __attribute__((aligned(8)));
    struct iovec part = {byte, sizeof byte};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    int fd = -1;

    if (recvmsg(socket, &message, MSG_CMSG_CLOEXEC) < 0)
        return -1;
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);

    errno = EPROTO;
    if (header != NULL && header->cmsg_type == SCM_RIGHTS)
        memcpy(&fd, CMSG_DATA(header), sizeof fd);
    return fd;
}

/* The runtime has ended: what it sent is there, or it has sent nothing. */
static int take_console(int listener, const struct op *op, struct failure *why)
{
    struct winsize size = {.ws_row = (unsigned short)op_number(op, 2), .ws_col = (unsigned short)op_number(op, 3)};
    cleanup_close int socket = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    cleanup_close int master = socket < 0 ? -1 : receive_descriptor(socket);

    if (master < 0)
        return fail(why, "the runtime sent no terminal");
    if (size.ws_row != 0 && ioctl(master, TIOCSWINSZ, &size) < 0)
        return fail(why, "ioctl TIOCSWINSZ");
    return send_descriptor(SYNC_CONSOLE, op->index, master) < 0 ? fail(why, "hand over the terminal") : 0;
}

/* Comes back only to say why not. The runtime goes when we go: what it has half made is found by its control group. */
static int become_runtime(char *const argv[], char *const envp[])
{
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
        return errno;
    umask(022); /* as a shell would call it: who knows what modes it asks for */
    execve(argv[0], argv, envp);
    return errno;
}

/* The child borrows our memory until it has executed or failed, so its errno is ours to read. */
static pid_t spawn_runtime(char *const argv[], char *const envp[])
{
    volatile int error = 0;
    pid_t pid = vfork();

    if (pid == 0) {
        error = become_runtime(argv, envp);
        _exit(127);
    }
    if (pid > 0 && error != 0) {
        waitpid(pid, NULL, 0);
        return errno = error, -1;
    }
    return pid;
}

/* The last line of what the runtime has logged, as it is. */
static int fail_as_logged(const char *name, int status, struct failure *why)
{
    char tail[LOG_TAIL + 1];
    cleanup_close int log = open("log.json", O_RDONLY | O_CLOEXEC);
    off_t size = log < 0 ? 0 : lseek(log, 0, SEEK_END);
    ssize_t got = size <= 0 ? 0 : pread(log, tail, LOG_TAIL, size > LOG_TAIL ? size - LOG_TAIL : 0);

    while (got > 0 && tail[got - 1] == '\n')
        got--;
    tail[got > 0 ? got : 0] = 0;
    errno = 0; /* the words say all */
    char *line = strrchr(tail, '\n');

    if (got > 0)
        return fail(why, "%s", line == NULL ? tail : line + 1);
    return WIFSIGNALED(status) ? fail(why, "%s was ended by signal %d", name, WTERMSIG(status))
                               : fail(why, "%s ended with exit code %d and said nothing", name, WEXITSTATUS(status));
}

static int run_runtime(const struct op *op, struct failure *why)
{
    unsigned argc = (unsigned)op_number(op, 0);
    char **argv = op_arguments(op, 1, argc);
    int status = 0;

    if (argv == NULL)
        return fail(why, "a runtime's command of %u words", argc);
    pid_t pid = spawn_runtime(argv, argv + argc + 1);

    if (pid < 0)
        return fail(why, "exec of the runtime \"%s\"", argv[0]);
    waitpid(pid, &status, 0);
    return status == 0 ? 0 : fail_as_logged(argv[0], status, why);
}

/* The streams are the process's from now on: held by us, they would not end with it. */
static int leave_streams(void)
{
    cleanup_close int null = open("/dev/null", O_RDWR | O_CLOEXEC);

    for (int fd = 0; fd < 3 && null >= 0; fd++)
        if (dup2(null, fd) < 0)
            return -1;
    return null < 0 ? -1 : 0;
}

static int give_process(struct failure *why)
{
    char text[24] = "";
    cleanup_close int fd = open("pid", O_RDONLY | O_CLOEXEC);
    pid_t pid = fd < 0 || read(fd, text, sizeof text - 1) <= 0 ? 0 : (pid_t)strtol(text, NULL, 10);

    errno = ESRCH;
    made = pid > 0 ? sys_pidfd_open(pid) : -1;
    if (made < 0)
        return fail(why, "the runtime made no process");
    fcntl(made, F_SETFD, FD_CLOEXEC);
    return send_process(pid) < 0 || leave_streams() < 0 ? fail(why, "hand over process %d", pid) : 0;
}

int op_runtime(const struct op *op, struct failure *why)
{
    const char *directory = op_string(op, 0).bytes;
    uint64_t flags = op_number(op, 1);

    if (chdir(directory) < 0)
        return fail(why, "chdir \"%s\"", directory);
    cleanup_close int console = flags & RUNTIME_CONSOLE ? listen_for_console(why) : -1;

    if ((flags & RUNTIME_CONSOLE) && console < 0)
        return -1;
    if (run_runtime(op, why) < 0 || ((flags & RUNTIME_MAKES_PROCESS) && give_process(why) < 0) ||
        (console >= 0 && take_console(console, op, why) < 0))
        return -1;
    if (flags & RUNTIME_LAST)
        _exit(send_running() < 0);
    return 0;
}

int op_process_network(const struct op *op, struct failure *why)
{
    if (own_network < 0)
        own_network = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    if (own_network < 0)
        return fail(why, "open our network namespace");
    if (setns(op_number(op, 0) ? made : own_network, CLONE_NEWNET) < 0)
        return fail(why, "setns to the network namespace of the process");
    return 0;
}

/*
 * A process in the foreground: the caller's own process has become this program, so that nothing more than it waits for the
 * process. Signals go on to it, its terminal is relayed, and what it leaves is removed.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>

#include "shim.h"

#define RELAY_SIZE 16384
/* Strings of OP_ATTEND. */
#define DIRECTORY 1
#define MANAGER 2
#define CONCLUSION 3
/* More than a terminal holds. */
#define LAST_OUTPUT 65536
/* Of a process that somebody else has waited for. */
#define UNKNOWN_CODE 255

static pid_t process;
static int exit_code = -1;

static int master = -1, host_terminal = -1;
static struct termios host_mode;
static bool input_ended, output_rests;
/* Input that the terminal has not taken yet. */
static char input[RELAY_SIZE];
static size_t input_start, input_end;

/* Where the process says that it is ready, and who wants to know. */
static int readiness = -1;
static const char *manager;

static void copy_size(void)
{
    struct winsize size;

    if (master >= 0 && host_terminal >= 0 && ioctl(host_terminal, TIOCGWINSZ, &size) == 0)
        ioctl(master, TIOCSWINSZ, &size);
}

/* The first of our streams that is a terminal becomes raw: what is typed is the process's to interpret. */
static void open_terminal(void)
{
    struct termios raw;

    master = FD_EXTRA;
    fcntl(master, F_SETFL, O_NONBLOCK);
    for (int fd = 0; fd < 3 && host_terminal < 0; fd++)
        if (tcgetattr(fd, &host_mode) == 0)
            host_terminal = fd;
    if (host_terminal < 0)
        return;
    raw = host_mode;
    cfmakeraw(&raw);
    tcsetattr(host_terminal, TCSANOW, &raw);
    copy_size();
}

static void close_terminal(void)
{
    if (host_terminal >= 0)
        tcsetattr(host_terminal, TCSANOW, &host_mode);
}

/* How much there was; not positive when there is nothing to read right now. */
static ssize_t relay_output(void)
{
    char bytes[RELAY_SIZE];
    ssize_t got = read(master, bytes, sizeof bytes);

    if (got > 0)
        write_all(STDOUT_FILENO, bytes, (size_t)got);
    else if (got == 0 || (errno != EAGAIN && errno != EINTR))
        output_rests = true; /* EIO: nobody has the terminal open, for now */
    return got;
}

static void take_input(void)
{
    ssize_t got = read(STDIN_FILENO, input, sizeof input);

    input_start = 0;
    input_end = got > 0 ? (size_t)got : 0;
    input_ended = got == 0 || (got < 0 && errno != EINTR && errno != EAGAIN);
}

static void give_input(void)
{
    ssize_t written = write(master, input + input_start, input_end - input_start);

    if (written > 0)
        input_start += (size_t)written;
    else if (errno != EAGAIN && errno != EINTR)
        input_start = input_end;
}

static int code_of(int status)
{
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static void reap(void)
{
    pid_t pid;
    int status;

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
        if (pid == process)
            exit_code = code_of(status);
    if (pid < 0 && errno == ECHILD && exit_code < 0)
        exit_code = UNKNOWN_CODE;
}

static void hear_signals(int signals)
{
    struct signalfd_siginfo info;

    while (read(signals, &info, sizeof info) == sizeof info) {
        int number = (int)info.ssi_signo;

        if (number == SIGCHLD)
            reap();
        else if (number == SIGWINCH)
            copy_size();
        else if (number != SIGPIPE && number != SIGTTOU && exit_code < 0)
            kill(process, number); /* its number is not given to another before we have reaped it */
    }
}

static void relay_until_end(int signals)
{
    reap();
    while (exit_code < 0) {
        bool waiting = input_start < input_end;
        struct pollfd watched[] = {
            {.fd = signals, .events = POLLIN},
            {.fd = master, .events = (short)((output_rests ? 0 : POLLIN) | (waiting ? POLLOUT : 0))},
            {.fd = master < 0 || waiting || input_ended ? -1 : STDIN_FILENO, .events = POLLIN},
            {.fd = readiness, .events = POLLIN},
        };

        if (output_rests && !waiting)
            watched[1].fd = -1;
        /* A terminal that nobody has open may be opened again: there is no event for that. */
        if (poll(watched, array_size(watched), output_rests ? 100 : -1) == 0)
            output_rests = false;
        if (watched[0].revents)
            hear_signals(signals);
        if (watched[1].revents & (POLLIN | POLLHUP))
            relay_output();
        if (watched[1].revents & POLLOUT)
            give_input();
        if (watched[2].revents)
            take_input();
        if (watched[3].revents)
            relay_readiness(readiness, &manager);
    }
}

/* What the process said and printed before it ended is there by now. Another may go on and on with printing: that is waited for no longer. */
static void relay_rest(void)
{
    ssize_t got;

    for (size_t size = 0; master >= 0 && size < LAST_OUTPUT && (got = relay_output()) > 0; size += (size_t)got)
        ;
    relay_readiness(readiness, &manager);
}

/* What is gone already is removed. */
static bool remove_path(const char *path)
{
    return unlinkat(AT_FDCWD, path, AT_REMOVEDIR) == 0 || errno == ENOENT ||
           (errno == ENOTDIR && (unlink(path) == 0 || errno == ENOENT));
}

static bool remove_all(struct plan *plan)
{
    bool removed = true;
    struct op op;

    while (plan_next(plan, &op) == 1)
        removed = remove_path(op_string(&op, 0).bytes) && removed;
    return removed;
}

#define WORDS_LIMIT 16

/* Whether it succeeds or not: the code that counts is the process's. */
static void conclude(const struct op *op)
{
    static char *const environment[] = {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", NULL};
    char *words[WORDS_LIMIT + 1] = {NULL};
    sigset_t none;

    for (unsigned index = 0; CONCLUSION + index < op->strings && index < WORDS_LIMIT; index++)
        words[index] = (char *)(uintptr_t)op_string(op, CONCLUSION + index).bytes;
    pid_t child = fork();

    if (child == 0) {
        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, NULL);
        execve(words[0], words, environment);
        _exit(1);
    }
    while (child > 0 && waitpid(child, NULL, 0) < 0 && errno == EINTR)
        ;
}

/* Only now: what the caller is sent from here on is passed on, and the terminal has its size. */
static void start(const char *fifo)
{
    cleanup_close int fd = *fifo ? open(fifo, O_WRONLY | O_NONBLOCK | O_CLOEXEC) : -1;

    if (fd >= 0 && write(fd, "", 1) == 1)
        unlink(fifo);
}

/* As the commands lock it. Somebody may have removed the container meanwhile, and another may have its name. */
static bool lock_directory(int directory, const char *path)
{
    struct stat held, there;

    return flock(directory, LOCK_EX) == 0 && fstat(directory, &held) == 0 && stat(path, &there) == 0 &&
           held.st_ino == there.st_ino && held.st_dev == there.st_dev;
}

/* The program that concludes locks it itself. */
static void clean_up(struct plan *plan, const struct op *op, int directory)
{
    struct text path = op_string(op, DIRECTORY);
    bool ours = path.size == 0 || (directory >= 0 && lock_directory(directory, path.bytes));
    bool removed = ours && remove_all(plan);

    close_scoped(&directory);
    if (ours && (!removed || (op_number(op, 1) & ATTEND_CONCLUDE)) && op->strings > CONCLUSION)
        conclude(op);
}

int attend(struct plan *plan, const struct op *op, struct failure *why)
{
    struct text path = op_string(op, DIRECTORY);
    uint64_t flags = op_number(op, 1);
    int signals, directory = path.size > 0 ? open(path.bytes, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    sigset_t all;

    prctl(PR_SET_NAME, "berth-oci", 0, 0, 0);
    process = (pid_t)op_number(op, 0);
    manager = op_string(op, MANAGER).bytes;
    if (*manager)
        readiness = FD_EXTRA + ((flags & ATTEND_TERMINAL) != 0);
    if (flags & ATTEND_LEAVE)
        return await_readiness(readiness, manager, process);
    sigfillset(&all);
    signals = signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK);
    if (signals < 0)
        return fail(why, "signalfd");
    if (flags & ATTEND_TERMINAL)
        open_terminal();
    start(op_string(op, 0).bytes);
    relay_until_end(signals);
    relay_rest();
    close_terminal();
    clean_up(plan, op, directory);
    return exit_code;
}

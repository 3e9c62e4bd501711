/* pid 1 of a container with --init: forwards signals to the program, reaps what it leaves behind, ends as it ends. */
#define _GNU_SOURCE
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <termios.h>

#include "shim.h"

static int exit_code(int status)
{
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static _Noreturn void reap_and_forward(pid_t program, const sigset_t *signals)
{
    for (;;) {
        siginfo_t info;
        int status, signal = sigwaitinfo(signals, &info);

        if (signal < 0)
            continue;
        if (signal != SIGCHLD) {
            kill(program, signal);
            continue;
        }
        for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;)
            if (pid == program)
                _exit(exit_code(status));
    }
}

/* The program gets a process group of its own, in the foreground, so that Ctrl-C reaches it and not its init. */
static void become_foreground(void)
{
    sigset_t blocked, before;

    setpgid(0, 0);
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGTTOU);
    sigprocmask(SIG_BLOCK, &blocked, &before);
    tcsetpgrp(0, getpgrp());
    sigprocmask(SIG_SETMASK, &before, NULL);
}

int become_init(void)
{
    sigset_t all, before;

    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &before);
    pid_t program = fork();

    if (program < 0)
        return -1;
    if (program == 0) {
        sigprocmask(SIG_SETMASK, &before, NULL);
        if (isatty(0))
            become_foreground();
        return 0;
    }
    prctl(PR_SET_NAME, "berth-init", 0, 0, 0);
    /* The shim learns of the exec from the end of its socket, and of the output's end from the pipes: hold neither. */
    sys_close_range(0, ~0u, 0);
    reap_and_forward(program, &all);
}

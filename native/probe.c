/*
 * For tests: calls every system call with arguments that are no good, each in a child of its own, and prints what came
 * back, a line each: number, then errno, "ok", or "signal N". Where a filter refuses a call, that shows.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define LAST_CALL 469

/* These end or stop the caller, make another one of it, or wait for the disk, whatever their arguments are. */
static bool is_skipped(long number)
{
    static const long skipped[] = {SYS_rt_sigreturn, SYS_pause, SYS_fork,    SYS_vfork,
                                   SYS_exit,         SYS_sync,  SYS_vhangup, SYS_exit_group};

    for (unsigned index = 0; index < sizeof skipped / sizeof *skipped; index++)
        if (skipped[index] == number)
            return true;
    return false;
}

/* Exits with the errno, 0 when the call was let through and succeeded. */
static _Noreturn void call(long number)
{
    alarm(1);
    _exit(syscall(number, -1, -1, -1, -1, -1, -1) < 0 ? errno : 0);
}

int main(void)
{
    for (long number = 0; number <= LAST_CALL; number++) {
        int status;

        if (is_skipped(number))
            continue;
        pid_t child = fork();

        if (child == 0)
            call(number);
        if (child < 0 || waitpid(child, &status, 0) < 0)
            return 1;
        if (WIFSIGNALED(status))
            printf("%ld signal %d\n", number, WTERMSIG(status));
        else
            printf("%ld %d\n", number, WEXITSTATUS(status));
    }
    return 0;
}

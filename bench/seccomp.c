/* What a filter costs: `seccomp FILTER ROUNDS` prints nanoseconds to load it (median), of a call without and of one with arguments that it looks at. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define CALLS 300000

static struct sock_fprog program;
static uint64_t *taken;

static uint64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void load(void)
{
    uint64_t before = now_ns();

    if (program.len > 0 && syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_SPEC_ALLOW, &program) < 0)
        _exit(1);
    taken[0] = now_ns() - before;
}

static void measure_calls(void)
{
    uint64_t start = now_ns(), middle;

    for (int call = 0; call < CALLS; call++)
        syscall(SYS_getppid);
    middle = now_ns();
    for (int call = 0; call < CALLS; call++)
        syscall(SYS_personality, 0xffffffff);
    taken[1] = (middle - start) / CALLS;
    taken[2] = (now_ns() - middle) / CALLS;
}

static void in_child(void (*work)(void))
{
    int status;
    pid_t child = fork();

    if (child == 0) {
        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
        load();
        work();
        _exit(0);
    }
    if (waitpid(child, &status, 0) < 0 || status != 0)
        exit(1);
}

static void nothing(void)
{
}

static int ascending(const void *left, const void *right)
{
    const uint64_t *a = left, *b = right;

    return *a < *b ? -1 : *a > *b;
}

int main(int argc, char **argv)
{
    static struct sock_filter filter[BPF_MAXINSNS];
    int fd = argc == 3 ? open(argv[1], O_RDONLY | O_CLOEXEC) : -1, rounds = argc == 3 ? atoi(argv[2]) : 0;
    ssize_t size = fd < 0 ? -1 : read(fd, filter, sizeof filter);
    uint64_t *loads = calloc((size_t)rounds + 1, sizeof *loads);

    taken = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (size < 0 || rounds < 1 || loads == NULL || taken == MAP_FAILED)
        return 1;
    program = (struct sock_fprog){.len = (unsigned short)((size_t)size / sizeof *filter), .filter = filter};
    for (int round = 0; round < rounds; round++) {
        in_child(nothing);
        loads[round] = taken[0];
    }
    qsort(loads, (size_t)rounds, sizeof *loads, ascending);
    in_child(measure_calls);
    printf("%llu %llu %llu\n", (unsigned long long)loads[rounds / 2], (unsigned long long)taken[1], (unsigned long long)taken[2]);
    return 0;
}

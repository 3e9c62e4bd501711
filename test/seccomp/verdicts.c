/*
 * What the kernel says: `verdicts FILTER CASES` loads a filter and makes system calls under it; prints what each returned, as int64. FILTER is
 * struct sock_filter[], CASES struct call[]. The filter must let nothing through: what it says is told apart by errno. One that ends the process ends
 * the list, with the signal as the last word: 1000 + its number.
 */
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
#include <unistd.h>

struct call {
    uint32_t by_int80, number;
    uint64_t args[6];
};

struct shared {
    volatile uint64_t made;
    volatile int64_t results[];
};

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

static void *read_file(const char *path, size_t *size)
{
    struct stat status;
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0 || fstat(fd, &status) < 0)
        fail(path);
    *size = (size_t)status.st_size;
    void *bytes = mmap(NULL, *size ? *size : 1, PROT_READ, MAP_PRIVATE, fd, 0);

    if (bytes == MAP_FAILED)
        fail(path);
    return bytes;
}

/* The six arguments in their registers by hand: the kernel must get each bit as it stands in the case. */
static int64_t call_64(const struct call *call)
{
    register uint64_t r10 __asm__("r10") = call->args[3];
    register uint64_t r8 __asm__("r8") = call->args[4];
    register uint64_t r9 __asm__("r9") = call->args[5];
    int64_t result;

    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"((uint64_t)call->number), "D"(call->args[0]), "S"(call->args[1]), "d"(call->args[2]), "r"(r10), "r"(r8),
                       "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
}

/* ebp is the sixth argument and no operand that a compiler would give away. */
static int64_t call_32(const struct call *call)
{
    register uint64_t sixth __asm__("r8") = call->args[5];
    int64_t result;

    __asm__ volatile("sub $128, %%rsp; push %%rbp; mov %%r8, %%rbp; int $0x80; pop %%rbp; add $128, %%rsp"
                     : "=a"(result)
                     : "a"((uint64_t)call->number), "b"(call->args[0]), "c"(call->args[1]), "d"(call->args[2]), "S"(call->args[3]),
                       "D"(call->args[4]), "r"(sixth)
                     : "r9", "r10", "r11", "memory");
    return result;
}

static void make_calls(const struct call *calls, size_t count, struct shared *shared)
{
    for (size_t index = 0; index < count; index++) {
        shared->results[index] = calls[index].by_int80 ? call_32(&calls[index]) : call_64(&calls[index]);
        shared->made = index + 1;
    }
    __builtin_trap(); /* the filter forbids to exit */
}

int main(int argc, char **argv)
{
    size_t filter_size, calls_size;
    struct sock_fprog program = {.filter = argc == 3 ? read_file(argv[1], &filter_size) : NULL};
    const struct call *calls = argc == 3 ? read_file(argv[2], &calls_size) : NULL;
    size_t count = calls == NULL ? 0 : calls_size / sizeof *calls;
    size_t size = sizeof(struct shared) + (count + 1) * sizeof(int64_t);
    struct shared *shared = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int status;

    if (calls == NULL || shared == MAP_FAILED)
        return fprintf(stderr, "usage: verdicts FILTER CASES\n"), 1;
    program.len = (unsigned short)(filter_size / sizeof *program.filter);
    pid_t child = fork();

    if (child == 0) {
        prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
        if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) < 0) {
            perror("seccomp");
            _exit(1);
        }
        make_calls(calls, count, shared);
    }
    if (waitpid(child, &status, 0) < 0 || !WIFSIGNALED(status))
        return 1;
    size_t said = shared->made;

    if (said < count)
        shared->results[said++] = 1000 + WTERMSIG(status);
    return fwrite((const void *)shared->results, sizeof(int64_t), said, stdout) == said ? 0 : 1;
}

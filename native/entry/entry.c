/*
 * Where the executable begins: before Bun, whose start is most of what a short command costs. A command is given to the engine that runs on
 * this machine, by a small program (native/shim/front.c) that takes this process over; what the engine cannot do for it, and all that
 * happens where no engine listens, is Bun's. tools/entry.ts puts this into the executable and fills in `facts`.
 *
 * There is no C library here, no writable data and no relocation: the dynamic loader has made Bun ready, and finds it as it left it.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>

#include "front.h"
#include "protocol.h"

#ifndef MFD_EXEC
#define MFD_EXEC 0x10
#endif
#define ALL_SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

/* Filled in by tools/entry.ts, which finds it by its first bytes; here, and not in C, so that no compiler takes it for what it is now. */
struct facts {
    char mark[16];
    uint64_t bun;        /* address where Bun begins */
    uint64_t image;      /* address and size of the shim's program */
    uint64_t image_size;
    char build[FRONT_BUILD_SIZE];
};
extern const struct facts facts;

__asm__(".section .rodata\n"
        ".balign 8\n"
        "facts:\n"
        "  .ascii \"berth-entry-fact\"\n"
        "  .zero 40\n"
        ".text\n");

static long call6(long number, long a, long b, long c, long d, long e)
{
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = e;
    long result;

    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8)
                     : "rcx", "r11", "memory");
    return result;
}

#define call(number, a, b, c) call6(number, (long)(a), (long)(b), (long)(c), 0, 0)

static size_t length(const char *text)
{
    size_t size = 0;

    while (text[size])
        size++;
    return size;
}

static int equal(const char *a, const char *b)
{
    while (*a && *a == *b)
        a++, b++;
    return *a == *b;
}

/* Not the engine itself, nor those who work for it. */
static int is_command(long argc, char **argv)
{
    return argc > 1 && !equal(argv[1], "daemon") && !equal(argv[1], "worker");
}

/* The value of the variable, or NULL; `name` ends with its equals sign. */
static const char *variable(char **environment, const char *name)
{
    size_t size = length(name);

    for (; *environment; environment++) {
        size_t same = 0;

        while (same < size && (*environment)[same] == name[same])
            same++;
        if (same == size)
            return *environment + size;
    }
    return NULL;
}

static void copy(char *to, const char *from, size_t size)
{
    while (size-- > 0)
        *(volatile char *)to++ = *from++;
}

/* Of this machine's engine, or of the one that BERTH_RUN names. */
static int address_of(struct sockaddr_un *address, const char *run)
{
    static const char name[] = "/" FRONT_SOCKET;
    size_t size = length(run);

    if (run[0] != '/' || size + sizeof name > sizeof address->sun_path)
        return -1;
    address->sun_family = AF_UNIX;
    copy(address->sun_path, run, size);
    copy(address->sun_path + size, name, sizeof name);
    return 0;
}

/* The engine is greeted at once, and answers while the next program starts. */
static long greet(int fd)
{
    const struct frame_header hello = {.size = 0, .type = FRONT_HELLO};

    return call6(SYS_sendto, fd, (long)&hello, sizeof hello, MSG_NOSIGNAL, 0);
}

/* Without waiting: an engine that stands still has many waiting already. */
static int is_connected(int fd, const struct sockaddr_un *address)
{
    return call(SYS_connect, fd, address, sizeof *address) == 0 && call(SYS_fcntl, fd, F_SETFL, 0) == 0 && greet(fd) > 0;
}

static int connect_engine(char **environment)
{
    struct sockaddr_un address;
    const char *run = variable(environment, "BERTH_RUN=");

    if (address_of(&address, run && *run ? run : "/run/berth") < 0)
        return -1;
    int fd = (int)call(SYS_socket, AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

    if (fd < 0)
        return -1;
    /* A number below 3 is free when the caller has closed a stream: then we must not be there. */
    if (fd < 3 || !is_connected(fd, &address)) {
        call(SYS_close, fd, 0, 0);
        return -1;
    }
    return fd;
}

/* Where the administrator lets programs run from memory only when they say so (vm.memfd_noexec), we do; older kernels do not know it. */
static int open_memory(void)
{
    int fd = (int)call(SYS_memfd_create, "berth-shim", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_EXEC, 0);

    return fd >= 0 ? fd : (int)call(SYS_memfd_create, "berth-shim", MFD_CLOEXEC | MFD_ALLOW_SEALING, 0);
}

static int put_image(int fd)
{
    const char *bytes = (const char *)facts.image;

    for (size_t done = 0; done < facts.image_size;) {
        long written = call(SYS_write, fd, bytes + done, facts.image_size - done);

        if (written <= 0)
            return 0;
        done += (size_t)written;
    }
    return call(SYS_fcntl, fd, F_ADD_SEALS, ALL_SEALS) == 0;
}

/* In sealed memory: no container can write to the program that makes it (CVE-2019-5736). */
static int open_image(void)
{
    int fd = open_memory();

    if (fd < 0 || put_image(fd))
        return fd;
    call(SYS_close, fd, 0, 0);
    return -1;
}

static char *put_number(char *at, int number)
{
    char digits[12];
    int count = 0;

    do
        digits[count++] = (char)('0' + number % 10);
    while ((number /= 10) > 0);
    while (count > 0)
        *at++ = digits[--count];
    return at;
}

#define ENVIRONMENT_LIMIT 4096

/* The words stay what they were; the descriptors are told in the environment. Comes back where it does not succeed. */
static void become_front(int image, int connection, int executable, char **argv, char **environment)
{
    char entry[64] = FRONT_VARIABLE "=", *at = entry + sizeof FRONT_VARIABLE;
    char *told[ENVIRONMENT_LIMIT + 2];
    size_t count = 0;

    at = put_number(at, connection);
    *at++ = ',';
    at = put_number(at, executable);
    *at++ = ',';
    copy(at, facts.build, FRONT_BUILD_SIZE);
    told[count++] = entry;
    while (*environment && count <= ENVIRONMENT_LIMIT)
        told[count++] = *environment++;
    told[count] = NULL;
    if (*environment == NULL)
        call6(SYS_execveat, image, (long)"", (long)argv, (long)told, AT_EMPTY_PATH);
}

static void try_front(char **argv, char **environment)
{
    int connection = connect_engine(environment);

    if (connection < 0)
        return;
    int executable = (int)call(SYS_open, "/proc/self/exe", O_PATH, 0);
    int image = executable < 0 ? -1 : open_image();

    if (image >= 0)
        become_front(image, connection, executable, argv, environment);
    call(SYS_close, connection, 0, 0);
    call(SYS_close, executable, 0, 0);
    call(SYS_close, image, 0, 0);
}

/* `stack` is what the kernel has put there: argc, argv, NULL, the environment, NULL. */
__attribute__((used)) void enter(long *stack)
{
    long argc = stack[0];
    char **argv = (char **)(stack + 1), **environment = argv + argc + 1;

    if (is_command(argc, argv) && variable(environment, FRONT_ALONE_VARIABLE "=") == NULL)
        try_front(argv, environment);
}

/* The stack and %rdx, which holds what the loader wants to be called at the end, are left to Bun as they are. */
__asm__(".globl _start\n"
        "_start:\n"
        "  push %rdx\n"
        "  sub $8, %rsp\n"
        "  lea 16(%rsp), %rdi\n"
        "  call enter\n"
        "  add $8, %rsp\n"
        "  pop %rdx\n"
        "  jmp *facts+16(%rip)\n");

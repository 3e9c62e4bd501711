/*
 * A command of the OCI runtime that the engine performs: the caller's process has become this program (native/entry), which is the engine's
 * hands here. It starts the shim, so that the container is its caller's, prints, and becomes the attendant. It decides one thing:
 * whether the engine sees the same system as we do. Where it does not, or has no answer, Bun takes this process back.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "front.h"
#include "shim.h"

/* An engine that has not said a word by then is no help. */
#define PATIENCE_MS 250
/* Above all that a program expects at a number of its own. */
#define FIRST_SPARE 64
#define FAILED 1

static int connection, executable;
static char **words;

/* Bun performs the command, in this process. */
static int go_alone(void)
{
    close(connection);
    unsetenv(FRONT_VARIABLE);
    putenv((char[]){FRONT_ALONE_VARIABLE "=1"});
    syscall(SYS_execveat, executable, "", words, environ, AT_EMPTY_PATH);
    perror("berth: its own executable cannot be started again");
    return FAILED;
}

static bool receive(void *bytes, size_t size)
{
    return size == 0 || recv(connection, bytes, size, MSG_WAITALL) == (ssize_t)size;
}

static bool send_all(int fd, const char *bytes, size_t size)
{
    while (size > 0) {
        ssize_t sent = write(fd, bytes, size);

        if (sent < 0 && errno != EINTR)
            return false;
        if (sent > 0)
            bytes += sent, size -= (size_t)sent;
    }
    return true;
}

static bool say(int fd, enum front_message type, const void *payload, size_t size)
{
    struct frame_header header = {.size = (uint32_t)size, .type = (uint16_t)type};
    struct iovec parts[] = {{&header, sizeof header}, {(void *)(uintptr_t)payload, size}};
    ssize_t sent = writev(fd, parts, 2);

    return sent >= (ssize_t)sizeof header && send_all(fd, (const char *)payload + (sent - (ssize_t)sizeof header), size - ((size_t)sent - sizeof header));
}

static uint64_t inode_of_namespace(const char *name)
{
    char path[64];
    struct stat status = {0};

    snprintf(path, sizeof path, "/proc/self/ns/%s", name);
    stat(path, &status); /* a namespace that this kernel does not have is 0 for both */
    return status.st_ino;
}

static uint64_t bounding_set(void)
{
    uint64_t set = 0;

    for (unsigned capability = 0; capability < 64; capability++)
        if (prctl(PR_CAPBSET_READ, capability, 0, 0, 0) == 1)
            set |= UINT64_C(1) << capability;
    return set;
}

static uint64_t effective_set(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2] = {0};

    syscall(SYS_capget, &header, data);
    return data[0].effective | (uint64_t)data[1].effective << 32;
}

static void find_facts(uint64_t facts[FRONT_FACTS])
{
    struct stat root = {0};
    uint64_t *fact = facts;

    for (const char *name = FRONT_NAMESPACES; *name; name += strlen(name) + 1)
        *fact++ = inode_of_namespace(name);
    stat("/", &root);
    *fact++ = root.st_dev;
    *fact++ = root.st_ino;
    *fact++ = bounding_set();
    *fact = effective_set();
}

struct greeting {
    struct frame_header header;
    char build[FRONT_BUILD_SIZE];
    uint64_t facts[FRONT_FACTS];
};

/* What it says is done with our rights: it must be somebody who has them. */
static bool is_one_of_ours(void)
{
    struct ucred peer;
    socklen_t size = sizeof peer;

    return getsockopt(connection, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && peer.uid == geteuid();
}

/* Whether an engine of this build sees what we see. */
static bool is_met(const char *build)
{
    struct pollfd watched = {.fd = connection, .events = POLLIN};
    struct greeting theirs, ours = {.header = {.size = sizeof ours - sizeof ours.header, .type = FRONT_GREETING}};

    strncpy(ours.build, build, sizeof ours.build - 1);
    find_facts(ours.facts);
    return is_one_of_ours() && poll(&watched, 1, PATIENCE_MS) == 1 && receive(&theirs, sizeof theirs) && memcmp(&theirs, &ours, sizeof ours) == 0;
}

static int64_t oom_score_adjust(void)
{
    char text[16] = "";
    cleanup_close int fd = open("/proc/self/oom_score_adj", O_RDONLY | O_CLOEXEC);

    return fd >= 0 && read(fd, text, sizeof text - 1) > 0 ? atoi(text) : 0;
}

/* What is in front of the strings. */
struct call_head {
    uint64_t limits[FRONT_LIMITS];
    int64_t oom_score_adjust;
    uint32_t words;
};
#define CALL_HEAD_SIZE (offsetof(struct call_head, words) + sizeof(uint32_t))

static void find_head(struct call_head *head)
{
    for (int resource = 0; resource < FRONT_LIMITS; resource++) {
        struct rlimit limit = {0};

        getrlimit(resource, &limit);
        head->limits[resource] = limit.rlim_max;
    }
    head->oom_score_adjust = oom_score_adjust();
    for (head->words = 0; words[head->words] != NULL;)
        head->words++;
}

static size_t append(char *bytes, size_t at, const char *text)
{
    size_t size = strlen(text) + 1;

    if (bytes != NULL)
        memcpy(bytes + at, text, size);
    return at + size;
}

/* Where `bytes` is NULL, how much it would be. */
static size_t put_strings(char *bytes, size_t at, const char *directory)
{
    at = append(bytes, at, directory);
    for (char **word = words; *word; word++)
        at = append(bytes, at, *word);
    for (char **variable = environ; *variable; variable++)
        at = append(bytes, at, *variable);
    return at;
}

static bool send_call(void)
{
    char directory[PATH_MAX];
    struct call_head head = {0};
    size_t size;

    if (getcwd(directory, sizeof directory) == NULL || directory[0] != '/' || (size = put_strings(NULL, CALL_HEAD_SIZE, directory)) > PLAN_MAX_SIZE)
        return false;
    char *bytes = malloc(size);

    if (bytes == NULL)
        return false;
    find_head(&head);
    memcpy(bytes, &head, CALL_HEAD_SIZE);
    put_strings(bytes, CALL_HEAD_SIZE, directory);
    bool sent = say(connection, FRONT_CALL, bytes, size);

    free(bytes);
    return sent;
}

static int plan_file(const char *bytes, size_t size)
{
    int fd = memfd_create("berth-plan", MFD_CLOEXEC);

    if (fd >= 0 && !send_all(fd, bytes, size)) {
        close(fd);
        return -1;
    }
    return fd;
}

static int connect_control(const char *token)
{
    struct sockaddr_un address;
    socklen_t size = sizeof address;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0 || getpeername(connection, (struct sockaddr *)&address, &size) < 0 ||
        connect(fd, (struct sockaddr *)&address, size) < 0 || !say(fd, FRONT_CONTROL, token, sizeof(uint64_t))) {
        if (fd >= 0)
            close(fd);
        return -1;
    }
    return fd;
}

/* The two descriptors at the numbers that a shim finds them at; nothing else of ours behind them. */
static bool place(int plan, int control)
{
    int spare_plan = fcntl(plan, F_DUPFD_CLOEXEC, FIRST_SPARE), spare_control = fcntl(control, F_DUPFD_CLOEXEC, FIRST_SPARE);

    return spare_plan >= 0 && spare_control >= 0 && dup2(spare_plan, FD_PLAN) >= 0 && dup2(spare_control, FD_CONTROL) >= 0 &&
           sys_close_range(FD_EXTRA, ~0u, 0) == 0;
}

/* The shim is a copy of this process, which is small, and holds nothing but the request. */
static pid_t start_shim(int plan, int control)
{
    pid_t pid = fork();

    if (pid == 0)
        _exit(place(plan, control) ? shim() : FAILED);
    return pid < 0 ? -errno : pid;
}

static bool launch(const char *payload, size_t size)
{
    cleanup_close int plan = plan_file(payload + sizeof(uint64_t), size - sizeof(uint64_t));
    cleanup_close int control = plan < 0 ? -1 : connect_control(payload);
    int32_t pid = control < 0 ? -errno : start_shim(plan, control);

    return say(connection, FRONT_LAUNCHED, &pid, sizeof pid);
}

/* An unburied one would hold up the end of a pid namespace that it has joined. */
static bool reap_child(pid_t pid)
{
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        ;
    return true;
}

static int become_attendant(const char *plan, size_t size)
{
    int fd = plan_file(plan, size);

    return fd >= 0 && place(fd, fd) ? shim() : FAILED;
}

static int32_t number_of(const char *payload)
{
    int32_t number;

    memcpy(&number, payload, sizeof number);
    return number;
}

static char *receive_payload(size_t size)
{
    char *payload = size > PLAN_MAX_SIZE + sizeof(uint64_t) ? NULL : malloc(size + sizeof(uint64_t));

    if (payload != NULL && !receive(payload, size)) {
        free(payload);
        return NULL;
    }
    return payload;
}

static int lose_engine(void)
{
    fputs("berth: the engine that performed this command has ended; try again\n", stderr);
    return FAILED;
}

/* Until the last frame. */
static int obey(void)
{
    for (;;) {
        struct frame_header header;
        char *payload = receive(&header, sizeof header) ? receive_payload(header.size) : NULL;
        bool done = payload != NULL;

        if (!done)
            return lose_engine();
        if (header.type == FRONT_ALONE)
            return go_alone();
        if (header.type == FRONT_END)
            return number_of(payload);
        if (header.type == FRONT_ATTEND)
            return become_attendant(payload, header.size);
        if (header.type == FRONT_PRINT)
            send_all(number_of(payload), payload + sizeof(uint32_t), header.size - sizeof(uint32_t));
        else if (header.type == FRONT_LAUNCH)
            done = launch(payload, header.size);
        else if (header.type == FRONT_REAP)
            done = reap_child(number_of(payload));
        free(payload);
        if (!done)
            return lose_engine();
    }
}

int front(const char *told, char **argv)
{
    char build[FRONT_BUILD_SIZE];

    words = argv;
    if (sscanf(told, "%d,%d,%15[0-9a-z]", &connection, &executable, build) != 3)
        return FAILED;
    fcntl(connection, F_SETFD, FD_CLOEXEC);
    fcntl(executable, F_SETFD, FD_CLOEXEC);
    return is_met(build) && send_call() ? obey() : go_alone();
}

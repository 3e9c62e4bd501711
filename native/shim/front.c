/*
 * A command that the engine performs: the process that was called has become this program (native/entry), which is the engine's hands here. It
 * prints, passes signals on, starts the shim of an OCI container, so that it is the child of whom it should be, and becomes its attendant. It
 * decides one thing: whether the engine sees the same system as we do. Where it does not, or has no answer, Bun takes this process back.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "front.h"
#include "shim.h"

/* An engine that has not said a word by then is no help. */
#define PATIENCE_MS 250
#define CONNECT_SECONDS 10
/* Above all that a program expects at a number of its own. */
#define FIRST_SPARE 64
#define FAILED 1

static int connection, executable, signals = -1;
static char **words;
static sigset_t inherited, pipe_signal;
static bool troubled[3]; /* what is printed there goes nowhere */

/* That a pipe is closed is told by an error. */
static void keep_pipe_signal(void)
{
    sigemptyset(&pipe_signal);
    sigaddset(&pipe_signal, SIGPIPE);
    sigprocmask(SIG_BLOCK, &pipe_signal, &inherited);
}

/* One that has come meanwhile was for us. */
static void release_pipe_signal(void)
{
    const struct timespec now = {0};

    sigtimedwait(&pipe_signal, NULL, &now);
    sigprocmask(SIG_SETMASK, &inherited, NULL);
}

/* Bun performs the command, in this process. */
static int go_alone(void)
{
    close(connection);
    unsetenv(FRONT_VARIABLE);
    putenv((char[]){FRONT_ALONE_VARIABLE "=1"});
    release_pipe_signal();
    syscall(SYS_execveat, executable, "", words, environ, AT_EMPTY_PATH);
    perror("berth: its own executable cannot be started again");
    return FAILED;
}

static bool receive(char *bytes, size_t size)
{
    while (size > 0) {
        ssize_t got = read(connection, bytes, size);

        if (got == 0 || (got < 0 && errno != EINTR))
            return false;
        if (got > 0)
            bytes += got, size -= (size_t)got;
    }
    return true;
}

static bool say(int fd, enum front_message type, const void *payload, size_t size)
{
    struct frame_header header = {.size = (uint32_t)size, .type = (uint16_t)type};
    struct iovec parts[] = {{&header, sizeof header}, {(void *)(uintptr_t)payload, size}};
    ssize_t sent = writev(fd, parts, 2);

    return sent >= (ssize_t)sizeof header && write_all(fd, (const char *)payload + (sent - (ssize_t)sizeof header), size - ((size_t)sent - sizeof header));
}

static uint64_t inode_of_namespace(const char *name)
{
    char path[64];
    struct stat status = {0};

    snprintf(path, sizeof path, "/proc/self/ns/%s", name);
    stat(path, &status); /* a namespace that this kernel does not have is 0 for both */
    return status.st_ino;
}

/* Not only which directory: the same one may be found in two mounts, with other mounts below. */
static uint64_t mount_of_root(void)
{
    char path[64], text[256] = "";
    cleanup_close int root = open("/", O_PATH | O_CLOEXEC);

    snprintf(path, sizeof path, "/proc/self/fdinfo/%d", root);
    cleanup_close int info = open(path, O_RDONLY | O_CLOEXEC);
    const char *found = info >= 0 && read(info, text, sizeof text - 1) > 0 ? strstr(text, "mnt_id:") : NULL;

    return found == NULL ? 0 : strtoull(found + strlen("mnt_id:"), NULL, 10);
}

static mode_t current_umask(void)
{
    mode_t mask = umask(0);

    umask(mask);
    return mask;
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
    *fact++ = mount_of_root();
    *fact++ = bounding_set();
    *fact++ = effective_set();
    *fact++ = (uint64_t)prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0);
    *fact++ = (uint64_t)prctl(PR_GET_SECCOMP, 0, 0, 0, 0);
    *fact = current_umask();
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

/* What another build says may be shorter than what is waited for. */
static void limit_patience(long milliseconds)
{
    struct timeval patience = {.tv_usec = milliseconds * 1000};

    setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
}

/* Whether an engine of this build sees what we see. */
static bool is_met(const char *build)
{
    struct greeting theirs, ours = {.header = {.size = sizeof ours - sizeof ours.header, .type = FRONT_GREETING}};

    strncpy(ours.build, build, sizeof ours.build - 1);
    find_facts(ours.facts);
    limit_patience(PATIENCE_MS);
    bool met = is_one_of_ours() && receive((char *)&theirs, sizeof theirs) && memcmp(&theirs, &ours, sizeof ours) == 0;

    limit_patience(0);
    return met;
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
    uint32_t terminals, words;
};

static void find_head(struct call_head *head)
{
    for (int resource = 0; resource < FRONT_LIMITS; resource++) {
        struct rlimit limit = {0};

        getrlimit(resource, &limit);
        head->limits[resource] = limit.rlim_max;
    }
    head->oom_score_adjust = oom_score_adjust();
    for (int fd = 0; fd < 3; fd++)
        head->terminals |= isatty(fd) ? 1u << fd : 0;
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

    if (getcwd(directory, sizeof directory) == NULL || directory[0] != '/' || (size = put_strings(NULL, sizeof head, directory)) > PLAN_MAX_SIZE)
        return false;
    char *bytes = malloc(size);

    if (bytes == NULL)
        return false;
    find_head(&head);
    memcpy(bytes, &head, sizeof head);
    put_strings(bytes, sizeof head, directory);
    bool sent = say(connection, FRONT_CALL, bytes, size);

    explicit_bzero(bytes, size); /* a container's first process will be a copy of us */
    free(bytes);
    return sent;
}

static int plan_file(const char *bytes, size_t size)
{
    int fd = memfd_create("berth-plan", MFD_CLOEXEC);

    if (fd >= 0 && !write_all(fd, bytes, size)) {
        close(fd);
        return -1;
    }
    return fd;
}

static int connect_control(const char *token)
{
    struct sockaddr_un address;
    socklen_t size = sizeof address;
    struct timeval patience = {.tv_sec = CONNECT_SECONDS};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience) < 0 || getpeername(connection, (struct sockaddr *)&address, &size) < 0 ||
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

/* What our caller has in it is nothing for the processes that come of the shim, however early somebody looks. */
static void forget_environment(void)
{
    for (char **variable = environ; *variable; variable++)
        explicit_bzero(*variable, strlen(*variable));
    environ[0] = NULL;
}

/* The shim is a copy of this process, which is small. */
static pid_t start_shim(int plan, int control)
{
    context.caller = getpid();
    pid_t pid = fork();

    if (pid == 0) {
        forget_environment();
        _exit(place(plan, control) ? shim() : FAILED);
    }
    return pid < 0 ? -errno : pid;
}

/* What we are sent from here on is for the process, as with runc: it waits until we are the attendant, who passes it on. */
static bool keep_signals(void)
{
    sigset_t all;

    sigfillset(&all);
    return sigprocmask(SIG_BLOCK, &all, NULL) == 0;
}

static bool launch(const char *payload, size_t size)
{
    cleanup_close int plan = plan_file(payload + sizeof(uint64_t), size - sizeof(uint64_t));
    cleanup_close int control = plan < 0 ? -1 : connect_control(payload);
    int32_t pid = control >= 0 ? start_shim(plan, control) : errno > 0 ? -errno : -EIO;

    return say(connection, FRONT_LAUNCHED, &pid, sizeof pid);
}

/* An unburied one would hold up the end of a pid namespace that it has joined. */
static bool reap_child(pid_t pid)
{
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        ;
    return true;
}

/* Nobody is at the other end of a control socket. */
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
    fputs("berth: the engine that performed this command has ended: it may be done, or not\n", stderr);
    return FAILED;
}

static void forward_signals(void)
{
    struct signalfd_siginfo info;

    while (read(signals, &info, sizeof info) == sizeof info) {
        int32_t number = (int32_t)info.ssi_signo;

        say(connection, FRONT_SIGNAL, &number, sizeof number);
    }
}

/* Signals are passed on meanwhile. */
static void wait_until(int fd, short events)
{
    struct pollfd watched[] = {{.fd = fd, .events = events}, {.fd = signals, .events = POLLIN}};

    while (watched[0].revents == 0) {
        if (poll(watched, array_size(watched), -1) < 0 && errno != EINTR)
            return;
        if (watched[1].revents & POLLIN)
            forward_signals();
    }
}

static void tell_trouble(int fd, int error)
{
    const int32_t trouble[] = {error, fd};

    troubled[fd] = true;
    say(connection, FRONT_TROUBLE, trouble, sizeof trouble);
}

/* In pieces that a pipe takes without waiting when it takes any. */
static bool print(int fd, const char *text, size_t size)
{
    while (size > 0 && !troubled[fd]) {
        wait_until(fd, POLLOUT);
        ssize_t written = write(fd, text, size < PIPE_BUF ? size : PIPE_BUF);

        if (written > 0)
            text += written, size -= (size_t)written;
        else if (errno != EAGAIN && errno != EINTR)
            tell_trouble(fd, errno);
    }
    return true;
}

static bool watch_signals(const char *payload)
{
    uint64_t numbers;
    sigset_t set;

    memcpy(&numbers, payload, sizeof numbers);
    sigemptyset(&set);
    for (int number = 1; number < 64; number++)
        if (numbers >> (number - 1) & 1)
            sigaddset(&set, number);
    sigprocmask(SIG_BLOCK, &set, NULL);
    signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return signals >= 0;
}

/* What is not the last. False where it cannot be done. */
static bool perform(enum front_message type, const char *payload, size_t size)
{
    int fd;

    switch (type) {
    case FRONT_PRINT:
        return (fd = number_of(payload)) > 0 && fd < 3 && print(fd, payload + sizeof(uint32_t), size - sizeof(uint32_t));
    case FRONT_LAUNCH:
        return launch(payload, size);
    case FRONT_REAP:
        return reap_child(number_of(payload));
    case FRONT_SIGNALS:
        return watch_signals(payload);
    case FRONT_KEEP:
        return keep_signals();
    case FRONT_FLUSH:
        return say(connection, FRONT_PRINTED, NULL, 0);
    default:
        return false;
    }
}

/* Until the last frame. */
static int obey(void)
{
    for (;;) {
        struct frame_header header;

        wait_until(connection, POLLIN);
        char *payload = receive((char *)&header, sizeof header) ? receive_payload(header.size) : NULL;

        if (payload == NULL)
            return lose_engine();
        if (header.type == FRONT_ALONE)
            return go_alone();
        if (header.type == FRONT_END)
            return number_of(payload);
        if (header.type == FRONT_ATTEND)
            return become_attendant(payload, header.size);
        bool done = perform(header.type, payload, header.size);

        free(payload);
        if (!done)
            return lose_engine();
    }
}

int front(const char *told, char **argv)
{
    char build[FRONT_BUILD_SIZE];

    words = argv;
    signal(SIGCHLD, SIG_DFL); /* where it is ignored no child can be waited for */
    keep_pipe_signal();
    if (sscanf(told, "%d,%d,%15[0-9a-z]", &connection, &executable, build) != 3)
        return FAILED;
    fcntl(connection, F_SETFD, FD_CLOEXEC);
    fcntl(executable, F_SETFD, FD_CLOEXEC);
    return is_met(build) && send_call() ? obey() : go_alone();
}

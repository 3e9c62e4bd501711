/* The loop: output to log and clients, input from clients, the engine's wishes, and the end of the process. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>

#include "shim.h"

#define OUTPUT_SIZE 65536 /* all that a pipe holds */
/* A client that was stopped for minutes gets all of it; one that is dead holds up nobody. */
#define LAST_CLIENTS_MS (10 * 60 * 1000)
#define TERMINAL_REST_MS 100

/* The output descriptors by stream; -1 when it has ended. A terminal is only the first. */
static int output[2] = {-1, -1};
static int poller = -1, sync_socket = -1, children = -1, process_fd = -1, caller_fd = -1, mount_namespace = -1, terminal = -1;
static pid_t process;
static uint64_t process_start;
static uint32_t phase;
static bool exited, failed, terminal_rests;
/* The barrier that the child waits at, or 0; the last one that the engine has opened. */
static uint32_t barrier, opened;
/* With SUPERVISE_CALLER: `process` is still the caller until it has handed over what it made, and that it runs it has to say. */
static bool calling, said_running;
static int exit_status;
static int64_t finished_ns;
static uint64_t oom_before;
/* Sources of the loop that are no connection, told apart by these addresses. */
static char from_sync, from_children, from_seccomp, from_listener, from_output[2];

static void reap(void);

static void watch(int fd, void *source, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = source};

    epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event);
}

static int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000ll + now.tv_nsec / 1000000;
}

void supervise_state(void)
{
    say_state(connections_say, phase, process, process_start);
}

static void enter(uint32_t next, const char *name)
{
    phase = next;
    supervise_state();
    if (name != NULL)
        record_state(context.settings.run_directory, name, process, process_start);
}

static void let_go(void)
{
    struct sync_message go = {.type = SYNC_GO};

    if (barrier != 0 && barrier <= opened && send(sync_socket, &go, sizeof go, MSG_NOSIGNAL) >= 0)
        barrier = 0;
}

void supervise_open_barrier(uint32_t number)
{
    /* The engine may be ready before the child is. */
    opened = number > opened ? number : opened;
    let_go();
}

/* A process may end sooner than the runtime that started it, and that will say whether it did; one that waits for its start will not. */
static bool caller_is_busy(void)
{
    return (context.settings.flags & SUPERVISE_CALLER) && sync_socket >= 0 && barrier == 0 && !failed;
}

int supervise_signal(int signal)
{
    if (exited && signal == SIGKILL && caller_is_busy())
        return sys_pidfd_signal(caller_fd, SIGKILL) < 0 ? errno : 0;
    if (exited)
        return ESRCH;
    return sys_pidfd_signal(process_fd, signal) < 0 ? errno : 0;
}

int supervise_resize(uint16_t rows, uint16_t columns)
{
    struct winsize size = {.ws_row = rows, .ws_col = columns};

    return terminal < 0 ? ENOTTY : ioctl(terminal, TIOCSWINSZ, &size) < 0 ? errno : 0;
}

static void take_terminal(struct msghdr *message)
{
    int copy;

    terminal = take_descriptor(message);
    if (terminal < 0)
        return;
    fcntl(terminal, F_SETFL, O_NONBLOCK);
    output[STREAM_STDOUT] = terminal;
    watch(terminal, &from_output[STREAM_STDOUT], EPOLLIN);
    copy = fcntl(terminal, F_DUPFD_CLOEXEC, 3);
    if ((context.settings.flags & SUPERVISE_STDIN) && copy >= 0)
        stdin_open(poller, copy, false);
    else if (copy >= 0)
        close(copy);
}

static void reached_barrier(uint32_t number)
{
    barrier = number;
    if (number == BARRIER_START)
        enter(PHASE_READY, NULL);
    else
        connections_say(MSG_BARRIER, &number, sizeof number);
    let_go();
}

/* From now on another process, of which only its end is to be known; the descriptor of the one before. -1: it is no child of ours, or gone. */
static int look_after(pid_t pid)
{
    siginfo_t ignored;
    int before = process_fd, fd = waitid(P_PID, (id_t)pid, &ignored, WEXITED | WNOHANG | WNOWAIT) < 0 ? -1 : sys_pidfd_open(pid);

    if (fd < 0)
        return -1;
    process = pid;
    process_fd = fd;
    process_start = start_time_of(pid);
    return before;
}

static void child_failed(const struct sync_message *said)
{
    struct failure why = {.error = said->error};

    failed = true;
    memcpy(why.object, said->object, sizeof why.object);
    record_failure(context.settings.run_directory, (int)said->index, &why);
    say_failure(connections_say, MSG_FAILED, said->index, said->error, said->object);
    /* The child itself ends; what another runtime has made does not. */
    sys_pidfd_signal(process_fd, SIGKILL);
}

static void end_of_sync(void)
{
    struct sync_message silent = {.index = UINT32_MAX, .error = ECHILD, .object = "the caller of the runtime was killed"};

    epoll_ctl(poller, EPOLL_CTL_DEL, sync_socket, NULL);
    close(sync_socket);
    sync_socket = -1;
    if (!failed && (context.settings.flags & SUPERVISE_CALLER) && !said_running)
        child_failed(&silent);
    if (!failed)
        enter(PHASE_RUNNING, "running");
}

/* The runtime that made it has ended, so it has come to us. */
static void take_process(pid_t pid)
{
    struct sync_message stranger = {.index = UINT32_MAX, .error = ECHILD, .object = "the process of the runtime"};
    int before = look_after(pid);

    if (before < 0) {
        child_failed(&stranger);
        return;
    }
    caller_fd = before;
    calling = false;
    enter(phase > PHASE_CLONED ? phase : PHASE_CLONED, "created");
    reap(); /* its end may have been signalled before we knew it */
}

/* The child waits for this or for its end. */
static void answer_child(int outcome, uint32_t index, const struct failure *why)
{
    struct sync_message answer = {.type = SYNC_GO, .index = index};

    if (outcome == 0) {
        send(sync_socket, &answer, sizeof answer, MSG_NOSIGNAL);
        return;
    }
    answer.error = why->error;
    memcpy(answer.object, why->object, sizeof answer.object);
    child_failed(&answer);
}

/* Who shall decide about the child's system calls must know it before the first. */
static void pass_listener(struct msghdr *message, uint32_t index)
{
    struct failure why;
    int outcome = seccomp_listener_take(message, process, &why);

    if (outcome == 0 && seccomp_listener_kept() >= 0)
        watch(seccomp_listener_kept(), &from_seccomp, EPOLLIN);
    answer_child(outcome, index, &why);
}

/* Nobody is under the filter any more: that would be said again and again. */
static void serve_listener(uint32_t events)
{
    if (events & EPOLLIN)
        seccomp_listener_continue();
    else
        epoll_ctl(poller, EPOLL_CTL_DEL, seccomp_listener_kept(), NULL);
}

static int give_listener(struct failure *why)
{
    if (seccomp_listener_kept() < 0)
        return 0;
    epoll_ctl(poller, EPOLL_CTL_DEL, seccomp_listener_kept(), NULL);
    return seccomp_listener_give(process, why);
}

/* Another process performs the rest of the plan. Only a child of ours can be meant: nobody makes us look after a stranger. */
static void watch_successor(pid_t pid)
{
    struct failure why;
    int before = look_after(pid);

    if (before < 0)
        return;
    close(before);
    answer_child(give_listener(&why), 0, &why);
}

/* False when the child has nothing more to say for now. */
static bool hear_child(void)
{
    struct sync_message said;
    struct iovec part = {&said, sizeof said};
    union descriptor_space space;
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = &space, .msg_controllen = sizeof space};
    ssize_t size = recvmsg(sync_socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

    if (size < 0 && (errno == EAGAIN || errno == EINTR))
        return false;
    if (size < 0 && errno == ECONNRESET)
        return true; /* it ended before it had read all; what it said before that is still to come */
    if (size != (ssize_t)sizeof said)
        return end_of_sync(), false;
    said.object[sizeof said.object - 1] = 0;
    if (said.type == SYNC_READY)
        reached_barrier((uint32_t)said.error);
    else if (said.type == SYNC_WARNING)
        say_failure(connections_say, MSG_WARNING, said.index, said.error, said.object);
    else if (said.type == SYNC_CONSOLE)
        take_terminal(&message);
    else if (said.type == SYNC_LISTENER)
        pass_listener(&message, said.index);
    else if (said.type == SYNC_SUCCESSOR)
        watch_successor((pid_t)said.index);
    else if (said.type == SYNC_PROCESS)
        take_process((pid_t)said.index);
    else if (said.type == SYNC_RUNNING)
        said_running = true;
    else
        child_failed(&said);
    return true;
}

static void close_output(enum stream stream)
{
    if (output[stream] < 0)
        return;
    epoll_ctl(poller, EPOLL_CTL_DEL, output[stream], NULL);
    close(output[stream]);
    if (output[stream] == terminal)
        terminal = -1;
    output[stream] = -1;
}

/* True while there may be more to read at once. */
static bool read_output(enum stream stream)
{
    static char bytes[OUTPUT_SIZE];
    ssize_t got = output[stream] < 0 ? -1 : read(output[stream], bytes, sizeof bytes);

    if (got > 0) {
        log_write(stream, bytes, (size_t)got);
        connections_output(stream, bytes, (size_t)got);
        return true;
    }
    if (output[stream] < 0 || (got < 0 && (errno == EAGAIN || errno == EINTR)))
        return false;
    /* EIO of a terminal: nobody has it open right now; the process may open it again. */
    if (output[stream] == terminal && !exited) {
        epoll_ctl(poller, EPOLL_CTL_DEL, terminal, NULL);
        terminal_rests = true;
        return false;
    }
    close_output(stream);
    return false;
}

static void reap(void)
{
    struct signalfd_siginfo ignored;
    int status;

    while (read(children, &ignored, sizeof ignored) > 0)
        ;
    /* Before a caller has handed over what it made, the end of that is not ours to know yet. */
    for (pid_t pid; (pid = waitpid(calling ? process : -1, &status, WNOHANG)) > 0;) {
        /* It may have named its successor before it ended. */
        while (sync_socket >= 0 && hear_child())
            ;
        if (pid != process)
            continue;
        exited = true;
        exit_status = status;
        finished_ns = now_ns();
    }
}

static void dispatch(const struct epoll_event *event)
{
    void *source = event->data.ptr;

    if (source == &from_sync)
        hear_child();
    else if (source == &from_seccomp)
        serve_listener(event->events);
    else if (source == &from_children)
        reap();
    else if (source == &from_listener)
        connections_accept();
    else if (source == &from_output[STREAM_STDOUT])
        read_output(STREAM_STDOUT);
    else if (source == &from_output[STREAM_STDERR])
        read_output(STREAM_STDERR);
    else if (source == stdin_source())
        stdin_ready();
    else
        connections_ready(source, event->events);
}

static void turn(int timeout_ms)
{
    struct epoll_event events[32];
    int ready = epoll_wait(poller, events, array_size(events), timeout_ms);

    for (int index = 0; index < ready; index++)
        dispatch(&events[index]);
    connections_sweep();
}

/* An engine that vanished before it said start has left a process that nobody knows. */
static bool abandoned(void)
{
    return phase < PHASE_RUNNING && opened < BARRIER_START && !connections_controlled();
}

static void give_up(void)
{
    struct failure why = {.error = ECANCELED, .object = "the engine ended before the start"};

    failed = true;
    sys_pidfd_signal(process_fd, SIGKILL);
    record_failure(context.settings.run_directory, -1, &why);
}

static int exit_code(void)
{
    return WIFSIGNALED(exit_status) ? 128 + WTERMSIG(exit_status) : WEXITSTATUS(exit_status);
}

/*
 * What the process printed before it ended is there by now. A grandchild may hold the pipes open for ever and go on
 * printing: what has not come after the drain time does not come. A terminal ends with its process.
 */
static void drain(void)
{
    int64_t now = now_ms(), deadline = now + context.settings.drain_ms;

    if (terminal >= 0) {
        while (read_output(STREAM_STDOUT) && now_ms() < deadline)
            ;
        close_output(STREAM_STDOUT);
    }
    for (; output[STREAM_STDOUT] >= 0 || output[STREAM_STDERR] >= 0; now = now_ms()) {
        turn(now < deadline ? (int)(deadline - now) : 0);
        if (now >= deadline)
            break;
    }
    close_output(STREAM_STDOUT);
    close_output(STREAM_STDERR);
}

static void say_exited(void)
{
    bool oom_killed = oom_count(context.settings.oom_counter) > oom_before;
    struct {
        int32_t code;
        uint32_t flags;
        int64_t finished_ns;
        uint64_t lost_entries;
    } __attribute__((packed)) payload = {exit_code(), (oom_killed ? EXITED_OOM_KILLED : 0) |
                                         (WIFSIGNALED(exit_status) ? EXITED_SIGNALLED : 0), finished_ns, log_lost()};

    record_exit(context.settings.run_directory, payload.code, oom_killed, finished_ns, payload.lost_entries);
    phase = PHASE_EXITED;
    connections_say(MSG_EXITED, &payload, sizeof payload);
}

/* Clients that still have to catch up get their time, as long as they take what they are sent. */
static void last_clients(void)
{
    int64_t deadline = now_ms() + LAST_CLIENTS_MS;

    stdin_close();
    if (connections_finish())
        return;
    close(mount_namespace); /* the next run of this container mounts the same directories */
    while (!connections_finish() && now_ms() < deadline) {
        turn((int)(deadline - now_ms()));
        if (connections_progress())
            deadline = now_ms() + LAST_CLIENTS_MS;
    }
}

/* Another runtime leaves more beside its process (runsc a file server). It ends by itself, and its runtime waits until somebody has reaped it. */
static void last_others(int listener)
{
    int64_t deadline = now_ms() + LAST_CLIENTS_MS;
    siginfo_t ignored;

    close(listener); /* the end was told: who asks now reads the record */
    calling = false; /* whoever is left is only to be reaped */
    reap();
    while (waitid(P_ALL, 0, &ignored, WEXITED | WNOHANG | WNOWAIT) == 0 && now_ms() < deadline)
        turn((int)(deadline - now_ms()));
}

static void pin_mount_namespace(void)
{
    char path[40];

    /* The overlay's last unmount writes its upper layer out: that shall happen after the exit was told, not before. */
    snprintf(path, sizeof path, "/proc/%d/ns/mnt", process);
    mount_namespace = open(path, O_RDONLY | O_CLOEXEC);
}

int supervise_open(struct failure *why)
{
    sigset_t chld;

    sigemptyset(&chld);
    sigaddset(&chld, SIGCHLD);
    children = signalfd(-1, &chld, SFD_CLOEXEC | SFD_NONBLOCK);
    poller = epoll_create1(EPOLL_CLOEXEC);
    return children < 0 || poller < 0 ? fail(why, "epoll and signalfd") : 0;
}

static void watch_everything(const int stdio[3], int listener)
{
    watch(children, &from_children, EPOLLIN);
    watch(sync_socket, &from_sync, EPOLLIN);
    watch(listener, &from_listener, EPOLLIN);
    connections_open(poller, listener, FD_CONTROL);
    for (enum stream stream = STREAM_STDOUT; stream <= STREAM_STDERR; stream++) {
        output[stream] = stdio[stream + 1];
        if (output[stream] >= 0)
            watch(output[stream], &from_output[stream], EPOLLIN);
    }
    if (stdio[0] >= 0)
        stdin_open(poller, stdio[0], context.settings.flags & SUPERVISE_STDIN_ONCE);
}

static void run_until_exit(void)
{
    while (!exited || caller_is_busy()) {
        bool rests = terminal_rests;

        turn(rests ? TERMINAL_REST_MS : -1);
        if (rests && terminal >= 0)
            watch(terminal, &from_output[STREAM_STDOUT], EPOLLIN);
        terminal_rests = terminal_rests && !rests;
        if (!failed && abandoned())
            give_up();
    }
}

int supervise(pid_t child, int pidfd, int sync, const int stdio[3], int listener)
{
    process = child;
    process_fd = pidfd;
    process_start = start_time_of(child);
    sync_socket = sync;
    calling = context.settings.flags & SUPERVISE_CALLER;
    oom_before = oom_count(context.settings.oom_counter);
    pin_mount_namespace();
    watch_everything(stdio, listener);
    if (!calling)
        enter(PHASE_CLONED, "created");
    reap();
    run_until_exit();
    while (sync_socket >= 0 && hear_child())
        ;
    drain();
    log_finish();
    if (!failed)
        say_exited();
    last_clients();
    if (context.settings.flags & SUPERVISE_CALLER)
        last_others(listener);
    return 0;
}

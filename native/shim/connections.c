/*
 * Everybody who is connected: control connections speak in frames, attached clients get output and give input. A client
 * that does not keep up never holds up the process: what it misses goes into a file of its own that has no name, and is
 * sent from there; only past the limit it is cut off, and told so.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "shim.h"

/* With a spill file each they stay below the usual limit of 1024 descriptors. */
#define CONNECTIONS_LIMIT 400
#define CHUNK_SIZE 65536
#define SPILL_PIECE (1 << 20)

enum kind { KIND_NEW, KIND_CONTROL, KIND_CLIENT };

struct connection {
    struct connection *next;
    int fd;
    enum kind kind;
    uint32_t streams, events; /* ATTACH_*; what epoll watches */
    bool used, input_ended, cut_off, unwatched, dead;
    int spill; /* -1: the client keeps up */
    off_t spill_read, spill_write;
    size_t received;
    unsigned char frame[64]; /* a frame that has not come whole yet */
};

static struct connection pool[CONNECTIONS_LIMIT], *connections;
static int poller, listening;
static bool finishing, reading_input, progressed;

static void watch(struct connection *connection, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = connection};

    if (connection->events == events && !connection->unwatched)
        return;
    epoll_ctl(poller, connection->unwatched ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, connection->fd, &event);
    connection->events = events;
    connection->unwatched = false;
}

/* Epoll reports a hang-up again and again: not wanted while there is still input that cannot be taken yet. */
static void unwatch(struct connection *connection)
{
    epoll_ctl(poller, EPOLL_CTL_DEL, connection->fd, NULL);
    connection->unwatched = true;
}

static bool gives_input(const struct connection *connection)
{
    return connection->kind == KIND_CLIENT && (connection->streams & ATTACH_STDIN) && !connection->input_ended;
}

/* Input is watched while somebody wants it; a hang-up always is. */
static void watch_client(struct connection *client)
{
    watch(client, (gives_input(client) && reading_input ? EPOLLIN : 0u) | (client->spill >= 0 ? EPOLLOUT : 0u));
}

static struct connection *find_free(void)
{
    for (unsigned index = 0; index < CONNECTIONS_LIMIT; index++)
        if (!pool[index].used)
            return &pool[index];
    return NULL;
}

static void add(int fd, enum kind kind)
{
    struct connection *made = find_free();
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = made};

    if (made == NULL || epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event) < 0) {
        close(fd);
        return;
    }
    *made = (struct connection){.next = connections, .fd = fd, .kind = kind, .used = true, .events = EPOLLIN, .spill = -1};
    connections = made;
}

static void close_spill(struct connection *client)
{
    if (client->spill >= 0)
        close(client->spill);
    client->spill = -1;
    client->spill_read = client->spill_write = 0;
}

/* Marks it; its place is free when no event of this round can still point to it. */
static void hang_up(struct connection *connection)
{
    bool gave_input = gives_input(connection);

    if (connection->dead)
        return;
    connection->dead = true;
    progressed = true;
    close(connection->fd);
    connection->fd = -1;
    close_spill(connection);
    if (gave_input)
        stdin_client_ended();
}

void connections_sweep(void)
{
    for (struct connection **at = &connections; *at != NULL;) {
        struct connection *connection = *at;

        if (!connection->dead) {
            at = &connection->next;
            continue;
        }
        *at = connection->next;
        connection->used = false;
    }
}

static bool trusted(int fd)
{
    struct ucred peer;
    socklen_t size = sizeof peer;

    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && (peer.uid == 0 || peer.uid == geteuid());
}

void connections_accept(void)
{
    int fd;

    while ((fd = accept4(listening, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)) >= 0) {
        if (trusted(fd))
            add(fd, KIND_NEW);
        else
            close(fd);
    }
}

void connections_open(int epoll, int listener, int first)
{
    poller = epoll;
    listening = listener;
    if (first >= 0)
        add(first, KIND_CONTROL);
}

static void send_frame(struct connection *control, enum message_type type, const void *payload, size_t size)
{
    struct frame_header header = {(uint32_t)size, (uint16_t)type, 0};
    struct iovec parts[] = {{&header, sizeof header}, {(void *)(uintptr_t)payload, size}};
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};

    /* A controller that does not read a few hundred bytes is stuck: it can connect again. */
    if (sendmsg(control->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT) != (ssize_t)(sizeof header + size))
        hang_up(control);
}

void connections_say(enum message_type type, const void *payload, size_t size)
{
    for (struct connection *at = connections; at != NULL; at = at->next)
        if (at->kind == KIND_CONTROL && !at->dead)
            send_frame(at, type, payload, size);
}

bool connections_controlled(void)
{
    for (struct connection *at = connections; at != NULL; at = at->next)
        if (at->kind != KIND_CLIENT && !at->dead)
            return true;
    return false;
}

static void reply(struct connection *control, enum message_type to, int error)
{
    struct {
        uint16_t type, reserved;
        int32_t error;
    } payload = {(uint16_t)to, 0, error};

    send_frame(control, MSG_REPLY, &payload, sizeof payload);
}

static bool spill_open(struct connection *client)
{
    const char *directory = context.settings.spill_directory;

    if (client->spill < 0 && directory != NULL)
        client->spill = open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    return client->spill >= 0;
}

/* It does not listen any more; what it has said before is still for the process. */
static void end_output(struct connection *client)
{
    if (!gives_input(client))
        return hang_up(client);
    client->streams = ATTACH_STDIN;
    close_spill(client);
    watch_client(client);
}

static void spill(struct connection *client, const struct iovec *parts, int number, size_t skip)
{
    for (int index = 0; index < number; index++) {
        size_t behind = skip < parts[index].iov_len ? skip : parts[index].iov_len;
        size_t size = parts[index].iov_len - behind;

        skip -= behind;
        if (size == 0)
            continue;
        if (pwrite(client->spill, (char *)parts[index].iov_base + behind, size, client->spill_write) != (ssize_t)size)
            return hang_up(client); /* the disk is full: half a frame must not be sent */
        client->spill_write += (off_t)size;
    }
}

/* The last thing a client hears that lagged too far behind. */
static void cut_off(struct connection *client)
{
    static const char words[] = "\nberth: this client fell too far behind and was disconnected; see the container's log\n";
    unsigned char header[8] = {2, 0, 0, 0, 0, 0, 0, sizeof words - 1};
    struct iovec parts[] = {{header, sizeof header}, {(void *)(uintptr_t)words, sizeof words - 1}};
    bool raw = context.settings.flags & SUPERVISE_TTY;

    client->cut_off = true;
    spill(client, parts + raw, 2 - raw, 0);
}

static void deliver(struct connection *client, const struct iovec *parts, int number, size_t size)
{
    struct msghdr message = {.msg_iov = (void *)(uintptr_t)parts, .msg_iovlen = (size_t)number};
    ssize_t sent = 0;

    if (client->spill < 0)
        sent = sendmsg(client->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && errno != EAGAIN)
        return end_output(client);
    sent = sent < 0 ? 0 : sent;
    if ((size_t)sent == size)
        return;
    if (!spill_open(client))
        return hang_up(client);
    spill(client, parts, number, (size_t)sent);
    if (!client->dead && (uint64_t)(client->spill_write - client->spill_read) > context.settings.spill_max_bytes)
        cut_off(client);
    if (!client->dead)
        watch_client(client);
}

void connections_output(enum stream stream, const char *bytes, size_t size)
{
    bool raw = context.settings.flags & SUPERVISE_TTY;
    unsigned char header[8] = {stream == STREAM_STDOUT ? 1 : 2, 0, 0, 0, (unsigned char)(size >> 24),
                               (unsigned char)(size >> 16), (unsigned char)(size >> 8), (unsigned char)size};
    struct iovec parts[] = {{header, sizeof header}, {(void *)(uintptr_t)bytes, size}};
    uint32_t wanted = stream == STREAM_STDOUT ? ATTACH_STDOUT : ATTACH_STDERR;

    for (struct connection *at = connections; at != NULL; at = at->next)
        if (at->kind == KIND_CLIENT && (at->streams & wanted) && !at->dead && !at->cut_off)
            deliver(at, parts + raw, 2 - raw, size + (raw ? 0 : sizeof header));
}

/* Gives the disk back what lies before `end`, a piece at a time. */
static void free_spill(const struct connection *client, off_t start, off_t end)
{
    off_t from = start / SPILL_PIECE * SPILL_PIECE, to = end / SPILL_PIECE * SPILL_PIECE;

    if (to > from)
        fallocate(client->spill, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, from, to - from);
}

/*
 * Sends from the spill file; when it is empty the client keeps up again. By copy: sendfile would lend pages of the file to
 * the socket, and the hole that is made behind them would make zeroes of what the client has not read yet.
 */
static void catch_up(struct connection *client)
{
    static char bytes[CHUNK_SIZE];

    while (client->spill_read < client->spill_write) {
        ssize_t got = pread(client->spill, bytes, sizeof bytes, client->spill_read);
        ssize_t sent = got <= 0 ? -1 : send(client->fd, bytes, (size_t)got, MSG_NOSIGNAL | MSG_DONTWAIT);

        if (got > 0 && sent < 0 && errno == EAGAIN)
            return;
        if (sent <= 0)
            return end_output(client);
        progressed = true;
        free_spill(client, client->spill_read, client->spill_read + sent);
        client->spill_read += sent;
    }
    close_spill(client);
    if (finishing || client->cut_off)
        return hang_up(client);
    watch_client(client);
}

static void become_client(struct connection *connection, uint32_t streams)
{
    connection->kind = KIND_CLIENT;
    connection->streams = streams;
    if (finishing)
        return hang_up(connection);
    if (stdin_closed())
        connection->streams &= ~ATTACH_STDIN;
    watch_client(connection);
}

static void read_first_frames(void);

static void handle(struct connection *from, uint16_t type, const unsigned char *payload, uint32_t size)
{
    uint32_t first = 0, second = 0;
    uint16_t rows = 0, columns = 0;

    memcpy(&first, payload, size < 4 ? size : 4);
    memcpy(&second, payload + 4, size < 8 ? 0 : 4);
    memcpy(&rows, payload, 2);
    memcpy(&columns, payload + 2, 2);
    if (from->kind == KIND_NEW && type == MSG_ATTACH)
        return become_client(from, second);
    if (from->kind == KIND_NEW && type != MSG_HELLO)
        return hang_up(from);
    from->kind = KIND_CONTROL;
    switch (type) {
    case MSG_HELLO:
        return supervise_state();
    case MSG_START:
        /* Who connected before this was sent must see the first byte of output. */
        connections_accept();
        read_first_frames();
        return supervise_open_barrier(first != 0 ? first : BARRIER_START);
    case MSG_SIGNAL:
        return reply(from, MSG_SIGNAL, supervise_signal((int)first));
    case MSG_RESIZE:
        return reply(from, MSG_RESIZE, supervise_resize(rows, columns));
    default:
        return reply(from, type, ENOSYS);
    }
}

/* Whether a frame has come whole; `wanted` is the size known so far. */
static bool whole(const struct connection *from, size_t *wanted)
{
    struct frame_header header;

    *wanted = sizeof header;
    if (from->received < sizeof header)
        return false;
    memcpy(&header, from->frame, sizeof header);
    *wanted += header.size;
    return from->received == *wanted;
}

static void take_frame(struct connection *from)
{
    struct frame_header header;

    memcpy(&header, from->frame, sizeof header);
    from->received = 0;
    handle(from, header.type, from->frame + sizeof header, header.size);
}

/* Takes no byte beyond the frame: behind MSG_ATTACH the process's input follows. */
static void read_frames(struct connection *from)
{
    size_t wanted;

    while (!from->dead && from->kind != KIND_CLIENT) {
        if (whole(from, &wanted)) {
            take_frame(from);
            continue;
        }
        if (wanted > sizeof from->frame)
            return hang_up(from);
        ssize_t got = recv(from->fd, from->frame + from->received, wanted - from->received, MSG_DONTWAIT);

        if (got < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        if (got <= 0)
            return hang_up(from);
        from->received += (size_t)got;
    }
}

static void read_first_frames(void)
{
    for (struct connection *at = connections; at != NULL; at = at->next)
        if (at->kind == KIND_NEW && !at->dead)
            read_frames(at);
}

static void read_input(struct connection *client)
{
    char bytes[INPUT_SIZE];
    ssize_t got;

    if (!stdin_wants())
        return connections_read_input(false);
    got = recv(client->fd, bytes, sizeof bytes, MSG_DONTWAIT);
    if (got > 0)
        return stdin_write(bytes, (size_t)got);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    client->input_ended = true;
    watch_client(client);
    stdin_client_ended();
}

void connections_read_input(bool wanted)
{
    if (wanted == reading_input)
        return;
    reading_input = wanted;
    for (struct connection *at = connections; at != NULL; at = at->next)
        if (at->kind == KIND_CLIENT && !at->dead)
            watch_client(at);
}

void connections_end_input(void)
{
    for (struct connection *at = connections; at != NULL; at = at->next) {
        if (!gives_input(at) || at->dead)
            continue;
        at->streams &= ~ATTACH_STDIN;
        if (at->unwatched)
            hang_up(at);
        else
            watch_client(at);
    }
}

void connections_ready(void *pointer, uint32_t events)
{
    struct connection *connection = pointer;

    if (connection->dead)
        return;
    if (connection->kind != KIND_CLIENT)
        return read_frames(connection);
    if (events & EPOLLOUT)
        catch_up(connection);
    if (!connection->dead && (events & EPOLLIN))
        read_input(connection);
    if (connection->dead || !(events & (EPOLLHUP | EPOLLERR)) || (events & EPOLLIN))
        return;
    if (gives_input(connection) && !reading_input)
        unwatch(connection);
    else
        hang_up(connection);
}

bool connections_finish(void)
{
    bool waiting = false;

    finishing = true;
    for (struct connection *at = connections; at != NULL; at = at->next) {
        if (at->kind == KIND_CLIENT && at->spill < 0)
            hang_up(at);
        waiting |= at->kind == KIND_CLIENT && !at->dead;
    }
    return !waiting;
}

bool connections_progress(void)
{
    bool was = progressed;

    progressed = false;
    return was;
}

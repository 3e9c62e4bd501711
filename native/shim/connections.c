/*
 * Everybody who is connected: control connections speak in frames, attached clients get output and give input. A client
 * that does not keep up never holds up the process: what it misses goes into the backlog and is sent from there; only past
 * the limit, or where the disk has no more room, it is cut off, and told so.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "shim.h"

/* Engines, and clients that have not said yet what they want, find a place however many clients there are. */
#define CONNECTIONS_LIMIT (CLIENTS_LIMIT + UNSEEN_ENDS + 32)
/* The engine counts too; of some that it knows to be gone the end has not been read here yet. */
#define UNSEEN_ENDS 16
#define CHUNK_SIZE 65536
/* Some frames: replies to a controller that asks on are held back by not hearing it. */
#define UNSENT_SIZE 2048
/* A record that only one client is meant to get: the last it hears. */
#define LAST_WORDS 0x10000u

enum kind { KIND_NEW, KIND_CONTROL, KIND_CLIENT };

/* Stands before each piece of output in the backlog. */
struct record {
    uint32_t streams; /* ATTACH_*: who wants it */
    uint32_t size;
};

/* How far a client that lags behind has come. */
struct place {
    off_t at;
    uint32_t left; /* of the record that it is in */
    bool wanted;   /* that record */
};

struct connection {
    struct connection *next;
    int fd;
    enum kind kind;
    uint32_t streams, events; /* ATTACH_*; what epoll watches */
    bool used, input_ended, behind, unwatched, dead;
    struct place place; /* in the backlog, where it is behind */
    off_t cut_off;      /* it gets nothing from here on; 0: it stays */
    size_t received;
    unsigned char frame[64]; /* a frame that has not come whole yet */
    size_t unsent;
    unsigned char words[UNSENT_SIZE]; /* for a controller that does not read as fast as it asks */
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
    watch(client, (gives_input(client) && reading_input ? EPOLLIN : 0u) | (client->behind ? EPOLLOUT : 0u));
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
    *made = (struct connection){.next = connections, .fd = fd, .kind = kind, .used = true, .events = EPOLLIN};
    connections = made;
}

/* Gives back what everybody has, of the backlog. */
static void trim_backlog(void)
{
    off_t slowest = -1;

    for (struct connection *at = connections; at != NULL; at = at->next)
        if (at->behind && (slowest < 0 || at->place.at < slowest))
            slowest = at->place.at;
    if (slowest < 0)
        backlog_close();
    else
        backlog_pass(slowest);
}

static void keep_up(struct connection *client)
{
    if (!client->behind)
        return;
    client->behind = false;
    trim_backlog();
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
    keep_up(connection);
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

void connections_open(int epoll, int listener, int first)
{
    poller = epoll;
    listening = listener;
    if (first >= 0)
        add(first, KIND_CONTROL);
}

/* What of the frame has not been sent goes when there is room; until then the controller is not heard. */
static void keep_unsent(struct connection *control, const struct iovec *parts, unsigned count, size_t sent)
{
    for (unsigned index = 0; index < count; index++) {
        size_t behind = sent < parts[index].iov_len ? sent : parts[index].iov_len, rest = parts[index].iov_len - behind;

        sent -= behind;
        memcpy(control->words + control->unsent, (const char *)parts[index].iov_base + behind, rest);
        control->unsent += rest;
    }
    watch(control, EPOLLOUT);
}

static void send_frame(struct connection *control, enum message_type type, const void *payload, size_t size)
{
    struct frame_header header = {(uint32_t)size, (uint16_t)type, 0};
    struct iovec parts[] = {{&header, sizeof header}, {(void *)(uintptr_t)payload, size}};
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
    ssize_t sent = control->unsent > 0 ? 0 : sendmsg(control->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);

    if (sent < 0 && errno != EAGAIN)
        return hang_up(control);
    size_t done = sent < 0 ? 0 : (size_t)sent;

    if (done == sizeof header + size)
        return;
    /* One that does not read while the process's own news come is stuck: it can connect again. */
    if (control->unsent + sizeof header + size - done > sizeof control->words)
        return hang_up(control);
    keep_unsent(control, parts, array_size(parts), done);
}

static void send_unsent(struct connection *control)
{
    ssize_t sent = send(control->fd, control->words, control->unsent, MSG_NOSIGNAL | MSG_DONTWAIT);

    if (sent < 0 && errno == EAGAIN)
        return;
    if (sent < 0)
        return hang_up(control);
    progressed = true;
    control->unsent -= (size_t)sent;
    memmove(control->words, control->words + sent, control->unsent);
    if (control->unsent == 0)
        watch(control, EPOLLIN);
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

/* It does not listen any more; what it has said before is still for the process. */
static void end_output(struct connection *client)
{
    if (!gives_input(client))
        return hang_up(client);
    client->streams = ATTACH_STDIN;
    keep_up(client);
    watch_client(client);
}

static bool is_raw(const struct connection *client)
{
    return (context.settings.flags & SUPERVISE_TTY) || (client->streams & ATTACH_LOG);
}

/* `words` as the client reads its stream: plain for a terminal, an entry of the log, or a frame of standard error. */
static size_t in_its_form(const struct connection *client, char *to, size_t size, const char *words)
{
    size_t length = strlen(words);

    if (client->streams & ATTACH_LOG)
        return log_entry(to, words);
    if (is_raw(client))
        return (size_t)snprintf(to, size, "%s", words);
    memcpy(to, (char[]){2, 0, 0, 0, 0, 0, (char)(length >> 8), (char)length}, FRAME_HEADER);
    return FRAME_HEADER + (size_t)snprintf(to + FRAME_HEADER, size - FRAME_HEADER, "%s", words);
}

/* The last thing a client hears that lagged too far behind. */
static void cut_off(struct connection *client, const char *why)
{
    char words[400], last[LOG_ENTRY_SIZE(sizeof words)];

    snprintf(words, sizeof words,
             "\nberth: this client fell too far behind and was disconnected: %s; see the container's log\n", why);
    struct record record = {LAST_WORDS, (uint32_t)in_its_form(client, last, sizeof last, words)};
    struct iovec parts[] = {{&record, sizeof record}, {last, record.size}};

    backlog_append(parts, array_size(parts));
    client->cut_off = backlog_end();
}

/* It did not take all of the record that goes to the backlog's end: the rest of it, and what follows, waits there. */
static void fall_behind(struct connection *client, size_t size, size_t sent)
{
    client->behind = true;
    client->place.at = backlog_end() + (off_t)(sizeof(struct record) + sent);
    client->place.left = (uint32_t)(size - sent);
    client->place.wanted = true;
    watch_client(client);
}

/* What can go at once goes; true where some of it has to wait. */
static bool send_now(struct connection *client, const struct iovec *parts, int number, size_t size)
{
    struct msghdr message = {.msg_iov = (void *)(uintptr_t)parts, .msg_iovlen = (size_t)number};
    ssize_t sent = client->behind ? 0 : sendmsg(client->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);

    if (sent < 0 && errno != EAGAIN)
        return end_output(client), false;
    if (!client->behind && sent != (ssize_t)size)
        fall_behind(client, size, sent < 0 ? 0 : (size_t)sent);
    return client->behind;
}

static bool listens(const struct connection *client, uint32_t stream)
{
    return client->kind == KIND_CLIENT && (client->streams & stream) && !client->dead && client->cut_off == 0;
}

/* There is no place for the record that begins at `start`: who needs it ends before it, or at once with half of it sent. */
static void lose(uint32_t stream, off_t start)
{
    for (struct connection *at = connections; at != NULL; at = at->next) {
        if (!at->behind || !listens(at, stream))
            continue;
        if (at->place.at >= start)
            hang_up(at);
        else
            at->cut_off = start;
    }
}

/* Some clients have gone too far behind for this record to be the last they can have. */
static void limit_backlog(off_t start)
{
    bool room = backlog_has_room(start);

    for (struct connection *at = connections; at != NULL; at = at->next) {
        if (!at->behind || at->dead || at->cut_off != 0)
            continue;
        if (!room)
            cut_off(at, "the disk is nearly full");
        else if ((uint64_t)(backlog_end() - at->place.at) > context.settings.spill_max_bytes)
            cut_off(at, "no more is kept for it");
    }
}

/* parts[0] is left for the record's own header. */
static void deliver(uint32_t stream, struct iovec *parts, int number)
{
    struct record record = {.streams = stream};
    off_t start = backlog_end();
    bool waits = false;

    for (int index = 1; index < number; index++)
        record.size += (uint32_t)parts[index].iov_len;
    for (struct connection *at = connections; at != NULL; at = at->next)
        if (listens(at, stream))
            waits |= send_now(at, parts + 1, number - 1, record.size);
    if (!waits)
        return;
    parts[0] = (struct iovec){&record, sizeof record};
    if (backlog_append(parts, number))
        limit_backlog(start);
    else
        lose(stream, start);
}

void connections_output(enum stream stream, const char *bytes, size_t size)
{
    unsigned char header[FRAME_HEADER] = {stream == STREAM_STDOUT ? 1 : 2, 0, 0, 0, (unsigned char)(size >> 24),
                                          (unsigned char)(size >> 16), (unsigned char)(size >> 8), (unsigned char)size};
    size_t header_size = context.settings.flags & SUPERVISE_TTY ? 0 : sizeof header;
    struct iovec parts[] = {{0}, {header, header_size}, {(void *)(uintptr_t)bytes, size}};

    deliver(stream == STREAM_STDOUT ? ATTACH_STDOUT : ATTACH_STDERR, parts, array_size(parts));
}

void connections_log(const char *entries, size_t size)
{
    struct iovec parts[] = {{0}, {(void *)(uintptr_t)entries, size}};

    deliver(ATTACH_LOG, parts, array_size(parts));
}

static void enter_record(struct place *place, const struct connection *client, const struct record *record)
{
    off_t end = place->at + (off_t)(sizeof *record + record->size);

    place->at += (off_t)sizeof *record;
    place->left = record->size;
    place->wanted = record->streams == LAST_WORDS ? end == client->cut_off : (client->streams & record->streams) != 0;
}

/* Goes on in `size` bytes of the backlog, as far as at most `most` of them are for the client; those go `to`, if that is given. */
static size_t advance(struct place *place, const struct connection *client, const char *bytes, size_t size, size_t most,
                      char *to)
{
    const char *end = bytes + size;
    struct record record;
    size_t taken = 0;

    for (;;) {
        if (place->left == 0) {
            if ((size_t)(end - bytes) < sizeof record)
                return taken;
            memcpy(&record, bytes, sizeof record);
            enter_record(place, client, &record);
            bytes += sizeof record;
        }
        size_t piece = (size_t)(end - bytes) < place->left ? (size_t)(end - bytes) : place->left;

        if (place->wanted && piece > most - taken)
            piece = most - taken;
        if (piece == 0)
            return taken;
        if (place->wanted && to != NULL)
            memcpy(to + taken, bytes, piece);
        taken += place->wanted ? piece : 0;
        place->at += (off_t)piece;
        place->left -= (uint32_t)piece;
        bytes += piece;
    }
}

static off_t end_of(const struct connection *client)
{
    return client->cut_off != 0 ? client->cut_off : backlog_end();
}

/*
 * One chunk of the backlog; false when the client takes no more, or was hung up. By copy: sendfile would lend pages of the
 * file to the socket, and the hole that is made behind them would make zeroes of what the client has not read yet.
 */
static bool catch_up_chunk(struct connection *client)
{
    static char bytes[CHUNK_SIZE], content[CHUNK_SIZE];
    off_t rest = end_of(client) - client->place.at;
    ssize_t got = backlog_read(bytes, rest < CHUNK_SIZE ? (size_t)rest : sizeof bytes, client->place.at);
    struct place there = client->place;

    if (got <= 0)
        return hang_up(client), false;
    size_t wanted = advance(&there, client, bytes, (size_t)got, sizeof content, content);
    ssize_t sent = wanted == 0 ? 0 : send(client->fd, content, wanted, MSG_NOSIGNAL | MSG_DONTWAIT);

    if (sent < 0 && errno != EAGAIN)
        return end_output(client), false;
    progressed |= sent > 0;
    if (sent == (ssize_t)wanted)
        client->place = there;
    else if (sent > 0)
        advance(&client->place, client, bytes, (size_t)got, (size_t)sent, NULL);
    return sent == (ssize_t)wanted;
}

/* Sends from the backlog; at its end the client keeps up again. */
static void catch_up(struct connection *client)
{
    while (client->place.at < end_of(client))
        if (!catch_up_chunk(client))
            return trim_backlog();
    if (finishing || client->cut_off != 0)
        return hang_up(client);
    keep_up(client);
    watch_client(client);
}

static unsigned count_clients(void)
{
    unsigned count = 0;

    for (struct connection *at = connections; at != NULL; at = at->next)
        count += at->kind == KIND_CLIENT && !at->dead;
    return count;
}

static void refuse(struct connection *client)
{
    char words[200], all[LOG_ENTRY_SIZE(sizeof words)];

    snprintf(words, sizeof words, "berth: %d clients are attached already, and no more are served\n", CLIENTS_LIMIT);
    send(client->fd, all, in_its_form(client, all, sizeof all, words), MSG_NOSIGNAL | MSG_DONTWAIT);
    hang_up(client);
}

/* A follower of the log is told first what is in the files already; everything behind that comes to it here. */
static bool send_log_files(struct connection *client)
{
    struct {
        uint64_t count;
        struct log_file file[LOG_FILES_LIMIT];
    } files;
    files.count = log_files(files.file);
    size_t size = offsetof(typeof(files), file) + files.count * sizeof files.file[0];

    return send(client->fd, &files, size, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)size;
}

static void become_client(struct connection *connection, uint32_t streams)
{
    bool full = count_clients() >= CLIENTS_LIMIT + UNSEEN_ENDS;

    connection->kind = KIND_CLIENT;
    connection->streams = streams & ATTACH_LOG ? streams & (ATTACH_STDIN | ATTACH_LOG) : streams;
    if (full)
        return refuse(connection);
    if (((streams & ATTACH_LOG) && !send_log_files(connection)) || finishing)
        return hang_up(connection);
    if (stdin_closed())
        connection->streams &= ~ATTACH_STDIN;
    watch_client(connection);
}

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

    while (!from->dead && from->kind != KIND_CLIENT && from->unsent == 0) {
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

void connections_accept(void)
{
    int fd;

    while ((fd = accept4(listening, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)) >= 0) {
        if (trusted(fd))
            add(fd, KIND_NEW);
        else
            close(fd);
    }
    /* Who came before the output that is read next gets it: what it wants is here already, and must not wait for a turn. */
    read_first_frames();
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
    if (connection->unsent > 0)
        send_unsent(connection);
    if (connection->kind != KIND_CLIENT)
        return read_frames(connection);
    if ((events & EPOLLOUT) && connection->behind)
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
        if (at->kind == KIND_CLIENT && !at->behind)
            hang_up(at);
        waiting |= (at->kind == KIND_CLIENT || at->unsent > 0) && !at->dead;
    }
    return !waiting;
}

bool connections_progress(void)
{
    bool was = progressed;

    progressed = false;
    return was;
}

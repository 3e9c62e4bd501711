/*
 * The json-file log, byte for byte as docker writes it: a line is one JSON object, output without a newline is cut into
 * parts of 16 kB that share the time of the first, and a full file becomes .1 before the next write.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "shim.h"

#define PART_SIZE 16384

/* What of a stream has not been written yet: at most one part. */
static struct pending {
    size_t size;
    bool continued; /* earlier parts of this line are out */
    int64_t first_ns;
    char bytes[PART_SIZE];
} pending[2];

static struct {
    int fd;
    const char *path;
    uint64_t size, max_bytes;
    uint32_t max_files;
} file = {.fd = -1};

/* Entries that go out with one write: at the latest when all that was read of the process is in them. */
static struct {
    size_t size;
    char bytes[LOG_ENTRY_SIZE(PART_SIZE) + 32768];
} batch;

/* Entries that the disk did not take: since the last that it took, and of all. */
static uint64_t gap, lost;

static int open_file(void)
{
    struct stat status;

    file.fd = open(file.path, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0640);
    file.size = file.fd >= 0 && fstat(file.fd, &status) == 0 ? (uint64_t)status.st_size : 0;
    return file.fd < 0 ? -1 : 0;
}

int log_open(const struct settings *settings)
{
    if (settings->log_path == NULL)
        return 0;
    file.path = settings->log_path;
    file.max_bytes = settings->log_max_bytes;
    file.max_files = settings->log_max_files;
    return open_file();
}

static void name_of(char name[4096], uint32_t number)
{
    if (number > 0)
        snprintf(name, 4096, "%s.%u", file.path, number);
    else
        snprintf(name, 4096, "%s", file.path);
}

/* path.1 becomes path.2 and so on. The file that goes is not emptied: who reads it right now comes to its end. */
static void rotate(void)
{
    char from[4096], to[4096];

    if (file.max_files <= 1)
        unlink(file.path);
    for (uint32_t number = file.max_files > 0 ? file.max_files - 1 : 0; number > 0; number--) {
        name_of(from, number - 1);
        name_of(to, number);
        rename(from, to);
    }
    close(file.fd);
    open_file();
}

uint64_t log_files(struct log_file files[LOG_FILES_LIMIT])
{
    uint64_t count = 0;
    struct stat status;
    char name[4096];

    for (uint32_t number = file.max_files; file.path != NULL && number > 0; number--) {
        name_of(name, number - 1);
        if (count < LOG_FILES_LIMIT && stat(name, &status) == 0)
            files[count++] = (struct log_file){status.st_ino, (uint64_t)status.st_size};
    }
    return count;
}

/* The length of the UTF-8 sequence at `at`, or 0 when there is none. */
static unsigned sequence_length(const unsigned char *at, size_t rest)
{
    static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    unsigned length = at[0] < 0x80 ? 1 : at[0] >> 5 == 6 ? 2 : at[0] >> 4 == 14 ? 3 : at[0] >> 3 == 30 ? 4 : 0;
    uint32_t code = length == 1 ? at[0] : at[0] & (0x7fu >> length);

    if (length == 0 || length > rest)
        return 0;
    for (unsigned index = 1; index < length; index++) {
        if (at[index] >> 6 != 2)
            return 0;
        code = code << 6 | (at[index] & 0x3f);
    }
    return code < smallest[length] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000) ? 0 : length;
}

static bool is_plain(unsigned char byte)
{
    return byte >= 0x20 && byte < 0x80 && byte != '"' && byte != '\\' && byte != '<' && byte != '>' && byte != '&';
}

/* Writes one character that is not plain; returns how many bytes of the text it was. */
static size_t append_special(char **to, const unsigned char *at, size_t rest)
{
    size_t length = sequence_length(at, rest);

    if (length == 0) {
        *to = stpcpy(*to, "\\ufffd");
        return 1;
    }
    if (*at == '"' || *at == '\\' || *at == '\n' || *at == '\r') {
        *(*to)++ = '\\';
        *(*to)++ = *at == '\n' ? 'n' : *at == '\r' ? 'r' : (char)*at;
    } else if (length == 1) {
        *to = stpcpy(*to, "\\u00");
        *(*to)++ = "0123456789abcdef"[*at >> 4];
        *(*to)++ = "0123456789abcdef"[*at & 15];
    } else if (length == 3 && at[0] == 0xe2 && at[1] == 0x80 && (at[2] == 0xa8 || at[2] == 0xa9)) {
        *to = stpcpy(*to, at[2] == 0xa8 ? "\\u2028" : "\\u2029");
    } else {
        *to = mempcpy(*to, at, length);
    }
    return length;
}

static char *append_escaped(char *to, const char *bytes, size_t size)
{
    const unsigned char *at = (const unsigned char *)bytes, *end = at + size;

    while (at < end) {
        while (at < end && is_plain(*at))
            *to++ = (char)*at++;
        if (at < end)
            at += append_special(&to, at, (size_t)(end - at));
    }
    return to;
}

/* RFC 3339 with nanoseconds, the trailing zeros of the fraction left out, as Go prints it. */
static void format_time(char text[40], int64_t ns)
{
    time_t seconds = ns / 1000000000;
    struct tm utc;

    gmtime_r(&seconds, &utc);
    size_t length = strftime(text, 40, "%Y-%m-%dT%H:%M:%S", &utc);

    length += (size_t)snprintf(text + length, 12, ".%09u", (unsigned)(ns % 1000000000));
    while (text[length - 1] == '0')
        length--;
    if (text[length - 1] == '.')
        length--;
    strcpy(text + length, "Z");
}

/* Many entries in a row have the same time: what was read at once. */
static const char *time_text(int64_t ns)
{
    static char text[40];
    static int64_t formatted = -1;

    if (ns != formatted)
        format_time(text, ns);
    formatted = ns;
    return text;
}

/* Half an entry on a full disk would spoil the next one as well. */
static void cut_torn_entry(const char *written, size_t size)
{
    const char *whole = memrchr(written, '\n', size);
    size_t torn = size - (whole == NULL ? 0 : (size_t)(whole - written) + 1);

    if (torn > 0 && ftruncate(file.fd, (off_t)(file.size - torn)) == 0)
        file.size -= torn;
}

/* How many bytes, of whole entries, the file took. */
static size_t write_entries(const char *entries, size_t size)
{
    size_t done = 0;

    while (done < size && (file.fd >= 0 || open_file() == 0)) {
        ssize_t written = write(file.fd, entries + done, size - done);

        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0) {
            cut_torn_entry(entries, done);
            break;
        }
        file.size += (uint64_t)written;
        done += (size_t)written;
    }
    const char *whole = done > 0 ? memrchr(entries, '\n', done) : NULL;

    return whole == NULL ? 0 : (size_t)(whole - entries) + 1;
}

/* In the place of what a full disk did not take. */
static bool write_gap(void)
{
    char words[200], entry[LOG_ENTRY_SIZE(sizeof words)];

    if (gap == 0)
        return true;
    snprintf(words, sizeof words, "berth: %llu entries are missing here: the disk did not take them\n", (unsigned long long)gap);
    size_t size = log_entry(entry, words);

    if (write_entries(entry, size) != size)
        return false;
    gap = 0;
    return true;
}

/* The log is the one thing that may block the output. A full disk loses entries, never the container. */
static void write_batch(void)
{
    if (batch.size == 0)
        return;
    connections_log(batch.bytes, batch.size);
    size_t done = write_gap() ? write_entries(batch.bytes, batch.size) : 0;

    for (const char *at = batch.bytes + done; at < batch.bytes + batch.size; at++)
        if (*at == '\n') {
            gap++;
            lost++;
        }
    batch.size = 0;
}

uint64_t log_lost(void)
{
    return lost;
}

/* Returns behind it. */
static char *append_entry(char *to, enum stream stream, const char *bytes, size_t size, bool newline, int64_t ns)
{
    to = append_escaped(stpcpy(to, "{\"log\":\""), bytes, size);
    to = stpcpy(to, newline ? "\\n\",\"stream\":\"" : "\",\"stream\":\"");
    to = stpcpy(to, stream == STREAM_STDOUT ? "stdout\",\"time\":\"" : "stderr\",\"time\":\"");
    return stpcpy(stpcpy(to, time_text(ns)), "\"}\n");
}

size_t log_entry(char *to, const char *words)
{
    return (size_t)(append_entry(to, STREAM_STDERR, words, strlen(words), false, now_ns()) - to);
}

static void write_entry(enum stream stream, const char *bytes, size_t size, bool newline, int64_t ns)
{
    bool full = file.max_bytes > 0 && file.size + batch.size >= file.max_bytes;

    if (full || batch.size + LOG_ENTRY_SIZE(size) > sizeof batch.bytes)
        write_batch();
    if (full)
        rotate();
    char *end = append_entry(batch.bytes + batch.size, stream, bytes, size, newline, ns);

    batch.size = (size_t)(end - batch.bytes);
}

/* What is pending and `size` more bytes are the end of a line, or a part that is full. */
static void finish_part(enum stream stream, const char *bytes, size_t size, bool newline, int64_t ns)
{
    struct pending *part = &pending[stream];

    if (!part->continued)
        part->first_ns = ns;
    if (part->size > 0) {
        memcpy(part->bytes + part->size, bytes, size);
        bytes = part->bytes;
        size += part->size;
    }
    write_entry(stream, bytes, size, newline, part->first_ns);
    part->continued = !newline;
    part->size = 0;
}

void log_write(enum stream stream, const char *bytes, size_t size)
{
    struct pending *part = &pending[stream];
    int64_t ns = file.path ? now_ns() : 0;

    while (size > 0 && file.path != NULL) {
        size_t room = PART_SIZE - part->size, rest = size < room ? size : room;
        const char *newline = memchr(bytes, '\n', rest);
        size_t line = newline != NULL ? (size_t)(newline - bytes) : rest, taken = line + (newline != NULL);

        if (newline != NULL || line == room) {
            finish_part(stream, bytes, line, newline != NULL, ns);
        } else {
            memcpy(part->bytes + part->size, bytes, line);
            part->size += line;
        }
        bytes += taken;
        size -= taken;
    }
    write_batch();
}

void log_finish(void)
{
    for (enum stream stream = STREAM_STDOUT; stream <= STREAM_STDERR; stream++)
        if (file.path != NULL && pending[stream].size > 0)
            finish_part(stream, "", 0, false, now_ns());
    write_batch();
    write_gap();
}

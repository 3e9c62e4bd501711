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

/* path.1 becomes path.2 and so on; with one file it is emptied instead. */
static void rotate(void)
{
    char from[4096], to[4096];

    for (uint32_t number = file.max_files > 0 ? file.max_files - 1 : 0; number > 0; number--) {
        snprintf(to, sizeof to, "%s.%u", file.path, number);
        if (number > 1)
            snprintf(from, sizeof from, "%s.%u", file.path, number - 1);
        else
            snprintf(from, sizeof from, "%s", file.path);
        rename(from, to);
    }
    if (file.max_files <= 1 && ftruncate(file.fd, 0) < 0)
        return;
    close(file.fd);
    open_file();
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

static char *append_escaped(char *to, const char *bytes, size_t size)
{
    const unsigned char *at = (const unsigned char *)bytes, *end = at + size;

    while (at < end) {
        unsigned length = sequence_length(at, (size_t)(end - at));

        if (length == 0) {
            to = stpcpy(to, "\\ufffd");
            at++;
        } else if (*at == '"' || *at == '\\') {
            *to++ = '\\';
            *to++ = (char)*at++;
        } else if (*at == '\n' || *at == '\r') {
            *to++ = '\\';
            *to++ = *at++ == '\n' ? 'n' : 'r';
        } else if (*at < 0x20 || *at == '<' || *at == '>' || *at == '&') {
            to += sprintf(to, "\\u00%02x", *at++);
        } else if (length == 3 && at[0] == 0xe2 && at[1] == 0x80 && (at[2] == 0xa8 || at[2] == 0xa9)) {
            to += sprintf(to, "\\u202%c", at[2] == 0xa8 ? '8' : '9');
            at += 3;
        } else {
            memcpy(to, at, length);
            to += length;
            at += length;
        }
    }
    return to;
}

/* RFC 3339 with nanoseconds, the trailing zeros of the fraction left out, as Go prints it. */
static char *append_time(char *to, int64_t ns)
{
    time_t seconds = ns / 1000000000;
    unsigned fraction = (unsigned)(ns % 1000000000);
    struct tm utc;
    char digits[12];
    int length;

    gmtime_r(&seconds, &utc);
    to += strftime(to, 32, "%Y-%m-%dT%H:%M:%S", &utc);
    length = snprintf(digits, sizeof digits, ".%09u", fraction);
    while (length > 1 && digits[length - 1] == '0')
        length--;
    if (length > 1) {
        memcpy(to, digits, (size_t)length);
        to += length;
    }
    *to++ = 'Z';
    return to;
}

/* The log is the one thing that may block the output. A full disk loses lines, never the container. */
static void write_out(const char *bytes, size_t size)
{
    if (file.max_bytes > 0 && file.size >= file.max_bytes)
        rotate();
    while (size > 0 && file.fd >= 0) {
        ssize_t written = write(file.fd, bytes, size);

        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return;
        file.size += (uint64_t)written;
        bytes += written;
        size -= (size_t)written;
    }
}

static void write_entry(enum stream stream, const char *bytes, size_t size, bool newline, int64_t ns)
{
    /* An escape is at most six bytes for one. */
    static char entry[PART_SIZE * 6 + 256];
    char *to = append_escaped(stpcpy(entry, "{\"log\":\""), bytes, size);

    to = stpcpy(to, newline ? "\\n\",\"stream\":\"" : "\",\"stream\":\"");
    to = stpcpy(to, stream == STREAM_STDOUT ? "stdout\",\"time\":\"" : "stderr\",\"time\":\"");
    to = stpcpy(append_time(to, ns), "\"}\n");
    write_out(entry, (size_t)(to - entry));
}

static void flush(enum stream stream, bool newline, int64_t ns)
{
    struct pending *part = &pending[stream];

    if (!part->continued)
        part->first_ns = ns;
    write_entry(stream, part->bytes, part->size, newline, part->continued ? part->first_ns : ns);
    part->continued = !newline;
    part->size = 0;
}

void log_write(enum stream stream, const char *bytes, size_t size)
{
    struct pending *part = &pending[stream];
    int64_t ns = file.path ? now_ns() : 0;

    while (size > 0 && file.path != NULL) {
        const char *newline = memchr(bytes, '\n', size);
        size_t line = newline ? (size_t)(newline - bytes) : size, room = PART_SIZE - part->size;
        size_t taken = line < room ? line : room;

        memcpy(part->bytes + part->size, bytes, taken);
        part->size += taken;
        bytes += taken;
        size -= taken;
        if (newline != NULL && taken == line && (part->size < PART_SIZE || taken == 0)) {
            flush(stream, true, ns);
            bytes++;
            size--;
        } else if (part->size == PART_SIZE) {
            flush(stream, false, ns);
        }
    }
}

void log_finish(void)
{
    for (enum stream stream = STREAM_STDOUT; stream <= STREAM_STDERR; stream++)
        if (file.path != NULL && pending[stream].size > 0)
            flush(stream, false, now_ns());
}

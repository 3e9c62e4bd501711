/* The files in the run directory that outlive everybody: who runs, and how it ended. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "shim.h"

int64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return now.tv_sec * 1000000000ll + now.tv_nsec;
}

/* Beside it and renamed: a reader sees the old file or the new one, never half of one. */
static int replace(int directory, const char *name, const char *text, int length)
{
    char beside[32];
    int written;

    snprintf(beside, sizeof beside, ".%s", name);
    int fd = openat(directory, beside, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);

    if (fd < 0)
        return -1;
    written = (int)write(fd, text, (size_t)length);
    close(fd);
    return written == length ? renameat(directory, beside, directory, name) : -1;
}

int record_state(int directory, const char *phase, pid_t pid, uint64_t start_time)
{
    char text[256];
    int length = snprintf(text, sizeof text,
                          "{\"version\":%d,\"phase\":\"%s\",\"pid\":%d,\"startTime\":%llu,\"shimPid\":%d,\"startedAt\":%lld}\n",
                          BERTH_PROTOCOL_VERSION, phase, pid, (unsigned long long)start_time, getpid(), (long long)now_ns());

    return replace(directory, "state", text, length);
}

int record_exit(int directory, int code, bool oom_killed, int64_t finished_ns, uint64_t lost_entries)
{
    char text[256];
    int length = snprintf(text, sizeof text, "{\"exitCode\":%d,\"oomKilled\":%s,\"lostEntries\":%llu,\"finishedAt\":%lld}\n",
                          code, oom_killed ? "true" : "false", (unsigned long long)lost_entries, (long long)finished_ns);

    return replace(directory, "exit", text, length);
}

/* JSON of what may be any bytes: everything but plain ASCII becomes a question mark. */
static void plain_text(char *to, size_t size, const char *from)
{
    size_t length = 0;

    for (; *from != 0 && length + 2 < size; from++) {
        if (*from == '"' || *from == '\\')
            to[length++] = '\\';
        to[length++] = *from >= 0x20 && *from < 0x7f ? *from : '?';
    }
    to[length] = 0;
}

int record_failure(int directory, int op, const struct failure *why)
{
    char object[1000], text[1400];

    plain_text(object, sizeof object, why->object);
    int length = snprintf(text, sizeof text,
                          "{\"exitCode\":-1,\"failedOp\":%d,\"errno\":%d,\"object\":\"%s\",\"finishedAt\":%lld}\n", op,
                          why->error, object, (long long)now_ns());

    return replace(directory, "exit", text, length);
}

static ssize_t read_file(const char *path, char *buffer, size_t size)
{
    cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = fd < 0 ? -1 : read(fd, buffer, size - 1);

    if (got >= 0)
        buffer[got] = 0;
    return got;
}

uint64_t oom_count(const char *path)
{
    char text[1024];
    const char *line = path != NULL && read_file(path, text, sizeof text) > 0 ? strstr(text, "oom_kill ") : NULL;

    return line == NULL ? 0 : strtoull(line + strlen("oom_kill "), NULL, 10);
}

/* As proc(5) counts them; 0 when there is no such process. */
static uint64_t stat_field(pid_t pid, int number)
{
    char path[32], text[1024];

    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    /* The name in parentheses, field 2, may hold spaces and parentheses: count from the last one. */
    char *at = read_file(path, text, sizeof text) > 0 ? strrchr(text, ')') : NULL;

    for (int field = 2; at != NULL && field < number; field++)
        at = strchr(at + 1, ' ');
    return at == NULL ? 0 : strtoull(at + 1, NULL, 10);
}

uint64_t start_time_of(pid_t pid)
{
    return stat_field(pid, 22);
}

pid_t parent_of(pid_t pid)
{
    return (pid_t)stat_field(pid, 4);
}

/* Users and groups of the container, out of its own /etc, read with limits: these files are the image's. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "shim.h"

#define FILE_LIMIT (1u << 20)
#define ID_LIMIT 0x7fffffffull

/* A colon-separated line, cut into fields in place. */
struct line {
    char *field[8];
    unsigned fields;
};

/* The size of a regular file; -1 for anything else, and for one that is too large. */
static ssize_t table_size(int fd)
{
    struct stat status;

    if (fstat(fd, &status) < 0)
        return -1;
    errno = S_ISREG(status.st_mode) ? EFBIG : EINVAL;
    return S_ISREG(status.st_mode) && status.st_size <= FILE_LIMIT ? (ssize_t)status.st_size : -1;
}

/* Reads a file of the root into `buffer`; an absent one is empty. */
static int read_table(const char *path, char *buffer)
{
    /* Looked at before it is opened: to open a device is to do something to it. */
    cleanup_close int found = root_open(path, 0, O_PATH);
    ssize_t size = 0, limit, got;

    buffer[0] = 0;
    if (found < 0)
        return errno == ENOENT || errno == ENOTDIR ? 0 : -1;
    if (is_null_device(found))
        return 0; /* a masked one: -v /dev/null:/etc/group */
    limit = table_size(found);
    /* A file of the kernel's says that it is empty, and to read it may do something: /proc/kmsg gives each line once. */
    if (limit <= 0)
        return (int)limit;
    cleanup_close int fd = root_open(path, 0, O_RDONLY | O_NONBLOCK | O_NOCTTY);

    limit = fd < 0 ? -1 : table_size(fd);
    while (size < limit && (got = read(fd, buffer + size, (size_t)(limit - size))) > 0)
        size += got;
    buffer[size] = 0;
    return limit < 0 ? -1 : 0;
}

static bool next_line(char **rest, struct line *line)
{
    char *text = strsep(rest, "\n");

    if (text == NULL)
        return false;
    line->fields = 0;
    while (text != NULL && line->fields < array_size(line->field))
        line->field[line->fields++] = strsep(&text, ":");
    return true;
}

static bool all_digits(const char *text)
{
    return *text != 0 && text[strspn(text, "0123456789")] == 0;
}

/* Digits are a number and never a name (an image could define a user called "0"). */
static bool parse_id(const char *text, uint32_t *id)
{
    char *end;
    unsigned long long value;

    if (!all_digits(text))
        return false;
    errno = 0;
    value = strtoull(text, &end, 10);
    if (errno != 0 || value > ID_LIMIT)
        return false;
    *id = (uint32_t)value;
    return true;
}

struct identity {
    uint32_t uid, gid;
    char name[256]; /* as passwd has it; empty when it has none */
};

static int find_user(char *table, const char *wanted, struct identity *identity, struct failure *why)
{
    struct line line;
    uint32_t uid, gid;
    bool numeric = all_digits(wanted);

    if (numeric && !parse_id(wanted, &identity->uid))
        return errno = ERANGE, fail(why, "user \"%s\": a uid is 0 to 2147483647", wanted);
    while (next_line(&table, &line)) {
        if (line.fields < 4 || !parse_id(line.field[2], &uid) || !parse_id(line.field[3], &gid))
            continue;
        if (numeric ? uid != identity->uid : strcmp(line.field[0], wanted) != 0)
            continue;
        identity->uid = uid;
        identity->gid = gid;
        if (line.fields >= 6 && *line.field[5] != 0 && strlen(line.field[5]) < sizeof context.home)
            strcpy(context.home, line.field[5]);
        strncpy(identity->name, line.field[0], sizeof identity->name - 1);
        return 0;
    }
    errno = ENOENT;
    return numeric ? 0 : fail(why, "unable to find user %s: no matching entries in passwd file", wanted);
}

static int find_group(char *table, const char *wanted, uint32_t *gid, struct failure *why)
{
    struct line line;

    if (all_digits(wanted))
        return parse_id(wanted, gid) ? 0 : (errno = ERANGE, fail(why, "group \"%s\": a gid is 0 to 2147483647", wanted));
    while (next_line(&table, &line))
        if (line.fields >= 3 && strcmp(line.field[0], wanted) == 0 && parse_id(line.field[2], gid))
            return 0;
    errno = ENOENT;
    return fail(why, "unable to find group %s: no matching entries in group file", wanted);
}

static bool is_member(char *members, const char *name)
{
    for (char *member; (member = strsep(&members, ",")) != NULL;)
        if (strcmp(member, name) == 0)
            return true;
    return false;
}

static unsigned groups_of(char *table, const char *name, gid_t *groups, unsigned count)
{
    struct line line;
    uint32_t gid;

    while (*name != 0 && count < GROUPS_LIMIT && next_line(&table, &line))
        if (line.fields >= 4 && parse_id(line.field[2], &gid) && gid != groups[0] &&
            is_member(line.field[3], name))
            groups[count++] = gid;
    return count;
}

static char table[FILE_LIMIT + 1], copy[FILE_LIMIT + 1];

/* `text` is docker's USER: "", "uid", "name", "uid:gid", "name:group". */
static int resolve(const char *text, struct identity *identity, bool *group_named, struct failure *why)
{
    char user[300], *group = user;

    if (strlen(text) >= sizeof user)
        return errno = ENAMETOOLONG, fail(why, "user \"%.40s…\"", text);
    strcpy(user, text);
    strsep(&group, ":");
    if (read_table("etc/passwd", table) < 0)
        return fail(why, "read /etc/passwd");
    if (find_user(table, *user ? user : "0", identity, why) < 0)
        return -1;
    *group_named = group != NULL && *group != 0;
    if (!*group_named)
        return 0;
    if (read_table("etc/group", table) < 0)
        return fail(why, "read /etc/group");
    return find_group(table, group, &identity->gid, why);
}

int resolve_user(const struct op *op, unsigned first, struct user *user, struct failure *why)
{
    struct identity identity = {0};
    bool group_named = false;

    if (resolve(op_string(op, first).bytes, &identity, &group_named, why) < 0)
        return -1;
    if (read_table("etc/group", table) < 0)
        return fail(why, "read /etc/group");
    strcpy(copy, table);
    user->uid = identity.uid;
    user->gid = user->groups[0] = identity.gid;
    user->count = group_named ? 1 : groups_of(copy, identity.name, user->groups, 1);
    for (unsigned index = first + 1; index < op->strings && user->count < array_size(user->groups); index++) {
        strcpy(copy, table);
        if (find_group(copy, op_string(op, index).bytes, &user->groups[user->count++], why) < 0)
            return -1;
    }
    return 0;
}

int op_user(const struct op *op, struct failure *why)
{
    static struct user user;

    if (resolve_user(op, 0, &user, why) < 0)
        return -1;
    if (streams_own(user.uid) < 0)
        return fail(why, "chown of the standard streams");
    return become_user(user.uid, user.gid, user.groups, user.count, why);
}

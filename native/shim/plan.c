/* Decodes the plan. Whoever wrote it is trusted, yet every length is checked: a torn plan must not become a wrong one. */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "shim.h"

#define STRINGS_LIMIT 65535 /* of an op, which counts them in 16 bits */
#define round_up(size, unit) (((size) + (unit)-1) / (unit) * (unit))

int fail(struct failure *why, const char *format, ...)
{
    va_list arguments;

    why->error = errno;
    va_start(arguments, format);
    vsnprintf(why->object, sizeof why->object, format, arguments);
    va_end(arguments);
    return -1;
}

int plan_open(struct plan *plan, int fd, struct failure *why)
{
    const struct plan_header *header;
    struct stat status;
    void *bytes;

    if (fstat(fd, &status) < 0)
        return fail(why, "fstat plan");
    errno = EBADMSG;
    if (status.st_size < (off_t)sizeof *header || status.st_size > PLAN_MAX_SIZE)
        return fail(why, "plan of %lld bytes", (long long)status.st_size);
    bytes = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (bytes == MAP_FAILED)
        return fail(why, "mmap plan");
    header = bytes;
    errno = EBADMSG;
    if (header->magic != PLAN_MAGIC || header->version != BERTH_PROTOCOL_VERSION || header->size != status.st_size)
        return fail(why, "plan of version %u, the shim speaks %u", header->version, BERTH_PROTOCOL_VERSION);
    *plan = (struct plan){.bytes = bytes, .size = header->size, .offset = sizeof *header, .count = header->op_count};
    return 0;
}

/* The size of a string with its length, NUL and padding, or 0 when it does not fit into `rest` bytes. */
static size_t string_size(const unsigned char *at, size_t rest)
{
    uint32_t length = rest < 4 ? UINT32_MAX : *(const uint32_t *)(const void *)at;

    if (length > PLAN_MAX_SIZE || round_up((size_t)length + 5, 4u) > rest || at[4 + length] != 0)
        return 0;
    return round_up((size_t)length + 5, 4u);
}

int plan_next(struct plan *plan, struct op *op)
{
    const struct op_header *header = (const void *)(plan->bytes + plan->offset);
    size_t used;

    if (plan->next == plan->count)
        return 0;
    errno = EBADMSG;
    if (plan->size - plan->offset < sizeof *header || header->size > plan->size - plan->offset || header->size % 8 != 0)
        return -1;
    used = sizeof *header + 8u * header->numbers;
    if (used > header->size)
        return -1;
    *op = (struct op){plan->next,      header->code,
                      header->numbers, header->strings,
                      (const uint64_t *)(const void *)(header + 1), (const unsigned char *)header + used};
    for (unsigned index = 0; index < header->strings; index++) {
        size_t size = string_size((const unsigned char *)header + used, header->size - used);

        if (size == 0)
            return -1;
        used += size;
    }
    plan->offset += header->size;
    plan->next++;
    return 1;
}

struct text next_string(const unsigned char **at)
{
    struct text text = {*(const uint32_t *)(const void *)*at, (const char *)*at + 4};

    *at += round_up((size_t)text.size + 5, 4u);
    return text;
}

struct text op_string(const struct op *op, unsigned index)
{
    const unsigned char *at = op->first_string;

    if (index >= op->strings)
        return (struct text){0, ""};
    for (; index > 0; index--)
        next_string(&at);
    return next_string(&at);
}

uint64_t op_number(const struct op *op, unsigned index)
{
    return index < op->numbers ? op->number[index] : 0;
}

char **op_arguments(const struct op *op, unsigned first, unsigned argc)
{
    static char *vector[STRINGS_LIMIT + 3];
    const unsigned char *at = op->first_string;
    unsigned count = op->strings > first ? op->strings - first : 0;

    if (argc == 0 || argc > count)
        return errno = E2BIG, NULL;
    for (unsigned index = 0; index < first; index++)
        next_string(&at);
    for (unsigned index = 0; index < count; index++)
        vector[index < argc ? index : index + 1] = (char *)(uintptr_t)next_string(&at).bytes;
    vector[argc] = vector[count + 1] = vector[count + 2] = NULL;
    return vector;
}

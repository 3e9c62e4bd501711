/* Descriptors that the shim prepares for its child, each at a number that the plan knows. */
#define _GNU_SOURCE
#include <fcntl.h>

#include "shim.h"

int slot_fill(uint64_t slot, int fd, struct failure *why)
{
    cleanup_close int given = fd;

    if (fd < 0)
        return -1;
    errno = EMFILE;
    if (context.preserved >= FD_SLOTS - FD_EXTRA - 1) /* one more is the start fifo's */
        return fail(why, "%u preserved descriptors beside those of a user namespace", (unsigned)context.preserved);
    errno = EBADMSG;
    if (slot != context.slots)
        return fail(why, "slot %llu out of order", (unsigned long long)slot);
    if (dup3(given, FD_SLOTS + (int)slot, O_CLOEXEC) < 0)
        return fail(why, "slot %llu", (unsigned long long)slot);
    context.slots++;
    return 0;
}

int slot_fd(uint64_t slot)
{
    return slot < context.slots ? FD_SLOTS + (int)slot : -1;
}

void slots_close(void)
{
    if (context.slots > 0)
        sys_close_range(FD_SLOTS, FD_SLOTS + context.slots - 1, 0);
}

/* Ops on how the kernel runs the process: its turn on the CPUs and disks, where its memory lies, how it appears to itself. */
#define _GNU_SOURCE
#include <sys/personality.h>
#include <sys/syscall.h>

#include "shim.h"

#define IOPRIO_WHO_PROCESS 1
#define BITS_OF_WORD 64u

/* struct sched_attr of linux/sched/types.h, version 0. */
struct scheduling {
    uint32_t size, policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime, deadline, period;
};

int op_scheduler(const struct op *op, struct failure *why)
{
    struct scheduling wanted = {.size = sizeof wanted,
                                .policy = (uint32_t)op_number(op, 0),
                                .flags = op_number(op, 1),
                                .nice = (int32_t)op_number(op, 2),
                                .priority = (uint32_t)op_number(op, 3),
                                .runtime = op_number(op, 4),
                                .deadline = op_number(op, 5),
                                .period = op_number(op, 6)};

    if (syscall(SYS_sched_setattr, 0, &wanted, 0) < 0)
        return fail(why, "sched_setattr policy %u", wanted.policy);
    return 0;
}

int op_io_priority(const struct op *op, struct failure *why)
{
    int value = (int)op_number(op, 0);

    return syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, value) < 0 ? fail(why, "ioprio_set 0x%x", value) : 0;
}

int op_affinity(const struct op *op, struct failure *why)
{
    if (syscall(SYS_sched_setaffinity, 0, op->numbers * sizeof *op->number, op->number) < 0)
        return fail(why, "sched_setaffinity");
    return 0;
}

int op_personality(const struct op *op, struct failure *why)
{
    unsigned long wanted = (unsigned long)op_number(op, 0);

    return personality(wanted) < 0 ? fail(why, "personality 0x%lx", wanted) : 0;
}

int op_memory_policy(const struct op *op, struct failure *why)
{
    unsigned words = op->numbers - 1u;
    const uint64_t *nodes = words > 0 ? op->number + 1 : NULL;

    /* The kernel takes one bit less than it is told. */
    if (syscall(SYS_set_mempolicy, (int)op_number(op, 0), nodes, words > 0 ? words * BITS_OF_WORD + 1 : 0) < 0)
        return fail(why, "set_mempolicy 0x%x", (unsigned)op_number(op, 0));
    return 0;
}

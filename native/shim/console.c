/* The terminal of a container: a pty of its own devpts, whose master goes to the shim. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>

#include "shim.h"

#define DEVPTS_MAGIC 0x1cd1
#define TREE_CLONE 1u
#ifndef TIOCGPTPEER
#define TIOCGPTPEER 0x5441
#endif

/* The multiplexer of a real devpts, not what the image may have put in its place. */
static int open_multiplexer(struct failure *why)
{
    int fd = root_open("dev/pts/ptmx", RESOLVE_NO_SYMLINKS, O_RDWR | O_NOCTTY);
    struct statfs filesystem;
    struct stat status;

    if (fd < 0)
        return fail(why, "open dev/pts/ptmx");
    if (fstat(fd, &status) == 0 && fstatfs(fd, &filesystem) == 0 && filesystem.f_type == DEVPTS_MAGIC &&
        status.st_rdev == makedev(5, 2))
        return fd;
    close(fd);
    errno = EXDEV;
    return fail(why, "dev/pts/ptmx is no pty multiplexer");
}

static int bind_console(int peer, struct failure *why)
{
    cleanup_close int target = root_make_file("dev/console");

    if (target >= 0 && stay_out_of_procfs(target, "/dev/console", why) < 0)
        return -1;
    cleanup_close int tree = sys_open_tree(peer, "", TREE_CLONE | AT_EMPTY_PATH);

    if (target < 0 || tree < 0 || sys_move_mount(tree, target) < 0)
        return fail(why, "bind the terminal on dev/console");
    return 0;
}

int begin_session(struct failure *why)
{
    if (setsid() < 0 && errno != EPERM)
        return fail(why, "setsid");
    if (isatty(STDIN_FILENO) && ioctl(STDIN_FILENO, TIOCSCTTY, 0) < 0)
        return fail(why, "ioctl TIOCSCTTY");
    return 0;
}

int op_console(const struct op *op, struct failure *why)
{
    struct winsize size = {.ws_row = (unsigned short)op_number(op, 0), .ws_col = (unsigned short)op_number(op, 1)};
    cleanup_close int master = open_multiplexer(why);
    int locked = 0;

    if (master < 0)
        return -1;
    if (ioctl(master, TIOCSPTLCK, &locked) < 0)
        return fail(why, "unlock the pty");
    cleanup_close int peer = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);

    if (peer < 0)
        return fail(why, "ioctl TIOCGPTPEER");
    if (size.ws_row != 0 && ioctl(master, TIOCSWINSZ, &size) < 0)
        return fail(why, "ioctl TIOCSWINSZ");
    if (send_descriptor(SYNC_CONSOLE, op->index, master) < 0)
        return fail(why, "hand over the terminal");
    if ((op_number(op, 2) & CONSOLE_BIND) && bind_console(peer, why) < 0)
        return -1;
    for (int fd = 0; fd < 3; fd++)
        if (dup2(peer, fd) < 0)
            return fail(why, "dup2");
    return op_number(op, 2) & CONSOLE_ENTERING ? 0 : begin_session(why);
}

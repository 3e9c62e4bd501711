/* Ops that give privileges away, and the last step: exec. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "shim.h"

#define CAPABILITIES 64

int op_bounding(const struct op *op, struct failure *why)
{
    uint64_t keep = op_number(op, 0);

    for (int capability = 0; capability < CAPABILITIES; capability++) {
        if ((keep >> capability & 1) || prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) == 0)
            continue;
        if (errno == EINVAL)
            return 0; /* beyond the last one that this kernel knows */
        return fail(why, "drop capability %d from the bounding set", capability);
    }
    return 0;
}

/* A user that is not root has only kept its capabilities: what is still to be done takes them in effect, too. */
static int raise_kept(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2];

    if (syscall(SYS_capget, &header, data) < 0)
        return -1;
    data[0].effective = data[0].permitted;
    data[1].effective = data[1].permitted;
    return (int)syscall(SYS_capset, &header, data);
}

int become_user(uid_t uid, gid_t gid, const gid_t *groups, unsigned count, struct failure *why)
{
    if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0)
        return fail(why, "prctl PR_SET_KEEPCAPS");
    /* Raw system calls: a C library would try to tell threads that do not exist. */
    if (syscall(SYS_setgroups, count, groups) < 0)
        return fail(why, "setgroups");
    if (syscall(SYS_setresgid, gid, gid, gid) < 0)
        return fail(why, "setgid %u", gid);
    if (syscall(SYS_setresuid, uid, uid, uid) < 0)
        return fail(why, "setuid %u", uid);
    if (uid != 0 && raise_kept() < 0)
        return fail(why, "keep capabilities");
    /* A change of user sets this to what fs.suid_dumpable says. */
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    return 0;
}

static int raise_ambient(uint64_t ambient, struct failure *why)
{
    if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
        return fail(why, "clear ambient capabilities");
    for (int capability = 0; capability < CAPABILITIES; capability++)
        if ((ambient >> capability & 1) && prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0) < 0)
            return fail(why, "raise ambient capability %d", capability);
    return 0;
}

int op_capabilities(const struct op *op, struct failure *why)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2];

    for (unsigned half = 0; half < 2; half++)
        data[half] = (struct __user_cap_data_struct){.effective = (uint32_t)(op_number(op, 0) >> 32 * half),
                                                     .permitted = (uint32_t)(op_number(op, 1) >> 32 * half),
                                                     .inheritable = (uint32_t)(op_number(op, 2) >> 32 * half)};
    if (syscall(SYS_capset, &header, data) < 0)
        return fail(why, "capset");
    return raise_ambient(op_number(op, 3), why);
}

int op_no_new_privs(const struct op *op, struct failure *why)
{
    (void)op;
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ? fail(why, "prctl PR_SET_NO_NEW_PRIVS") : 0;
}

int op_cwd(const struct op *op, struct failure *why)
{
    const char *path = op_string(op, 0).bytes;
    char where[4096];

    if (op_number(op, 0) != 0) {
        cleanup_close int made = root_make_directory(path, 0755);

        if (made < 0)
            return fail(why, "mkdir working directory \"%s\"", path);
    }
    if (chdir(path) < 0)
        return fail(why, "chdir to cwd (\"%s\")", path);
    /* A leaked descriptor of the host would be "(unreachable)/…" here. */
    if (syscall(SYS_getcwd, where, sizeof where) < 0 || where[0] != '/')
        return errno = EXDEV, fail(why, "working directory \"%s\" is outside of the root", path);
    return 0;
}

static int try_exec(const char *path, char *const argv[], char *const envp[])
{
    execve(path, argv, envp);
    return errno;
}

/* execvp over the container's own PATH. Returns the errno that a shell would report. */
static int search_and_exec(const char *path, char *const argv[], char *const envp[])
{
    char candidate[4096];
    int found = ENOENT;

    if (strchr(argv[0], '/') != NULL)
        return try_exec(argv[0], argv, envp);
    for (const char *end; path != NULL; path = end == NULL ? NULL : end + 1) {
        end = strchr(path, ':');
        int length = end ? (int)(end - path) : (int)strlen(path);

        snprintf(candidate, sizeof candidate, "%.*s%s%s", length, path, length ? "/" : "", argv[0]);
        int error = try_exec(candidate, argv, envp);

        if (error == EACCES || (error != ENOENT && error != ENOTDIR && found == ENOENT))
            found = error;
    }
    return found;
}

static bool is_executable(const char *path)
{
    struct stat status;

    if (stat(path, &status) < 0)
        return false;
    errno = S_ISDIR(status.st_mode) ? EISDIR : 0;
    return errno == 0 && faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) == 0;
}

/* As Go's exec.LookPath, which runc uses: what is found is executed, and nothing else is tried. */
int op_find(const struct op *op, struct failure *why)
{
    const char *name = op_string(op, 0).bytes, *path = op_string(op, 1).bytes;
    size_t size = sizeof context.program;

    if (strchr(name, '/') != NULL) {
        if ((size_t)snprintf(context.program, size, "%s", name) < size && is_executable(name))
            return 0;
        return fail(why, "exec: \"%s\"", name);
    }
    for (const char *end; path != NULL; path = end == NULL ? NULL : end + 1) {
        end = strchr(path, ':');
        int length = end ? (int)(end - path) : (int)strlen(path);

        snprintf(context.program, size, "%.*s/%s", length ? length : 1, length ? path : ".", name);
        if (is_executable(context.program))
            return 0;
    }
    errno = ENOENT;
    return fail(why, "exec: \"%s\"", name);
}

/* What the process is to have besides its streams moves to 3 and so on; the socket to the shim, if there is one, behind it. */
static int pass_descriptors(void)
{
    unsigned preserved = (unsigned)context.preserved, first = FD_SYNC + (context.sync >= 0);

    if (preserved == 0)
        return sys_close_range(first, ~0u, 0);
    if (context.sync >= 0)
        context.sync = dup3(context.sync, (int)(FD_EXTRA + preserved), O_CLOEXEC);
    for (unsigned index = 0; index < preserved; index++)
        if (dup2((int)(FD_EXTRA + index), (int)(FD_SYNC + index)) < 0)
            return -1;
    if (sys_close_range(FD_SYNC + preserved, FD_EXTRA + preserved - 1, 0) < 0)
        return -1;
    return sys_close_range(FD_EXTRA + preserved + (context.sync >= 0), ~0u, 0);
}

static const char *variable(char *const envp[], const char *name)
{
    size_t length = strlen(name);

    for (; *envp != NULL; envp++)
        if (strncmp(*envp, name, length) == 0 && (*envp)[length] == '=')
            return *envp + length + 1;
    return NULL;
}

int op_exec(const struct op *op, struct failure *why)
{
    static char home[sizeof context.home + sizeof "HOME="];
    unsigned argc = (unsigned)op_number(op, 0), count = op->strings - argc;
    char **argv = op_arguments(op, 0, argc);

    if (argv == NULL)
        return fail(why, "exec with %u arguments", op->strings);
    char **envp = argv + argc + 1;

    if ((op_number(op, 1) & EXEC_SET_HOME) && variable(envp, "HOME") == NULL) {
        snprintf(home, sizeof home, "HOME=%s", context.home);
        envp[count] = home;
    }
    umask(context.umask);
    if (pass_descriptors() < 0)
        return fail(why, "close_range");
    if ((context.settings.flags & SUPERVISE_INIT) && become_init() < 0)
        return fail(why, "fork of the init process");
    errno = *context.program ? try_exec(context.program, argv, envp) : search_and_exec(variable(envp, "PATH"), argv, envp);
    return fail(why, "exec: \"%s\"", argv[0]);
}

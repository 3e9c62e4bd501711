/* What all ops that mount have in common: new file systems, places to mount at, and what is done to a mount before anyone sees it. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>

#include "shim.h"

#define MS_NOSYMFOLLOW_FLAG 256u
#define PROC_MAGIC 0x9fa0

static unsigned attributes_of(uint64_t flags)
{
    static const struct {
        uint64_t flag;
        unsigned attribute;
    } map[] = {{MS_RDONLY, ATTRIBUTE_READONLY},   {MS_NOSUID, ATTRIBUTE_NOSUID},
               {MS_NODEV, ATTRIBUTE_NODEV},       {MS_NOEXEC, ATTRIBUTE_NOEXEC},
               {MS_NOATIME, ATTRIBUTE_NOATIME},   {MS_STRICTATIME, ATTRIBUTE_STRICTATIME},
               {MS_NODIRATIME, ATTRIBUTE_NODIRATIME}, {MS_NOSYMFOLLOW_FLAG, ATTRIBUTE_NOSYMFOLLOW}};
    unsigned attributes = 0;

    for (unsigned index = 0; index < array_size(map); index++)
        if (flags & map[index].flag)
            attributes |= map[index].attribute;
    return attributes;
}

/* One option of a mount's data: "key=value" or "key". */
static int configure(int fs, char *option, struct failure *why)
{
    char *value = strchr(option, '=');

    if (value != NULL)
        *value++ = 0;
    if (sys_fsconfig(fs, value ? CONFIG_STRING : CONFIG_FLAG, option, value) < 0)
        return fail(why, "fsconfig %s%s%s", option, value ? "=" : "", value ? value : "");
    return 0;
}

static int configure_all(int fs, const char *data, struct failure *why)
{
    char options[MOUNT_DATA_SIZE], *rest = options, *option;

    if (snprintf(options, sizeof options, "%s", data) >= (int)sizeof options)
        return errno = E2BIG, fail(why, "mount options \"%.40s…\"", data);
    while ((option = strsep(&rest, ",")) != NULL)
        if (*option != 0 && configure(fs, option, why) < 0)
            return -1;
    return 0;
}

int mount_new(const char *source, const char *type, const char *data, uint64_t flags, struct failure *why)
{
    cleanup_close int fs = sys_fsopen(type);

    if (fs < 0)
        return fail(why, "fsopen %s", type);
    if (sys_fsconfig(fs, CONFIG_STRING, "source", source) < 0)
        return fail(why, "fsconfig source=%s of %s", source, type);
    if (configure_all(fs, data, why) < 0)
        return -1;
    if (sys_fsconfig(fs, CONFIG_CREATE, NULL, NULL) < 0)
        return fail(why, "mount %s", type);
    int made = sys_fsmount(fs, attributes_of(flags));

    return made < 0 ? fail(why, "fsmount %s", type) : made;
}

int find_mount_point(const char *path, uint64_t options)
{
    return root_open(path, options & MOUNT_API ? RESOLVE_NO_SYMLINKS : 0, O_PATH | O_DIRECTORY);
}

int mount_point(const char *path, uint64_t options)
{
    int target = find_mount_point(path, options);

    if (target >= 0 || errno != ENOENT)
        return target;
    target = root_make_directory(path, 0755);
    if (target < 0 || !(options & MOUNT_API))
        return target;
    close(target);
    return find_mount_point(path, options);
}

int take_steps(const struct op *op, unsigned first, int mount, const char *path, struct failure *why)
{
    for (unsigned at = first; at < op->numbers; at += 4) {
        struct mount_attributes attributes = {op_number(op, at + 1), op_number(op, at + 2), op_number(op, at + 3), 0};

        if (sys_mount_setattr(mount, op_number(op, at) ? TREE_RECURSIVE : 0, &attributes) < 0)
            return fail(why, "mount_setattr of \"%s\"", path);
    }
    return 0;
}

static bool names_procfs(const char *path)
{
    size_t length = sizeof "/proc" - 1;

    return strncmp(path, "/proc", length) == 0 && (path[length] == 0 || path[length] == '/');
}

bool is_on_procfs(int fd)
{
    struct statfs filesystem;

    return fstatfs(fd, &filesystem) == 0 && filesystem.f_type == PROC_MAGIC;
}

/* What may lie over files of /proc is named as such; where a link of the image's leads there, nobody has asked for it. */
int stay_out_of_procfs(int target, const char *path, struct failure *why)
{
    if (names_procfs(path) || !is_on_procfs(target))
        return 0;
    return errno = EINVAL, fail(why, "\"%s\" cannot be mounted because it is inside /proc", path);
}

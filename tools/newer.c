/*
 * newer BUILT SOURCE...: succeeds when a source, or anything below one, is newer than BUILT. For the launcher, which asks at every
 * call: find(1) takes 2 ms to start, the shell 6 us for each file.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct timespec built;

static bool is_newer(const struct stat *source)
{
    if (source->st_mtim.tv_sec != built.tv_sec)
        return source->st_mtim.tv_sec > built.tv_sec;
    return source->st_mtim.tv_nsec > built.tv_nsec;
}

static bool any_newer(int parent, const char *name);

static bool any_newer_in(int folder)
{
    DIR *entries = fdopendir(folder);
    struct dirent *entry;
    bool found = false;

    if (entries == NULL)
        return true;
    while (!found && (entry = readdir(entries)) != NULL)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            found = any_newer(dirfd(entries), entry->d_name);
    closedir(entries);
    return found;
}

/* What cannot be looked at counts as newer: the build will say why. A folder is newer when a file of it is gone. */
static bool any_newer(int parent, const char *name)
{
    struct stat source;

    if (fstatat(parent, name, &source, 0) < 0 || is_newer(&source))
        return true;
    if (!S_ISDIR(source.st_mode))
        return false;
    int folder = openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    return folder < 0 || any_newer_in(folder);
}

int main(int count, char **words)
{
    struct stat file;

    if (count < 2 || stat(words[1], &file) < 0)
        return 0;
    built = file.st_mtim;
    for (int index = 2; index < count; index++)
        if (any_newer(AT_FDCWD, words[index]))
            return 0;
    return 1;
}

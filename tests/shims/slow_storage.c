/* A network file system on a bad day, for LD_PRELOAD.

   Below $SLOW_ROOT every mkdir takes $SLOW_MKDIR seconds, and a listing shows nothing that was made
   in the last $SLOW_LISTING seconds, as if it came out of a cache. */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static double seconds(const char *name)
{
    const char *text = getenv(name);
    return text ? atof(text) : 0;
}

static int below(const char *path)
{
    const char *root = getenv("SLOW_ROOT");
    return root && !strncmp(path, root, strlen(root));
}

static void wait_for_mkdir(const char *path)
{
    double pause = seconds("SLOW_MKDIR");
    if (below(path) && pause > 0)
        usleep((useconds_t)(pause * 1e6));
}

int mkdir(const char *path, mode_t mode)
{
    int (*real)(const char *, mode_t) = dlsym(RTLD_NEXT, "mkdir");
    wait_for_mkdir(path);
    return real(path, mode);
}

int mkdirat(int folder, const char *path, mode_t mode)
{
    int (*real)(int, const char *, mode_t) = dlsym(RTLD_NEXT, "mkdirat");
    wait_for_mkdir(path);
    return real(folder, path, mode);
}

static int is_young(DIR *folder, const char *name)
{
    double age = seconds("SLOW_LISTING");
    char link[64], path[PATH_MAX + 1];
    struct statx found;
    struct timespec now;
    if (age <= 0 || !strcmp(name, ".") || !strcmp(name, ".."))
        return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", dirfd(folder));
    ssize_t count = readlink(link, path, PATH_MAX);
    if (count < 0)
        return 0;
    path[count] = 0;
    if (!below(path) || statx(dirfd(folder), name, AT_SYMLINK_NOFOLLOW, STATX_BTIME, &found))
        return 0;
    clock_gettime(CLOCK_REALTIME, &now);
    return now.tv_sec - found.stx_btime.tv_sec + (now.tv_nsec - found.stx_btime.tv_nsec) / 1e9 < age;
}

struct dirent *readdir(DIR *folder)
{
    struct dirent *(*real)(DIR *) = dlsym(RTLD_NEXT, "readdir");
    struct dirent *entry;
    do
        entry = real(folder);
    while (entry && is_young(folder, entry->d_name));
    return entry;
}

struct dirent64 *readdir64(DIR *folder)
{
    struct dirent64 *(*real)(DIR *) = dlsym(RTLD_NEXT, "readdir64");
    struct dirent64 *entry;
    do
        entry = real(folder);
    while (entry && is_young(folder, entry->d_name));
    return entry;
}

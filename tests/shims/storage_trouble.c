/* A storage in trouble, for LD_PRELOAD.

   Calls on paths below $TROUBLE_ROOT do what the file $TROUBLE_FLAG says at that moment:
     hang     write, fsync, rename and mkdir take 60 s, or until the flag is gone
     dead     the same, and so do open, stat, utime and unlink: a network file system that is away
     EIO      write, fsync, rename and mkdir fail
     ENOSPC   write fails beyond the blocks that the file has already
     short    write takes at most 7 bytes
   Without the file all is well. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum trouble { NONE, HANG, DEAD, ERROR, FULL, SHORT };

static enum trouble now(void)
{
    const char *flag = getenv("TROUBLE_FLAG");
    char word[8] = "";
    if (!flag)
        return NONE;
    int fd = syscall(SYS_openat, AT_FDCWD, flag, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return NONE;
    long count = syscall(SYS_read, fd, word, sizeof word - 1);
    syscall(SYS_close, fd);
    if (count < 0)
        return NONE;
    if (!strncmp(word, "hang", 4)) return HANG;
    if (!strncmp(word, "dead", 4)) return DEAD;
    if (!strncmp(word, "EIO", 3)) return ERROR;
    if (!strncmp(word, "ENOSPC", 6)) return FULL;
    if (!strncmp(word, "short", 5)) return SHORT;
    return NONE;
}

static int below(const char *path)
{
    const char *root = getenv("TROUBLE_ROOT");
    return root && path && !strncmp(path, root, strlen(root));
}

static int fd_below(int fd)
{
    char link[64], path[PATH_MAX + 1];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    long count = syscall(SYS_readlinkat, AT_FDCWD, link, path, PATH_MAX);
    if (count < 0)
        return 0;
    path[count] = 0;
    return below(path);
}

/* Wait while the storage hangs; then 0, or -1 with errno when the call is to fail. */
static int suffer(int also_reading)
{
    enum trouble trouble = now();
    for (int tick = 0; tick < 6000; tick++) {
        if (trouble != DEAD && (trouble != HANG || also_reading))
            break;
        struct timespec pause = {0, 10000000};
        nanosleep(&pause, NULL);
        trouble = now();
    }
    if (trouble == ERROR && !also_reading) {
        errno = EIO;
        return -1;
    }
    return 0;
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

ssize_t write(int fd, const void *data, size_t count)
{
    if (count && getenv("TROUBLE_FLAG") && now() != NONE && fd_below(fd)) {
        if (suffer(0))
            return -1;
        enum trouble trouble = now();
        if (trouble == SHORT && count > 7)
            count = 7;
        struct stat status;
        if (trouble == FULL && !fstat(fd, &status)) {
            int append = fcntl(fd, F_GETFL) & O_APPEND;
            off_t at = append ? status.st_size : lseek(fd, 0, SEEK_CUR);
            off_t room = (off_t)status.st_blocks * 512 - at;
            if (room <= 0) {
                errno = ENOSPC;
                return -1;
            }
            if ((off_t)count > room)
                count = room;
        }
    }
    return REAL(write)(fd, data, count);
}

int fsync(int fd)
{
    return fd_below(fd) && suffer(0) ? -1 : REAL(fsync)(fd);
}

int rename(const char *from, const char *to)
{
    return below(to) && suffer(0) ? -1 : REAL(rename)(from, to);
}

int mkdir(const char *path, mode_t mode)
{
    return below(path) && suffer(0) ? -1 : REAL(mkdir)(path, mode);
}

int unlink(const char *path)
{
    return below(path) && suffer(1) ? -1 : REAL(unlink)(path);
}

int utimensat(int folder, const char *path, const struct timespec times[2], int flags)
{
    return below(path) && suffer(1) ? -1 : REAL(utimensat)(folder, path, times, flags);
}

int stat64(const char *path, struct stat64 *status)
{
    return below(path) && suffer(1) ? -1 : REAL(stat64)(path, status);
}

#define OPEN(name)                                          \
    int name(const char *path, int flags, ...)              \
    {                                                       \
        va_list rest;                                       \
        va_start(rest, flags);                              \
        mode_t mode = va_arg(rest, mode_t);                 \
        va_end(rest);                                       \
        if (below(path))                                    \
            suffer(1);                                      \
        return REAL(name)(path, flags, mode);               \
    }

OPEN(open)
OPEN(open64)

#include "core/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/stop.h"

enum {
    HOLDER_MAX = 64,
    POLL_US = 20000
};

static int busy(int fd, const char *path, struct err *e)
{
    char text[HOLDER_MAX];
    ssize_t n = pread(fd, text, sizeof(text) - 1, 0);

    if (n <= 0) {
        return err_set(e, ERR_BUSY, "\"%s\" is locked by another process",
                       path);
    }
    text[n] = '\0';
    text[strcspn(text, "\n")] = '\0';
    return err_set(e, ERR_BUSY, "\"%s\" is locked by process %s", path, text);
}

static void write_holder(int fd, const char *role)
{
    char text[HOLDER_MAX];
    int n = snprintf(text, sizeof(text), "%ld %.40s\n", (long)getpid(), role);

    /* It only feeds the message of busy(): a failed write harms nobody. */
    if (ftruncate(fd, 0) == 0) {
        (void)!pwrite(fd, text, (size_t)n, 0);
    }
}

int lock_take(struct lock *l, const char *path, const char *role, struct err *e)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

    l->fd = -1;
    if (fd < 0) {
        return err_set(e, errno == EACCES ? ERR_DENIED : ERR_IO,
                       "could not open lock file \"%s\": %s", path,
                       strerror(errno));
    }
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        int rc = errno == EWOULDBLOCK
                     ? busy(fd, path, e)
                     : err_set(e, ERR_IO, "could not lock \"%s\": %s", path,
                               strerror(errno));

        (void)close(fd);
        return rc;
    }
    write_holder(fd, role);
    l->fd = fd;
    return 0;
}

int lock_wait(struct lock *l, const char *path, const char *role,
              int64_t wait_us, struct err *e)
{
    int64_t until = clock_mono_us() + wait_us;
    struct err why = {0};

    while (lock_take(l, path, role, &why) < 0) {
        if (why.code != ERR_BUSY || clock_mono_us() >= until ||
            stop_wait(POLL_US)) {
            if (e != NULL) {
                *e = why;
            }
            return -1;
        }
    }
    return 0;
}

void lock_drop(struct lock *l)
{
    if (l->fd >= 0) {
        (void)ftruncate(l->fd, 0);
        (void)close(l->fd);
        l->fd = -1;
    }
}

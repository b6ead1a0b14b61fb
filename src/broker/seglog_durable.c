#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "broker/seglog_file_int.h"

/*
 * One page that all processes map.  It is never synced: while the machine
 * runs it is right, and what a crash of the machine leaves in it is either
 * an earlier, still true length or nothing.  The writer makes the count odd
 * while it changes the two numbers.
 */
struct seglog_durable {
    char magic[8];
    _Atomic uint64_t count;
    _Atomic int64_t no;
    _Atomic int64_t len;
};

static const char magic[8] = {'P', 'L', 'D', 'U', 'R', 'A', 'B', '1'};

/* MAP_FAILED with errno set. */
static void *map(int fd, bool writes)
{
    static const char none[sizeof(struct seglog_durable)];
    struct stat st;

    if (fstat(fd, &st) != 0) {
        return MAP_FAILED;
    }
    if (st.st_size < (off_t)sizeof(none)) {
        /* written and not cut: a hole would be SIGBUS on a full disk */
        ssize_t n = writes ? write(fd, none, sizeof(none)) : 0;

        if (n < 0) {
            return MAP_FAILED;
        }
        if (n < (ssize_t)sizeof(none)) {
            errno = writes ? ENOSPC : ENODATA;
            return MAP_FAILED;
        }
    }
    return mmap(NULL, sizeof(none), writes ? PROT_READ | PROT_WRITE : PROT_READ,
                MAP_SHARED, fd, 0);
}

int seglog_durable_open(struct seglog_durable **ret, const char *dir,
                        bool writes, struct err *e)
{
    char path[FS_PATH_MAX];
    void *p;
    int fd;

    if (fs_join(path, dir, "durable", e) < 0) {
        return -1;
    }
    fd =
        open(path, writes ? O_RDWR | O_CREAT | O_CLOEXEC : O_RDONLY | O_CLOEXEC,
             0600);
    p = fd >= 0 ? map(fd, writes) : MAP_FAILED;
    if (p == MAP_FAILED) {
        (void)err_set(e, errno == ENOENT ? ERR_NOTFOUND : ERR_IO,
                      "could not map \"%s\": %s", path, strerror(errno));
    }
    if (fd >= 0) {
        (void)close(fd);
    }
    if (p == MAP_FAILED) {
        return -1;
    }
    *ret = p;
    return 0;
}

void seglog_durable_close(struct seglog_durable *d, bool writes)
{
    if (d) {
        if (writes) {
            (void)msync(d, sizeof(*d), MS_SYNC);
        }
        (void)munmap(d, sizeof(*d));
    }
}

bool seglog_durable_get(const struct seglog_durable *d, int64_t *ret_no,
                        int64_t *ret_len)
{
    uint64_t before;
    uint64_t after;

    if (memcmp(d->magic, magic, sizeof(magic)) != 0) {
        return false;
    }
    for (int tries = 0; tries < 1000; tries++) {
        before = atomic_load_explicit(&d->count, memory_order_acquire);
        *ret_no = atomic_load_explicit(&d->no, memory_order_relaxed);
        *ret_len = atomic_load_explicit(&d->len, memory_order_relaxed);
        atomic_thread_fence(memory_order_acquire);
        after = atomic_load_explicit(&d->count, memory_order_relaxed);
        if (before == after && before % 2 == 0) {
            return *ret_no > 0;
        }
    }
    return false; /* the writer was killed in the middle */
}

void seglog_durable_set(struct seglog_durable *d, int64_t no, int64_t len)
{
    uint64_t count = atomic_load_explicit(&d->count, memory_order_relaxed) | 1;

    atomic_store_explicit(&d->count, count, memory_order_relaxed);
    atomic_thread_fence(memory_order_release);
    atomic_store_explicit(&d->no, no, memory_order_relaxed);
    atomic_store_explicit(&d->len, len, memory_order_relaxed);
    atomic_store_explicit(&d->count, count + 1, memory_order_release);
    if (memcmp(d->magic, magic, sizeof(magic)) != 0) {
        memcpy(d->magic, magic, sizeof(magic));
    }
}

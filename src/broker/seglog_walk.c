#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "broker/seglog_file_int.h"
#include "core/mem.h"

enum {
    WINDOW = 256 << 10 /* bytes that are read at once */
};

const char *seglog_walk_need(struct seglog_walk *w, size_t n, struct err *e)
{
    size_t skip = (size_t)(w->at - w->mem_at);

    if ((uint64_t)(w->end - w->at) < n) {
        (void)err_set(e, ERR_NOTFOUND, "segment \"%s\" ends", w->path);
        return NULL;
    }
    if (w->mem && w->at >= w->mem_at && skip <= w->have &&
        n <= w->have - skip) {
        return w->mem + skip;
    }
    if (n > w->cap) {
        size_t cap = n > WINDOW ? n : WINDOW;
        char *mem = mem_resize(w->mem, cap, 1);

        if (mem == NULL) {
            (void)err_nomem(e, cap);
            return NULL;
        }
        w->mem = mem;
        w->cap = cap;
    }
    w->mem_at = w->at;
    w->have = 0;
    while (w->have < n) {
        size_t want = (size_t)(w->end - w->at) - w->have;
        ssize_t got;

        want = want < w->cap - w->have ? want : w->cap - w->have;
        got = pread(w->fd, w->mem + w->have, want,
                    (off_t)(w->at + (int64_t)w->have));
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            (void)err_set(e, got < 0 ? ERR_IO : ERR_CORRUPT,
                          "could not read segment \"%s\" at byte %" PRId64
                          ": %s",
                          w->path, w->at + (int64_t)w->have,
                          got < 0 ? strerror(errno) : "it ends there");
            return NULL;
        }
        w->have += (size_t)got;
    }
    return w->mem;
}

void seglog_walk_release(struct seglog_walk *w)
{
    mem_free(w->mem);
    w->mem = NULL;
    w->cap = 0;
}

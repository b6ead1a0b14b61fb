#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "broker/seglog_file_int.h"
#include "broker/seglog_meta_int.h"
#include "broker/seglog_write_int.h"
#include "core/clock.h"
#include "core/inject.h"
#include "core/mem.h"

enum {
    COMMIT_BYTES = 16 << 20, /* more wait for the next commit */
    COMMIT_REQUESTS = 16384,
    IOV = 512,        /* pieces a system call takes */
    IDLE_US = 1000000 /* house-keeping */
};

/* Open the segment to append at `len`, cutting what failed before. */
static int open_segment(struct seglog *l, struct err *e)
{
    struct seglog_writer *w = l->writer;
    char path[FS_PATH_MAX];

    if (w->no == l->live_no) {
        return 0;
    }
    if (w->fd >= 0) {
        (void)close(w->fd);
    }
    w->no = 0;
    seglog_file_path(l, l->live_no, path);
    w->fd = open(path, O_WRONLY | O_CLOEXEC);
    if (w->fd < 0 || ftruncate(w->fd, (off_t)l->live_len) < 0 ||
        lseek(w->fd, 0, SEEK_END) != (off_t)l->live_len) {
        return err_set(e, ERR_IO, "could not append to segment \"%s\": %s",
                       path, strerror(errno));
    }
    w->no = l->live_no;
    return 0;
}

static int write_failed(int code, struct err *e)
{
    return err_set(e, ERR_IO, "could not store records: %s",
                   code == ENOSPC || code == EDQUOT ? "the disk is full"
                                                    : strerror(code));
}

static int write_pieces(struct seglog_writer *w, struct err *e)
{
    struct iovec iov[IOV];
    size_t i = 0;
    size_t skip = 0; /* of piece i, written already */

    while (i < w->npieces) {
        size_t n = 0;
        ssize_t got;

        for (; n < IOV && i + n < w->npieces; n++) {
            const struct seglog_piece *p = &w->pieces[i + n];
            /* writev() does not write to what it is given */
            union {
                const char *given;
                void *base;
            } ptr = {p->ptr ? p->ptr : w->out.ptr + p->at};

            iov[n] = (struct iovec){ptr.base, p->len};
        }
        iov[0].iov_base = (char *)iov[0].iov_base + skip;
        iov[0].iov_len -= skip;
        got = writev(w->fd, iov, (int)n);
        if (got < 0 && errno != EINTR) {
            return write_failed(errno, e);
        }
        for (skip += got < 0 ? 0 : (size_t)got;
             i < w->npieces && skip >= w->pieces[i].len; i++) {
            skip -= w->pieces[i].len;
        }
    }
    return 0;
}

/* After this the commit is on the disk, or it never was. */
static int store(struct seglog *l, struct err *e)
{
    struct seglog_writer *w = l->writer;

    if (open_segment(l, e) < 0 || seglog_build(w, e) < 0) {
        return -1;
    }
    INJECT(broker_before_commit);
    if (INJECT_FAILS(broker_before_commit)) {
        w->no = 0;
        return write_failed(EIO, e);
    }
    if (write_pieces(w, e) < 0) {
        w->no = 0; /* open it anew and cut it before the next */
        if (ftruncate(w->fd, (off_t)l->live_len) < 0) {
            return -1;
        }
        return -1;
    }
    if (INJECT_FAILS(fs_sync) || fdatasync(w->fd) < 0) {
        /* what the kernel kept of it is unknown: nobody may see any of it */
        w->no = 0;
        return write_failed(errno ? errno : EIO, e);
    }
    return 0;
}

/* Readers may see the commit. */
static void publish(struct seglog *l, int64_t took_us)
{
    struct seglog_writer *w = l->writer;
    struct broker_stats *s = &l->stats;
    int64_t at;

    seglog_durable_set(l->durable, l->live_no, l->live_len + w->bytes);
    mutex_lock(&l->lock);
    at = l->live_len;
    for (size_t i = 0; i < w->nframes; i++) {
        struct seglog_frame *fr = &w->frames[i];

        seglog_index_add(&fr->part->live, &fr->f, at);
        fr->part->next = fr->f.first + fr->f.count;
        at += (int64_t)codec_frame_size(&fr->f);
        s->records += fr->f.count;
    }
    l->live_len = at;
    s->commits++;
    s->bytes += w->bytes;
    s->commit_us_total += took_us;
    s->commit_us_max = took_us > s->commit_us_max ? took_us : s->commit_us_max;
    cond_broadcast(&l->moved);
    mutex_unlock(&l->lock);
}

static void answer(struct seglog *l, struct broker_produce *list)
{
    struct broker_produce *next;
    size_t n = 0;
    size_t bytes = 0;

    mutex_lock(&l->lock);
    for (struct broker_produce *p = list; p; p = p->next) {
        struct seglog_request *r = p->state;

        n++;
        bytes += r->bytes;
        l->stats.repeats += p->repeated;
        seglog_catalog_drop(r->topic);
    }
    l->pending -= n;
    l->pending_bytes -= bytes;
    mutex_unlock(&l->lock);
    for (; list; list = next) {
        next = list->next; /* done() may free it */
        seglog_produce_free(list->state);
        list->state = NULL;
        list->next = NULL;
        list->done(list);
    }
}

static void stage_all(struct seglog *l, struct broker_produce *list)
{
    mutex_lock(&l->lock);
    for (struct broker_produce *p = list; p; p = p->next) {
        const struct seglog_request *r = p->state;

        p->error = (struct err){.code = ERR_NONE};
        p->repeated = false;
        if (r->topic->dead) {
            (void)err_set(&p->error, ERR_NOTFOUND, "there is no topic \"%s\"",
                          p->topic);
        }
    }
    mutex_unlock(&l->lock);
    for (struct broker_produce *p = list; p; p = p->next) {
        if (p->error.code == ERR_NONE) {
            seglog_stage_request(l->writer, p);
        }
    }
}

static void commit(struct seglog *l, struct broker_produce *list)
{
    struct seglog_writer *w = l->writer;
    int64_t began = clock_mono_us();
    int64_t now = clock_wall_us();
    struct err e = {.code = ERR_NONE};
    int rc = 0;

    if (seglog_catalog_refresh(l, false, NULL) < 0) {
        /* then what others deleted is seen a little later */
    }
    w->at_us = now > w->at_us ? now : w->at_us;
    window_expire(w->window, w->at_us);
    w->ntouched = 0;
    stage_all(l, list);
    if (w->ntouched > 0) {
        if (l->live_len == SEGLOG_FILE_HEADER) {
            w->began_us = began;
        }
        rc = store(l, &e);
    }
    for (size_t i = 0; i < w->ntouched; i++) {
        w->touched[i]->head = NULL;
    }
    if (rc < 0) {
        seglog_stage_undo(w, list, &e);
    } else if (w->ntouched > 0) {
        publish(l, clock_mono_us() - began);
    }
    INJECT(broker_before_answer);
    answer(l, list);
}

/* The requests for one commit; NULL after a while without any. */
static struct broker_produce *take(struct seglog *l, bool *stop)
{
    int64_t until = clock_mono_us() + IDLE_US;
    struct broker_produce *list;
    struct broker_produce *last;
    size_t bytes = 0;
    size_t n = 0;

    mutex_lock(&l->lock);
    while (l->queue == NULL && !l->stop &&
           cond_wait_until(&l->wake, &l->lock, until)) {
    }
    list = l->queue;
    last = NULL;
    while (l->queue && n < COMMIT_REQUESTS && bytes < COMMIT_BYTES) {
        last = l->queue;
        bytes += ((struct seglog_request *)last->state)->bytes;
        n++;
        l->queue = last->next;
    }
    if (last) {
        last->next = NULL;
    }
    *stop = l->stop && list == NULL;
    mutex_unlock(&l->lock);
    return list;
}

static void keep_house(struct seglog *l)
{
    struct seglog_writer *w = l->writer;
    int64_t now = clock_mono_us();

    if (l->live_len > SEGLOG_FILE_HEADER && now >= w->roll_us &&
        (l->live_len >= l->conf.segment_bytes ||
         now - w->began_us >= l->conf.segment_us) &&
        seglog_live_roll(l, NULL) < 0) {
        w->roll_us = now + IDLE_US; /* the segment grows on till then */
    }
}

static void run(void *arg)
{
    struct seglog *l = arg;
    bool stop = false;

    while (!stop) {
        struct broker_produce *list = take(l, &stop);

        if (list) {
            commit(l, list);
        }
        keep_house(l);
    }
}

int seglog_write_start(struct seglog *l, struct err *e)
{
    struct seglog_writer *w = mem_zero(1, sizeof(*w));

    if (w == NULL) {
        return err_nomem(e, sizeof(*w));
    }
    l->writer = w;
    w->fd = -1;
    w->began_us = clock_mono_us();
    buf_init(&w->out, (size_t)1 << 30);
    if (window_open(&w->window, l->conf.idempotency_us,
                    l->conf.idempotency_keys, e) < 0 ||
        seglog_live_recover(l, w->window, e) < 0) {
        return -1;
    }
    return thread_start(&l->thread, "broker", run, l, e);
}

void seglog_write_stop(struct seglog *l)
{
    struct seglog_writer *w = l->writer;

    if (w == NULL) {
        return;
    }
    mutex_lock(&l->lock);
    l->stop = true;
    cond_signal(&l->wake);
    cond_broadcast(&l->moved);
    mutex_unlock(&l->lock);
    thread_join(&l->thread);
    if (w->fd >= 0) {
        (void)close(w->fd);
    }
    window_close(w->window);
    mem_free(w->touched);
    mem_free(w->frames);
    mem_free(w->pieces);
    mem_free(w->runs);
    buf_release(&w->out);
    mem_free(w);
    l->writer = NULL;
}

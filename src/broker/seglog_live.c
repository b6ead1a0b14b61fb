#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "broker/seglog_file_int.h"
#include "broker/seglog_meta_int.h"
#include "broker/seglog_write_int.h"
#include "core/clock.h"
#include "core/inject.h"
#include "core/num.h"

static int open_walk(struct seglog *l, int64_t no, struct seglog_walk *w,
                     char path[FS_PATH_MAX], struct err *e)
{
    struct stat st;

    seglog_file_path(l, no, path);
    *w = (struct seglog_walk){.path = path, .at = SEGLOG_FILE_HEADER};
    w->fd = open(path, O_RDONLY | O_CLOEXEC);
    if (w->fd < 0 || fstat(w->fd, &st) < 0) {
        int code = errno;

        if (w->fd >= 0) {
            (void)close(w->fd);
        }
        return err_set(e, code == ENOENT ? ERR_NOTFOUND : ERR_IO,
                       "could not open segment \"%s\": %s", path,
                       strerror(code));
    }
    w->end = (int64_t)st.st_size;
    return 0;
}

static void close_walk(struct seglog_walk *w)
{
    (void)close(w->fd);
    seglog_walk_release(w);
}

/* The header of the frame at w->at.  1: a frame; 0: the stretch ends before
 * or within it, or these bytes are none; -1. */
static int next_frame(struct seglog_walk *w, struct codec_frame *f,
                      struct err *e)
{
    struct err why = {.code = ERR_NONE};
    const char *h = seglog_walk_need(w, CODEC_HEADER, &why);

    if (h == NULL && why.code != ERR_NOTFOUND) {
        if (e) {
            *e = why;
        }
        return -1;
    }
    return h && codec_get_header(h, f) &&
           (int64_t)codec_frame_size(f) <= w->end - w->at;
}

static int damaged(const struct seglog_walk *w, struct err *e)
{
    return err_set(e, ERR_CORRUPT, "segment \"%s\" is damaged at byte %" PRId64,
                   w->path, w->at);
}

/* One frame into the index; `lock` is held. */
static void index_frame(struct seglog *l, const struct codec_frame *f,
                        int64_t at)
{
    struct seglog_topic *t = seglog_catalog_epoch(l, f->epoch);

    if (t && f->partition < t->info.partitions) {
        struct seglog_part *p = &t->parts[f->partition];
        int64_t next = f->first + f->count;

        seglog_index_add(&p->live, f, at);
        p->next = next > p->next ? next : p->next;
        p->tail = p->next;
    }
}

static int index_stretch(struct seglog *l, int64_t no, int64_t end,
                         struct err *e)
{
    char path[FS_PATH_MAX];
    struct seglog_walk w;
    struct codec_frame f;
    int rc;

    if (open_walk(l, no, &w, path, e) < 0) {
        return -1;
    }
    w.at = l->live_len;
    w.end = end;
    mutex_lock(&l->lock);
    while ((rc = next_frame(&w, &f, e)) > 0) {
        index_frame(l, &f, w.at);
        w.at += (int64_t)codec_frame_size(&f);
        l->live_len = w.at;
    }
    if (rc == 0 && w.at != end) {
        rc = damaged(&w, e);
    }
    cond_broadcast(&l->moved);
    mutex_unlock(&l->lock);
    close_walk(&w);
    return rc;
}

/* The end of the last whole commit from byte `from` on. */
static int find_end(struct seglog *l, int64_t no, int64_t from, int64_t *ret,
                    struct err *e)
{
    char path[FS_PATH_MAX];
    struct seglog_walk w;
    struct codec_frame f;
    int64_t good = from;
    int rc;

    if (open_walk(l, no, &w, path, e) < 0) {
        return -1;
    }
    w.at = from;
    if (w.end < from) {
        rc = err_set(e, ERR_CORRUPT,
                     "segment \"%s\" has %" PRId64 " bytes, but %" PRId64
                     " were stored",
                     path, w.end, from);
        close_walk(&w);
        return rc;
    }
    while ((rc = next_frame(&w, &f, e)) > 0) {
        const char *frame = seglog_walk_need(&w, codec_frame_size(&f), e);

        if (frame == NULL) {
            rc = -1;
            break;
        }
        if (!codec_frame_ok(&f, frame)) {
            break;
        }
        w.at += (int64_t)codec_frame_size(&f);
        good = f.more == 0 ? w.at : good;
    }
    close_walk(&w);
    if (rc < 0) {
        return -1;
    }
    *ret = good;
    return 0;
}

/* The number of the active segment; 0: there is none yet. */
static int active_segment(struct seglog *l, int64_t *ret, struct err *e)
{
    struct sqlite_stmt *st = l->meta.st[SQL_SEGMENTS];
    int64_t no = 0;
    int rc;

    while ((rc = sqlite_step(st, e)) > 0) {
        if (sqlite_column_int(st, 1) != 0) {
            no = sqlite_column_int(st, 0);
        }
    }
    sqlite_reset(st);
    if (rc == 0) {
        *ret = no;
    }
    return rc;
}

/* Begin to index another segment; meta.lock is held. */
static void begin_live(struct seglog *l, int64_t no)
{
    mutex_lock(&l->lock);
    for (size_t i = 0; i < l->topics; i++) {
        struct seglog_topic *t = l->by_name[i];

        for (int32_t p = 0; p < t->info.partitions; p++) {
            seglog_index_clear(&t->parts[p].live);
        }
    }
    l->live_no = no;
    l->live_len = SEGLOG_FILE_HEADER;
    mutex_unlock(&l->lock);
}

/* How far this process may read: what the writer says, or without a word of
 * it (the machine has crashed since) the end of the last whole commit. */
static int readable_end(struct seglog *l, int64_t *no, int64_t *len,
                        struct err *e)
{
    if (seglog_durable_get(l->durable, no, len)) {
        return 0;
    }
    if (active_segment(l, no, e) < 0) {
        return -1;
    }
    *len = SEGLOG_FILE_HEADER;
    return *no == 0 ? 0 : find_end(l, *no, SEGLOG_FILE_HEADER, len, e);
}

static int refresh_locked(struct seglog *l, struct err *e)
{
    int64_t no = 0;
    int64_t len = 0;

    if (readable_end(l, &no, &len, e) < 0) {
        return -1;
    }
    if (no == l->live_no && len <= l->live_len) {
        return 0;
    }
    /* topics that these frames belong to were made before them */
    mutex_unlock(&l->meta.lock);
    if ((no != l->live_no ? seglog_catalog_load(l, e)
                          : seglog_catalog_refresh(l, true, e)) < 0) {
        mutex_lock(&l->meta.lock);
        return -1;
    }
    mutex_lock(&l->meta.lock);
    if (no != l->live_no) {
        begin_live(l, no);
    }
    return no == 0 || len <= l->live_len ? 0 : index_stretch(l, no, len, e);
}

int seglog_live_refresh(struct seglog *l, struct err *e)
{
    struct err why;
    int rc = 0;

    if (l->writes) {
        return 0;
    }
    mutex_lock(&l->meta.lock);
    for (int tries = 0; tries < 3; tries++) {
        rc = refresh_locked(l, &why);
        if (rc == 0 || why.code != ERR_NOTFOUND) {
            break; /* a segment that is gone was closed and expired since */
        }
    }
    mutex_unlock(&l->meta.lock);
    if (rc < 0 && e) {
        *e = why;
    }
    return rc;
}

static int take_keys(struct window *w, struct slice keys, int64_t at_us,
                     const struct seglog_walk *walk, struct err *e)
{
    struct codec_key k;

    while (keys.len > 0) {
        if (!codec_take_key(&keys, &k)) {
            return damaged(walk, e);
        }
        if (window_find(w, k.hash) == NULL &&
            window_add(w, &k, NULL, at_us, e) < 0) {
            return -1;
        }
    }
    return 0;
}

/* The keys of a segment that are younger than since_us. */
static int load_keys(struct seglog *l, int64_t no, int64_t since_us,
                     struct window *window, struct err *e)
{
    char path[FS_PATH_MAX];
    struct seglog_walk w;
    struct codec_frame f;
    int rc;

    if (open_walk(l, no, &w, path, e) < 0) {
        return -1;
    }
    while ((rc = next_frame(&w, &f, e)) > 0) {
        if (f.keys_len > 0 && f.at_us >= since_us) {
            const char *p =
                seglog_walk_need(&w, (size_t)CODEC_HEADER + f.keys_len, e);

            if (p == NULL ||
                take_keys(window, (struct slice){p + CODEC_HEADER, f.keys_len},
                          f.at_us, &w, e) < 0) {
                rc = -1;
                break;
            }
        }
        w.at += (int64_t)codec_frame_size(&f);
    }
    close_walk(&w);
    return rc;
}

static int load_window(struct seglog *l, struct window *w, struct err *e)
{
    struct sqlite_stmt *st = l->meta.st[SQL_SEGMENTS];
    int64_t since = clock_wall_us() - l->conf.idempotency_us;
    int rc;

    window_clear(w);
    while ((rc = sqlite_step(st, e)) > 0) {
        int64_t no = sqlite_column_int(st, 0);
        bool active = sqlite_column_int(st, 1) != 0;

        if ((active || sqlite_column_int(st, 4) >= since) &&
            load_keys(l, no, since, w, e) < 0) {
            rc = -1;
            break;
        }
    }
    sqlite_reset(st);
    return rc;
}

/* Files that meta.db does not know: a crash came before they were entered or
 * after they were taken out. */
static int remove_strays(struct seglog *l, int64_t active, struct err *e)
{
    struct fs_names names;
    char path[FS_PATH_MAX];
    int rc = 0;

    if (fs_names(l->dir, &names, e) < 0) {
        return -1;
    }
    for (size_t i = 0; rc == 0 && i < names.n; i++) {
        struct slice name = slice_of(names.names[i]);
        int64_t no = 0;

        if (slice_ends(name, SLICE(".log")) &&
            num_i64((struct slice){name.ptr, name.len - 4}, &no) &&
            no > active) {
            rc = fs_join(path, l->dir, names.names[i], e);
            if (rc == 0) {
                rc = fs_remove(path, e);
            }
        }
    }
    fs_names_release(&names);
    return rc;
}

/* Cut what a crash left and make the rest durable. */
static int cut(struct seglog *l, int64_t no, int64_t len, struct err *e)
{
    char path[FS_PATH_MAX];
    int fd;
    int rc = 0;

    seglog_file_path(l, no, path);
    fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0 || ftruncate(fd, (off_t)len) < 0 || fdatasync(fd) < 0) {
        rc = err_set(e, ERR_IO, "could not cut segment \"%s\": %s", path,
                     strerror(errno));
    }
    if (fd >= 0) {
        (void)close(fd);
    }
    return rc;
}

static int first_segment(struct seglog *l, struct err *e)
{
    int64_t row[2] = {1, clock_wall_us()};

    return seglog_file_make(l, 1, e) < 0
               ? -1
               : seglog_meta_run(&l->meta, SQL_SEGMENT_ADD, row, 2, e);
}

static int recover_locked(struct seglog *l, struct window *w, struct err *e)
{
    int64_t no = 0;
    int64_t known = 0;
    int64_t from = SEGLOG_FILE_HEADER;
    int64_t len = 0;

    if (active_segment(l, &no, e) < 0) {
        return -1;
    }
    if (no == 0) {
        if (first_segment(l, e) < 0) {
            return -1;
        }
        no = 1;
    }
    if (seglog_durable_get(l->durable, &known, &len) && known == no) {
        from = len;
    }
    if (remove_strays(l, no, e) < 0 || find_end(l, no, from, &len, e) < 0 ||
        cut(l, no, len, e) < 0) {
        return -1;
    }
    begin_live(l, no);
    if (index_stretch(l, no, len, e) < 0 || load_window(l, w, e) < 0) {
        return -1;
    }
    seglog_durable_set(l->durable, no, len);
    return 0;
}

int seglog_live_recover(struct seglog *l, struct window *w, struct err *e)
{
    int rc;

    mutex_lock(&l->meta.lock);
    rc = recover_locked(l, w, e);
    mutex_unlock(&l->meta.lock);
    return rc;
}

static int close_span(struct seglog *l, const struct seglog_topic *t,
                      int32_t partition, struct err *e)
{
    const struct seglog_part *p = &t->parts[partition];
    const struct seglog_index *x = &p->live;
    struct sqlite_stmt *st = l->meta.st[SQL_SPAN_ADD];
    int64_t span[] = {t->info.epoch, partition, x->first,   x->next, l->live_no,
                      x->at,         x->max_us, x->last_us, x->bytes};
    int64_t next[] = {t->info.epoch, partition, p->begin, x->next};

    if (x->first == x->next) {
        return 0;
    }
    for (size_t i = 0; i < ARRAY_LEN(span); i++) {
        sqlite_bind_int(st, (int)i + 1, span[i]);
    }
    sqlite_bind_blob(
        st, (int)ARRAY_LEN(span) + 1,
        (struct slice){(const char *)x->entries, x->n * sizeof(*x->entries)});
    if (sqlite_run(st, e) < 0) {
        return -1;
    }
    return seglog_meta_run(&l->meta, SQL_PARTITION_NEXT, next, 4, e);
}

static int enter_roll(struct seglog *l, struct err *e)
{
    int64_t close[] = {l->live_len, clock_wall_us(), l->live_no};
    int64_t add[] = {l->live_no + 1, clock_wall_us()};

    if (sqlite_begin(l->meta.db, e) < 0 ||
        seglog_meta_run(&l->meta, SQL_SEGMENT_CLOSE, close, 3, e) < 0 ||
        seglog_meta_run(&l->meta, SQL_SEGMENT_ADD, add, 2, e) < 0) {
        return -1;
    }
    for (size_t i = 0; i < l->topics; i++) {
        const struct seglog_topic *t = l->by_name[i];

        for (int32_t p = 0; p < t->info.partitions; p++) {
            if (close_span(l, t, p, e) < 0) {
                return -1;
            }
        }
    }
    return sqlite_commit(l->meta.db, e);
}

int seglog_live_roll(struct seglog *l, struct err *e)
{
    int64_t no = l->live_no + 1;
    int rc;

    mutex_lock(&l->meta.lock);
    INJECT(broker_seal);
    rc = seglog_file_make(l, no, e);
    INJECT(broker_seal);
    if (rc == 0) {
        rc = enter_roll(l, e);
        sqlite_rollback(l->meta.db);
    }
    INJECT(broker_seal);
    if (rc == 0) {
        begin_live(l, no);
        seglog_durable_set(l->durable, no, SEGLOG_FILE_HEADER);
    }
    INJECT(broker_seal);
    mutex_unlock(&l->meta.lock);
    return rc;
}

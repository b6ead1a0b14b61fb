#include <string.h>

#include "broker/seglog_file_int.h"
#include "broker/seglog_meta_int.h"
#include "core/mem.h"

/* A row of SQL_SPANS. */
struct held {
    int64_t epoch, partition, first, next, last_us, bytes;
    int64_t retention_us, retention_bytes;
};

struct held_list {
    struct held *list;
    size_t n, cap;
};

static int load(struct seglog_meta *m, struct held_list *h, struct err *e)
{
    struct sqlite_stmt *st = m->st[SQL_SPANS];
    int rc;

    while ((rc = sqlite_step(st, e)) > 0) {
        if (h->n == h->cap) {
            size_t cap = h->cap ? h->cap * 2 : 64;
            void *p = mem_resize(h->list, cap, sizeof(*h->list));

            if (p == NULL) {
                rc = err_nomem(e, cap * sizeof(*h->list));
                break;
            }
            h->list = p;
            h->cap = cap;
        }
        h->list[h->n++] = (struct held){
            .epoch = sqlite_column_int(st, 0),
            .partition = sqlite_column_int(st, 1),
            .first = sqlite_column_int(st, 2),
            .next = sqlite_column_int(st, 3),
            .last_us = sqlite_column_int(st, 5),
            .bytes = sqlite_column_int(st, 6),
            .retention_us = sqlite_column_int(st, 8),
            .retention_bytes = sqlite_column_int(st, 9),
        };
    }
    sqlite_reset(st);
    return rc;
}

/* Where one group stands in a partition; INT64_MAX when it does not read the
 * topic at all. */
static int stands_at(struct seglog_meta *m, const char *group,
                     const struct held *h, int64_t *ret, struct err *e)
{
    struct sqlite_stmt *st = m->st[SQL_GROUP_READS];
    int64_t at = INT64_MAX;
    int rc;

    sqlite_bind_text(st, 1, slice_of(group));
    sqlite_bind_int(st, 2, h->epoch);
    rc = sqlite_step(st, e);
    if (rc > 0 && sqlite_column_int(st, 0) > 0) {
        at = 0;
    }
    sqlite_reset(st);
    if (rc < 0) {
        return -1;
    }
    st = m->st[SQL_POSITIONS_ON];
    sqlite_bind_int(st, 1, h->epoch);
    sqlite_bind_int(st, 2, h->partition);
    while ((rc = sqlite_step(st, e)) > 0) {
        if (slice_is(sqlite_column_text(st, 0), group)) {
            at = sqlite_column_int(st, 1);
        }
    }
    sqlite_reset(st);
    *ret = at;
    return rc;
}

/* Messages of a span that the slowest of the groups has not read. */
static int unread(struct seglog_meta *m, const struct broker_retention *r,
                  const struct held *h, int64_t *ret, struct err *e)
{
    int64_t slowest = INT64_MAX;

    for (size_t i = 0; r->keep_for && r->keep_for[i]; i++) {
        int64_t at = 0;

        if (stands_at(m, r->keep_for[i], h, &at, e) < 0) {
            return -1;
        }
        slowest = at < slowest ? at : slowest;
    }
    slowest = slowest < h->first ? h->first : slowest;
    *ret = slowest >= h->next ? 0 : h->next - slowest;
    return 0;
}

static int expire(struct seglog_meta *m, const struct held *h, struct err *e)
{
    int64_t span[] = {h->epoch, h->partition, h->first};
    int64_t begin[] = {h->next, h->epoch, h->partition};

    return seglog_meta_run(m, SQL_SPAN_DELETE, span, 3, e) < 0
               ? -1
               : seglog_meta_run(m, SQL_PARTITION_BEGIN, begin, 3, e);
}

/* The spans of one partition, the oldest first. */
static int expire_partition(struct seglog_meta *m, struct broker_retention *r,
                            const struct held *h, size_t n, struct err *e)
{
    int64_t bytes = 0;

    for (size_t i = 0; i < n; i++) {
        bytes += h[i].bytes;
    }
    for (size_t i = 0; i < n; i++) {
        bool old = h[i].retention_us >= 0 &&
                   h[i].last_us < r->now_us - h[i].retention_us;
        int64_t left = 0;

        bytes -= h[i].bytes;
        if (!old &&
            (h[i].retention_bytes < 0 || bytes < h[i].retention_bytes)) {
            return 0;
        }
        if (unread(m, r, &h[i], &left, e) < 0) {
            return -1;
        }
        if (left > 0 && !r->force) {
            return 0;
        }
        if (expire(m, &h[i], e) < 0) {
            return -1;
        }
        r->expired += left;
    }
    return 0;
}

static int expire_all(struct seglog_meta *m, struct broker_retention *r,
                      struct held_list *h, struct err *e)
{
    size_t i = 0;

    if (load(m, h, e) < 0) {
        return -1;
    }
    while (i < h->n) {
        size_t k = i;

        while (k < h->n && h->list[k].epoch == h->list[i].epoch &&
               h->list[k].partition == h->list[i].partition) {
            k++;
        }
        if (expire_partition(m, r, &h->list[i], k - i, e) < 0) {
            return -1;
        }
        i = k;
    }
    return seglog_meta_run(m, SQL_CATALOGUE_MOVED, NULL, 0, e);
}

int seglog_retain_run(struct broker *b, struct broker_retention *r,
                      struct err *e)
{
    struct seglog *l = (struct seglog *)b;
    struct held_list h = {0};
    int rc;

    r->expired = 0;
    r->segments = 0;
    mutex_lock(&l->meta.lock);
    rc = sqlite_begin(l->meta.db, e);
    if (rc == 0) {
        rc = expire_all(&l->meta, r, &h, e);
        if (rc == 0) {
            rc = sqlite_commit(l->meta.db, e);
        }
        sqlite_rollback(l->meta.db);
    }
    mutex_unlock(&l->meta.lock);
    mem_free(h.list);
    if (rc < 0 || seglog_catalog_load(l, e) < 0) {
        return -1;
    }
    return seglog_retain_empty(l, &r->segments, e);
}

static int take_out(struct seglog *l, int64_t *list, size_t cap, size_t *n,
                    struct err *e)
{
    struct sqlite_stmt *st = l->meta.st[SQL_SEGMENTS_EMPTY];
    int rc = sqlite_begin(l->meta.db, e);

    *n = 0;
    if (rc < 0) {
        return -1;
    }
    while (*n < cap && (rc = sqlite_step(st, e)) > 0) {
        list[(*n)++] = sqlite_column_int(st, 0);
    }
    sqlite_reset(st);
    for (size_t i = 0; rc >= 0 && i < *n; i++) {
        rc = seglog_meta_run(&l->meta, SQL_SEGMENT_DELETE, &list[i], 1, e);
    }
    if (rc >= 0) {
        rc = sqlite_commit(l->meta.db, e);
    }
    sqlite_rollback(l->meta.db);
    return rc < 0 ? -1 : 0;
}

int seglog_retain_empty(struct seglog *l, int64_t *ret_removed, struct err *e)
{
    int64_t list[256];
    char path[FS_PATH_MAX];
    size_t n = 0;
    int rc;

    *ret_removed = 0;
    do {
        mutex_lock(&l->meta.lock);
        rc = take_out(l, list, ARRAY_LEN(list), &n, e);
        mutex_unlock(&l->meta.lock);
        /* a crash here leaves strays, which the next start removes */
        for (size_t i = 0; rc == 0 && i < n; i++) {
            seglog_file_forget(l, list[i]);
            seglog_file_path(l, list[i], path);
            rc = fs_remove(path, e);
            *ret_removed += rc == 0;
        }
    } while (rc == 0 && n == ARRAY_LEN(list));
    return rc;
}

#include <inttypes.h>
#include <string.h>

#include "broker/seglog_meta_int.h"
#include "core/mem.h"

static void copy_text(char *to, size_t cap, struct slice s)
{
    size_t n = s.len < cap - 1 ? s.len : cap - 1;

    memcpy(to, s.ptr, n);
    to[n] = '\0';
}

/* A row of topic, epoch, partition, offset, metadata. */
static void position_of_row(struct sqlite_stmt *st, struct broker_position *p)
{
    memset(p, 0, sizeof(*p));
    copy_text(p->topic, sizeof(p->topic), sqlite_column_text(st, 0));
    p->epoch = sqlite_column_int(st, 1);
    p->partition = (int32_t)sqlite_column_int(st, 2);
    p->offset = sqlite_column_int(st, 3);
    copy_text(p->metadata, sizeof(p->metadata), sqlite_column_text(st, 4));
}

/* The epoch that topic has now; 0: there is no such topic. */
static int epoch_now(struct seglog_meta *m, const char *topic, int64_t *ret,
                     struct err *e)
{
    struct sqlite_stmt *st = m->st[SQL_TOPIC_EPOCH];
    int rc;

    sqlite_bind_text(st, 1, slice_of(topic));
    rc = sqlite_step(st, e);
    *ret = rc > 0 ? sqlite_column_int(st, 0) : 0;
    sqlite_reset(st);
    return rc < 0 ? -1 : 0;
}

/* 1: found, 0: none for the topic as it is now, -1. */
static int get_locked(struct seglog_meta *m, const char *group,
                      const struct broker_position *key,
                      struct broker_position *ret, struct err *e)
{
    struct sqlite_stmt *st = m->st[SQL_POSITION_GET];
    int64_t epoch = 0;
    int rc;

    if (epoch_now(m, key->topic, &epoch, e) < 0) {
        return -1;
    }
    sqlite_bind_text(st, 1, slice_of(group));
    sqlite_bind_text(st, 2, slice_of(key->topic));
    sqlite_bind_int(st, 3, key->partition);
    rc = sqlite_step(st, e);
    if (rc > 0) {
        position_of_row(st, ret);
        rc = ret->epoch == epoch;
    }
    sqlite_reset(st);
    return rc;
}

static int set_one(struct seglog_meta *m, const char *group,
                   const struct broker_position *p, const int64_t *expect,
                   struct err *e)
{
    struct sqlite_stmt *st = m->st[SQL_POSITION_SET];
    struct broker_position old;
    int64_t epoch = 0;
    int rc = get_locked(m, group, p, &old, e);

    if (rc < 0 || epoch_now(m, p->topic, &epoch, e) < 0) {
        return -1;
    }
    if (epoch == 0 || (p->epoch != 0 && p->epoch != epoch)) {
        return err_set(e, ERR_NOTFOUND,
                       "cannot store a position of group \"%s\": topic \"%s\" "
                       "was deleted",
                       group, p->topic);
    }
    if (expect && *expect != (rc > 0 ? old.offset : -1)) {
        return err_set(
            e, ERR_FENCED,
            "position of group \"%s\" in \"%s\" partition %" PRId32
            " is %" PRId64 " and not %" PRId64 ": another owner has moved it",
            group, p->topic, p->partition, rc > 0 ? old.offset : -1, *expect);
    }
    sqlite_bind_text(st, 1, slice_of(group));
    sqlite_bind_text(st, 2, slice_of(p->topic));
    sqlite_bind_int(st, 3, epoch);
    sqlite_bind_int(st, 4, p->partition);
    sqlite_bind_int(st, 5, p->offset);
    sqlite_bind_text(st, 6, slice_of(p->metadata));
    return sqlite_run(st, e);
}

int seglog_group_commit(struct broker *b, const char *group,
                        const struct broker_position *p, size_t n,
                        const int64_t *expect, struct err *e)
{
    struct seglog_meta *m = &((struct seglog *)b)->groups;
    int rc;

    mutex_lock(&m->lock);
    rc = sqlite_begin(m->db, e);
    for (size_t i = 0; rc == 0 && i < n; i++) {
        rc = set_one(m, group, &p[i], expect ? &expect[i] : NULL, e);
    }
    if (rc == 0) {
        rc = sqlite_commit(m->db, e);
    }
    sqlite_rollback(m->db);
    mutex_unlock(&m->lock);
    return rc;
}

int seglog_group_get(struct broker *b, const char *group, const char *topic,
                     int32_t partition, struct broker_position *ret,
                     struct err *e)
{
    struct seglog_meta *m = &((struct seglog *)b)->groups;
    struct broker_position key = {.partition = partition};
    struct broker_position found;
    int rc;

    copy_text(key.topic, sizeof(key.topic), slice_of(topic));
    mutex_lock(&m->lock);
    rc = get_locked(m, group, &key, &found, e);
    mutex_unlock(&m->lock);
    if (rc == 0) {
        return err_set(e, ERR_NOTFOUND,
                       "group \"%s\" has no position in \"%s\" partition "
                       "%" PRId32,
                       group, topic, partition);
    }
    if (rc < 0) {
        return -1;
    }
    *ret = found;
    return 0;
}

/* How rows become things of `size`. */
struct row_kind {
    size_t size;
    void (*take)(struct sqlite_stmt *st, void *to);
};

/* All rows of a statement; ends the lock. */
static int collect(struct seglog_meta *m, enum seglog_sql sql,
                   const struct row_kind *kind, void **ret, size_t *n,
                   struct err *e)
{
    struct sqlite_stmt *st = m->st[sql];
    size_t size = kind->size;
    char *list = mem_zero(1, size);
    size_t count = 0;
    size_t cap = 1;
    int rc = list ? 0 : err_nomem(e, size);

    while (rc >= 0 && (rc = sqlite_step(st, e)) > 0) {
        if (count == cap) {
            char *more = mem_resize(list, cap * 2, size);

            if (more == NULL) {
                rc = err_nomem(e, cap * 2 * size);
                break;
            }
            list = more;
            cap *= 2;
        }
        kind->take(st, list + count * size);
        count++;
    }
    sqlite_reset(st);
    mutex_unlock(&m->lock);
    if (rc < 0) {
        mem_free(list);
        return -1;
    }
    *ret = list;
    *n = count;
    return 0;
}

static void take_group(struct sqlite_stmt *st, void *to)
{
    struct broker_group *g = to;

    copy_text(g->name, sizeof(g->name), sqlite_column_text(st, 0));
}

static void take_position(struct sqlite_stmt *st, void *to)
{
    struct broker_position *p = to;

    position_of_row(st, p);
}

int seglog_group_list(struct broker *b, struct broker_group **ret, size_t *n,
                      struct err *e)
{
    struct seglog_meta *m = &((struct seglog *)b)->groups;
    const struct row_kind kind = {sizeof(**ret), take_group};
    void *list = NULL;

    mutex_lock(&m->lock);
    if (collect(m, SQL_GROUPS, &kind, &list, n, e) < 0) {
        return -1;
    }
    *ret = list;
    return 0;
}

int seglog_group_positions(struct broker *b, const char *group,
                           struct broker_position **ret, size_t *n,
                           struct err *e)
{
    struct seglog_meta *m = &((struct seglog *)b)->groups;
    const struct row_kind kind = {sizeof(**ret), take_position};
    void *list = NULL;

    mutex_lock(&m->lock);
    sqlite_bind_text(m->st[SQL_POSITIONS], 1, slice_of(group));
    if (collect(m, SQL_POSITIONS, &kind, &list, n, e) < 0) {
        return -1;
    }
    *ret = list;
    return 0;
}

int seglog_group_delete(struct broker *b, const char *group, struct err *e)
{
    struct seglog_meta *m = &((struct seglog *)b)->groups;
    int64_t gone = 0;
    int rc;

    mutex_lock(&m->lock);
    sqlite_bind_text(m->st[SQL_GROUP_DELETE], 1, slice_of(group));
    rc = sqlite_run(m->st[SQL_GROUP_DELETE], e);
    gone = sqlite_changes(m->db);
    mutex_unlock(&m->lock);
    if (rc == 0 && gone == 0) {
        return err_set(e, ERR_NOTFOUND, "there is no group \"%s\"", group);
    }
    return rc;
}

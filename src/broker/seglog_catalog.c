#include <inttypes.h>
#include <stdatomic.h>
#include <string.h>

#include "broker/seglog_file_int.h"
#include "broker/seglog_meta_int.h"
#include "core/clock.h"
#include "core/mem.h"

enum {
    LOOK_US = 50000, /* how often others' changes are looked for */
    TOPICS_MAX = 10000
};

void seglog_catalog_drop(struct seglog_topic *t)
{
    if (--t->refs > 0) {
        return;
    }
    for (int32_t i = 0; i < t->info.partitions; i++) {
        seglog_index_clear(&t->parts[i].live);
    }
    mem_free(t->parts);
    mem_free(t);
}

void seglog_catalog_release(struct seglog *l)
{
    for (size_t i = 0; i < l->topics; i++) {
        seglog_catalog_drop(l->by_name[i]);
    }
    mem_free(l->by_name);
    mem_free(l->by_epoch);
    l->by_name = NULL;
    l->by_epoch = NULL;
    l->topics = 0;
    l->topics_cap = 0;
}

/* Where `name` stands, or would stand. */
static size_t place(const struct seglog *l, const char *name, bool *found)
{
    size_t lo = 0;
    size_t hi = l->topics;

    *found = false;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        int c = strcmp(l->by_name[mid]->info.name, name);

        if (c == 0) {
            *found = true;
            return mid;
        }
        if (c < 0) {
            lo = mid + 1;
        } else {
            hi = mid;
        }
    }
    return lo;
}

struct seglog_topic *seglog_catalog_find(struct seglog *l, const char *name)
{
    bool found;
    size_t i = place(l, name, &found);

    return found ? l->by_name[i] : NULL;
}

static size_t place_epoch(const struct seglog *l, int64_t epoch)
{
    size_t lo = 0;
    size_t hi = l->topics;

    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;

        if (l->by_epoch[mid]->info.epoch < epoch) {
            lo = mid + 1;
        } else {
            hi = mid;
        }
    }
    return lo;
}

struct seglog_topic *seglog_catalog_epoch(struct seglog *l, int64_t epoch)
{
    size_t i = place_epoch(l, epoch);

    return i < l->topics && l->by_epoch[i]->info.epoch == epoch ? l->by_epoch[i]
                                                                : NULL;
}

static void take_out(struct seglog *l, struct seglog_topic *t)
{
    bool found;
    size_t i = place(l, t->info.name, &found);
    size_t k = place_epoch(l, t->info.epoch);

    l->topics--;
    memmove(&l->by_name[i], &l->by_name[i + 1],
            (l->topics - i) * sizeof(struct seglog_topic *));
    memmove(&l->by_epoch[k], &l->by_epoch[k + 1],
            (l->topics - k) * sizeof(struct seglog_topic *));
    t->dead = true;
    seglog_catalog_drop(t);
}

static int grow(struct seglog *l, struct err *e)
{
    size_t cap = l->topics_cap ? l->topics_cap * 2 : 16;
    void *p = mem_resize(l->by_name, cap, sizeof(struct seglog_topic *));

    if (p) {
        l->by_name = p;
        p = mem_resize(l->by_epoch, cap, sizeof(struct seglog_topic *));
    }
    if (p == NULL) {
        return err_nomem(e, cap * sizeof(struct seglog_topic *));
    }
    l->by_epoch = p;
    l->topics_cap = cap;
    return 0;
}

static int put_in(struct seglog *l, const struct broker_topic *info,
                  struct err *e)
{
    struct seglog_topic *t;
    bool found;
    size_t i;
    size_t k;

    if (l->topics == l->topics_cap && grow(l, e) < 0) {
        return -1;
    }
    t = mem_zero(1, sizeof(*t));
    if (t == NULL) {
        return err_nomem(e, sizeof(*t));
    }
    t->parts = mem_zero((size_t)info->partitions, sizeof(*t->parts));
    if (t->parts == NULL) {
        mem_free(t);
        return err_nomem(e, (size_t)info->partitions * sizeof(*t->parts));
    }
    t->info = *info;
    t->refs = 1;
    t->seen = true;
    i = place(l, info->name, &found);
    k = place_epoch(l, info->epoch);
    memmove(&l->by_name[i + 1], &l->by_name[i],
            (l->topics - i) * sizeof(struct seglog_topic *));
    memmove(&l->by_epoch[k + 1], &l->by_epoch[k],
            (l->topics - k) * sizeof(struct seglog_topic *));
    l->by_name[i] = t;
    l->by_epoch[k] = t;
    l->topics++;
    return 0;
}

static void topic_of_row(struct sqlite_stmt *st, struct broker_topic *t)
{
    struct slice name = sqlite_column_text(st, 1);

    memset(t, 0, sizeof(*t));
    memcpy(t->name, name.ptr,
           name.len < TOPIC_NAME_MAX ? name.len : TOPIC_NAME_MAX);
    t->epoch = sqlite_column_int(st, 0);
    t->partitions = (int32_t)sqlite_column_int(st, 2);
    t->created_us = sqlite_column_int(st, 3);
    t->retention_us = sqlite_column_int(st, 4);
    t->retention_bytes = sqlite_column_int(st, 5);
}

/* The rows of `topic`; a name that now has another epoch is another topic. */
static int load_topics(struct seglog *l, struct err *e)
{
    struct sqlite_stmt *st = l->meta.st[SQL_TOPICS];
    int rc;

    for (size_t i = 0; i < l->topics; i++) {
        l->by_name[i]->seen = false;
    }
    while ((rc = sqlite_step(st, e)) > 0) {
        struct broker_topic info;
        bool found;
        size_t i;

        topic_of_row(st, &info);
        i = place(l, info.name, &found);
        if (found && l->by_name[i]->info.epoch == info.epoch) {
            struct seglog_topic *t = l->by_name[i];

            /* the rest never changes: who has a reference reads it unlocked */
            t->info.retention_us = info.retention_us;
            t->info.retention_bytes = info.retention_bytes;
            t->seen = true;
            continue;
        }
        if (found) {
            take_out(l, l->by_name[i]);
        }
        if (put_in(l, &info, e) < 0) {
            rc = -1;
            break;
        }
    }
    sqlite_reset(st);
    for (size_t i = rc < 0 ? 0 : l->topics; i > 0; i--) {
        if (!l->by_name[i - 1]->seen) {
            take_out(l, l->by_name[i - 1]);
        }
    }
    return rc;
}

static int load_partitions(struct seglog *l, struct err *e)
{
    struct sqlite_stmt *st = l->meta.st[SQL_PARTITIONS];
    struct seglog_topic *t = NULL;
    int rc;

    while ((rc = sqlite_step(st, e)) > 0) {
        int64_t epoch = sqlite_column_int(st, 0);
        int64_t i = sqlite_column_int(st, 1);
        int64_t begin = sqlite_column_int(st, 2);
        int64_t next = sqlite_column_int(st, 3);

        if (t == NULL || t->info.epoch != epoch) {
            t = seglog_catalog_epoch(l, epoch);
        }
        if (t && i >= 0 && i < t->info.partitions) {
            struct seglog_part *p = &t->parts[i];

            p->begin = begin > p->begin ? begin : p->begin;
            p->next = next > p->next ? next : p->next;
            if (l->writer == NULL || !l->thread.running) {
                p->tail = p->next; /* later it is the writer's alone */
            }
        }
    }
    sqlite_reset(st);
    return rc;
}

static int load_locked(struct seglog *l, struct err *e)
{
    struct sqlite_stmt *st = l->meta.st[SQL_CATALOGUE];
    int rc = sqlite_step(st, e);
    int64_t version = rc > 0 ? sqlite_column_int(st, 0) : 0;

    sqlite_reset(st);
    if (rc < 0) {
        return -1;
    }
    mutex_lock(&l->lock);
    rc = load_topics(l, e);
    if (rc == 0) {
        rc = load_partitions(l, e);
    }
    mutex_unlock(&l->lock);
    if (rc == 0) {
        l->meta.catalogue = version;
    }
    return rc;
}

int seglog_catalog_load(struct seglog *l, struct err *e)
{
    int rc;

    mutex_lock(&l->meta.lock);
    rc = load_locked(l, e);
    mutex_unlock(&l->meta.lock);
    return rc;
}

int seglog_catalog_refresh(struct seglog *l, bool now, struct err *e)
{
    struct seglog_meta *m = &l->meta;
    int64_t us = clock_mono_us();
    bool moved = false;
    int rc;

    if (!now && us - atomic_load(&m->checked_us) < LOOK_US) {
        return 0;
    }
    mutex_lock(&m->lock);
    atomic_store(&m->checked_us, us);
    rc = seglog_meta_moved(m, &moved, e);
    if (rc == 0 && moved) {
        rc = load_locked(l, e);
    }
    mutex_unlock(&m->lock);
    return rc;
}

int seglog_catalog_lock(struct seglog *l, const char *name, int32_t partition,
                        struct seglog_topic **ret, struct err *e)
{
    struct seglog_topic *t;
    int32_t partitions;

    mutex_lock(&l->lock);
    t = seglog_catalog_find(l, name);
    if (t == NULL) {
        mutex_unlock(&l->lock);
        if (seglog_catalog_refresh(l, true, e) < 0) {
            return -1;
        }
        mutex_lock(&l->lock);
        t = seglog_catalog_find(l, name);
    }
    if (t == NULL) {
        mutex_unlock(&l->lock);
        return err_set(e, ERR_NOTFOUND, "there is no topic \"%s\"", name);
    }
    partitions = t->info.partitions;
    if (partition < 0 || partition >= partitions) {
        mutex_unlock(&l->lock);
        return err_set(e, ERR_NOTFOUND,
                       "topic \"%s\" has no partition %" PRId32
                       ": it has %" PRId32 ", counted from 0",
                       name, partition, partitions);
    }
    *ret = t;
    return 0;
}

/* Our own change needs no loading of all when nobody else changed anything. */
static int load_own(struct seglog *l, struct broker_topic *added,
                    const char *deleted, struct err *e)
{
    struct sqlite_stmt *st = l->meta.st[SQL_CATALOGUE];
    struct seglog_topic *t;
    int rc = sqlite_step(st, e);
    int64_t version = rc > 0 ? sqlite_column_int(st, 0) : 0;

    sqlite_reset(st);
    if (rc < 0) {
        return -1;
    }
    if (version != l->meta.catalogue + 1) {
        return load_locked(l, e);
    }
    mutex_lock(&l->lock);
    rc = added ? put_in(l, added, e) : 0;
    t = deleted ? seglog_catalog_find(l, deleted) : NULL;
    if (t) {
        take_out(l, t);
    }
    mutex_unlock(&l->lock);
    if (rc == 0) {
        l->meta.catalogue = version;
    }
    return rc;
}

static int add_row(struct seglog *l, struct broker_topic *t, struct err *e)
{
    struct seglog_meta *m = &l->meta;
    struct sqlite_stmt *st = m->st[SQL_TOPIC_COUNT];
    int64_t n = 0;
    int rc = sqlite_step(st, e);

    n = rc > 0 ? sqlite_column_int(st, 0) : 0;
    sqlite_reset(st);
    if (rc < 0) {
        return -1;
    }
    if (n >= TOPICS_MAX) {
        return err_set(e, ERR_LIMIT,
                       "cannot create topic \"%s\": there are %d topics, and "
                       "no more are allowed",
                       t->name, TOPICS_MAX);
    }
    st = m->st[SQL_TOPIC_ADD];
    sqlite_bind_text(st, 1, slice_of(t->name));
    sqlite_bind_int(st, 2, t->partitions);
    sqlite_bind_int(st, 3, t->created_us);
    sqlite_bind_int(st, 4, t->retention_us);
    sqlite_bind_int(st, 5, t->retention_bytes);
    if (sqlite_run(st, e) < 0) {
        return e && e->code == ERR_EXISTS
                   ? err_set(e, ERR_EXISTS, "there is a topic \"%s\" already",
                             t->name)
                   : -1;
    }
    t->epoch = sqlite_last_rowid(m->db);
    return seglog_meta_run(m, SQL_CATALOGUE_MOVED, NULL, 0, e);
}

int seglog_catalog_create(struct broker *b, const struct broker_topic *t,
                          struct err *e)
{
    struct seglog *l = (struct seglog *)b;
    struct broker_topic own = *t;
    struct err mine = {.code = ERR_NONE};
    int rc;

    e = e ? e : &mine;
    own.created_us = clock_wall_us();
    mutex_lock(&l->meta.lock);
    rc = sqlite_begin(l->meta.db, e);
    if (rc == 0) {
        rc = add_row(l, &own, e);
        if (rc == 0) {
            rc = sqlite_commit(l->meta.db, e);
        }
        sqlite_rollback(l->meta.db);
    }
    if (rc == 0) {
        rc = load_own(l, &own, NULL, e);
    }
    mutex_unlock(&l->meta.lock);
    return rc;
}

static int delete_row(struct seglog *l, const char *name, struct err *e)
{
    struct sqlite_stmt *st = l->meta.st[SQL_TOPIC_DELETE];
    int rc = sqlite_begin(l->meta.db, e);

    if (rc < 0) {
        return -1;
    }
    sqlite_bind_text(st, 1, slice_of(name));
    rc = sqlite_run(st, e);
    if (rc == 0 && sqlite_changes(l->meta.db) == 0) {
        rc = err_set(e, ERR_NOTFOUND, "there is no topic \"%s\"", name);
    }
    if (rc == 0) {
        rc = seglog_meta_run(&l->meta, SQL_CATALOGUE_MOVED, NULL, 0, e);
    }
    if (rc == 0) {
        rc = sqlite_commit(l->meta.db, e);
    }
    sqlite_rollback(l->meta.db);
    return rc;
}

int seglog_catalog_delete(struct broker *b, const char *name, struct err *e)
{
    struct seglog *l = (struct seglog *)b;
    struct err mine = {.code = ERR_NONE};
    char reserve[FS_PATH_MAX];
    int64_t removed;
    int rc;

    e = e ? e : &mine;
    mutex_lock(&l->meta.lock);
    rc = delete_row(l, name, e);
    if (rc < 0 && e->code == ERR_IO &&
        fs_join(reserve, l->dir, "reserve", NULL) == 0) {
        /* a full disk: the reserve is there for this */
        rc = fs_remove(reserve, e) < 0 ? -1 : delete_row(l, name, e);
    }
    if (rc == 0) {
        rc = load_own(l, NULL, name, e);
    }
    mutex_unlock(&l->meta.lock);
    return rc < 0 ? -1 : seglog_retain_empty(l, &removed, e);
}

int seglog_catalog_get(struct broker *b, const char *name,
                       struct broker_topic *ret, struct err *e)
{
    struct seglog *l = (struct seglog *)b;
    struct seglog_topic *t = NULL;

    if (seglog_catalog_refresh(l, false, e) < 0 ||
        seglog_catalog_lock(l, name, 0, &t, e) < 0) {
        return -1;
    }
    *ret = t->info;
    mutex_unlock(&l->lock);
    return 0;
}

int seglog_catalog_list(struct broker *b, struct broker_topic **ret, size_t *n,
                        struct err *e)
{
    struct seglog *l = (struct seglog *)b;
    struct broker_topic *list;

    if (seglog_catalog_refresh(l, true, e) < 0) {
        return -1;
    }
    mutex_lock(&l->lock);
    list = mem_zero(l->topics + 1, sizeof(*list));
    for (size_t i = 0; list && i < l->topics; i++) {
        list[i] = l->by_name[i]->info;
    }
    if (list) {
        *n = l->topics;
        *ret = list;
    }
    mutex_unlock(&l->lock);
    return list ? 0 : err_nomem(e, sizeof(*list));
}

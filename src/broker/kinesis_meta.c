/* kinesis_meta.c - kinesis.db: marks, drained shards, positions of groups. */
#include <stdio.h>
#include <string.h>

#include "broker/kinesis_known_int.h"
#include "broker/kinesis_meta_int.h"
#include "broker/sql_file.h"
#include "core/fs.h"
#include "core/inject.h"
#include "core/mem.h"

enum {
    SQL_BYTES_MAX = 16384,
    POSITIONS_MAX = 100000,
    WAIT_US = 10000000,
};

static const char *const names[KINESIS_SQL_COUNT] = {
    [KINESIS_MARK_BEFORE] = "mark_before",
    [KINESIS_MARK_FIND] = "mark_find",
    [KINESIS_MARK_SET] = "mark_set",
    [KINESIS_DRAINED_GET] = "drained_get",
    [KINESIS_DRAINED_SET] = "drained_set",
    [KINESIS_REACHED_GET] = "reached_get",
    [KINESIS_REACHED_SET] = "reached_set",
    [KINESIS_POSITION_GET] = "position_get",
    [KINESIS_POSITION_SET] = "position_set",
    [KINESIS_POSITIONS] = "positions",
    [KINESIS_GROUPS] = "groups",
    [KINESIS_GROUP_DELETE] = "group_delete",
};

static int prepare_all(struct kinesis *k, struct err *e)
{
    const char *sql = NULL;
    struct buf b;
    int rc;

    buf_init(&b, SQL_BYTES_MAX);
    rc = sql_file_find("broker/kinesis.sql", "schema", &b, &sql, e);
    rc = rc != 0 ? rc : sqlite_exec(k->db, "PRAGMA journal_mode=WAL", e);
    rc = rc != 0 ? rc : sqlite_exec(k->db, sql, e);
    for (int i = 0; rc == 0 && i < KINESIS_SQL_COUNT; i++) {
        rc = sql_file_find("broker/kinesis.sql", names[i], &b, &sql, e);
        rc = rc != 0 ? rc : sqlite_prepare(k->db, sql, true, &k->st[i], e);
    }
    buf_release(&b);
    return rc;
}

int kinesis_meta_open(struct kinesis *k, const char *dir, struct err *e)
{
    char path[FS_PATH_MAX];

    if (dir == NULL) {
        return sqlite_open(&k->db, "", SQLITE_IN_MEMORY, e) != 0
                   ? -1
                   : prepare_all(k, e);
    }
    if (fs_make_folders(dir, e) != 0 ||
        fs_join(path, dir, "kinesis.db", e) != 0 ||
        sqlite_open(&k->db, path, SQLITE_TO_WRITE, e) != 0) {
        return -1;
    }
    return prepare_all(k, e);
}

void kinesis_meta_close(struct kinesis *k)
{
    for (int i = 0; i < KINESIS_SQL_COUNT; i++) {
        sqlite_finalize(k->st[i]);
    }
    sqlite_close(k->db);
}

/* ---- marks ---- */

static struct sqlite_stmt *of_shard(struct kinesis *k, enum kinesis_sql which,
                                    const struct kinesis_cursor *c)
{
    struct sqlite_stmt *st = k->st[which];

    sqlite_bind_text(st, 1, slice_of(c->stream));
    sqlite_bind_int(st, 2, c->epoch);
    sqlite_bind_int(st, 3, c->shard);
    return st;
}

int kinesis_mark_before(struct kinesis *k, const struct kinesis_cursor *c,
                        int64_t offset, struct kinesis_mark *ret, struct err *e)
{
    struct sqlite_stmt *st = of_shard(k, KINESIS_MARK_BEFORE, c);
    int rc;

    sqlite_bind_int(st, 4, offset);
    rc = sqlite_step(st, e);
    if (rc == 1) {
        struct slice text = sqlite_column_text(st, 1);

        ret->offset = sqlite_column_int(st, 0);
        (void)snprintf(ret->sequence, sizeof(ret->sequence), "%.*s",
                       SLICE_FMT(text));
    }
    sqlite_reset(st);
    if (rc == 0) {
        return err_set(e, ERR_NOTFOUND, "no mark");
    }
    return rc == 1 ? 0 : -1;
}

int kinesis_mark_find(struct kinesis *k, const struct kinesis_cursor *c,
                      struct slice sequence, int64_t *ret, struct err *e)
{
    struct sqlite_stmt *st = of_shard(k, KINESIS_MARK_FIND, c);
    int rc;

    sqlite_bind_text(st, 4, sequence);
    rc = sqlite_step(st, e);
    if (rc == 1) {
        *ret = sqlite_column_int(st, 0);
    }
    sqlite_reset(st);
    if (rc == 0) {
        return err_set(e, ERR_NOTFOUND, "no mark");
    }
    return rc == 1 ? 0 : -1;
}

int kinesis_mark_set(struct kinesis *k, const struct kinesis_cursor *c,
                     int64_t offset, struct slice sequence, struct err *e)
{
    struct sqlite_stmt *st = of_shard(k, KINESIS_MARK_SET, c);

    sqlite_bind_int(st, 4, offset);
    sqlite_bind_text(st, 5, sequence);
    return sqlite_run(st, e);
}

int kinesis_drained_get(struct kinesis *k, const struct kinesis_cursor *c,
                        bool *ret, struct err *e)
{
    struct sqlite_stmt *st = of_shard(k, KINESIS_DRAINED_GET, c);
    int rc = sqlite_step(st, e);

    sqlite_reset(st);
    *ret = rc == 1;
    return rc < 0 ? -1 : 0;
}

int kinesis_drained_set(struct kinesis *k, const struct kinesis_cursor *c,
                        struct err *e)
{
    return sqlite_run(of_shard(k, KINESIS_DRAINED_SET, c), e);
}

int kinesis_reached_get(struct kinesis *k, const struct kinesis_cursor *c,
                        int64_t *ret, struct err *e)
{
    struct sqlite_stmt *st = of_shard(k, KINESIS_REACHED_GET, c);
    int rc = sqlite_step(st, e);

    *ret = rc == 1 ? sqlite_column_int(st, 0) : 0;
    sqlite_reset(st);
    return rc < 0 ? -1 : 0;
}

int kinesis_reached_set(struct kinesis *k, const struct kinesis_cursor *c,
                        int64_t offset, struct err *e)
{
    struct sqlite_stmt *st = of_shard(k, KINESIS_REACHED_SET, c);

    sqlite_bind_int(st, 4, offset);
    return sqlite_run(st, e);
}

/* ---- positions ---- */

static struct kinesis *of(struct broker *b)
{
    return (struct kinesis *)b;
}

/* The stored position; ERR_NOTFOUND. */
static int get(struct kinesis *k, const char *group, const char *topic,
               int32_t partition, struct broker_position *ret, struct err *e)
{
    struct sqlite_stmt *st = k->st[KINESIS_POSITION_GET];
    struct slice text;
    int rc;

    sqlite_bind_text(st, 1, slice_of(group));
    sqlite_bind_text(st, 2, slice_of(topic));
    sqlite_bind_int(st, 3, partition);
    rc = sqlite_step(st, e);
    if (rc == 1) {
        *ret = (struct broker_position){.partition = partition,
                                        .epoch = sqlite_column_int(st, 0),
                                        .offset = sqlite_column_int(st, 1)};
        text = sqlite_column_text(st, 2);
        (void)snprintf(ret->topic, sizeof(ret->topic), "%s", topic);
        (void)snprintf(ret->metadata, sizeof(ret->metadata), "%.*s",
                       SLICE_FMT(text));
    }
    sqlite_reset(st);
    if (rc == 0) {
        return err_set(e, ERR_NOTFOUND,
                       "group \"%s\" has no position in topic \"%s\", "
                       "partition %d",
                       group, topic, (int)partition);
    }
    return rc == 1 ? 0 : -1;
}

static int check(struct kinesis *k, const char *group,
                 const struct broker_position *p, int64_t expect, struct err *e)
{
    struct broker_position now = {.offset = -1};
    struct err why = {.code = ERR_NONE};

    if (get(k, group, p->topic, p->partition, &now, &why) != 0) {
        if (why.code != ERR_NOTFOUND) {
            return err_set(e, why.code, "%s", why.msg);
        }
        now.offset = -1;
    } else if (now.epoch != p->epoch) {
        now.offset = -1;
    }
    if (now.offset != expect) {
        return err_set(e, ERR_FENCED,
                       "group \"%s\" is at offset %lld of topic \"%s\", and "
                       "not at %lld: somebody else moved it",
                       group, (long long)now.offset, p->topic,
                       (long long)expect);
    }
    return 0;
}

static int set(struct kinesis *k, const char *group,
               const struct broker_position *p, struct err *e)
{
    struct sqlite_stmt *st = k->st[KINESIS_POSITION_SET];

    sqlite_bind_text(st, 1, slice_of(group));
    sqlite_bind_text(st, 2, slice_of(p->topic));
    sqlite_bind_int(st, 3, p->partition);
    sqlite_bind_int(st, 4, p->epoch);
    sqlite_bind_int(st, 5, p->offset);
    sqlite_bind_text(st, 6, slice_of(p->metadata));
    return sqlite_run(st, e);
}

int kinesis_group_commit(struct broker *b, const char *group,
                         const struct broker_position *p, size_t n,
                         const int64_t *expect, struct err *e)
{
    struct kinesis *k = of(b);
    int rc;

    mutex_lock(&k->lock);
    rc = sqlite_begin(k->db, e);
    for (size_t i = 0; rc == 0 && i < n; i++) {
        rc = expect != NULL ? check(k, group, &p[i], expect[i], e) : 0;
        rc = rc != 0 ? rc : set(k, group, &p[i], e);
    }
    INJECT(kinesis_before_position);
    rc = rc != 0 ? rc : sqlite_commit(k->db, e);
    if (rc != 0) {
        sqlite_rollback(k->db);
    }
    mutex_unlock(&k->lock);
    return rc;
}

int kinesis_group_get(struct broker *b, const char *group, const char *topic,
                      int32_t partition, struct broker_position *ret,
                      struct err *e)
{
    struct kinesis *k = of(b);
    const struct kinesis_known *x;
    int rc;

    mutex_lock(&k->lock);
    rc = get(k, group, topic, partition, ret, e);
    if (rc == 0) {
        rc = kinesis_known_get(k, topic, partition, &x, e);
        if (rc == 0 && x->topic.epoch != ret->epoch) {
            rc = err_set(e, ERR_NOTFOUND,
                         "group \"%s\" was in an earlier stream \"%s\"", group,
                         topic);
        }
    }
    mutex_unlock(&k->lock);
    return rc;
}

/* The rows of a statement: what each becomes, and how many there may be. */
struct listing {
    enum kinesis_sql which;
    const char *group; /* its parameter; NULL: none */
    size_t size, most;
    void (*read)(struct sqlite_stmt *st, void *row);
};

/* An array of them: mem_free(). */
static int rows_of(struct kinesis *k, const struct listing *l, void **ret,
                   size_t *n, struct err *e)
{
    struct sqlite_stmt *st = k->st[l->which];
    char *list = mem_zero(l->most, l->size);
    size_t got = 0;
    int rc = 0;

    if (list == NULL) {
        return err_nomem(e, l->most * l->size);
    }
    mutex_lock(&k->lock);
    if (l->group != NULL) {
        sqlite_bind_text(st, 1, slice_of(l->group));
    }
    while (got < l->most && (rc = sqlite_step(st, e)) == 1) {
        l->read(st, list + got++ * l->size);
    }
    sqlite_reset(st);
    mutex_unlock(&k->lock);
    if (rc < 0) {
        mem_free(list);
        return -1;
    }
    *ret = list;
    *n = got;
    return 0;
}

static void read_group(struct sqlite_stmt *st, void *row)
{
    struct broker_group *ret = row;
    struct slice text = sqlite_column_text(st, 0);

    (void)snprintf(ret->name, sizeof(ret->name), "%.*s", SLICE_FMT(text));
}

int kinesis_group_list(struct broker *b, struct broker_group **ret, size_t *n,
                       struct err *e)
{
    static const struct listing groups = {.which = KINESIS_GROUPS,
                                          .size = sizeof(struct broker_group),
                                          .most = POSITIONS_MAX,
                                          .read = read_group};
    void *list;

    if (rows_of(of(b), &groups, &list, n, e) < 0) {
        return -1;
    }
    *ret = list;
    return 0;
}

static void read_position(struct sqlite_stmt *st, void *row)
{
    struct broker_position *ret = row;
    struct slice topic = sqlite_column_text(st, 0);
    struct slice metadata = sqlite_column_text(st, 4);

    ret->partition = (int32_t)sqlite_column_int(st, 1);
    ret->epoch = sqlite_column_int(st, 2);
    ret->offset = sqlite_column_int(st, 3);
    (void)snprintf(ret->topic, sizeof(ret->topic), "%.*s", SLICE_FMT(topic));
    (void)snprintf(ret->metadata, sizeof(ret->metadata), "%.*s",
                   SLICE_FMT(metadata));
}

int kinesis_group_positions(struct broker *b, const char *group,
                            struct broker_position **ret, size_t *n,
                            struct err *e)
{
    const struct listing positions = {.which = KINESIS_POSITIONS,
                                      .group = group,
                                      .size = sizeof(struct broker_position),
                                      .most = KINESIS_SHARDS_MAX,
                                      .read = read_position};
    void *list;

    if (rows_of(of(b), &positions, &list, n, e) < 0) {
        return -1;
    }
    *ret = list;
    return 0;
}

int kinesis_group_delete(struct broker *b, const char *group, struct err *e)
{
    struct kinesis *k = of(b);
    int64_t gone = 0;
    int rc;

    mutex_lock(&k->lock);
    sqlite_bind_text(k->st[KINESIS_GROUP_DELETE], 1, slice_of(group));
    rc = sqlite_run(k->st[KINESIS_GROUP_DELETE], e);
    gone = sqlite_changes(k->db);
    mutex_unlock(&k->lock);
    if (rc == 0 && gone == 0) {
        rc = err_set(e, ERR_NOTFOUND, "there is no group \"%s\"", group);
    }
    return rc;
}

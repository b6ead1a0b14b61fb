#include <inttypes.h>
#include <string.h>

#include "broker/seglog_meta_int.h"
#include "broker/sql_file.h"

enum {
    FORMAT = 1 /* of topics on disk */
};

static const char *const names[SQL_COUNT] = {
    [SQL_FORMAT] = "format",
    [SQL_DATA_VERSION] = "data_version",
    [SQL_CATALOGUE] = "catalogue",
    [SQL_CATALOGUE_MOVED] = "catalogue_moved",
    [SQL_TOPICS] = "topics",
    [SQL_TOPIC_ADD] = "topic_add",
    [SQL_TOPIC_COUNT] = "topic_count",
    [SQL_TOPIC_DELETE] = "topic_delete",
    [SQL_TOPIC_EPOCH] = "topic_epoch",
    [SQL_PARTITIONS] = "partitions",
    [SQL_PARTITION_NEXT] = "partition_next",
    [SQL_PARTITION_BEGIN] = "partition_begin",
    [SQL_SEGMENTS] = "segments",
    [SQL_SEGMENT_ADD] = "segment_add",
    [SQL_SEGMENT_CLOSE] = "segment_close",
    [SQL_SEGMENTS_EMPTY] = "segments_empty",
    [SQL_SEGMENT_DELETE] = "segment_delete",
    [SQL_SPAN_ADD] = "span_add",
    [SQL_SPAN_AT] = "span_at",
    [SQL_SPAN_TIME] = "span_time",
    [SQL_SPANS] = "spans",
    [SQL_SPAN_DELETE] = "span_delete",
    [SQL_POSITION_SET] = "position_set",
    [SQL_POSITION_GET] = "position_get",
    [SQL_POSITIONS] = "positions",
    [SQL_POSITIONS_ON] = "positions_on",
    [SQL_GROUP_READS] = "group_reads",
    [SQL_GROUPS] = "groups",
    [SQL_GROUP_DELETE] = "group_delete",
};

static int prepare_all(struct seglog_meta *m, struct buf *b, struct err *e)
{
    for (int i = 0; i < SQL_COUNT; i++) {
        const char *sql = NULL;

        if (sql_file_find("broker/meta.sql", names[i], b, &sql, e) < 0 ||
            sqlite_prepare(m->db, sql, true, &m->st[i], e) < 0) {
            return -1;
        }
    }
    return 0;
}

static int make_tables(struct seglog_meta *m, struct buf *b, struct err *e)
{
    const char *sql = NULL;

    if (sql_file_find("broker/meta.sql", "schema", b, &sql, e) < 0 ||
        sqlite_exec(m->db, "PRAGMA journal_mode=WAL", e) < 0 ||
        sqlite_begin(m->db, e) < 0) {
        return -1;
    }
    if (sqlite_exec(m->db, sql, e) < 0) {
        sqlite_rollback(m->db);
        return -1;
    }
    return sqlite_commit(m->db, e);
}

static int check_format(struct seglog_meta *m, const char *path, struct err *e)
{
    struct sqlite_stmt *st = m->st[SQL_FORMAT];
    int rc = sqlite_step(st, e);
    int64_t format = rc > 0 ? sqlite_column_int(st, 0) : 0;

    sqlite_reset(st);
    if (rc < 0) {
        return -1;
    }
    if (format != FORMAT) {
        return err_set(e, ERR_UNAVAILABLE,
                       "cannot use topics in \"%s\": they have format "
                       "%" PRId64 ", this program reads format %d",
                       path, format, FORMAT);
    }
    return 0;
}

int seglog_meta_open(struct seglog_meta *m, const char *path, bool create,
                     struct err *e)
{
    struct buf b;
    int rc = -1;

    buf_init(&b, 64 << 10);
    if (!create && !fs_exists(path)) {
        return err_set(e, ERR_NOTFOUND,
                       "could not open topics: there is no \"%s\"", path);
    }
    if (sqlite_open(&m->db, path, SQLITE_TO_WRITE, e) < 0) {
        return -1;
    }
    if ((!create || make_tables(m, &b, e) == 0) && prepare_all(m, &b, e) == 0) {
        rc = check_format(m, path, e);
    }
    buf_release(&b);
    if (rc < 0) {
        seglog_meta_close(m);
    }
    return rc;
}

void seglog_meta_close(struct seglog_meta *m)
{
    for (int i = 0; i < SQL_COUNT; i++) {
        sqlite_finalize(m->st[i]);
        m->st[i] = NULL;
    }
    sqlite_close(m->db);
    m->db = NULL;
}

static int ask(struct seglog_meta *m, enum seglog_sql sql, int64_t *ret,
               struct err *e)
{
    int rc = sqlite_step(m->st[sql], e);

    if (rc > 0) {
        *ret = sqlite_column_int(m->st[sql], 0);
    }
    sqlite_reset(m->st[sql]);
    return rc < 0 ? -1 : 0;
}

int seglog_meta_moved(struct seglog_meta *m, bool *ret, struct err *e)
{
    int64_t version = 0;
    int64_t catalogue = m->catalogue;

    if (ask(m, SQL_DATA_VERSION, &version, e) < 0) {
        return -1;
    }
    if (version != m->data_version &&
        ask(m, SQL_CATALOGUE, &catalogue, e) < 0) {
        return -1;
    }
    m->data_version = version;
    *ret = catalogue != m->catalogue;
    return 0;
}

int seglog_meta_run(struct seglog_meta *m, enum seglog_sql sql,
                    const int64_t *v, int n, struct err *e)
{
    for (int i = 0; i < n; i++) {
        sqlite_bind_int(m->st[sql], i + 1, v[i]);
    }
    return sqlite_run(m->st[sql], e);
}

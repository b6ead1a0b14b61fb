#include "flow/interval.h"

#include "clean/parse.h"
#include "core/fs.h"
#include "core/mem.h"
#include "db/sqlite_book.h"

enum {
    JOURNAL_VERSION = 1,
    DAY_LENGTH = 10, /* of "YYYY-MM-DD" */
};

#define DAY_US ((int64_t)86400 * 1000000)

enum statement {
    FIND,
    PUT,
    STATEMENTS
};

static const char *const texts[STATEMENTS] = {
    [FIND] =
        "SELECT first, next FROM range WHERE from_us = ?1 AND to_us = ?2 AND topic = ?3 AND epoch = ?4 AND part = ?5",
    [PUT] = "INSERT OR IGNORE INTO range VALUES (?1,?2,?3,?4,?5,?6,?7,?8)",
};

extern const struct embed_file flow_sql[];

struct intervals {
    struct sqlite *db;
    struct sqlite_stmt *st[STATEMENTS];
};

int interval_parse(struct interval *ret, const char *text, struct err *e)
{
    struct slice to = slice_of(text);
    struct slice from;
    bool ok;

    if (slice_cut(&to, '/', &from)) {
        ok = parse_time(slice_trim(from), &ret->from_us) &&
             parse_time(slice_trim(to), &ret->to_us);
    } else {
        ok = from.len == DAY_LENGTH && parse_time(from, &ret->from_us);
        ret->to_us = ok ? ret->from_us + DAY_US : 0;
    }
    if (!ok) {
        return err_set(e, ERR_INVALID,
                       "\"%s\" is no interval: give FROM/TO, as "
                       "2026-01-31T00:00:00Z/2026-02-01T00:00:00Z, or a day, "
                       "as 2026-01-31",
                       text);
    }
    if (ret->to_us <= ret->from_us) {
        return err_set(e, ERR_INVALID, "interval \"%s\" ends before it begins",
                       text);
    }
    return 0;
}

int intervals_open(struct intervals **ret, const char *dir, struct err *e)
{
    static const struct sqlite_book_kind kind = {
        .what = "journal of intervals",
        .files = flow_sql,
        .schema = "interval.sql",
        .version = JOURNAL_VERSION,
        .texts = texts,
        .n = STATEMENTS,
    };
    struct intervals *j = mem_zero(1, sizeof(*j));
    char path[FS_PATH_MAX];

    if (j == NULL) {
        return err_nomem(e, sizeof(*j));
    }
    if (fs_join(path, dir, "intervals.db", e) < 0 ||
        sqlite_book_open(&j->db, j->st, &kind, path, e) < 0) {
        mem_free(j);
        return -1;
    }
    *ret = j;
    return 0;
}

void intervals_close(struct intervals *j)
{
    if (j == NULL) {
        return;
    }
    sqlite_book_close(j->db, j->st, STATEMENTS);
    mem_free(j);
}

static void bind_key(struct sqlite_stmt *st, const struct interval *i,
                     const struct span *s)
{
    sqlite_bind_int(st, 1, i->from_us);
    sqlite_bind_int(st, 2, i->to_us);
    sqlite_bind_text(st, 3, slice_of(s->topic));
    sqlite_bind_int(st, 4, s->epoch);
    sqlite_bind_int(st, 5, s->partition);
}

/* 1: found, 0: not there, -1. */
static int look_up(struct intervals *j, const struct interval *i,
                   struct span *s, struct err *e)
{
    int rc;

    bind_key(j->st[FIND], i, s);
    rc = sqlite_step(j->st[FIND], e);
    if (rc > 0) {
        s->from = sqlite_column_int(j->st[FIND], 0);
        s->to = sqlite_column_int(j->st[FIND], 1);
    }
    sqlite_reset(j->st[FIND]);
    return rc;
}

int intervals_resolve(struct intervals *j, const struct interval *i,
                      struct broker *b, int64_t now_us, struct span *s,
                      struct err *e)
{
    int known = look_up(j, i, s, e);

    if (known != 0) {
        return known < 0 ? -1 : 0;
    }
    if (broker_offset_at(b, s->topic, s->partition, i->from_us, &s->from, e) <
            0 ||
        broker_offset_at(b, s->topic, s->partition, i->to_us, &s->to, e) < 0) {
        return -1;
    }
    if (s->to < s->from) { /* times of producers need not grow */
        s->to = s->from;
    }
    if (i->to_us > now_us) {
        return 0;
    }
    bind_key(j->st[PUT], i, s);
    sqlite_bind_int(j->st[PUT], 6, s->from);
    sqlite_bind_int(j->st[PUT], 7, s->to);
    sqlite_bind_int(j->st[PUT], 8, now_us);
    if (sqlite_run(j->st[PUT], e) < 0) {
        return -1;
    }
    /* another process may have been first: its word counts */
    return look_up(j, i, s, e) < 0 ? -1 : 0;
}

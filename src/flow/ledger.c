#include "flow/ledger.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/clock.h"
#include "core/fs.h"
#include "core/mem.h"
#include "db/sqlite_book.h"

extern const struct embed_file flow_sql[];

enum {
    LEDGER_VERSION = 1,
    ROWS_MANY = 256, /* of a partition: all but ROWS_KEPT become one */
    ROWS_KEPT = 64,
};

enum statement {
    PUT,
    FORGET,
    FOLD_FROM,
    FOLD,
    FOLDED,
    SUM,
    FIND,
    BURY,
    LETTERS,
    LETTERS_THERE,
    COUNT_LETTERS,
    EXHUME,
    RUN_BEGIN,
    RUN_END,
    RUNS,
    STATEMENTS,
};

/* A letter filter's parameters are the same seven everywhere. */
#define LETTER_FILTER \
    " WHERE (?1 IS NULL OR pipeline = ?1) AND (?2 IS NULL OR topic = ?2) AND (?3 < 0 OR epoch = ?3) AND (?4 < 0 OR part = ?4) AND at >= ?5 AND (?6 < 0 OR at < ?6) AND (?7 < 0 OR id = ?7)"
#define LETTER_COLUMNS \
    "SELECT id, pipeline, topic, epoch, part, at, sub, rule, reason, payload, spec_hash, time_us FROM letter"

static const char all_letters[] = LETTER_COLUMNS LETTER_FILTER
    " ORDER BY pipeline, topic, epoch, part, at, sub, id";
/* the same for one partition, by the table's index */
static const char letters_there[] = LETTER_COLUMNS
    " WHERE pipeline = ?1 AND topic = ?2 AND epoch = ?3 AND part = ?4 AND at >= ?5 AND at < ?6 ORDER BY at, sub";
static const char count_letters[] = "SELECT count(*) FROM letter" LETTER_FILTER;

static const char *const texts[STATEMENTS] = {
    [PUT] =
        "INSERT OR REPLACE INTO span VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13)",
    [FORGET] = "DELETE FROM span WHERE pipeline = ?1 AND topic = ?2",
    [FOLD_FROM] =
        "SELECT first FROM span WHERE pipeline = ?1 AND topic = ?2 AND epoch = ?3 AND part = ?4 AND next <= ?5 ORDER BY first DESC LIMIT 1 OFFSET ?6",
    [FOLD] =
        "INSERT OR REPLACE INTO span SELECT pipeline, topic, epoch, part, min(first), max(next), sum(messages), sum(expanded), sum(cleaned), sum(rejected), sum(duplicate), sum(skipped), max(made_by) FROM span WHERE pipeline = ?1 AND topic = ?2 AND epoch = ?3 AND part = ?4 AND first <= ?5 GROUP BY 1, 2, 3, 4",
    [FOLDED] =
        "DELETE FROM span WHERE pipeline = ?1 AND topic = ?2 AND epoch = ?3 AND part = ?4 AND first <= ?5 AND first > (SELECT min(first) FROM span WHERE pipeline = ?1 AND topic = ?2 AND epoch = ?3 AND part = ?4)",
    [SUM] =
        "SELECT total(messages), total(expanded), total(cleaned), total(rejected), total(duplicate), total(skipped) FROM span WHERE pipeline = ?1 AND topic = ?2 AND epoch = ?3 AND part = ?4 AND next <= ?5",
    [FIND] =
        "SELECT first, next, messages, expanded, cleaned, rejected, duplicate, skipped, made_by FROM span WHERE pipeline = ?1 AND topic = ?2 AND epoch = ?3 AND part = ?4 AND first >= coalesce((SELECT max(first) FROM span WHERE pipeline = ?1 AND topic = ?2 AND epoch = ?3 AND part = ?4 AND first <= ?5), 0) AND next > ?5 ORDER BY first LIMIT 1",
    [BURY] =
        "INSERT OR IGNORE INTO letter (pipeline, topic, epoch, part, at, sub, rule, reason, payload, spec_hash, time_us) VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11)",
    [LETTERS] = all_letters,
    [LETTERS_THERE] = letters_there,
    [COUNT_LETTERS] = count_letters,
    [EXHUME] =
        "DELETE FROM letter WHERE pipeline = ?1 AND topic = ?2 AND spec_hash <> ?3",
    [RUN_BEGIN] =
        "INSERT INTO run (kind, state, started_us, ended_us, detail) VALUES (?1, 'running', ?2, 0, ?3)",
    [RUN_END] =
        "UPDATE run SET state = ?2, ended_us = ?3, detail = ?4 WHERE id = ?1",
    [RUNS] =
        "SELECT id, kind, state, started_us, ended_us, detail FROM run ORDER BY id DESC LIMIT ?1",
};

struct ledger {
    struct sqlite *db;
    struct sqlite_stmt *st[STATEMENTS];
};

void ledger_close(struct ledger *l)
{
    if (l == NULL) {
        return;
    }
    sqlite_book_close(l->db, l->st, STATEMENTS);
    mem_free(l);
}

int ledger_open(struct ledger **ret, const char *dir, struct err *e)
{
    static const struct sqlite_book_kind kind = {
        .what = "ledger",
        .files = flow_sql,
        .schema = "ledger.sql",
        .version = LEDGER_VERSION,
        .texts = texts,
        .n = STATEMENTS,
    };
    struct ledger *l = mem_zero(1, sizeof(*l));
    char path[FS_PATH_MAX];

    if (l == NULL) {
        return err_nomem(e, sizeof(*l));
    }
    if (fs_join(path, dir, "ledger.db", e) < 0 ||
        sqlite_book_open(&l->db, l->st, &kind, path, e) < 0) {
        mem_free(l);
        return -1;
    }
    *ret = l;
    return 0;
}

int ledger_begin(struct ledger *l, struct err *e)
{
    return sqlite_begin(l->db, e);
}

int ledger_commit(struct ledger *l, struct err *e)
{
    return sqlite_commit(l->db, e);
}

void ledger_rollback(struct ledger *l)
{
    sqlite_rollback(l->db);
}

/* pipeline, topic, epoch, partition as parameters 1 to 4 */
static struct sqlite_stmt *at_partition(struct ledger *l, enum statement which,
                                        const char *pipeline,
                                        const struct span *s)
{
    struct sqlite_stmt *st = l->st[which];

    sqlite_bind_cstr(st, 1, pipeline);
    sqlite_bind_cstr(st, 2, s->topic);
    sqlite_bind_int(st, 3, s->epoch);
    sqlite_bind_int(st, 4, s->partition);
    return st;
}

int ledger_put(struct ledger *l, const struct ledger_row *r, struct err *e)
{
    struct sqlite_stmt *st = at_partition(l, PUT, r->pipeline, &r->span);
    const int64_t values[] = {r->span.from,        r->span.to,
                              r->counts.messages,  r->counts.expanded,
                              r->counts.cleaned,   r->counts.rejected,
                              r->counts.duplicate, r->counts.skipped};
    int i = 5;

    for (size_t k = 0; k < ARRAY_LEN(values); k++) {
        sqlite_bind_int(st, i++, values[k]);
    }
    sqlite_bind_cstr(st, i, r->made_by);
    return sqlite_run(st, e);
}

int ledger_forget(struct ledger *l, const char *pipeline, const char *topic,
                  const char *spec_hash, struct err *e)
{
    sqlite_bind_cstr(l->st[FORGET], 1, pipeline);
    sqlite_bind_cstr(l->st[FORGET], 2, topic);
    sqlite_bind_cstr(l->st[EXHUME], 1, pipeline);
    sqlite_bind_cstr(l->st[EXHUME], 2, topic);
    sqlite_bind_cstr(l->st[EXHUME], 3, spec_hash);
    return sqlite_run(l->st[FORGET], e) < 0 || sqlite_run(l->st[EXHUME], e) < 0
               ? -1
               : 0;
}

/* The first offset of the row that has `younger` younger ones; -1: none. */
static int fold_from(struct ledger *l, const char *pipeline,
                     const struct span *where, int younger, int64_t *ret,
                     struct err *e)
{
    struct sqlite_stmt *st = at_partition(l, FOLD_FROM, pipeline, where);
    int rc;

    sqlite_bind_int(st, 5, where->from);
    sqlite_bind_int(st, 6, younger);
    rc = sqlite_step(st, e);
    *ret = rc == 1 ? sqlite_column_int(st, 0) : -1;
    sqlite_reset(st);
    return rc < 0 ? -1 : 0;
}

int ledger_fold(struct ledger *l, const char *pipeline,
                const struct span *where, struct err *e)
{
    int64_t from;

    if (fold_from(l, pipeline, where, ROWS_MANY - 1, &from, e) < 0) {
        return -1;
    }
    if (from < 0) {
        return 0;
    }
    if (fold_from(l, pipeline, where, ROWS_KEPT, &from, e) < 0) {
        return -1;
    }
    sqlite_bind_int(at_partition(l, FOLD, pipeline, where), 5, from);
    sqlite_bind_int(at_partition(l, FOLDED, pipeline, where), 5, from);
    return sqlite_run(l->st[FOLD], e) < 0 || sqlite_run(l->st[FOLDED], e) < 0
               ? -1
               : 0;
}

/* Six counts from column i on. */
static struct ledger_counts read_counts(struct sqlite_stmt *st, int i)
{
    return (struct ledger_counts){.messages = sqlite_column_int(st, i),
                                  .expanded = sqlite_column_int(st, i + 1),
                                  .cleaned = sqlite_column_int(st, i + 2),
                                  .rejected = sqlite_column_int(st, i + 3),
                                  .duplicate = sqlite_column_int(st, i + 4),
                                  .skipped = sqlite_column_int(st, i + 5)};
}

int ledger_sum(struct ledger *l, const char *pipeline, const struct span *where,
               int64_t upto, struct ledger_counts *ret, struct err *e)
{
    struct sqlite_stmt *st = at_partition(l, SUM, pipeline, where);
    int rc;

    sqlite_bind_int(st, 5, upto);
    rc = sqlite_step(st, e);
    if (rc == 1) {
        *ret = read_counts(st, 0);
    }
    sqlite_reset(st);
    return rc < 0 ? -1 : 0;
}

int ledger_find(struct ledger *l, const char *pipeline,
                const struct span *where, int64_t offset,
                struct ledger_row *ret, struct err *e)
{
    struct sqlite_stmt *st = at_partition(l, FIND, pipeline, where);
    int rc;

    sqlite_bind_int(st, 5, offset);
    rc = sqlite_step(st, e);
    if (rc == 1) {
        ret->span.from = sqlite_column_int(st, 0);
        ret->span.to = sqlite_column_int(st, 1);
        ret->counts = read_counts(st, 2);
        (void)snprintf(ret->made_by, sizeof(ret->made_by), "%.*s",
                       SLICE_FMT(sqlite_column_text(st, 8)));
    } else if (rc == 0) {
        rc = err_set(e, ERR_NOTFOUND,
                     "the ledger has nothing of pipeline \"%s\" from there on",
                     pipeline);
    }
    sqlite_reset(st);
    return rc < 0 ? -1 : 0;
}

int ledger_bury(struct ledger *l, const struct deadletter *d, struct err *e)
{
    struct span where = {d->topic, d->epoch, d->partition, 0, 0};
    struct sqlite_stmt *st = at_partition(l, BURY, d->pipeline, &where);

    sqlite_bind_int(st, 5, d->offset);
    sqlite_bind_int(st, 6, d->sub);
    sqlite_bind_cstr(st, 7, d->rule);
    sqlite_bind_cstr(st, 8, d->reason);
    if (d->has_payload) {
        sqlite_bind_blob(st, 9, d->payload);
    } else {
        sqlite_bind_null(st, 9);
    }
    sqlite_bind_cstr(st, 10, d->spec_hash);
    sqlite_bind_int(st, 11, d->time_us);
    return sqlite_run(st, e);
}

static void bind_filter(struct sqlite_stmt *st,
                        const struct deadletter_filter *f)
{
    sqlite_bind_cstr(st, 1, f->pipeline);
    sqlite_bind_cstr(st, 2, f->topic);
    sqlite_bind_int(st, 3, f->epoch);
    sqlite_bind_int(st, 4, f->partition);
    sqlite_bind_int(st, 5, f->from);
    sqlite_bind_int(st, 6, f->to);
}

enum {
    LETTER_TEXTS = 5,
    LETTER_TEXT_MAX = 600
};

/* Columns as NUL-terminated texts, cut when longer than any we write. */
static bool give_letter(struct sqlite_stmt *st,
                        bool (*fn)(void *arg, const struct deadletter *d),
                        void *arg)
{
    static const int columns[LETTER_TEXTS] = {1, 2, 7, 8, 10};
    char text[LETTER_TEXTS][LETTER_TEXT_MAX];
    struct deadletter d = {.id = sqlite_column_int(st, 0),
                           .epoch = sqlite_column_int(st, 3),
                           .partition = (int32_t)sqlite_column_int(st, 4),
                           .offset = sqlite_column_int(st, 5),
                           .sub = (int32_t)sqlite_column_int(st, 6),
                           .payload = sqlite_column_blob(st, 9),
                           .time_us = sqlite_column_int(st, 11)};

    for (size_t i = 0; i < LETTER_TEXTS; i++) {
        (void)snprintf(text[i], sizeof(text[i]), "%.*s",
                       SLICE_FMT(sqlite_column_text(st, columns[i])));
    }
    d.pipeline = text[0];
    d.topic = text[1];
    d.rule = text[2];
    d.reason = text[3];
    d.spec_hash = text[4];
    d.has_payload = sqlite_column_type(st, 9) != SQLITE_IS_NULL;
    return fn(arg, &d);
}

int ledger_letters(struct ledger *l, const struct deadletter_filter *f,
                   bool (*fn)(void *arg, const struct deadletter *d), void *arg,
                   struct err *e)
{
    bool there = f->pipeline != NULL && f->topic != NULL && f->epoch >= 0 &&
                 f->partition >= 0 && f->to >= 0 && f->id < 0;
    struct sqlite_stmt *st = l->st[there ? LETTERS_THERE : LETTERS];
    int rc;

    bind_filter(st, f);
    if (!there) {
        sqlite_bind_int(st, 7, f->id);
    }
    while ((rc = sqlite_step(st, e)) == 1) {
        if (!give_letter(st, fn, arg)) {
            rc = 0;
            break;
        }
    }
    sqlite_reset(st);
    return rc < 0 ? -1 : 0;
}

/* Step once; the first column into *ret, 0 without a row. */
static int one_int(struct sqlite_stmt *st, int64_t *ret, struct err *e)
{
    int rc = sqlite_step(st, e);

    if (rc >= 0) {
        *ret = rc == 1 ? sqlite_column_int(st, 0) : 0;
    }
    sqlite_reset(st);
    return rc < 0 ? -1 : 0;
}

int ledger_count_letters(struct ledger *l, const struct deadletter_filter *f,
                         int64_t *ret, struct err *e)
{
    bind_filter(l->st[COUNT_LETTERS], f);
    sqlite_bind_int(l->st[COUNT_LETTERS], 7, f->id);
    return one_int(l->st[COUNT_LETTERS], ret, e);
}

int ledger_run_begin(struct ledger *l, const char *kind, const char *detail,
                     int64_t *ret_id, struct err *e)
{
    struct sqlite_stmt *st = l->st[RUN_BEGIN];

    sqlite_bind_cstr(st, 1, kind);
    sqlite_bind_int(st, 2, clock_wall_us());
    sqlite_bind_cstr(st, 3, detail);
    if (sqlite_run(st, e) < 0) {
        return -1;
    }
    *ret_id = sqlite_last_rowid(l->db);
    return 0;
}

int ledger_run_end(struct ledger *l, int64_t id, const char *state,
                   const char *detail, struct err *e)
{
    struct sqlite_stmt *st = l->st[RUN_END];

    sqlite_bind_int(st, 1, id);
    sqlite_bind_cstr(st, 2, state);
    sqlite_bind_int(st, 3, clock_wall_us());
    sqlite_bind_cstr(st, 4, detail);
    return sqlite_run(st, e);
}

static int give_run(struct sqlite_stmt *st,
                    bool (*fn)(void *arg, const struct ledger_run *r),
                    void *arg, bool *ret_on, struct err *e)
{
    static const int columns[] = {1, 2, 5};
    char *text[ARRAY_LEN(columns)] = {0};
    int rc = -1;

    for (size_t i = 0; i < ARRAY_LEN(columns); i++) {
        struct slice s = sqlite_column_text(st, columns[i]);

        text[i] = mem_text(s.ptr, s.len);
        if (text[i] == NULL) {
            err_nomem(e, s.len);
            goto out;
        }
    }
    *ret_on = fn(arg, &(struct ledger_run){
                          .id = sqlite_column_int(st, 0),
                          .kind = text[0],
                          .state = text[1],
                          .started_us = sqlite_column_int(st, 3),
                          .ended_us = sqlite_column_int(st, 4),
                          .detail = text[2],
                      });
    rc = 0;
out:
    for (size_t i = 0; i < ARRAY_LEN(columns); i++) {
        mem_free(text[i]);
    }
    return rc;
}

int ledger_runs(struct ledger *l, int64_t limit,
                bool (*fn)(void *arg, const struct ledger_run *r), void *arg,
                struct err *e)
{
    struct sqlite_stmt *st = l->st[RUNS];
    bool on = true;
    int rc;

    sqlite_bind_int(st, 1, limit);
    while ((rc = sqlite_step(st, e)) == 1 && on) {
        if (give_run(st, fn, arg, &on, e) < 0) {
            rc = -1;
            break;
        }
    }
    sqlite_reset(st);
    return rc < 0 ? -1 : 0;
}

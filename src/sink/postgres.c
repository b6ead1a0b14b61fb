/* postgres.c - cleaned rows into a table; its position moves with them. */
#include <inttypes.h>
#include <stdio.h>

#include "core/inject.h"
#include "core/mem.h"
#include "core/num.h"
#include "sink/postgres_int.h"

enum {
    BUFFER_BYTES = 8 << 20, /* rows in memory before a transaction begins */
    SEND_BYTES = 256 << 10, /* of a COPY at once */
    SPELT_MAX = 1 << 30,    /* bytes of one row */
    WAIT_US = 5000000,      /* for a server that is just coming up */
};

#define STAGE "pinline_stage"

static void forget(struct postgres_sink *s)
{
    sink_reach_clear(&s->reaches);
    buf_clear(&s->bytes);
    batch_clear(&s->rows);
}

static void postgres_sink_close(void *sink)
{
    struct postgres_sink *s = sink;

    if (s->begun) {
        postgres_rollback(s->db);
    }
    if (s->rows.cols != NULL) {
        forget(s);
        batch_release(&s->rows);
    }
    sink_reach_release(&s->reaches);
    mem_free(s->owner);
    buf_release(&s->bytes);
    postgres_close(s->db);
    mem_free(s);
}

static int check_conf(const struct sink_conf *conf, struct err *e)
{
    if (conf->url == NULL || conf->into == NULL || conf->defs == NULL ||
        conf->columns == 0 || conf->columns > POSTGRES_COLUMNS_MAX ||
        (conf->pipeline == NULL && !conf->read_only) ||
        conf->spec_hash == NULL) {
        return err_set(e, ERR_INVALID,
                       "a url, a table, columns, pipeline and spec hash are "
                       "needed");
    }
    for (size_t i = 0; i < conf->nkey; i++) {
        size_t k = 0;

        while (k < conf->columns &&
               strcmp(conf->key[i], conf->defs[k].name) != 0) {
            k++;
        }
        if (k == conf->columns) {
            return err_set(e, ERR_INVALID,
                           "table \"%s\" has no column \"%s\" to be its key",
                           conf->into, conf->key[i]);
        }
    }
    return 0;
}

static int postgres_sink_open(void **sink, const struct sink_conf *conf,
                              struct err *e)
{
    struct postgres_sink *s;
    struct login login;
    int rc;

    if (check_conf(conf, e) < 0) {
        return -1;
    }
    s = mem_zero(1, sizeof(*s));
    if (s == NULL) {
        return err_nomem(e, sizeof(*s));
    }
    s->conf = *conf;
    s->replace = conf->replace;
    buf_init(&s->bytes, SPELT_MAX);
    rc = batch_init(&s->rows, conf->defs, conf->columns, e);
    rc = rc == 0 ? login_find(&login, conf->url, e) : rc;
    if (rc == 0) {
        rc = postgres_open(&s->db, &login, WAIT_US, e);
        login_release(&login);
    }
    if (rc < 0 || postgres_sink_table(s, e) < 0) {
        postgres_sink_close(s);
        return -1;
    }
    *sink = s;
    return 0;
}

static const char *postgres_sink_owner(const void *sink)
{
    const struct postgres_sink *s = sink;

    return s->owner;
}

/* --- positions -------------------------------------------------------------- */

/* Texts of a statement's parameters that are numbers. */
struct numbers {
    char text[4][24];
};

static struct slice number(struct numbers *n, size_t i, int64_t v)
{
    int len = snprintf(n->text[i], sizeof(n->text[i]), "%" PRId64, v);

    return (struct slice){n->text[i], (size_t)len};
}

static int stored(struct postgres_sink *s, const struct span *where,
                  int64_t *ret, struct err *e)
{
    struct numbers n = {.text = {""}};
    struct slice params[] = {s->table, slice_of(where->topic),
                             number(&n, 0, where->epoch),
                             number(&n, 1, where->partition)};
    struct postgres_call call = {.sql = postgres_sink_sql("position.sql"),
                                 .params = params,
                                 .n = ARRAY_LEN(params)};
    struct postgres_rows *rows = NULL;
    int64_t next = 0;
    int rc = 0;

    if (postgres_call(s->db, &call, &rows, e) < 0) {
        return -1;
    }
    if (postgres_rows_count(rows) > 0 &&
        !num_i64(postgres_rows_value(rows, 0, 0), &next)) {
        rc = err_set(e, ERR_CORRUPT, "the position of table \"%s\" is damaged",
                     s->conf.into);
    }
    postgres_rows_free(rows);
    if (rc == 0) {
        *ret = next;
    }
    return rc;
}

static int postgres_sink_position(void *sink, const struct span *where,
                                  int64_t *ret, struct err *e)
{
    struct postgres_sink *s = sink;
    const struct sink_reach *r = sink_reach_find(&s->reaches, where);
    struct err local = {0};

    if (r != NULL) {
        *ret = r->span.to;
        return 0;
    }
    if (s->replace) {
        *ret = 0;
        return 0;
    }
    if (s->begun) {
        return err_set(e, ERR_INVALID,
                       "a position was asked for in the middle of a commit");
    }
    if (stored(s, where, ret, &local) == 0) {
        return 0;
    }
    if (s->conf.read_only && local.code == ERR_NOTFOUND) {
        *ret = 0; /* nothing has been written yet */
        return 0;
    }
    if (e != NULL) {
        *e = local;
    }
    return -1;
}

/* --- rows -------------------------------------------------------------------- */

/* A statement is a few texts with names between them. */
enum piece {
    END,
    TEXT,
    TABLE,
    COLUMNS,
    KEY,
    EXCLUDED, /* the columns of the row that was not inserted */
};
struct part {
    enum piece piece;
    const char *text;
};

static int put_excluded(const struct postgres_sink *s, struct buf *b,
                        struct err *e)
{
    for (size_t i = 0; i < s->conf.columns; i++) {
        if (buf_puts(b, i > 0 ? ", EXCLUDED." : "EXCLUDED.", e) < 0 ||
            postgres_put_name(b, slice_of(s->conf.defs[i].name), e) < 0) {
            return -1;
        }
    }
    return 0;
}

static int put_part(const struct postgres_sink *s, const struct part *part,
                    struct buf *b, struct err *e)
{
    switch (part->piece) {
    case TABLE:
        return postgres_put_name(b, s->table, e);
    case COLUMNS:
    case KEY:
        return postgres_sink_columns(s, part->piece == KEY, b, e);
    case EXCLUDED:
        return put_excluded(s, b, e);
    case TEXT:
    case END:
    default:
        return buf_puts(b, part->text, e);
    }
}

static int build(const struct postgres_sink *s, const struct part *parts,
                 struct buf *b, struct err *e)
{
    for (; parts->piece != END; parts++) {
        if (put_part(s, parts, b, e) < 0) {
            return -1;
        }
    }
    return 0;
}

static int run(struct postgres_sink *s, const struct part *parts, bool copy,
               struct err *e)
{
    const char *sql;
    struct buf b;
    int rc = -1;

    buf_init(&b, POSTGRES_SQL_MAX);
    if (build(s, parts, &b, e) == 0 && buf_text(&b, &sql, e) == 0) {
        rc = copy ? postgres_copy_begin(s->db, sql, e)
                  : postgres_exec(s->db, sql, NULL, e);
    }
    buf_release(&b);
    return rc;
}

/* The transaction, and COPY into the table or, with a key, beside it. */
static int begin(struct postgres_sink *s, struct err *e)
{
    static const struct part stage[] = {
        {TEXT, "CREATE TEMPORARY TABLE " STAGE " ON COMMIT DROP AS TABLE "},
        {TABLE, NULL},
        {TEXT, " WITH NO DATA"},
        {END, NULL}};
    static const struct part to_stage[] = {{TEXT, "COPY " STAGE " ("},
                                           {COLUMNS, NULL},
                                           {TEXT, ") FROM STDIN BINARY"},
                                           {END, NULL}};
    static const struct part to_table[] = {{TEXT, "COPY "},
                                           {TABLE, NULL},
                                           {TEXT, " ("},
                                           {COLUMNS, NULL},
                                           {TEXT, ") FROM STDIN BINARY"},
                                           {END, NULL}};
    static const struct part empty[] = {
        {TEXT, "DELETE FROM "}, {TABLE, NULL}, {END, NULL}};

    if (s->begun) {
        return 0;
    }
    if (postgres_exec(s->db, "BEGIN", NULL, e) < 0) {
        return -1;
    }
    s->begun = true;
    if ((s->replace && run(s, empty, false, e) < 0) ||
        (s->conf.nkey > 0 && run(s, stage, false, e) < 0) ||
        run(s, s->conf.nkey > 0 ? to_stage : to_table, true, e) < 0) {
        return -1;
    }
    return postgres_sink_head(&s->bytes, e);
}

static int send_spelt(struct postgres_sink *s, struct err *e)
{
    if (postgres_copy_put(s->db, buf_slice(&s->bytes), e) < 0) {
        return -1;
    }
    buf_clear(&s->bytes);
    return 0;
}

static int send_rows(struct postgres_sink *s, const struct batch *rows,
                     struct err *e)
{
    if (postgres_sink_look(s, rows, e) < 0 || begin(s, e) < 0) {
        return -1;
    }
    for (size_t row = 0; row < rows->rows; row++) {
        if (postgres_sink_spell(s, rows, row, row + 1, e) < 0 ||
            (s->bytes.len >= SEND_BYTES && send_spelt(s, e) < 0)) {
            return -1;
        }
    }
    return 0;
}

static int send_buffered(struct postgres_sink *s, struct err *e)
{
    if (s->rows.rows == 0) {
        return 0;
    }
    if (send_rows(s, &s->rows, e) < 0) {
        return -1;
    }
    batch_clear(&s->rows);
    return 0;
}

static int postgres_sink_write(void *sink, const struct span *span,
                               const struct batch *rows, struct err *e)
{
    struct postgres_sink *s = sink;
    int rc = 0;

    if (rows->columns != s->conf.columns) {
        return err_set(e, ERR_INVALID, "%zu columns came, %zu are expected",
                       rows->columns, s->conf.columns);
    }
    if (rows->bytes >= BUFFER_BYTES && s->rows.rows == 0) {
        rc = send_rows(s, rows, e);
    } else if (rows->rows > 0) {
        rc = batch_append(&s->rows, rows, 0, rows->rows, e);
    }
    if (rc == 0 && s->rows.bytes >= BUFFER_BYTES) {
        rc = send_buffered(s, e);
    }
    return rc < 0 ? -1 : sink_reach_extend(&s->reaches, span, e);
}

/* --- commit ------------------------------------------------------------------- */

/* Rows whose key the table has not: the first of each, or the last. */
static int merge(struct postgres_sink *s, struct err *e)
{
    bool update = s->conf.conflict == SINK_CONFLICT_UPDATE;
    const struct part insert[] = {
        {TEXT, "INSERT INTO "},
        {TABLE, NULL},
        {TEXT, " ("},
        {COLUMNS, NULL},
        {TEXT, ") SELECT DISTINCT ON ("},
        {KEY, NULL},
        {TEXT, ") "},
        {COLUMNS, NULL},
        {TEXT, " FROM " STAGE " WHERE ROW("},
        {KEY, NULL},
        {TEXT, ") IS NOT NULL ORDER BY "},
        {KEY, NULL},
        {TEXT, update ? ", ctid DESC ON CONFLICT (" : ", ctid ON CONFLICT ("},
        {KEY, NULL},
        {TEXT, update ? ") DO UPDATE SET (" : ") DO NOTHING"},
        {update ? COLUMNS : END, NULL},
        {TEXT, ") = ROW("},
        {EXCLUDED, NULL},
        {TEXT, ")"},
        {END, NULL}};
    /* a NULL is no key: nothing conflicts with it */
    static const struct part keyless[] = {{TEXT, "INSERT INTO "},
                                          {TABLE, NULL},
                                          {TEXT, " ("},
                                          {COLUMNS, NULL},
                                          {TEXT, ") SELECT "},
                                          {COLUMNS, NULL},
                                          {TEXT, " FROM " STAGE " WHERE NOT "
                                                 "(ROW("},
                                          {KEY, NULL},
                                          {TEXT, ") IS NOT NULL)"},
                                          {END, NULL}};

    return run(s, insert, false, e) < 0 ? -1 : run(s, keyless, false, e);
}

/* Move one partition's position; ERR_FENCED unless it stands at `from`. */
static int move(struct postgres_sink *s, const struct span *span, struct err *e)
{
    struct numbers n = {.text = {""}};
    struct slice epoch = number(&n, 0, span->epoch);
    struct slice partition = number(&n, 1, span->partition);
    struct slice from = number(&n, 2, span->from);
    struct slice to = number(&n, 3, span->to);
    struct slice update[] = {s->table,
                             slice_of(span->topic),
                             epoch,
                             partition,
                             slice_of(s->conf.pipeline),
                             slice_of(s->conf.spec_hash),
                             from,
                             to};
    struct slice insert[] = {update[0], update[1], update[2], update[3],
                             update[4], update[5], to};
    struct postgres_call calls[] = {{.sql = postgres_sink_sql("move.sql"),
                                     .params = update,
                                     .n = ARRAY_LEN(update)},
                                    {.sql = postgres_sink_sql("first.sql"),
                                     .params = insert,
                                     .n = ARRAY_LEN(insert)}};

    for (size_t i = 0; i < (span->from == 0 || s->replace ? 2 : 1); i++) {
        struct postgres_rows *rows = NULL;
        int64_t hit;

        if (postgres_call(s->db, &calls[i], &rows, e) < 0) {
            return -1;
        }
        hit = postgres_rows_changed(rows);
        postgres_rows_free(rows);
        if (hit == 1) {
            return 0;
        }
    }
    return err_set(e, ERR_FENCED,
                   "table \"%s\" does not stand at offset %" PRId64
                   " of topic \"%s\" partition %" PRId32
                   ": somebody else has moved it",
                   s->conf.into, span->from, span->topic, span->partition);
}

static int end_copy(struct postgres_sink *s, struct err *e)
{
    if (postgres_sink_tail(&s->bytes, e) < 0 || send_spelt(s, e) < 0) {
        return -1;
    }
    INJECT(postgres_before_copy_end);
    return postgres_copy_end(s->db, NULL, e);
}

/* Positions as of a new table. */
static int forget_positions(struct postgres_sink *s, struct err *e)
{
    struct postgres_call call = {
        .sql = "DELETE FROM pinline_position WHERE target = $1",
        .params = &s->table,
        .n = 1};
    struct postgres_rows *rows = NULL;

    if (postgres_call(s->db, &call, &rows, e) < 0) {
        return -1;
    }
    postgres_rows_free(rows);
    return 0;
}

static int commit(struct postgres_sink *s, struct err *e)
{
    if (send_buffered(s, e) < 0 || begin(s, e) < 0 || end_copy(s, e) < 0 ||
        (s->conf.nkey > 0 && merge(s, e) < 0) ||
        (s->replace && forget_positions(s, e) < 0)) {
        return -1;
    }
    INJECT(postgres_before_move);
    for (size_t i = 0; i < s->reaches.n; i++) {
        if (move(s, &s->reaches.at[i]->span, e) < 0) {
            return -1;
        }
    }
    INJECT(postgres_before_commit);
    if (postgres_exec(s->db, "COMMIT", NULL, e) < 0) {
        return -1;
    }
    INJECT(postgres_after_commit);
    return 0;
}

static int postgres_sink_commit(void *sink, bool flush, struct err *e)
{
    struct postgres_sink *s = sink;

    (void)flush;
    if (s->reaches.n == 0 && !s->replace) {
        return 0;
    }
    if (commit(s, e) < 0) {
        postgres_rollback(s->db);
        s->begun = false;
        return err_wrap(e, "could not commit to table \"%s\"", s->conf.into);
    }
    forget(s);
    s->begun = false;
    s->replace = false;
    return 0;
}

extern const struct sink_ops sink_postgres;
const struct sink_ops sink_postgres = {
    .name = "postgres",
    .help = "cleaned rows into a table of a Postgres database",
    .takes = SINK_ROWS,
    .open = postgres_sink_open,
    .position = postgres_sink_position,
    .owner = postgres_sink_owner,
    .write_rows = postgres_sink_write,
    .commit = postgres_sink_commit,
    .close = postgres_sink_close,
};

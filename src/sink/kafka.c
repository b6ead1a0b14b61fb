/*
 * kafka.c - cleaned rows into a topic: one JSON object a record, committed
 * together with the positions of the messages they were made of.
 *
 * Rows wait here until they are committed, so that a transaction is short.
 */
#include <string.h>

#include "core/mem.h"
#include "record/batch_json.h"
#include "sink/kafka.h"
#include "sink/reach.h"

enum {
    NO_KEY = -1,
    ROW_MAX = 256 << 20, /* bytes of one row as JSON */
};

struct kafka_sink {
    struct sink_conf conf;
    int key; /* column, or NO_KEY */
    struct batch rows;
    struct sink_reaches reaches; /* kept after a commit, empty then */
    bool dirty;                  /* something was written since */
    struct buf value, text;
};

static void kafka_sink_close(void *sink)
{
    struct kafka_sink *s = sink;

    if (s->rows.cols != NULL) {
        batch_release(&s->rows);
    }
    sink_reach_release(&s->reaches);
    buf_release(&s->value);
    buf_release(&s->text);
    mem_free(s);
}

static int find_key(struct kafka_sink *s, struct err *e)
{
    const struct sink_conf *c = &s->conf;

    s->key = NO_KEY;
    for (size_t i = 0; i < c->columns && c->nkey > 0; i++) {
        if (strcmp(c->defs[i].name, c->key[0]) == 0) {
            s->key = (int)i;
        }
    }
    if (c->nkey > 1 || (c->nkey == 1 && s->key == NO_KEY)) {
        return err_set(e, ERR_INVALID,
                       "table \"%s\": the key of a record is one of its "
                       "columns, which \"%s\" is not",
                       c->table, c->nkey > 1 ? c->key[1] : c->key[0]);
    }
    return 0;
}

static int kafka_sink_open(void **sink, const struct sink_conf *conf,
                           struct err *e)
{
    struct kafka_sink *s;

    if (conf->outbox == NULL || conf->defs == NULL || conf->columns == 0 ||
        conf->table == NULL || conf->replace) {
        return err_set(e, ERR_INVALID,
                       "an outbox and columns are needed, and a topic is never "
                       "replaced");
    }
    s = mem_zero(1, sizeof(*s));
    if (s == NULL) {
        return err_nomem(e, sizeof(*s));
    }
    s->conf = *conf;
    buf_init(&s->value, ROW_MAX);
    buf_init(&s->text, ROW_MAX);
    if (find_key(s, e) < 0 ||
        batch_init(&s->rows, conf->defs, conf->columns, e) < 0) {
        kafka_sink_close(s);
        return -1;
    }
    *sink = s;
    return 0;
}

static int kafka_sink_position(void *sink, const struct span *where,
                               int64_t *ret, struct err *e)
{
    struct kafka_sink *s = sink;
    const struct sink_reach *r = sink_reach_find(&s->reaches, where);
    struct span at = *where;

    if (r == NULL) {
        if (s->conf.outbox->position(s->conf.outbox->arg, where, &at.to, e) <
            0) {
            return -1;
        }
        at.from = at.to;
        if (sink_reach_extend(&s->reaches, &at, e) < 0) {
            return -1;
        }
        *ret = at.to;
        return 0;
    }
    *ret = r->span.to;
    return 0;
}

static int kafka_sink_write(void *sink, const struct span *span,
                            const struct batch *rows, struct err *e)
{
    struct kafka_sink *s = sink;
    int64_t at;

    if (rows->columns != s->conf.columns) {
        return err_set(e, ERR_INVALID, "%zu columns came, %zu are expected",
                       rows->columns, s->conf.columns);
    }
    if (kafka_sink_position(s, span, &at, e) < 0 ||
        sink_reach_extend(&s->reaches, span, e) < 0 ||
        (rows->rows > 0 &&
         batch_append(&s->rows, rows, 0, rows->rows, e) < 0)) {
        return -1;
    }
    s->dirty = true;
    return 0;
}

/* A text without its quotes, else as JSON has it; NULL is no key. */
static int find_text(struct kafka_sink *s, size_t row, struct slice *ret,
                     struct err *e)
{
    size_t col = (size_t)s->key;

    if (s->rows.defs[col].type == COL_TEXT) {
        *ret = batch_text(&s->rows, col, row);
        return 0;
    }
    buf_clear(&s->text);
    if (batch_json_value(&s->rows, col, row, &s->text, e) < 0) {
        return -1;
    }
    *ret = buf_slice(&s->text);
    return 0;
}

static int put_row(struct kafka_sink *s, size_t row, struct err *e)
{
    bool has_key =
        s->key != NO_KEY && !batch_is_null(&s->rows, (size_t)s->key, row);
    struct slice key = {0};

    buf_clear(&s->value);
    if ((has_key && find_text(s, row, &key, e) < 0) ||
        batch_json_row(&s->rows, row, &s->value, e) < 0) {
        return -1;
    }
    return s->conf.outbox->put(s->conf.outbox->arg, key, has_key,
                               buf_slice(&s->value), e);
}

static bool moved(const struct span *s)
{
    return s->to > s->from;
}

/* The ends of the spans that moved, or of all: how many. */
static size_t collect(const struct kafka_sink *s, bool only_moved,
                      struct span *ret)
{
    size_t n = 0;

    for (size_t i = 0; i < s->reaches.n; i++) {
        const struct span *at = &s->reaches.at[i]->span;

        if (!only_moved || moved(at)) {
            ret[n++] = *at;
        }
    }
    return n;
}

static int commit(struct kafka_sink *s, struct err *e)
{
    struct span *spans;
    size_t n;
    int rc;

    for (size_t i = 0; i < s->rows.rows; i++) {
        if (put_row(s, i, e) < 0) {
            return -1;
        }
    }
    spans = mem_zero(s->reaches.n, sizeof(*spans));
    if (spans == NULL) {
        return err_nomem(e, s->reaches.n * sizeof(*spans));
    }
    n = collect(s, true, spans);
    if (n == 0) {
        n = collect(s, false, spans); /* so that they are not forgotten */
    }
    rc = s->conf.outbox->commit(s->conf.outbox->arg, spans, n, e);
    mem_free(spans);
    return rc;
}

static int kafka_sink_commit(void *sink, bool flush, struct err *e)
{
    struct kafka_sink *s = sink;

    (void)flush;
    if (!s->dirty) {
        return 0;
    }
    if (commit(s, e) < 0) {
        return err_wrap(e, "could not commit rows of \"%s\"", s->conf.table);
    }
    for (size_t i = 0; i < s->reaches.n; i++) {
        s->reaches.at[i]->span.from = s->reaches.at[i]->span.to;
    }
    s->dirty = false;
    batch_clear(&s->rows);
    return 0;
}

extern const struct sink_ops sink_kafka;
const struct sink_ops sink_kafka = {
    .name = "kafka",
    .help = "cleaned rows into a topic of Apache Kafka, in transactions",
    .takes = SINK_ROWS,
    .open = kafka_sink_open,
    .position = kafka_sink_position,
    .write_rows = kafka_sink_write,
    .commit = kafka_sink_commit,
    .close = kafka_sink_close,
};

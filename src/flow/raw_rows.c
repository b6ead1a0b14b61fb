#include "flow/raw_rows.h"

#include "flow/table_job.h"
#include "json/json.h"

enum {
    VALUE_BYTES_MAX = 64 << 20
};

struct reading {
    struct raw_rows *into;
    const struct spec_table *table;
    struct decoder *decoder;
    struct batch rows; /* of the messages at hand */
    struct buf value;
    int rc;
    struct err err;
};

/* Text as it is, everything else as JSON. */
static int put_field(struct reading *r, size_t column, yyjson_val *v,
                     struct err *e)
{
    struct slice text;

    if (v == NULL || yyjson_is_null(v)) {
        return batch_put_null(&r->rows, column, e);
    }
    if (yyjson_is_str(v)) {
        text = (struct slice){yyjson_get_str(v), yyjson_get_len(v)};
        return batch_put_text(&r->rows, column, text, e);
    }
    buf_clear(&r->value);
    return json_print(&r->value, v, 0, e) < 0
               ? -1
               : batch_put_text(&r->rows, column, buf_slice(&r->value), e);
}

static int put_message(struct reading *r, const struct message *m,
                       struct err *e)
{
    const struct spec_table *t = r->table;
    struct decode_result got;

    if (decoder_decode(r->decoder, m->value, m->has_value, &got, e) < 0) {
        return -1;
    }
    for (size_t k = 0; k < got.n; k++) {
        if (got.records[k].object == NULL) {
            continue;
        }
        for (size_t i = 0; i < t->nfields; i++) {
            if (put_field(r, i, json_get(got.records[k].object, t->fields[i]),
                          e) < 0) {
                return -1;
            }
        }
        batch_end_row(&r->rows);
    }
    return 0;
}

static int put_messages(struct reading *r, const struct message *m, size_t n,
                        struct err *e)
{
    batch_clear(&r->rows);
    for (size_t i = 0; i < n; i++) {
        if (put_message(r, &m[i], e) < 0) {
            return -1;
        }
    }
    r->into->bytes += (int64_t)r->rows.bytes;
    if (r->into->bytes > RAW_ROWS_BYTES_MAX) {
        return err_set(e, ERR_LIMIT,
                       "the raw records take over %d MB; ask the cleaned "
                       "tables, or a folder of fewer objects",
                       RAW_ROWS_BYTES_MAX >> 20);
    }
    return batch_store_add(&r->into->rows, &r->rows, e);
}

static void took(void *arg, const struct message *m, size_t n)
{
    struct reading *r = arg;

    if (r->rc == 0) {
        r->rc = put_messages(r, m, n, &r->err);
    }
}

/* All that a batch would read, looked at only. */
static int look_at_all(struct reading *r, const struct flow_batch_conf *conf,
                       struct err *e)
{
    const struct table_job_conf job = {.project = conf->project,
                                       .spec = conf->spec,
                                       .table = r->table,
                                       .broker = conf->broker,
                                       .from_topics = conf->from_topics,
                                       .arg = r,
                                       .took = took};

    if (table_job_again(&job, NULL, e) < 0) {
        return -1;
    }
    if (r->rc < 0 && e != NULL) {
        *e = r->err;
    }
    return r->rc;
}

int raw_rows_read(struct raw_rows *ret, const struct flow_batch_conf *conf,
                  const struct spec_table *t, struct err *e)
{
    struct reading r = {.into = ret, .table = t};
    int rc = -1;

    *ret = (struct raw_rows){.bytes = 0};
    batch_store_init(&ret->rows);
    for (size_t i = 0; i < t->nfields; i++) {
        ret->defs[i] = (struct col_def){.name = t->fields[i], .type = COL_TEXT};
    }
    if (batch_init(&r.rows, ret->defs, t->nfields, e) < 0) {
        return -1;
    }
    buf_init(&r.value, VALUE_BYTES_MAX);
    if (decoder_new(&r.decoder, t->keys, t->nkeys, e) == 0 &&
        batch_store_add_none(&ret->rows, ret->defs, t->nfields, e) == 0) {
        rc = look_at_all(&r, conf, e);
    }
    decoder_free(r.decoder);
    buf_release(&r.value);
    batch_release(&r.rows);
    if (rc < 0) {
        raw_rows_release(ret);
        return err_wrap(e, "raw records of table \"%s\"", t->name);
    }
    return 0;
}

void raw_rows_release(struct raw_rows *r)
{
    batch_store_release(&r->rows);
}

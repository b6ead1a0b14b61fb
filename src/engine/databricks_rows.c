#include "engine/databricks_rows.h"

#include <inttypes.h>

#include "core/arena.h"
#include "core/mem.h"

enum {
    TEXTS_MAX = 1 << 20,
    SQL_MAX = 1 << 20,
    COLUMNS_MAX = 1000
};

struct databricks_rows {
    struct arena texts; /* names */
    struct col_def defs[COLUMNS_MAX];
    const char *types[COLUMNS_MAX]; /* as DuckDB spells them */
    size_t n;
    int64_t expected; /* rows; -1: not said */
    size_t max_bytes;
    struct batch rows;
};

/* What a type is here; others stay text. */
static const struct {
    const char *name;
    const char *type;
} types[] = {
    {"BOOLEAN", "BOOLEAN"},     {"BYTE", "INTEGER"},  {"SHORT", "INTEGER"},
    {"INT", "INTEGER"},         {"LONG", "BIGINT"},   {"BIGINT", "BIGINT"},
    {"FLOAT", "DOUBLE"},        {"DOUBLE", "DOUBLE"}, {"DECIMAL", "DOUBLE"},
    {"TIMESTAMP", "TIMESTAMP"}, {"DATE", "DATE"},
};

static const char *type_of(struct slice name)
{
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        if (slice_is(name, types[i].name)) {
            return types[i].type;
        }
    }
    return "VARCHAR";
}

static int take_columns(struct databricks_rows *r, yyjson_val *manifest,
                        struct err *e)
{
    yyjson_val *columns = json_get(json_get(manifest, "schema"), "columns");
    yyjson_val *v;
    size_t i;
    size_t n;

    if (yyjson_arr_size(columns) == 0 ||
        yyjson_arr_size(columns) > COLUMNS_MAX) {
        return err_set(e, ERR_MALFORMED,
                       "the manifest has %zu columns; 1 to %d are read",
                       yyjson_arr_size(columns), COLUMNS_MAX);
    }
    yyjson_arr_foreach(columns, i, n, v)
    {
        struct slice type = {0};
        struct slice name;

        if (!json_get_text(v, "name", &name) ||
            arena_copy(&r->texts, name, &name, e) < 0) {
            return err_set(e, ERR_MALFORMED, "column %zu has no name", i);
        }
        (void)json_get_text(v, "type_name", &type);
        r->defs[i] = (struct col_def){.name = name.ptr, .type = COL_TEXT};
        r->types[i] = type_of(type);
    }
    r->n = yyjson_arr_size(columns);
    r->expected = -1;
    (void)json_get_i64(manifest, "total_row_count", &r->expected);
    return batch_init(&r->rows, r->defs, r->n, e);
}

int databricks_rows_new(struct databricks_rows **ret, yyjson_val *manifest,
                        size_t max_bytes, struct err *e)
{
    struct databricks_rows *r = mem_zero(1, sizeof(*r));

    if (r == NULL) {
        return err_nomem(e, sizeof(*r));
    }
    arena_init(&r->texts, TEXTS_MAX);
    r->max_bytes = max_bytes;
    if (take_columns(r, manifest, e) < 0) {
        arena_release(&r->texts);
        mem_free(r);
        return -1;
    }
    *ret = r;
    return 0;
}

void databricks_rows_free(struct databricks_rows *r)
{
    if (r != NULL) {
        batch_release(&r->rows);
        arena_release(&r->texts);
        mem_free(r);
    }
}

static int put_value(struct databricks_rows *r, size_t col, yyjson_val *v,
                     struct err *e)
{
    if (v == NULL || yyjson_is_null(v)) {
        return batch_put_null(&r->rows, col, e);
    }
    if (!yyjson_is_str(v)) {
        return err_set(e, ERR_MALFORMED, "a value of column \"%s\" is no text",
                       r->defs[col].name);
    }
    return batch_put_text(
        &r->rows, col, (struct slice){yyjson_get_str(v), yyjson_get_len(v)}, e);
}

int databricks_rows_add(struct databricks_rows *r, yyjson_val *result,
                        struct err *e)
{
    yyjson_val *rows = json_get(result, "data_array");
    yyjson_val *row;
    size_t i;
    size_t n;

    yyjson_arr_foreach(rows, i, n, row)
    {
        if (yyjson_arr_size(row) != r->n) {
            return err_set(e, ERR_MALFORMED,
                           "a row has %zu values for %zu columns",
                           yyjson_arr_size(row), r->n);
        }
        for (size_t c = 0; c < r->n; c++) {
            if (put_value(r, c, yyjson_arr_get(row, c), e) < 0) {
                return -1;
            }
        }
        batch_end_row(&r->rows);
        if (r->rows.bytes > r->max_bytes) {
            return err_set(e, ERR_LIMIT, "the rows take more than %zu bytes",
                           r->max_bytes);
        }
    }
    return 0;
}

static int put_select(const struct databricks_rows *r, struct buf *b,
                      struct err *e)
{
    for (size_t i = 0; i < r->n; i++) {
        if (buf_puts(b, i > 0 ? ", CAST(" : "SELECT CAST(", e) < 0 ||
            duck_quote(b, slice_of(r->defs[i].name), '"', e) < 0 ||
            buf_putf(b, e, " AS %s) AS ", r->types[i]) < 0 ||
            duck_quote(b, slice_of(r->defs[i].name), '"', e) < 0) {
            return -1;
        }
    }
    return buf_puts(b, " FROM came", e);
}

int databricks_rows_end(struct databricks_rows *r, size_t max_bytes,
                        struct frame *ret, struct err *e)
{
    const struct batch *const list[] = {&r->rows};
    struct duck_conf conf = {.threads = 1}; /* which keeps the order */
    struct frame_feed *feed = NULL;
    struct duck *d = NULL;
    const char *sql;
    struct buf b;
    int rc = -1;

    if (r->expected >= 0 && (uint64_t)r->expected != r->rows.rows) {
        return err_set(e, ERR_MALFORMED,
                       "%zu rows came of %" PRId64 " that were told",
                       r->rows.rows, r->expected);
    }
    buf_init(&b, SQL_MAX);
    if (duck_open(&d, &conf, e) == 0 &&
        frame_feed(d, "came", list, 1, false, &feed, e) == 0 &&
        put_select(r, &b, e) == 0 && buf_text(&b, &sql, e) == 0) {
        rc = frame_query(d, sql, max_bytes, ret, e);
    }
    duck_close(d);
    frame_feed_free(feed);
    buf_release(&b);
    return rc;
}

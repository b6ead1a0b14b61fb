#include "lake/frame.h"

#include <string.h>

#include "core/mem.h"

struct frame_feed {
    struct duck_rows *sets;
    struct duck_column *columns;
};

static const enum duck_type to_duck[] = {
    [COL_INT32] = DUCK_INT32,         [COL_INT64] = DUCK_INT64,
    [COL_DOUBLE] = DUCK_DOUBLE,       [COL_TEXT] = DUCK_TEXT,
    [COL_TIMESTAMP] = DUCK_TIMESTAMP, [COL_DOUBLE_LIST] = DUCK_DOUBLE_LIST,
    [COL_TEXT_LIST] = DUCK_TEXT_LIST, [COL_POINT] = DUCK_POINT,
    [COL_BOOL] = DUCK_BOOL,
};

static const enum col_type from_duck[] = {
    [DUCK_INT32] = COL_INT32,         [DUCK_INT64] = COL_INT64,
    [DUCK_DOUBLE] = COL_DOUBLE,       [DUCK_TEXT] = COL_TEXT,
    [DUCK_TIMESTAMP] = COL_TIMESTAMP, [DUCK_DOUBLE_LIST] = COL_DOUBLE_LIST,
    [DUCK_TEXT_LIST] = COL_TEXT_LIST, [DUCK_POINT] = COL_POINT,
    [DUCK_BOOL] = COL_BOOL,
};

/* --- out of DuckDB ----------------------------------------------------------- */

static int keep_name(struct frame *f, const char *name, const char **ret,
                     struct err *e)
{
    char *copy = mem_text(name, strlen(name));

    if (copy == NULL) {
        return err_nomem(e, strlen(name));
    }
    f->names[f->nnames++] = copy;
    *ret = copy;
    return 0;
}

static int describe(struct frame *f, const struct duck_result *r, struct err *e)
{
    size_t n = duck_columns(r);

    if (n == 0) {
        return err_set(e, ERR_INVALID, "the statement gives no columns");
    }
    f->defs = mem_zero(n, sizeof(*f->defs));
    f->names = mem_zero(3 * n, sizeof(*f->names));
    if (f->defs == NULL || f->names == NULL) {
        return err_nomem(e, 3 * n * sizeof(*f->names));
    }
    for (size_t i = 0; i < n; i++) {
        struct col_def *def = &f->defs[i];

        def->type = from_duck[duck_column_type(r, i)];
        def->date = duck_column_is_date(r, i);
        if (keep_name(f, duck_column_name(r, i), &def->name, e) < 0) {
            return -1;
        }
        for (int k = 0; k < 2 && def->type == COL_POINT; k++) {
            if (keep_name(f, duck_column_field(r, i, k), &def->fields[k], e) <
                0) {
                return -1;
            }
        }
    }
    return batch_init(&f->rows, f->defs, n, e);
}

/* Look at rows of DuckDB as at a batch of the frame's columns. */
static void view(const struct duck_rows *rows, struct column *cols,
                 const struct frame *f, struct batch *ret)
{
    for (size_t i = 0; i < rows->ncolumns; i++) {
        const struct duck_column *c = &rows->columns[i];

        cols[i] = (struct column){
            .valid = c->valid,
            .fixed.any = c->fixed,
            .end = c->end,
            .bytes = c->bytes,
            .doubles = c->doubles,
            .item_end = c->item_end,
            .filled = rows->rows,
        };
    }
    *ret = (struct batch){.defs = f->defs,
                          .columns = rows->ncolumns,
                          .cols = cols,
                          .rows = rows->rows,
                          .rows_cap = rows->rows};
}

/* Read on until the frame holds `rows` rows or there are no more. */
static int fetch(struct duck_result *r, struct frame *f, size_t rows,
                 size_t max_bytes, struct err *e)
{
    struct column *cols = mem_zero(f->rows.columns, sizeof(*cols));
    int rc = -1;

    if (cols == NULL) {
        return err_nomem(e, f->rows.columns * sizeof(*cols));
    }
    while (f->rows.rows < rows) {
        struct duck_rows some;
        struct batch b;

        if (duck_next(r, &some, e) < 0) {
            goto out;
        }
        if (some.rows == 0) {
            break;
        }
        view(&some, cols, f, &b);
        if (batch_append(&f->rows, &b, 0, b.rows, e) < 0) {
            goto out;
        }
        if (f->rows.bytes > max_bytes) {
            err_set(e, ERR_LIMIT,
                    "the answer is larger than %zu bytes after %zu rows; "
                    "ask for fewer",
                    max_bytes, f->rows.rows);
            goto out;
        }
    }
    rc = 0;
out:
    mem_free(cols);
    return rc;
}

void frame_release(struct frame *f)
{
    if (f->rows.cols != NULL) {
        batch_release(&f->rows);
    }
    for (size_t i = 0; i < f->nnames; i++) {
        mem_free(f->names[i]);
    }
    mem_free(f->names);
    mem_free(f->defs);
    memset(f, 0, sizeof(*f));
}

/* Run a query; *f has its columns and no rows, *ret gives them.  On failure
 * *ret is NULL. */
static int start(struct duck *d, const char *sql, struct frame *f,
                 struct duck_result **ret, struct err *e)
{
    if (duck_query(d, sql, ret, e) < 0) {
        *ret = NULL;
        return -1;
    }
    return describe(f, *ret, e);
}

int frame_query(struct duck *d, const char *sql, size_t max_bytes,
                struct frame *ret, struct err *e)
{
    struct frame f = {0};
    struct duck_result *r;
    int rc = start(d, sql, &f, &r, e);

    if (rc == 0) {
        rc = fetch(r, &f, SIZE_MAX, max_bytes, e);
    }
    duck_result_free(r);
    if (rc < 0) {
        frame_release(&f);
        return -1;
    }
    *ret = f;
    return 0;
}

int frame_each(struct duck *d, const char *sql, size_t rows, frame_fn fn,
               void *arg, struct err *e)
{
    struct frame f = {0};
    struct duck_result *r;
    int rc = start(d, sql, &f, &r, e);

    while (rc == 0) {
        batch_clear(&f.rows);
        rc = fetch(r, &f, rows, SIZE_MAX, e);
        if (rc < 0 || f.rows.rows == 0) {
            break;
        }
        rc = fn(arg, &f.rows, e);
    }
    duck_result_free(r);
    frame_release(&f);
    return rc;
}

/* --- into DuckDB --------------------------------------------------------------- */

static void borrow(const struct batch *b, bool zoneless,
                   struct duck_column *columns, struct duck_rows *ret)
{
    for (size_t i = 0; i < b->columns; i++) {
        const struct col_def *def = &b->defs[i];
        const struct column *c = &b->cols[i];

        columns[i] = (struct duck_column){
            .name = def->name,
            .type = to_duck[def->type],
            .zoneless = zoneless,
            .fields = {def->fields[0], def->fields[1]},
            .valid = c->valid,
            .fixed = c->fixed.any,
            .end = c->end,
            .bytes = c->bytes,
            .doubles = c->doubles,
            .item_end = c->item_end,
        };
    }
    *ret = (struct duck_rows){columns, b->columns, b->rows};
}

int frame_feed(struct duck *d, const char *name,
               const struct batch *const *batches, size_t n, bool zoneless,
               struct frame_feed **ret, struct err *e)
{
    struct frame_feed *f = mem_zero(1, sizeof(*f));
    size_t columns = batches[0]->columns;

    if (f == NULL) {
        return err_nomem(e, sizeof(*f));
    }
    f->sets = mem_zero(n, sizeof(*f->sets));
    f->columns = mem_zero(n * columns, sizeof(*f->columns));
    if (f->sets == NULL || f->columns == NULL) {
        frame_feed_free(f);
        return err_nomem(e, n * columns * sizeof(*f->columns));
    }
    for (size_t i = 0; i < n; i++) {
        assert(batches[i]->columns == columns);
        borrow(batches[i], zoneless, f->columns + i * columns, &f->sets[i]);
    }
    if (duck_feed(d, name, f->sets, n, e) < 0) {
        frame_feed_free(f);
        return -1;
    }
    *ret = f;
    return 0;
}

void frame_feed_free(struct frame_feed *f)
{
    if (f == NULL) {
        return;
    }
    mem_free(f->sets);
    mem_free(f->columns);
    mem_free(f);
}

int frame_append(struct duck *d, const char *table, const struct batch *b,
                 struct err *e)
{
    struct duck_column *columns = mem_zero(b->columns, sizeof(*columns));
    struct duck_rows rows;
    int rc;

    if (columns == NULL) {
        return err_nomem(e, b->columns * sizeof(*columns));
    }
    borrow(b, false, columns, &rows);
    rc = duck_append(d, table, &rows, e);
    mem_free(columns);
    return rc;
}

int frame_type_sql(struct buf *b, const struct col_def *def, struct err *e)
{
    static const char *const names[] = {
        [COL_INT32] = "INTEGER",         [COL_INT64] = "BIGINT",
        [COL_DOUBLE] = "DOUBLE",         [COL_TEXT] = "VARCHAR",
        [COL_TIMESTAMP] = "TIMESTAMPTZ", [COL_DOUBLE_LIST] = "DOUBLE[]",
        [COL_TEXT_LIST] = "VARCHAR[]",   [COL_BOOL] = "BOOLEAN",
    };

    if (def->type != COL_POINT) {
        return buf_puts(b, names[def->type], e);
    }
    if (buf_puts(b, "STRUCT(", e) < 0 ||
        duck_quote(b, slice_of(def->fields[0]), '"', e) < 0 ||
        buf_puts(b, " DOUBLE, ", e) < 0 ||
        duck_quote(b, slice_of(def->fields[1]), '"', e) < 0) {
        return -1;
    }
    return buf_puts(b, " DOUBLE)", e);
}

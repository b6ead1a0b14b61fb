#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "core/buf.h"
#include "core/mem.h"
#include "db/duck_view_int.h"

enum {
    SQL_MAX = 4096
};

/* One scan: which columns are wanted, and how far it is. */
struct scan {
    const struct duck_view *view;
    size_t *columns;
    size_t ncolumns;
    atomic_size_t next; /* row to hand out */
};

/* --- the table function ------------------------------------------------------ */

/*
 * DuckDB calls these with a handle of its own, through which our struct is
 * found by a function of the library, which is found through our struct: the
 * library is asked by name instead, and no global is needed.
 */
typedef void *(*extra_fn)(void *info);

static const struct duck_view *view_of(const char *function, void *info)
{
    extra_fn fn = NULL;

    duck_symbol(function, &fn, sizeof(fn));
    return fn(info);
}

static void feed_bind(duckdb_bind_info info)
{
    const struct duck_view *view = view_of("duckdb_bind_get_extra_info", info);
    const struct duck_api *api = &view->d->api;

    for (size_t i = 0; i < duck_view_columns(view); i++) {
        const struct duck_column *c = duck_view_column(view, i);
        duckdb_logical_type t = duck_type_make(api, c);

        api->bind_add_result_column(info, c->name, t);
        api->destroy_logical_type(&t);
    }
    api->bind_set_cardinality(info, view->total, true);
}

static void scan_free(void *p)
{
    struct scan *scan = p;

    mem_free(scan->columns);
    mem_free(scan);
}

static void feed_init(duckdb_init_info info)
{
    const struct duck_view *view = view_of("duckdb_init_get_extra_info", info);
    const struct duck_api *api = &view->d->api;
    struct scan *scan = mem_zero(1, sizeof(*scan));

    if (scan != NULL) {
        scan->view = view;
        scan->ncolumns = api->init_get_column_count(info);
        scan->columns = mem_zero(scan->ncolumns + 1, sizeof(*scan->columns));
    }
    if (scan == NULL || scan->columns == NULL) {
        api->init_set_error(info, "out of memory");
        mem_free(scan);
        return;
    }
    for (size_t i = 0; i < scan->ncolumns; i++) {
        scan->columns[i] = api->init_get_column_index(info, i);
    }
    atomic_init(&scan->next, 0);
    api->init_set_init_data(info, scan, scan_free);
    api->init_set_max_threads(info, (idx_t)view->d->threads);
}

/* Add rows [at, at + n) of a column, over as many sets as they lie in. */
static bool put_rows(const struct duck_view *view, struct duck_into *to,
                     size_t col, size_t at, size_t n)
{
    size_t s = 0;
    size_t above = view->n;

    /* the last set that begins at or before the row */
    while (above - s > 1) {
        size_t middle = s + (above - s) / 2;

        if (view->first[middle] <= at) {
            s = middle;
        } else {
            above = middle;
        }
    }
    for (; n > 0; s++) {
        const struct duck_rows *set = &view->sets[s];
        size_t from = at - view->first[s];
        size_t some = set->rows - from < n ? set->rows - from : n;

        if (!duck_vector_put(to, &set->columns[col], from, some)) {
            return false;
        }
        at += some;
        n -= some;
    }
    return true;
}

static bool fill(const struct scan *scan, duckdb_data_chunk chunk, size_t at,
                 size_t n)
{
    const struct duck_view *view = scan->view;
    const struct duck_api *api = &view->d->api;

    for (size_t i = 0; i < scan->ncolumns; i++) {
        struct duck_into to = {.api = api,
                               .v = api->data_chunk_get_vector(chunk, i)};
        size_t col = scan->columns[i];

        /* a scan that needs no column asks for the row number */
        if (col < duck_view_columns(view) &&
            !(view->joined != NULL
                  ? duck_joined_put(view->joined, &to, col, at, n)
                  : put_rows(view, &to, col, at, n))) {
            return false;
        }
    }
    return true;
}

static void feed_run(duckdb_function_info info, duckdb_data_chunk chunk)
{
    extra_fn init_data = NULL;
    struct scan *scan;
    const struct duck_api *api;
    size_t step;
    size_t at;
    size_t n;

    duck_symbol("duckdb_function_get_init_data", &init_data, sizeof(init_data));
    scan = init_data(info);
    api = &scan->view->d->api;
    step = api->vector_size();
    at = atomic_fetch_add(&scan->next, step);
    n = at < scan->view->total ? scan->view->total - at : 0;
    n = n < step ? n : step;
    if (n > 0 && !fill(scan, chunk, at, n)) {
        api->function_set_error(info, "text that is not UTF-8");
        n = 0;
    }
    atomic_fetch_add(&scan->view->d->copied, 1);
    api->data_chunk_set_size(chunk, n);
}

static int register_view(struct duck *d, struct duck_view *view,
                         const char *function, struct err *e)
{
    duckdb_table_function f = d->api.create_table_function();
    int rc = 0;

    d->api.table_function_set_name(f, function);
    d->api.table_function_set_extra_info(f, view, NULL);
    d->api.table_function_set_bind(f, feed_bind);
    d->api.table_function_set_init(f, feed_init);
    d->api.table_function_set_function(f, feed_run);
    d->api.table_function_supports_projection_pushdown(f, true);
    if (d->api.register_table_function(d->con, f) != DuckDBSuccess) {
        rc =
            err_set(e, ERR_IO, "could not register rows as \"%s\"", view->name);
    }
    d->api.destroy_table_function(&f);
    return rc;
}

static int make_view(struct duck *d, const char *name, const char *function,
                     struct err *e)
{
    const char *sql;
    struct buf b;
    int rc = -1;

    buf_init(&b, SQL_MAX);
    if (buf_puts(&b, "CREATE OR REPLACE TEMP VIEW ", e) == 0 &&
        duck_quote(&b, slice_of(name), '"', e) == 0 &&
        buf_putf(&b, e, " AS FROM %s()", function) == 0 &&
        buf_text(&b, &sql, e) == 0 && duck_run(d, sql, e) == 0) {
        rc = 0;
    }
    buf_release(&b);
    return rc;
}

int duck_view_add(struct duck *d, struct duck_view *view, const char *name,
                  struct err *e)
{
    char function[32];

    /* functions cannot be replaced, so each feeding makes one more; they and
     * what they point to go when the database is closed */
    view->d = d;
    view->next = d->views;
    d->views = view;
    view->name = mem_text(name, strlen(name));
    if (view->name == NULL) {
        return err_nomem(e, strlen(name));
    }
    (void)snprintf(function, sizeof(function), "pinline_feed_%u", d->fed++);
    if (register_view(d, view, function, e) < 0) {
        return -1;
    }
    return make_view(d, name, function, e);
}

int duck_feed(struct duck *d, const char *name, const struct duck_rows *sets,
              size_t n, struct err *e)
{
    struct duck_view *view = mem_zero(1, sizeof(*view));
    size_t *first = mem_zero(n, sizeof(*first));

    assert(n > 0);
    if (view == NULL || first == NULL) {
        mem_free(view);
        mem_free(first);
        return err_nomem(e, n * sizeof(*first));
    }
    view->sets = sets;
    view->n = n;
    view->first = first;
    for (size_t i = 0; i < n; i++) {
        first[i] = view->total;
        view->total += sets[i].rows;
    }
    return duck_view_add(d, view, name, e);
}

void duck_views_free(struct duck *d)
{
    while (d->views != NULL) {
        struct duck_view *next = d->views->next;

        duck_joined_free(d->views->joined);
        duck_index_free(d->views->index);
        mem_free(d->views->first);
        mem_free(d->views->name);
        mem_free(d->views);
        d->views = next;
    }
}

/* --- appending ---------------------------------------------------------------- */

static int append_chunks(struct duck *d, duckdb_appender a,
                         duckdb_data_chunk chunk, const struct duck_rows *rows,
                         struct err *e)
{
    size_t step = d->api.vector_size();

    for (size_t at = 0; at < rows->rows; at += step) {
        size_t n = rows->rows - at < step ? rows->rows - at : step;

        d->api.data_chunk_reset(chunk);
        for (size_t i = 0; i < rows->ncolumns; i++) {
            struct duck_into to = {.api = &d->api,
                                   .v = d->api.data_chunk_get_vector(chunk, i)};

            if (!duck_vector_put(&to, &rows->columns[i], at, n)) {
                return err_set(e, ERR_INVALID,
                               "column \"%s\" holds text that is not UTF-8",
                               rows->columns[i].name);
            }
        }
        d->api.data_chunk_set_size(chunk, n);
        if (d->api.append_data_chunk(a, chunk) != DuckDBSuccess) {
            return duck_fail(d, d->api.appender_error(a), e);
        }
    }
    /* destroying alone would throw the reason away */
    if (d->api.appender_close(a) != DuckDBSuccess) {
        return duck_fail(d, d->api.appender_error(a), e);
    }
    return 0;
}

int duck_append(struct duck *d, const char *table, const struct duck_rows *rows,
                struct err *e)
{
    duckdb_logical_type *types = mem_zero(rows->ncolumns, sizeof(*types));
    duckdb_appender a = NULL;
    duckdb_data_chunk chunk = NULL;
    int rc = -1;

    if (types == NULL) {
        return err_nomem(e, rows->ncolumns * sizeof(*types));
    }
    for (size_t i = 0; i < rows->ncolumns; i++) {
        types[i] = duck_type_make(&d->api, &rows->columns[i]);
    }
    if (d->api.appender_create(d->con, NULL, table, &a) != DuckDBSuccess) {
        duck_fail(d, d->api.appender_error(a), e);
        goto out;
    }
    chunk = d->api.create_data_chunk(types, rows->ncolumns);
    if (chunk == NULL) {
        err_nomem(e, rows->ncolumns);
        goto out;
    }
    rc = append_chunks(d, a, chunk, rows, e);
out:
    if (chunk != NULL) {
        d->api.destroy_data_chunk(&chunk);
    }
    if (a != NULL) {
        (void)d->api.appender_destroy(&a);
    }
    for (size_t i = 0; i < rows->ncolumns; i++) {
        d->api.destroy_logical_type(&types[i]);
    }
    mem_free(types);
    return rc;
}

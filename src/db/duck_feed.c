#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "core/buf.h"
#include "core/mem.h"
#include "core/text.h"
#include "db/duck_int.h"

enum {
    SQL_MAX = 4096,
    TYPE_FIELDS = 2
};

/* What the table function of one fed name reads. */
struct duck_view {
    struct duck_view *next;
    struct duck *d;
    char *name;
    const struct duck_rows *sets;
    size_t n;
    size_t total;
};

/* One scan: which columns are wanted, and how far it is. */
struct scan {
    const struct duck_view *view;
    size_t *columns;
    size_t ncolumns;
    atomic_size_t next; /* row to hand out, counted over all sets */
};

static duckdb_type plain_type(enum duck_type t)
{
    switch (t) {
    case DUCK_INT32:
        return DUCKDB_TYPE_INTEGER;
    case DUCK_INT64:
        return DUCKDB_TYPE_BIGINT;
    case DUCK_TIMESTAMP:
        return DUCKDB_TYPE_TIMESTAMP_TZ;
    case DUCK_BOOL:
        return DUCKDB_TYPE_BOOLEAN;
    case DUCK_TEXT:
    case DUCK_TEXT_LIST:
        return DUCKDB_TYPE_VARCHAR;
    case DUCK_DOUBLE:
    case DUCK_DOUBLE_LIST:
    case DUCK_POINT:
        break;
    }
    return DUCKDB_TYPE_DOUBLE;
}

duckdb_logical_type duck_type_make(const struct duck_api *api,
                                   const struct duck_column *c)
{
    duckdb_logical_type item = api->create_logical_type(plain_type(c->type));
    duckdb_logical_type whole = item;

    if (c->type == DUCK_TEXT_LIST || c->type == DUCK_DOUBLE_LIST) {
        whole = api->create_list_type(item);
    } else if (c->type == DUCK_POINT) {
        duckdb_logical_type types[TYPE_FIELDS] = {item, item};
        const char *names[TYPE_FIELDS] = {c->fields[0], c->fields[1]};

        whole = api->create_struct_type(types, names, TYPE_FIELDS);
    } else {
        return whole;
    }
    api->destroy_logical_type(&item);
    return whole;
}

/* --- values into vectors ---------------------------------------------------- */

static void fill_nulls(const struct duck_api *api, duckdb_vector v,
                       const uint8_t *valid, size_t n)
{
    uint64_t *bits = NULL;

    for (size_t i = 0; i < n; i++) {
        if (valid[i] != 0) {
            continue;
        }
        if (bits == NULL) {
            api->vector_ensure_validity_writable(v);
            bits = api->vector_get_validity(v);
        }
        bits[i / 64] &= ~(UINT64_C(1) << (i % 64));
    }
}

static bool fill_texts(const struct duck_api *api, duckdb_vector v,
                       const struct duck_column *c, size_t from, size_t n)
{
    uint64_t start = from > 0 ? c->end[from - 1] : 0;

    for (size_t i = 0; i < n; i++) {
        uint64_t end = c->end[from + i];
        struct slice s = {c->bytes + start, (size_t)(end - start)};

        start = end;
        if (c->valid[from + i] == 0) {
            continue;
        }
        if (!text_utf8_valid(s, NULL)) {
            return false;
        }
        api->unsafe_vector_assign_string_element_len(v, i, s.ptr, s.len);
    }
    return true;
}

static bool fill_list(const struct duck_api *api, duckdb_vector v,
                      const struct duck_column *c, size_t from, size_t n)
{
    uint64_t first = from > 0 ? c->end[from - 1] : 0;
    size_t items = (size_t)(c->end[from + n - 1] - first);
    duckdb_list_entry *at = api->vector_get_data(v);
    uint64_t start = first;
    duckdb_vector child;

    if (api->list_vector_reserve(v, items) != DuckDBSuccess ||
        api->list_vector_set_size(v, items) != DuckDBSuccess) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        uint64_t end = c->end[from + i];

        at[i] = (duckdb_list_entry){start - first, end - start};
        start = end;
    }
    child = api->list_vector_get_child(v);
    if (c->type == DUCK_DOUBLE_LIST) {
        if (items > 0) {
            memcpy(api->vector_get_data(child), c->doubles + first,
                   items * sizeof(double));
        }
        return true;
    }
    for (size_t k = 0; k < items; k++) {
        uint64_t a = first + k > 0 ? c->item_end[first + k - 1] : 0;
        struct slice s = {c->bytes + a, (size_t)(c->item_end[first + k] - a)};

        if (!text_utf8_valid(s, NULL)) {
            return false;
        }
        api->unsafe_vector_assign_string_element_len(child, k, s.ptr, s.len);
    }
    return true;
}

static void fill_points(const struct duck_api *api, duckdb_vector v,
                        const struct duck_column *c, size_t from, size_t n)
{
    for (idx_t k = 0; k < TYPE_FIELDS; k++) {
        duckdb_vector child = api->struct_vector_get_child(v, k);
        double *to = api->vector_get_data(child);

        for (size_t i = 0; i < n; i++) {
            to[i] = c->doubles[2 * (from + i) + k];
        }
        fill_nulls(api, child, c->valid + from, n);
    }
}

bool duck_vector_fill(const struct duck_api *api, duckdb_vector v,
                      const struct duck_column *c, size_t from, size_t n)
{
    static const size_t width[] = {
        [DUCK_INT32] = 4,     [DUCK_INT64] = 8, [DUCK_DOUBLE] = 8,
        [DUCK_TIMESTAMP] = 8, [DUCK_BOOL] = 1,
    };

    if (n == 0) {
        return true;
    }
    fill_nulls(api, v, c->valid + from, n);
    switch (c->type) {
    case DUCK_TEXT:
        return fill_texts(api, v, c, from, n);
    case DUCK_TEXT_LIST:
    case DUCK_DOUBLE_LIST:
        return fill_list(api, v, c, from, n);
    case DUCK_POINT:
        fill_points(api, v, c, from, n);
        return true;
    case DUCK_INT32:
    case DUCK_INT64:
    case DUCK_DOUBLE:
    case DUCK_TIMESTAMP:
    case DUCK_BOOL:
        memcpy(api->vector_get_data(v),
               (const char *)c->fixed + from * width[c->type],
               n * width[c->type]);
        return true;
    }
    return true;
}

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

    for (size_t i = 0; i < view->sets[0].ncolumns; i++) {
        const struct duck_column *c = &view->sets[0].columns[i];
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

/* Find the rows from the next number on: a set and the place in it. */
static size_t take(struct scan *scan, size_t step, size_t *ret_set,
                   size_t *ret_from)
{
    const struct duck_view *view = scan->view;
    size_t at = atomic_fetch_add(&scan->next, step);

    /* a step is cut at the end of its set: sets are counted in whole steps */
    for (size_t s = 0; s < view->n; s++) {
        size_t rows = view->sets[s].rows;
        size_t whole = (rows + step - 1) / step * step;

        if (at < whole) {
            *ret_set = s;
            *ret_from = at;
            return rows - at < step ? rows - at : step;
        }
        at -= whole;
    }
    return 0;
}

static void feed_run(duckdb_function_info info, duckdb_data_chunk chunk)
{
    extra_fn init_data = NULL;
    struct scan *scan;
    const struct duck_api *api;
    size_t set = 0;
    size_t from = 0;
    size_t n;

    duck_symbol("duckdb_function_get_init_data", &init_data, sizeof(init_data));
    scan = init_data(info);
    api = &scan->view->d->api;
    n = take(scan, api->vector_size(), &set, &from);
    for (size_t i = 0; i < scan->ncolumns && n > 0; i++) {
        size_t col = scan->columns[i];
        const struct duck_column *columns = scan->view->sets[set].columns;

        /* a scan that needs no column asks for the row number */
        if (col >= scan->view->sets[set].ncolumns) {
            continue;
        }
        if (!duck_vector_fill(api, api->data_chunk_get_vector(chunk, i),
                              &columns[col], from, n)) {
            api->function_set_error(info, "text that is not UTF-8");
            n = 0;
        }
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

int duck_feed(struct duck *d, const char *name, const struct duck_rows *sets,
              size_t n, struct err *e)
{
    struct duck_view *view = mem_zero(1, sizeof(*view));
    char function[32];

    assert(n > 0);
    if (view == NULL) {
        return err_nomem(e, sizeof(*view));
    }
    view->d = d;
    view->sets = sets;
    view->n = n;
    for (size_t i = 0; i < n; i++) {
        view->total += sets[i].rows;
    }
    view->name = mem_text(name, strlen(name));
    if (view->name == NULL) {
        mem_free(view);
        return err_nomem(e, strlen(name));
    }
    /* functions cannot be replaced, so each feeding makes one more; they and
     * what they point to go when the database is closed */
    view->next = d->views;
    d->views = view;
    (void)snprintf(function, sizeof(function), "pinline_feed_%u", d->fed++);
    if (register_view(d, view, function, e) < 0) {
        return -1;
    }
    return make_view(d, name, function, e);
}

void duck_views_free(struct duck *d)
{
    while (d->views != NULL) {
        struct duck_view *next = d->views->next;

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
            if (!duck_vector_fill(&d->api,
                                  d->api.data_chunk_get_vector(chunk, i),
                                  &rows->columns[i], at, n)) {
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

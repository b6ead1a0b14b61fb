#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/mem.h"
#include "db/duck_out_int.h"

enum {
    DATE_MAX = 32 /* bytes that a date needs as text */
};

struct duck_result {
    struct duck *d;
    duckdb_result r;
    duckdb_prepared_statement stmt;
    duckdb_extracted_statements all;
    struct duck_out *outs;
    struct duck_column *view;
    size_t n;
    bool have;  /* r is to be destroyed */
    bool watch; /* the watch runs */
    bool done;  /* all rows were given; asking DuckDB again is an error */
};

/* --- room ----------------------------------------------------------------- */

static int grow(void **p, size_t *cap, size_t need, size_t size, struct err *e)
{
    size_t more = *cap * 2 > need ? *cap * 2 : need;
    void *q;

    if (need <= *cap) {
        return 0;
    }
    q = mem_resize(*p, more, size);
    if (q == NULL) {
        return err_nomem(e, more * size);
    }
    *p = q;
    *cap = more;
    return 0;
}

static int room_for_rows(struct duck_out *o, size_t rows, struct err *e)
{
    size_t cap = o->rows_cap;
    struct {
        void **p;
        size_t size;
    } const parts[] = {
        {(void **)&o->c.valid, 1},
        {&o->c.fixed, 8},
        {(void **)&o->c.end, 8},
    };

    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        cap = o->rows_cap;
        if (grow(parts[i].p, &cap, rows, parts[i].size, e) < 0) {
            return -1;
        }
    }
    o->rows_cap = cap;
    return 0;
}

static int add_bytes(struct duck_out *o, const char *s, size_t n, struct err *e)
{
    void *p = o->c.bytes;

    if (grow(&p, &o->bytes_cap, o->bytes_len + n + 1, 1, e) < 0) {
        return -1;
    }
    o->c.bytes = p;
    memcpy(o->c.bytes + o->bytes_len, s, n);
    o->bytes_len += n;
    return 0;
}

static int room_for_items(struct duck_out *o, size_t items, struct err *e)
{
    void *d = o->c.doubles;
    void *x = o->c.item_end;
    size_t cap = o->items_cap;

    if (grow(&d, &cap, items, sizeof(double), e) < 0) {
        return -1;
    }
    o->c.doubles = d;
    cap = o->items_cap;
    if (grow(&x, &cap, items, sizeof(uint64_t), e) < 0) {
        return -1;
    }
    o->c.item_end = x;
    o->items_cap = cap;
    return 0;
}

/* --- values --------------------------------------------------------------- */

static bool bit(const uint64_t *validity, size_t i)
{
    return validity == NULL || (validity[i / 64] >> (i % 64) & 1) != 0;
}

static struct slice string_at(const duckdb_string_t *s)
{
    uint32_t n = s->value.inlined.length;

    return (struct slice){
        n <= 12 ? s->value.inlined.inlined : s->value.pointer.ptr, n};
}

/* A whole number of any width; false when it does not fit into 64 bits. */
static bool integer_at(duckdb_type t, const void *data, size_t i, int64_t *ret)
{
    duckdb_hugeint h;

    switch ((int)t) {
    case DUCKDB_TYPE_SQLNULL:
        *ret = 0;
        return true;
    case DUCKDB_TYPE_TINYINT:
        *ret = (int)((const int8_t *)data)[i];
        return true;
    case DUCKDB_TYPE_UTINYINT:
        *ret = ((const uint8_t *)data)[i];
        return true;
    case DUCKDB_TYPE_SMALLINT:
        *ret = ((const int16_t *)data)[i];
        return true;
    case DUCKDB_TYPE_USMALLINT:
        *ret = ((const uint16_t *)data)[i];
        return true;
    case DUCKDB_TYPE_INTEGER:
        *ret = ((const int32_t *)data)[i];
        return true;
    case DUCKDB_TYPE_UINTEGER:
        *ret = ((const uint32_t *)data)[i];
        return true;
    case DUCKDB_TYPE_UBIGINT:
        *ret = (int64_t)((const uint64_t *)data)[i];
        return *ret >= 0;
    case DUCKDB_TYPE_HUGEINT:
        h = ((const duckdb_hugeint *)data)[i];
        *ret = (int64_t)h.lower;
        return h.upper == (*ret < 0 ? -1 : 0);
    default:
        *ret = ((const int64_t *)data)[i];
        return true;
    }
}

static double double_at(duckdb_type t, const void *data, size_t i)
{
    int64_t v = 0;

    if (t == DUCKDB_TYPE_DOUBLE) {
        return ((const double *)data)[i];
    }
    if (t == DUCKDB_TYPE_FLOAT) {
        return (double)((const float *)data)[i];
    }
    if (t == DUCKDB_TYPE_HUGEINT) {
        const duckdb_hugeint h = ((const duckdb_hugeint *)data)[i];

        return (double)h.upper * 18446744073709551616.0 + (double)h.lower;
    }
    (void)integer_at(t, data, i, &v);
    return (double)v;
}

static int put_integer(struct duck_out *o, const void *data, size_t i,
                       struct err *e)
{
    duckdb_type t = o->from == DUCKDB_TYPE_DECIMAL ? o->inner : o->from;
    int64_t v;

    if (!integer_at(t, data, i, &v)) {
        return err_set(e, ERR_LIMIT,
                       "a value of column \"%s\" does not fit into 64 bits; "
                       "cast it to double",
                       o->c.name);
    }
    switch ((int)o->from) {
    case DUCKDB_TYPE_TIMESTAMP_S:
        v *= 1000000;
        break;
    case DUCKDB_TYPE_TIMESTAMP_MS:
        v *= 1000;
        break;
    case DUCKDB_TYPE_TIMESTAMP_NS:
        v = v / 1000 - (v % 1000 < 0 ? 1 : 0);
        break;
    default:
        break;
    }
    if (o->c.type == DUCK_INT32) {
        ((int32_t *)o->c.fixed)[i] = (int32_t)v;
    } else {
        ((int64_t *)o->c.fixed)[i] = v;
    }
    return 0;
}

static int put_text(struct duck_result *r, struct duck_out *o, const void *data,
                    size_t i, struct err *e)
{
    const struct duck_api *api = &r->d->api;
    int64_t v = 0;

    if (o->from == DUCKDB_TYPE_DATE) {
        duckdb_date_struct t = api->from_date(((const duckdb_date *)data)[i]);
        char text[DATE_MAX];
        int n = snprintf(text, sizeof(text), "%04d-%02d-%02d", (int)t.year,
                         (int)t.month, (int)t.day);

        return add_bytes(o, text, n > 0 ? (size_t)n : 0, e);
    }
    if (o->from == DUCKDB_TYPE_ENUM) {
        char *text;
        int rc;

        (void)integer_at(o->inner, data, i, &v);
        text = api->enum_dictionary_value(o->logical, (idx_t)v);
        if (text == NULL) {
            return err_nomem(e, 1);
        }
        rc = add_bytes(o, text, strlen(text), e);
        api->free(text);
        return rc;
    }
    {
        struct slice s = string_at((const duckdb_string_t *)data + i);

        return add_bytes(o, s.ptr, s.len, e);
    }
}

/* The items of one list; a NULL among them fails. */
static int put_list(struct duck_result *r, struct duck_out *o, duckdb_vector v,
                    size_t i, struct err *e)
{
    const struct duck_api *api = &r->d->api;
    const duckdb_list_entry at =
        ((const duckdb_list_entry *)api->vector_get_data(v))[i];
    duckdb_vector child = api->list_vector_get_child(v);
    const void *data = api->vector_get_data(child);
    const uint64_t *validity = api->vector_get_validity(child);

    if (room_for_items(o, o->items + at.length + 1, e) < 0) {
        return -1;
    }
    for (size_t k = at.offset; k < at.offset + at.length; k++) {
        if (!bit(validity, k)) {
            return err_set(e, ERR_UNAVAILABLE,
                           "column \"%s\" has a NULL inside a list", o->c.name);
        }
        if (o->c.type == DUCK_TEXT_LIST) {
            struct slice s = string_at((const duckdb_string_t *)data + k);

            if (add_bytes(o, s.ptr, s.len, e) < 0) {
                return -1;
            }
            o->c.item_end[o->items] = o->bytes_len;
        } else {
            o->c.doubles[o->items] = double_at(o->inner, data, k);
        }
        o->items++;
    }
    return 0;
}

static int put_point(struct duck_result *r, struct duck_out *o, duckdb_vector v,
                     size_t i, struct err *e)
{
    const struct duck_api *api = &r->d->api;

    if (room_for_items(o, 2 * i + 2, e) < 0) {
        return -1;
    }
    for (idx_t k = 0; k < 2; k++) {
        const double *data =
            api->vector_get_data(api->struct_vector_get_child(v, k));

        o->c.doubles[2 * i + k] = data[i];
    }
    return 0;
}

static int put_value(struct duck_result *r, struct duck_out *o, duckdb_vector v,
                     size_t i, struct err *e)
{
    const void *data = r->d->api.vector_get_data(v);

    switch (o->c.type) {
    case DUCK_INT32:
    case DUCK_INT64:
    case DUCK_TIMESTAMP:
        return put_integer(o, data, i, e);
    case DUCK_DOUBLE:
        ((double *)o->c.fixed)[i] =
            o->from == DUCKDB_TYPE_DECIMAL
                ? double_at(o->inner, data, i) / pow(10, o->scale)
                : double_at(o->from, data, i);
        return 0;
    case DUCK_BOOL:
        ((uint8_t *)o->c.fixed)[i] = ((const uint8_t *)data)[i] != 0;
        return 0;
    case DUCK_TEXT:
        return put_text(r, o, data, i, e);
    case DUCK_TEXT_LIST:
    case DUCK_DOUBLE_LIST:
        return put_list(r, o, v, i, e);
    case DUCK_POINT:
        return put_point(r, o, v, i, e);
    }
    return 0;
}

static int put_column(struct duck_result *r, struct duck_out *o,
                      duckdb_vector v, size_t rows, struct err *e)
{
    const uint64_t *validity = r->d->api.vector_get_validity(v);

    o->bytes_len = 0;
    o->items = 0;
    if (room_for_rows(o, rows, e) < 0 || add_bytes(o, "", 0, e) < 0 ||
        (o->c.type == DUCK_POINT && room_for_items(o, 2 * rows, e) < 0)) {
        return -1;
    }
    for (size_t i = 0; i < rows; i++) {
        bool valid = o->from != DUCKDB_TYPE_SQLNULL && bit(validity, i);

        o->c.valid[i] = valid;
        if (valid && put_value(r, o, v, i, e) < 0) {
            return -1;
        }
        o->c.end[i] = o->c.type == DUCK_TEXT ? o->bytes_len : o->items;
    }
    return 0;
}

/* --- the query ------------------------------------------------------------ */

static int prepare(struct duck_result *r, const char *sql, struct err *e)
{
    struct duck *d = r->d;
    idx_t n = d->api.extract_statements(d->con, sql, &r->all);
    duckdb_statement_type type;

    if (n == 0) {
        const char *why = d->api.extract_statements_error(r->all);

        return why != NULL && why[0] != '\0'
                   ? duck_fail(d, why, e)
                   : err_set(e, ERR_INVALID, "there is no statement to run");
    }
    if (n > 1) {
        return err_set(e, ERR_INVALID, "one statement at a time; here are %llu",
                       (unsigned long long)n);
    }
    if (d->api.prepare_extracted_statement(d->con, r->all, 0, &r->stmt) !=
        DuckDBSuccess) {
        return duck_fail(d, d->api.prepare_error(r->stmt), e);
    }
    type = d->api.prepared_statement_type(r->stmt);
    if (d->locked && type != DUCKDB_STATEMENT_TYPE_SELECT &&
        type != DUCKDB_STATEMENT_TYPE_EXPLAIN) {
        return err_set(e, ERR_DENIED, "only SELECT is allowed here");
    }
    return 0;
}

static int describe(struct duck_result *r, struct err *e)
{
    const struct duck_api *api = &r->d->api;

    r->n = api->column_count(&r->r);
    if (r->n == 0) {
        return 0;
    }
    r->outs = mem_zero(r->n, sizeof(*r->outs));
    r->view = mem_zero(r->n, sizeof(*r->view));
    if (r->outs == NULL || r->view == NULL) {
        return err_nomem(e, r->n * sizeof(*r->outs));
    }
    for (size_t i = 0; i < r->n; i++) {
        struct duck_out *o = &r->outs[i];

        o->c.name = api->column_name(&r->r, i);
        o->logical = api->column_logical_type(&r->r, i);
        if (!duck_out_find_type(api, o)) {
            return err_set(e, ERR_UNAVAILABLE,
                           "column \"%s\" has a type that is not supported; "
                           "cast it to text with ::VARCHAR",
                           o->c.name);
        }
    }
    return 0;
}

int duck_query(struct duck *d, const char *sql, struct duck_result **ret,
               struct err *e)
{
    struct duck_result *r = mem_zero(1, sizeof(*r));

    if (r == NULL) {
        return err_nomem(e, sizeof(*r));
    }
    r->d = d;
    if (duck_watch_start(d, e) < 0) {
        goto fail;
    }
    r->watch = true;
    if (prepare(r, sql, e) < 0) {
        goto fail;
    }
    r->have = true;
    if (d->api.execute_prepared_streaming(r->stmt, &r->r) != DuckDBSuccess) {
        duck_fail(d, d->api.result_error(&r->r), e);
        goto fail;
    }
    if (describe(r, e) < 0) {
        goto fail;
    }
    *ret = r;
    return 0;
fail:
    duck_result_free(r);
    return -1;
}

int duck_next(struct duck_result *r, struct duck_rows *ret, struct err *e)
{
    const struct duck_api *api = &r->d->api;
    duckdb_data_chunk chunk = r->done ? NULL : api->fetch_chunk(r->r);
    size_t rows;
    int rc = 0;

    if (chunk == NULL) {
        const char *why = api->result_error(&r->r);

        if (!r->done && (r->d->timed_out || r->d->interrupted ||
                         (why != NULL && why[0] != '\0'))) {
            return duck_fail(r->d, why, e);
        }
        r->done = true;
        *ret = (struct duck_rows){r->view, r->n, 0};
        return 0;
    }
    rows = api->data_chunk_get_size(chunk);
    for (size_t i = 0; i < r->n && rc == 0; i++) {
        rc = put_column(r, &r->outs[i], api->data_chunk_get_vector(chunk, i),
                        rows, e);
        r->view[i] = r->outs[i].c;
    }
    api->destroy_data_chunk(&chunk);
    if (rc == 0) {
        *ret = (struct duck_rows){r->view, r->n, rows};
    }
    return rc;
}

size_t duck_columns(const struct duck_result *r)
{
    return r->n;
}

const char *duck_column_name(const struct duck_result *r, size_t col)
{
    return r->outs[col].c.name;
}

enum duck_type duck_column_type(const struct duck_result *r, size_t col)
{
    return r->outs[col].c.type;
}

bool duck_column_is_date(const struct duck_result *r, size_t col)
{
    return r->outs[col].from == DUCKDB_TYPE_DATE;
}

const char *duck_column_field(const struct duck_result *r, size_t col, int i)
{
    return r->outs[col].field[i];
}

static void free_out(const struct duck_api *api, struct duck_out *o)
{
    if (o->logical != NULL) {
        api->destroy_logical_type(&o->logical);
    }
    api->free(o->field[0]);
    api->free(o->field[1]);
    mem_free(o->c.valid);
    mem_free(o->c.fixed);
    mem_free(o->c.end);
    mem_free(o->c.bytes);
    mem_free(o->c.doubles);
    mem_free(o->c.item_end);
}

/* A query whose rows were not all taken keeps its transaction open until the
 * next one begins, and what is registered in between would go with it. */
static void close_query(struct duck *d)
{
    duckdb_result r;

    (void)d->api.query(d->con, "SELECT 1", &r);
    d->api.destroy_result(&r);
}

void duck_result_free(struct duck_result *r)
{
    const struct duck_api *api;

    if (r == NULL) {
        return;
    }
    api = &r->d->api;
    for (size_t i = 0; r->outs != NULL && i < r->n; i++) {
        free_out(api, &r->outs[i]);
    }
    mem_free(r->outs);
    mem_free(r->view);
    if (r->have) {
        api->destroy_result(&r->r);
    }
    if (r->have && !r->done) {
        close_query(r->d);
    }
    if (r->stmt != NULL) {
        api->destroy_prepare(&r->stmt);
    }
    if (r->all != NULL) {
        api->destroy_extracted(&r->all);
    }
    if (r->watch) {
        duck_watch_stop(r->d);
    }
    mem_free(r);
}

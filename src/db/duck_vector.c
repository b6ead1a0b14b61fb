#include <string.h>

#include "core/text.h"
#include "db/duck_vector_int.h"

enum {
    TYPE_FIELDS = 2,
    INLINED = 12, /* bytes of a text that lie in its place itself */
    PREFIX = 4
};

static duckdb_type plain_type(const struct duck_column *c)
{
    switch (c->type) {
    case DUCK_INT32:
        return DUCKDB_TYPE_INTEGER;
    case DUCK_INT64:
        return DUCKDB_TYPE_BIGINT;
    case DUCK_TIMESTAMP:
        return c->zoneless ? DUCKDB_TYPE_TIMESTAMP : DUCKDB_TYPE_TIMESTAMP_TZ;
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
    duckdb_logical_type item = api->create_logical_type(plain_type(c));
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

static void put_null(const struct duck_api *api, duckdb_vector v, size_t at,
                     uint64_t **bits)
{
    if (*bits == NULL) {
        api->vector_ensure_validity_writable(v);
        *bits = api->vector_get_validity(v);
    }
    (*bits)[at / 64] &= ~(UINT64_C(1) << (at % 64));
}

static void put_nulls(const struct duck_api *api, duckdb_vector v, size_t at,
                      const uint8_t *valid, size_t n)
{
    const uint8_t *next = memchr(valid, 0, n);
    uint64_t *bits = NULL;

    while (next != NULL) {
        size_t i = (size_t)(next - valid);

        put_null(api, v, at + i, &bits);
        next = i + 1 < n ? memchr(next + 1, 0, n - i - 1) : NULL;
    }
}

/* The text stays where it is; short ones are copied into their place. */
static void put_text(duckdb_string_t *to, char *p, size_t n)
{
    char *in = to->value.inlined.inlined;

    to->value.inlined.length = (uint32_t)n;
    if (n > INLINED) {
        memcpy(to->value.pointer.prefix, p, PREFIX);
        to->value.pointer.ptr = p;
        return;
    }
    memset(in, 0, INLINED);
    /* copies of fixed sizes that overlap are no calls */
    if (n >= 8) {
        memcpy(in, p, 8);
        memcpy(in + n - 4, p + n - 4, 4);
    } else if (n >= 4) {
        memcpy(in, p, 4);
        memcpy(in + n - 4, p + n - 4, 4);
    } else {
        for (size_t i = 0; i < n; i++) {
            in[i] = p[i];
        }
    }
}

/* Are all of n texts in a row UTF-8?  Mostly all their bytes are, and none
 * begins within a character. */
static bool all_utf8(const struct duck_column *c, const uint64_t *end,
                     uint64_t start, const uint8_t *valid, size_t n)
{
    struct slice all = {c->bytes + start, (size_t)(end[n - 1] - start)};
    bool whole = all.len == 0 || text_utf8_valid(all, NULL);

    for (size_t i = 0; i < n; i++) {
        struct slice s = {c->bytes + start, (size_t)(end[i] - start)};

        start = end[i];
        if (s.len > 0 && whole) {
            whole = ((unsigned char)s.ptr[0] & 0xC0) != 0x80;
        }
        if (!whole && (valid == NULL || valid[i] != 0) &&
            !text_utf8_valid(s, NULL)) {
            return false;
        }
    }
    return true;
}

/* Texts of a column, or of its lists' items, which are never NULL. */
struct texts {
    const struct duck_column *c;
    const uint64_t *ends;
    const uint8_t *valid; /* or NULL */
};

static bool put_texts(const struct duck_api *api, duckdb_vector v, size_t at,
                      const struct texts *x, size_t from, size_t n)
{
    const uint8_t *valid = x->valid != NULL ? x->valid + from : NULL;
    duckdb_string_t *texts = api->vector_get_data(v);
    const struct duck_column *c = x->c;
    uint64_t start = from > 0 ? x->ends[from - 1] : 0;

    if (n == 0) {
        return true;
    }
    if (c->bytes == NULL) {
        memset(&texts[at], 0, n * sizeof(*texts));
        return true;
    }
    if (!all_utf8(c, x->ends + from, start, valid, n)) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        uint64_t end = x->ends[from + i];

        put_text(&texts[at + i], c->bytes + start, (size_t)(end - start));
        start = end;
    }
    return true;
}

static bool put_lists(struct duck_into *to, const struct duck_column *c,
                      size_t from, size_t n)
{
    uint64_t first = from > 0 ? c->end[from - 1] : 0;
    size_t items = (size_t)(c->end[from + n - 1] - first);
    uint64_t behind = to->items;
    duckdb_list_entry *at;
    uint64_t start = first;
    duckdb_vector child;

    if (to->api->list_vector_reserve(to->v, behind + items) != DuckDBSuccess ||
        to->api->list_vector_set_size(to->v, behind + items) != DuckDBSuccess) {
        return false;
    }
    at = to->api->vector_get_data(to->v);
    for (size_t i = 0; i < n; i++) {
        uint64_t end = c->end[from + i];

        at[to->at + i] =
            (duckdb_list_entry){behind + start - first, end - start};
        start = end;
    }
    to->items += items;
    child = to->api->list_vector_get_child(to->v);
    if (c->type == DUCK_TEXT_LIST) {
        struct texts x = {c, c->item_end, NULL};

        return put_texts(to->api, child, behind, &x, first, items);
    }
    if (items > 0) {
        memcpy((double *)to->api->vector_get_data(child) + behind,
               c->doubles + first, items * sizeof(double));
    }
    return true;
}

static void put_points(const struct duck_into *to, const struct duck_column *c,
                       size_t from, size_t n)
{
    for (idx_t k = 0; k < TYPE_FIELDS; k++) {
        duckdb_vector child = to->api->struct_vector_get_child(to->v, k);
        double *values = to->api->vector_get_data(child);

        for (size_t i = 0; i < n; i++) {
            values[to->at + i] = c->doubles[2 * (from + i) + k];
        }
        put_nulls(to->api, child, to->at, c->valid + from, n);
    }
}

static size_t width_of(enum duck_type t)
{
    return t == DUCK_INT32 ? 4 : t == DUCK_BOOL ? 1 : 8;
}

bool duck_vector_put(struct duck_into *to, const struct duck_column *c,
                     size_t from, size_t n)
{
    struct texts x = {c, c->end, c->valid};
    size_t width = width_of(c->type);
    bool ok = true;

    if (n == 0) {
        return true;
    }
    put_nulls(to->api, to->v, to->at, c->valid + from, n);
    switch (c->type) {
    case DUCK_TEXT:
        ok = put_texts(to->api, to->v, to->at, &x, from, n);
        break;
    case DUCK_TEXT_LIST:
    case DUCK_DOUBLE_LIST:
        ok = put_lists(to, c, from, n);
        break;
    case DUCK_POINT:
        put_points(to, c, from, n);
        break;
    case DUCK_INT32:
    case DUCK_INT64:
    case DUCK_DOUBLE:
    case DUCK_TIMESTAMP:
    case DUCK_BOOL:
        memcpy((char *)to->api->vector_get_data(to->v) + to->at * width,
               (const char *)c->fixed + from * width, n * width);
        break;
    }
    to->at += n;
    return ok;
}

/* --- rows from here and there -------------------------------------------------- */

bool duck_vector_picks(const struct duck_column *c)
{
    return c->type != DUCK_TEXT_LIST && c->type != DUCK_DOUBLE_LIST &&
           c->type != DUCK_POINT;
}

static bool pick_text(duckdb_string_t *to, const struct duck_column *c,
                      size_t row)
{
    uint64_t start = row > 0 ? c->end[row - 1] : 0;
    size_t len = (size_t)(c->end[row] - start);
    char *bytes = len > 0 ? c->bytes + start : NULL;

    put_text(to, bytes, len);
    return text_utf8_valid((struct slice){bytes, len}, NULL);
}

bool duck_vector_pick(struct duck_into *to, const struct duck_picks *p,
                      size_t col, size_t n)
{
    char *data = to->api->vector_get_data(to->v);
    enum duck_type type = p->sets[0].columns[col].type;
    size_t width = width_of(type);
    uint32_t mask = (UINT32_C(1) << p->shift) - 1;
    uint64_t *bits = NULL;

    for (size_t i = 0; i < n; i++) {
        size_t at = to->at + i;
        size_t row = p->refs[i] & mask;
        const struct duck_column *c =
            &p->sets[p->refs[i] >> p->shift].columns[col];

        if (c->valid[row] == 0) {
            put_null(to->api, to->v, at, &bits);
        } else if (type == DUCK_TEXT) {
            if (!pick_text((duckdb_string_t *)(void *)data + at, c, row)) {
                return false;
            }
        } else if (width == 8) {
            memcpy(data + at * 8, (const char *)c->fixed + row * 8, 8);
        } else if (width == 4) {
            memcpy(data + at * 4, (const char *)c->fixed + row * 4, 4);
        } else {
            data[at] = ((const char *)c->fixed)[row];
        }
    }
    to->at += n;
    return true;
}

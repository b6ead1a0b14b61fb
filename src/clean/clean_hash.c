#include "clean/clean_int.h"

/* Kinds of values; NULL is one.  Part of docs/format/dedup.md. */
enum tag {
    TAG_NULL = 1,
    TAG_INT,
    TAG_DOUBLE,
    TAG_TEXT,
    TAG_TIME,
    TAG_LIST,
    TAG_BOOL,
    TAG_OBJECT,
    TAG_NEGATIVE, /* raw records: a JSON integer below 0 */
};

static void put_texts(struct hash *h, const struct column *c, size_t row)
{
    uint64_t from = row > 0 ? c->end[row - 1] : 0;

    hash_put_u64(h, TAG_LIST, c->end[row] - from);
    for (uint64_t k = from; k < c->end[row]; k++) {
        uint64_t start = k > 0 ? c->item_end[k - 1] : 0;

        hash_put_bytes(
            h, TAG_TEXT,
            (struct slice){c->bytes + start, (size_t)(c->item_end[k] - start)});
    }
}

static void put_doubles(struct hash *h, const struct column *c, size_t row)
{
    uint64_t from = row > 0 ? c->end[row - 1] : 0;

    hash_put_u64(h, TAG_LIST, c->end[row] - from);
    for (uint64_t k = from; k < c->end[row]; k++) {
        hash_put_double(h, TAG_DOUBLE, c->doubles[k]);
    }
}

static void put_value(struct hash *h, const struct batch *b, size_t col,
                      size_t row)
{
    const struct column *c = &b->cols[col];

    if (c->valid[row] == 0) {
        hash_put_u64(h, TAG_NULL, 0);
        return;
    }
    switch (b->defs[col].type) {
    case COL_INT32:
        hash_put_u64(h, TAG_INT, (uint64_t)(int64_t)c->fixed.i32[row]);
        break;
    case COL_INT64:
        hash_put_u64(h, TAG_INT, (uint64_t)c->fixed.i64[row]);
        break;
    case COL_TIMESTAMP:
        hash_put_u64(h, TAG_TIME, (uint64_t)c->fixed.i64[row]);
        break;
    case COL_DOUBLE:
        hash_put_double(h, TAG_DOUBLE, c->fixed.f64[row]);
        break;
    case COL_TEXT:
        hash_put_bytes(h, TAG_TEXT, batch_text(b, col, row));
        break;
    case COL_DOUBLE_LIST:
        put_doubles(h, c, row);
        break;
    case COL_TEXT_LIST:
        put_texts(h, c, row);
        break;
    case COL_POINT:
        hash_put_double(h, TAG_DOUBLE, c->doubles[2 * row]);
        hash_put_double(h, TAG_DOUBLE, c->doubles[2 * row + 1]);
        break;
    case COL_BOOL:
        hash_put_u64(h, TAG_BOOL, c->fixed.b[row]);
        break;
    }
}

struct hash128 clean_row_hash(const struct spec_table *t,
                              const struct hash_key *key, const struct batch *b,
                              size_t row)
{
    struct hash h;

    hash_start(&h, key);
    if (t->ndedup_cols > 0) {
        for (size_t i = 0; i < t->ndedup_cols; i++) {
            put_value(&h, b, (size_t)t->dedup_cols[i], row);
        }
    } else {
        for (size_t i = 0; i < t->nvalues; i++) {
            put_value(&h, b, i, row);
        }
    }
    return hash_end(&h);
}

static void put_json(struct hash *h, yyjson_val *v)
{
    yyjson_val *x, *k;
    size_t i, n;

    switch (yyjson_get_type(v)) {
    case YYJSON_TYPE_STR:
    case YYJSON_TYPE_RAW:
        hash_put_bytes(
            h, TAG_TEXT,
            (struct slice){unsafe_yyjson_get_str(v), unsafe_yyjson_get_len(v)});
        break;
    case YYJSON_TYPE_NUM:
        if (yyjson_is_real(v)) {
            uint64_t bits; /* as it came: -0.0 is not 0.0 */

            memcpy(&bits, &v->uni, sizeof(bits));
            hash_put_u64(h, TAG_DOUBLE, bits);
        } else {
            hash_put_u64(h, yyjson_is_sint(v) ? TAG_NEGATIVE : TAG_INT,
                         unsafe_yyjson_get_uint(v));
        }
        break;
    case YYJSON_TYPE_BOOL:
        hash_put_u64(h, TAG_BOOL, yyjson_get_bool(v));
        break;
    case YYJSON_TYPE_ARR:
        hash_put_u64(h, TAG_LIST, yyjson_arr_size(v));
        yyjson_arr_foreach(v, i, n, x)
        {
            put_json(h, x);
        }
        break;
    case YYJSON_TYPE_OBJ:
        hash_put_u64(h, TAG_OBJECT, yyjson_obj_size(v));
        yyjson_obj_foreach(v, i, n, k, x)
        {
            put_json(h, k);
            put_json(h, x);
        }
        break;
    default: /* null, and what is not there */
        hash_put_u64(h, TAG_NULL, 0);
        break;
    }
}

/* Over the fields of the spec as they came. */
struct hash128 clean_raw_hash(const struct clean *c)
{
    struct hash h;

    hash_start(&h, &c->key);
    for (size_t i = 0; i < c->t->nfields; i++) {
        put_json(&h, c->vals[i]);
    }
    return hash_end(&h);
}

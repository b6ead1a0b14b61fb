#include "record/decode.h"

#include <stdlib.h>
#include <string.h>

#include "core/digest.h"
#include "core/mem.h"
#include "core/text.h"
#include "record/pyliteral.h"

enum {
    FIRST_RECORDS = 16,
};

struct decoder {
    struct slice keys[DECODE_KEYS_MAX];
    size_t nkeys;
    struct json_pool pool; /* every tree of the message at hand, but this: */
    struct json_flat flat;
    struct buf scratch; /* text on its way from base64 or Python */
    struct decoded *records;
    size_t n;
    size_t cap;
    bool too_large;
};

int decoder_new(struct decoder **ret, const char *const *keys, size_t nkeys,
                struct err *e)
{
    struct decoder *d;

    assert(nkeys > 0 && nkeys <= DECODE_KEYS_MAX);
    d = mem_zero(1, sizeof(*d));
    if (d == NULL) {
        return err_nomem(e, sizeof(*d));
    }
    for (size_t i = 0; i < nkeys; i++) {
        d->keys[i] = slice_of(keys[i]);
    }
    d->nkeys = nkeys;
    json_pool_init(&d->pool, DECODE_MEMORY_MAX);
    buf_init(&d->scratch, DECODE_MEMORY_MAX);
    *ret = d;
    return 0;
}

void decoder_free(struct decoder *d)
{
    if (d == NULL) {
        return;
    }
    json_pool_release(&d->pool);
    buf_release(&d->scratch);
    mem_free(d->records);
    mem_free(d);
}

static struct slice text_of(yyjson_val *v)
{
    return (struct slice){unsafe_yyjson_get_str(v), unsafe_yyjson_get_len(v)};
}

static int emit(struct decoder *d, const struct decoded *r, struct err *e)
{
    if (d->n == d->cap) {
        size_t cap = d->cap ? d->cap * 2 : FIRST_RECORDS;
        struct decoded *p = mem_resize(d->records, cap, sizeof(*p));

        if (p == NULL) {
            return err_nomem(e, cap * sizeof(*p));
        }
        d->records = p;
        d->cap = cap;
    }
    if (d->n == DECODE_RECORDS_MAX) {
        d->too_large = true;
        return 0;
    }
    d->records[d->n] = *r;
    d->records[d->n].sub = (int32_t)d->n;
    d->n++;
    return 0;
}

static int reject(struct decoder *d, enum decode_reject why, unsigned how,
                  struct err *e)
{
    return emit(d, &(struct decoded){.reject = why, .how = how}, e);
}

static bool has_key(const struct decoder *d, yyjson_val *o)
{
    size_t n = unsafe_yyjson_get_len(o);
    yyjson_val *k = unsafe_yyjson_get_first(o);

    for (size_t i = 0; i < n; i++) {
        struct slice name = text_of(k);

        for (size_t j = 0; j < d->nkeys; j++) {
            if (slice_eq(name, d->keys[j])) {
                return true;
            }
        }
        k = unsafe_yyjson_get_next(k + 1);
    }
    return false;
}

static int unwrap(struct decoder *d, yyjson_val *v, int level, unsigned how,
                  struct err *e);

static int unwrap_array(struct decoder *d, yyjson_val *a, int level,
                        unsigned how, bool records, struct err *e)
{
    size_t i;
    size_t n;
    yyjson_val *v;

    if (yyjson_arr_size(a) == 0) {
        return reject(d, DECODE_REJECT_NO_VALUE, how, e);
    }
    yyjson_arr_foreach(a, i, n, v)
    {
        yyjson_val *inner = records ? json_get(v, "value") : NULL;

        if (d->too_large) {
            break;
        }
        if (unwrap(d, inner ? inner : v, level, how, e) < 0) {
            return -1;
        }
    }
    return 0;
}

/* An object without the key: which of its members holds the record? */
static int unwrap_wrapper(struct decoder *d, yyjson_val *o, int level,
                          unsigned how, struct err *e)
{
    static const char *const names[] = {"records", "value", "Data", "data",
                                        "payload"};
    enum decode_reject why = DECODE_REJECT_NO_KEY;

    how |= 1u << DECODE_WRAPPER;
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        yyjson_val *v = json_get(o, names[i]);
        bool records = i == 0;

        if (yyjson_is_null(v)) {
            why = DECODE_REJECT_NO_VALUE;
        }
        if (records ? !yyjson_is_arr(v)
                    : !yyjson_is_ctn(v) && !yyjson_is_str(v)) {
            continue;
        }
        if (level == DECODE_DEPTH) {
            return reject(d, DECODE_REJECT_TOO_DEEP, how, e);
        }
        return records ? unwrap_array(d, v, level + 1, how, true, e)
                       : unwrap(d, v, level + 1, how, e);
    }
    return reject(d, why, how, e);
}

/*
 * Parse s into the pool.  *ret is NULL when it is not JSON, with *why; fails
 * only for want of memory.
 */
static int parse(struct decoder *d, struct slice s, yyjson_val **ret,
                 enum decode_reject *why, struct err *e)
{
    struct json_doc doc;
    struct err mine;

    *ret = NULL;
    if (json_parse(&doc, s, JSON_NUMBERS, &d->pool.alc, &mine) == 0) {
        *ret = doc.root;
        return 0;
    }
    if (mine.code == ERR_MALFORMED) {
        *why = DECODE_REJECT_NOT_JSON;
    } else if (mine.code == ERR_LIMIT) {
        *why = DECODE_REJECT_TOO_DEEP;
    } else if (d->pool.hit_max) {
        *why = DECODE_REJECT_TOO_LARGE;
        d->too_large = true;
    } else {
        if (e != NULL) {
            *e = mine;
        }
        return -1;
    }
    return 0;
}

/* Parse what a conversion left in the scratch buffer; rc is its outcome. */
static int parse_scratch(struct decoder *d, int rc, const struct err *mine,
                         yyjson_val **ret, enum decode_reject *why,
                         struct err *e)
{
    *ret = NULL;
    if (rc == 0) {
        return parse(d, buf_slice(&d->scratch), ret, why, e);
    }
    if (mine->code == ERR_NOMEM) {
        if (e != NULL) {
            *e = *mine;
        }
        return -1;
    }
    if (mine->code == ERR_LIMIT) {
        *why = DECODE_REJECT_TOO_DEEP;
    }
    return 0;
}

/* Text that is not JSON: base64 of JSON (not at the top) or Python. */
static int unwrap_odd_text(struct decoder *d, struct slice s, int level,
                           unsigned how, enum decode_reject why, struct err *e)
{
    enum decode_reject inner = why;
    struct err mine = {0};
    yyjson_val *v = NULL;
    int rc;

    if (level > 0) {
        buf_clear(&d->scratch);
        rc = digest_unbase64(slice_trim(s), &d->scratch, &mine);
        if (parse_scratch(d, rc, &mine, &v, &inner, e) < 0) {
            return -1;
        }
        if (v != NULL) {
            return unwrap(d, v, level, how | 1u << DECODE_BASE64, e);
        }
    }
    buf_clear(&d->scratch);
    rc = pyliteral_to_json(&d->scratch, s, &mine);
    if (parse_scratch(d, rc, &mine, &v, &why, e) < 0) {
        return -1;
    }
    if (v != NULL) {
        return unwrap(d, v, level, how | 1u << DECODE_PYTHON, e);
    }
    return reject(d, why, how, e);
}

static int unwrap_text(struct decoder *d, struct slice s, int level,
                       unsigned how, struct err *e)
{
    enum decode_reject why = DECODE_REJECT_NONE;
    yyjson_val *v;

    if (level == 0 && json_read_flat(s, &d->flat)) {
        return unwrap(d, d->flat.vals, level, how, e);
    }
    if (parse(d, s, &v, &why, e) < 0) {
        return -1;
    }
    if (v != NULL) {
        return unwrap(d, v, level,
                      level > 0 ? how | 1u << DECODE_JSON_TEXT : how, e);
    }
    if (why != DECODE_REJECT_NOT_JSON) {
        return reject(d, why, how, e);
    }
    if (level == 0 && !text_utf8_valid(s, NULL)) {
        return reject(d, DECODE_REJECT_NOT_UTF8, how, e);
    }
    return unwrap_odd_text(d, s, level, how, why, e);
}

/* level: how many wrappings were taken off. */
static int unwrap(struct decoder *d, yyjson_val *v, int level, unsigned how,
                  struct err *e)
{
    struct decoded r = {.object = v, .how = how};

    switch (unsafe_yyjson_get_type(v)) {
    case YYJSON_TYPE_OBJ:
        if (!has_key(d, v)) {
            return unwrap_wrapper(d, v, level, how, e);
        }
        r.how = how ? how : 1u << DECODE_PLAIN;
        return emit(d, &r, e);
    case YYJSON_TYPE_ARR:
        how |= 1u << DECODE_ARRAY;
        return level == DECODE_DEPTH
                   ? reject(d, DECODE_REJECT_TOO_DEEP, how, e)
                   : unwrap_array(d, v, level + 1, how, false, e);
    case YYJSON_TYPE_STR:
        return level == DECODE_DEPTH
                   ? reject(d, DECODE_REJECT_TOO_DEEP, how, e)
                   : unwrap_text(d, text_of(v), level + 1, how, e);
    case YYJSON_TYPE_NULL:
        return reject(d, DECODE_REJECT_NO_VALUE, how, e);
    default:
        return reject(d, DECODE_REJECT_NO_KEY, how, e);
    }
}

int decoder_decode(struct decoder *d, struct slice value, bool has_value,
                   struct decode_result *ret, struct err *e)
{
    unsigned how = 0;
    int rc;

    d->n = 0;
    d->too_large = false;
    json_pool_reset(&d->pool);
    if (!has_value) {
        rc = reject(d, DECODE_REJECT_NO_VALUE, 0, e);
    } else if (value.len > DECODE_BYTES_MAX) {
        rc = reject(d, DECODE_REJECT_TOO_LARGE, 0, e);
    } else {
        rc = unwrap_text(d, value, 0, 0, e);
    }
    if (rc == 0 && d->too_large) { /* all of it or nothing */
        d->n = 0;
        rc = reject(d, DECODE_REJECT_TOO_LARGE, 0, e);
    }
    if (rc < 0) {
        return -1;
    }
    for (size_t i = 0; i < d->n; i++) {
        how |= d->records[i].how;
    }
    *ret = (struct decode_result){d->records, d->n, how};
    return 0;
}

#include "json/json.h"

#include <string.h>

#include "core/mem.h"
#include "core/num.h"

static void *plain_malloc(void *ctx, size_t size)
{
    (void)ctx;
    return mem_resize(NULL, size, 1);
}

static void *plain_realloc(void *ctx, void *p, size_t old_size, size_t size)
{
    (void)ctx;
    (void)old_size;
    return mem_resize(p, size, 1);
}

static void plain_free(void *ctx, void *p)
{
    (void)ctx;
    mem_free(p);
}

static const yyjson_alc plain_alc = {plain_malloc, plain_realloc, plain_free,
                                     NULL};

static yyjson_read_flag read_flags(int flags)
{
    yyjson_read_flag f = (flags & JSON_NUMBERS) ? YYJSON_READ_BIGNUM_AS_RAW
                                                : YYJSON_READ_NUMBER_AS_RAW;

    return (flags & JSON_PREFIX) ? f | YYJSON_READ_STOP_WHEN_DONE : f;
}

/* Say where in words; columns count characters, as editors do. */
static int malformed(struct slice s, const yyjson_read_err *why, struct err *e)
{
    size_t pos = why->pos < s.len ? why->pos : s.len;
    size_t line = 1;
    size_t column = 1;

    if (why->code == YYJSON_READ_ERROR_MEMORY_ALLOCATION) {
        return err_nomem(e, s.len);
    }
    if (s.len == 0) {
        return err_set(e, ERR_MALFORMED, "cannot read JSON: it is empty");
    }
    for (size_t i = 0; i < pos; i++) {
        if (s.ptr[i] == '\n') {
            line++;
            column = 1;
        } else if (((unsigned char)s.ptr[i] & 0xC0) != 0x80) {
            column++;
        }
    }
    return err_set(e, ERR_MALFORMED,
                   "cannot read JSON at line %zu, column %zu (byte %zu): %s",
                   line, column, pos, why->msg);
}

/*
 * yyjson reads without recursion; those who walk the tree may recurse.  The
 * values stand in one array, so one pass with the open containers' ends on a
 * stack is enough; small documents cannot be deep.
 */
static bool too_deep(yyjson_doc *doc)
{
    yyjson_val *v = yyjson_doc_get_root(doc);
    yyjson_val *end;
    yyjson_val *open[JSON_DEPTH_MAX];
    size_t depth = 0;

    if (yyjson_doc_get_val_count(doc) <= JSON_DEPTH_MAX) {
        return false;
    }
    end = unsafe_yyjson_get_next(v);
    for (; v < end; v++) {
        while (depth > 0 && v >= open[depth - 1]) {
            depth--;
        }
        if (unsafe_yyjson_is_ctn(v)) {
            if (depth == JSON_DEPTH_MAX) {
                return true;
            }
            open[depth++] = unsafe_yyjson_get_next(v);
        }
    }
    return false;
}

int json_parse(struct json_doc *ret, struct slice s, int flags,
               const yyjson_alc *alc, struct err *e)
{
    yyjson_read_err why = {0};
    yyjson_doc *doc;
    union { /* yyjson writes only with READ_INSITU, which is never given */
        const char *in;
        char *out;
    } bytes = {s.ptr};

    doc = yyjson_read_opts(bytes.out, s.len, read_flags(flags),
                           alc ? alc : &plain_alc, &why);
    if (doc == NULL) {
        return malformed(s, &why, e);
    }
    if (too_deep(doc)) {
        yyjson_doc_free(doc);
        return err_set(e, ERR_LIMIT, "JSON nests deeper than %d levels",
                       JSON_DEPTH_MAX);
    }
    ret->doc = doc;
    ret->root = yyjson_doc_get_root(doc);
    ret->read = yyjson_doc_get_read_size(doc);
    return 0;
}

void json_release(struct json_doc *d)
{
    yyjson_doc_free(d->doc);
    *d = (struct json_doc){0};
}

bool json_given(yyjson_val *v)
{
    return v != NULL && !yyjson_is_null(v);
}

yyjson_val *json_get(yyjson_val *o, const char *key)
{
    size_t len = strlen(key);
    yyjson_val *found = NULL;
    yyjson_val *k;
    yyjson_val *v;
    size_t i;
    size_t n;

    yyjson_obj_foreach(o, i, n, k, v)
    {
        if (unsafe_yyjson_get_len(k) == len &&
            memcmp(unsafe_yyjson_get_str(k), key, len) == 0) {
            found = v;
        }
    }
    return found;
}

bool json_get_text(yyjson_val *o, const char *key, struct slice *ret)
{
    yyjson_val *v = json_get(o, key);

    if (!yyjson_is_str(v)) {
        return false;
    }
    *ret = (struct slice){unsafe_yyjson_get_str(v), unsafe_yyjson_get_len(v)};
    return true;
}

bool json_get_i64(yyjson_val *o, const char *key, int64_t *ret)
{
    yyjson_val *v = json_get(o, key);

    if (yyjson_is_raw(v)) {
        return num_i64(
            (struct slice){unsafe_yyjson_get_raw(v), unsafe_yyjson_get_len(v)},
            ret);
    }
    if (yyjson_is_sint(v) ||
        (yyjson_is_uint(v) && yyjson_get_uint(v) <= INT64_MAX)) {
        *ret = yyjson_get_sint(v);
        return true;
    }
    return false;
}

#include "clean/decoded.h"

#include <string.h>

/* Whether a later member has the same key as member `at`. */
static bool comes_again(yyjson_val *object, size_t at, yyjson_val *key)
{
    yyjson_val *k, *v;
    size_t i, n;

    yyjson_obj_foreach(object, i, n, k, v)
    {
        if (i > at && yyjson_get_len(k) == yyjson_get_len(key) &&
            memcmp(yyjson_get_str(k), yyjson_get_str(key), yyjson_get_len(k)) ==
                0) {
            return true;
        }
    }
    return false;
}

/* A real number keeps a sign of being one. */
static int print_value(struct buf *b, yyjson_val *v, struct err *e)
{
    size_t before = b->len;

    if (json_print(b, v, 0, e) != 0) {
        return -1;
    }
    if (!yyjson_is_real(v)) {
        return 0;
    }
    for (size_t i = before; i < b->len; i++) {
        char c = b->ptr[i];

        if (c != '-' && (c < '0' || c > '9')) {
            return 0;
        }
    }
    return buf_puts(b, ".0", e);
}

int decoded_print(struct buf *b, yyjson_val *object, struct err *e)
{
    yyjson_val *k, *v;
    size_t i, n;
    bool any = false;

    if (buf_putc(b, '{', e) != 0) {
        return -1;
    }
    yyjson_obj_foreach(object, i, n, k, v)
    {
        if (comes_again(object, i, k)) {
            continue;
        }
        if ((any && buf_putc(b, ',', e) != 0) || json_print(b, k, 0, e) != 0 ||
            buf_putc(b, ':', e) != 0 || print_value(b, v, e) != 0) {
            return -1;
        }
        any = true;
    }
    return buf_putc(b, '}', e);
}

#include <math.h>
#include <string.h>

#include "json/json.h"
#include "json/json_plain_int.h"

enum {
    NUMBER_MAX = 48, /* bytes of the longest printed number, and a NUL */
    ESCAPE_MAX = 12  /* \uXXXX\uXXXX */
};

/* What stands for a byte in a string: 0 itself, 1 \u00XX, else \ and it. */
static const char escapes[256] = {
    1,           1,
    1,           1,
    1,           1,
    1,           1,
    'b',         't',
    'n',         1,
    'f',         'r',
    1,           1,
    1,           1,
    1,           1,
    1,           1,
    1,           1,
    1,           1,
    1,           1,
    1,           1,
    1,           1,
    ['"'] = '"', ['\\'] = '\\',
};

static char *put_hex4(char *p, unsigned v)
{
    static const char digits[] = "0123456789ABCDEF";

    *p++ = '\\';
    *p++ = 'u';
    for (int shift = 12; shift >= 0; shift -= 4) {
        *p++ = digits[(v >> shift) & 15];
    }
    return p;
}

/* Four bytes of UTF-8 as two escaped surrogates. */
static char *put_astral(char *p, const unsigned char *s)
{
    unsigned v = ((s[0] & 7u) << 18) | ((s[1] & 63u) << 12) |
                 ((s[2] & 63u) << 6) | (s[3] & 63u);

    v -= 0x10000;
    p = put_hex4(p, 0xD800 + (v >> 10));
    return put_hex4(p, 0xDC00 + (v & 0x3FF));
}

/* Escape the character at `at`, of which `left` bytes are there; returns its
 * length. */
static size_t put_escape(struct buf *b, const char *at, size_t left)
{
    unsigned char c = (unsigned char)*at;
    char *p = b->ptr + b->len;
    size_t n = 1;

    if (escapes[c] > 1) {
        *p++ = '\\';
        *p++ = escapes[c];
    } else if (escapes[c] == 1) {
        p = put_hex4(p, c);
    } else if (left >= 4) {
        p = put_astral(p, (const unsigned char *)at);
        n = 4;
    } else {
        *p++ = *at; /* cut off: the caller broke its promise */
    }
    b->len = (size_t)(p - b->ptr);
    return n;
}

static int put_text(struct buf *b, struct slice s, bool astral, struct err *e)
{
    const char *end = s.ptr + s.len;
    const char *at = s.ptr;

    if (buf_reserve(b, s.len + 2, e) < 0) { /* mostly nothing is escaped */
        return -1;
    }
    b->ptr[b->len++] = '"';
    while (at < end) {
        bool high;
        const char *stop = json_plain_run(at, end, astral, &high);

        if (buf_append(b, (struct slice){at, (size_t)(stop - at)}, e) < 0) {
            return -1;
        }
        at = stop;
        if (at < end) {
            if (buf_reserve(b, ESCAPE_MAX, e) < 0) {
                return -1;
            }
            at += put_escape(b, at, (size_t)(end - at));
        }
    }
    return buf_putc(b, '"', e);
}

int json_print_text(struct buf *b, struct slice s, struct err *e)
{
    size_t before = b->len;
    int rc = put_text(b, s, false, e);

    if (rc < 0) {
        b->len = before;
    }
    return rc;
}

static struct slice u64_digits(char text[NUMBER_MAX], uint64_t v, bool minus)
{
    size_t at = NUMBER_MAX;

    do {
        text[--at] = (char)('0' + v % 10);
        v /= 10;
    } while (v > 0);
    if (minus) {
        text[--at] = '-';
    }
    return (struct slice){&text[at], NUMBER_MAX - at};
}

int json_print_i64(struct buf *b, int64_t v, struct err *e)
{
    char text[NUMBER_MAX];

    return buf_append(
        b, u64_digits(text, v < 0 ? 0 - (uint64_t)v : (uint64_t)v, v < 0), e);
}

/* yyjson's writer owns the shortest digits; it gets memory on our stack. */
struct scratch {
    _Alignas(16) char bytes[128];
};

static void *scratch_malloc(void *ctx, size_t size)
{
    struct scratch *s = ctx;

    return size <= sizeof(s->bytes) ? s->bytes : NULL;
}

static void *scratch_realloc(void *ctx, void *p, size_t old_size, size_t size)
{
    (void)ctx;
    (void)old_size;
    return size <= sizeof(((struct scratch *)0)->bytes) ? p : NULL;
}

static void scratch_free(void *ctx, void *p)
{
    (void)ctx;
    (void)p;
}

int json_print_double(struct buf *b, double v, struct err *e)
{
    struct scratch room;
    const yyjson_alc alc = {scratch_malloc, scratch_realloc, scratch_free,
                            &room};
    yyjson_val val;
    const char *text;
    size_t len;

    if (!isfinite(v)) {
        return err_set(e, ERR_INVALID,
                       "cannot print a number that is not finite as JSON");
    }
    if (fabs(v) < 9007199254740992.0 && v == trunc(v) &&
        !(v == 0.0 && signbit(v))) {
        return json_print_i64(b, (int64_t)v, e);
    }
    unsafe_yyjson_set_real(&val, v);
    text = yyjson_val_write_opts(&val, 0, &alc, &len, NULL);
    if (text == NULL) {
        return err_nomem(e, sizeof(room.bytes));
    }
    if (fabs(v) < 9223372036854775808.0 && len > 2 && v != 0.0 &&
        memcmp(text + len - 2, ".0", 2) == 0) {
        len -= 2;
    }
    return buf_append(b, (struct slice){text, len}, e);
}

static int print_number(struct buf *b, yyjson_val *v, struct err *e)
{
    char text[NUMBER_MAX];

    switch (unsafe_yyjson_get_subtype(v)) {
    case YYJSON_SUBTYPE_UINT:
        return buf_append(b, u64_digits(text, unsafe_yyjson_get_uint(v), false),
                          e);
    case YYJSON_SUBTYPE_SINT:
        return json_print_i64(b, unsafe_yyjson_get_sint(v), e);
    default:
        return json_print_double(b, unsafe_yyjson_get_real(v), e);
    }
}

static int print_scalar(struct buf *b, yyjson_val *v, bool astral,
                        struct err *e)
{
    switch (unsafe_yyjson_get_type(v)) {
    case YYJSON_TYPE_STR:
        return put_text(
            b,
            (struct slice){unsafe_yyjson_get_str(v), unsafe_yyjson_get_len(v)},
            astral, e);
    case YYJSON_TYPE_RAW:
        return buf_append(
            b,
            (struct slice){unsafe_yyjson_get_raw(v), unsafe_yyjson_get_len(v)},
            e);
    case YYJSON_TYPE_NUM:
        return print_number(b, v, e);
    case YYJSON_TYPE_BOOL:
        return buf_puts(b, unsafe_yyjson_is_true(v) ? "true" : "false", e);
    case YYJSON_TYPE_NULL:
        return buf_append(b, SLICE("null"), e);
    default:
        return err_set(e, ERR_INVALID, "cannot print an empty JSON value");
    }
}

/* Values stand in one array, a container before what it holds. */
static int print_value(struct buf *b, yyjson_val *v, bool astral, int depth,
                       struct err *e)
{
    bool object = unsafe_yyjson_get_type(v) == YYJSON_TYPE_OBJ;
    size_t n = unsafe_yyjson_get_len(v);
    yyjson_val *child = v + 1;

    if (!unsafe_yyjson_is_ctn(v)) {
        return print_scalar(b, v, astral, e);
    }
    if (depth == JSON_DEPTH_MAX) {
        return err_set(e, ERR_LIMIT, "JSON nests deeper than %d levels",
                       JSON_DEPTH_MAX);
    }
    if (buf_putc(b, object ? '{' : '[', e) < 0) {
        return -1;
    }
    for (size_t i = 0; i < n; i++) {
        if (i > 0 && buf_putc(b, ',', e) < 0) {
            return -1;
        }
        if (object) {
            if (print_scalar(b, child++, astral, e) < 0 ||
                buf_putc(b, ':', e) < 0) {
                return -1;
            }
        }
        if (print_value(b, child, astral, depth + 1, e) < 0) {
            return -1;
        }
        child = unsafe_yyjson_get_next(child);
    }
    return buf_putc(b, object ? '}' : ']', e);
}

int json_print(struct buf *b, yyjson_val *v, int flags, struct err *e)
{
    size_t before = b->len;
    int rc = print_value(b, v, (flags & JSON_ESCAPE_ASTRAL) != 0, 0, e);

    if (rc < 0) {
        b->len = before;
    }
    return rc;
}

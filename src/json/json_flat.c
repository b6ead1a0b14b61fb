#include "json/json.h"

#include "core/text.h"
#include "json/json_plain_int.h"

enum {
    WHOLE_DIGITS = 18, /* fit an int64 */
    REAL_DIGITS = 15   /* fit a double, and so does the power of ten below */
};

struct flat {
    const char *at, *end;
};

const char *json_plain_end(const char *at, const char *end)
{
    bool high;

    return json_plain_run(at, end, false, &high);
}

static inline void skip_blanks(struct flat *f)
{
    while (f->at < f->end && (*f->at == ' ' || *f->at == '\t' ||
                              *f->at == '\n' || *f->at == '\r')) {
        f->at++;
    }
}

/* This character, with blanks at both sides. */
static inline bool eat(struct flat *f, char c)
{
    skip_blanks(f);
    if (f->at == f->end || *f->at != c) {
        return false;
    }
    f->at++;
    skip_blanks(f);
    return true;
}

static inline bool read_text(struct flat *f, yyjson_val *v)
{
    const char *from = f->at + 1;
    bool high;

    if (f->at == f->end || *f->at != '"') {
        return false;
    }
    f->at = json_plain_run(from, f->end, false, &high);
    if (f->at == f->end || *f->at != '"') {
        return false;
    }
    v->tag = (uint64_t)(f->at - from) << YYJSON_TAG_BIT | YYJSON_TYPE_STR |
             YYJSON_SUBTYPE_NOESC;
    v->uni.str = from;
    f->at++;
    return !high || text_utf8_valid(
                        (struct slice){from, (size_t)(f->at - 1 - from)}, NULL);
}

static inline size_t read_digits(struct flat *f, uint64_t *v)
{
    const char *from = f->at;

    for (; f->at < f->end && *f->at >= '0' && *f->at <= '9'; f->at++) {
        *v = *v * 10 + (uint64_t)(*f->at - '0');
    }
    return (size_t)(f->at - from);
}

/* A fraction of few digits: both numbers are exact, so that the quotient is
 * the double nearest to it. */
static bool read_fraction(struct flat *f, uint64_t digits, size_t n, bool minus,
                          yyjson_val *v)
{
    static const double tens[REAL_DIGITS + 1] = {
        1e0, 1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
        1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
    size_t behind;
    double d;

    f->at++;
    behind = read_digits(f, &digits);
    if (behind == 0 || n + behind > REAL_DIGITS) {
        return false;
    }
    d = (double)digits / tens[behind];
    v->tag = YYJSON_TYPE_NUM | YYJSON_SUBTYPE_REAL;
    v->uni.f64 = minus ? -d : d;
    return true;
}

static inline bool read_number(struct flat *f, yyjson_val *v)
{
    bool minus = *f->at == '-';
    uint64_t digits = 0;
    const char *first;
    size_t n;

    f->at += minus ? 1 : 0;
    first = f->at;
    n = read_digits(f, &digits);
    if (n == 0 || n > WHOLE_DIGITS || (n > 1 && *first == '0')) {
        return false;
    }
    if (f->at < f->end && *f->at == '.') {
        return read_fraction(f, digits, n, minus, v);
    }
    v->tag =
        YYJSON_TYPE_NUM | (minus ? YYJSON_SUBTYPE_SINT : YYJSON_SUBTYPE_UINT);
    v->uni.u64 = minus ? 0 - digits : digits;
    return !minus || digits != 0;
}

static bool read_word(struct flat *f, yyjson_val *v)
{
    static const struct {
        struct slice word;
        uint64_t tag;
    } words[] = {
        {{"null", 4}, YYJSON_TYPE_NULL},
        {{"true", 4}, YYJSON_TYPE_BOOL | YYJSON_SUBTYPE_TRUE},
        {{"false", 5}, YYJSON_TYPE_BOOL | YYJSON_SUBTYPE_FALSE},
    };
    struct slice rest = {f->at, (size_t)(f->end - f->at)};

    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (slice_starts(rest, words[i].word)) {
            f->at += words[i].word.len;
            v->tag = words[i].tag;
            v->uni.u64 = 0;
            return true;
        }
    }
    return false;
}

static inline bool read_value(struct flat *f, yyjson_val *v)
{
    if (f->at == f->end) {
        return false;
    }
    if (*f->at == '"') {
        return read_text(f, v);
    }
    return *f->at == '-' || (*f->at >= '0' && *f->at <= '9') ? read_number(f, v)
                                                             : read_word(f, v);
}

static inline bool same(const char *a, const char *b, size_t n)
{
    uint64_t x, y, differ = 0;

    if (n < sizeof(x)) {
        return false; /* too few to gain by it, or not known */
    }
    for (size_t i = 0; i < n; i += sizeof(x)) {
        size_t at = i + sizeof(x) <= n ? i : n - sizeof(x);

        memcpy(&x, a + at, sizeof(x));
        memcpy(&y, b + at, sizeof(y));
        differ |= x ^ y;
    }
    return differ == 0;
}

/* What stands before the next value, as it stood there in the object before:
 * the same bytes read alike, so that nothing of them is looked at again. */
static inline bool known_name(struct flat *f, const struct json_lead *lead,
                              yyjson_val *key)
{
    if ((size_t)(f->end - f->at) < lead->len ||
        !same(f->at, lead->bytes, lead->len)) {
        return false;
    }
    key->tag = lead->tag;
    key->uni.str = f->at + lead->name;
    f->at += lead->len;
    skip_blanks(f);
    return true;
}

/* What stands before the next value, read and kept for the next object; false
 * when no name follows, which is so at the object's end as well. */
static bool next_name(struct flat *f, bool first, struct json_lead *lead,
                      yyjson_val *key)
{
    const char *from = f->at;
    size_t len;

    if (!eat(f, first ? '{' : ',') || !read_text(f, key) || !eat(f, ':')) {
        f->at = from; /* a comma that no name follows is not taken */
        return false;
    }
    len = (size_t)(f->at - from);
    lead->len = 0;
    if (len <= sizeof(lead->bytes)) {
        lead->len = len;
        lead->name = (size_t)(key->uni.str - from);
        lead->tag = key->tag;
        memcpy(lead->bytes, from, len);
    }
    return true;
}

bool json_read_flat(struct slice s, struct json_flat *ret)
{
    struct flat f = {s.ptr, s.ptr + s.len};
    yyjson_val *vals = ret->vals;
    size_t n = 0;

    for (; n < JSON_FLAT_MEMBERS; n++) {
        yyjson_val *key = &vals[1 + 2 * n];
        struct json_lead *lead = &ret->leads[n];

        if (!known_name(&f, lead, key) && !next_name(&f, n == 0, lead, key)) {
            break;
        }
        if (!read_value(&f, key + 1)) {
            return false;
        }
    }
    if (n == 0 || !eat(&f, '}') || f.at != f.end) {
        return false;
    }
    vals[0].tag = (uint64_t)n << YYJSON_TAG_BIT | YYJSON_TYPE_OBJ;
    vals[0].uni.ofs = (1 + 2 * n) * sizeof(*vals);
    return true;
}

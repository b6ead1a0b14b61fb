#include <string.h>

#include "core/clock.h"
#include "core/digest.h"
#include "source/generator_flaw_int.h"

enum {
    HUGE_BYTES = 200000
};

/* Append with one column's value replaced, or left out when put is NULL. */
static int compose_with(const struct gen_row *row, const char *column,
                        const char *put, struct buf *b, struct err *e)
{
    bool first = true;

    if (buf_putc(b, '{', e) != 0) {
        return -1;
    }
    for (size_t i = 0; i < row->fields; i++) {
        const struct gen_field *f = &row->field[i];
        bool hit = strcmp(f->key, column) == 0;
        struct slice value = {row->text + f->start, f->len};

        if (hit && put == NULL) {
            continue;
        }
        value = hit ? slice_of(put) : value;
        if (buf_putf(b, e, "%s\"%s\":", first ? "" : ",", f->key) != 0 ||
            buf_append(b, value, e) != 0) {
            return -1;
        }
        first = false;
    }
    return buf_putc(b, '}', e);
}

/* Put the row where the template has an @. */
static int fill(const char *template, const struct gen_row *row, struct buf *b,
                struct err *e)
{
    for (const char *p = template; *p != '\0'; p++) {
        if (*p == '@' ? generator_compose(row, b, e) != 0
                      : buf_putc(b, *p, e) != 0) {
            return -1;
        }
    }
    return 0;
}

/* What stands behind `from` in b becomes a JSON string. */
static int quote_tail(struct buf *b, size_t from, struct err *e)
{
    size_t n = b->len - from;
    struct buf copy;
    int rc = -1;

    buf_init(&copy, n + 1);
    if (buf_append(&copy, (struct slice){b->ptr + from, n}, e) != 0) {
        goto out;
    }
    b->len = from;
    if (buf_putc(b, '"', e) != 0) {
        goto out;
    }
    for (size_t i = 0; i < n; i++) {
        char c = copy.ptr[i];

        if ((c == '"' || c == '\\') && buf_putc(b, '\\', e) != 0) {
            goto out;
        }
        if (buf_putc(b, c, e) != 0) {
            goto out;
        }
    }
    rc = buf_putc(b, '"', e);
out:
    buf_release(&copy);
    return rc;
}

/* flaw->put is a template whose text, with the row in it, is quoted. */
static int as_text(const struct gen_flaw *flaw, const struct gen_fact *f,
                   struct gen_row *row, struct buf *b, struct err *e)
{
    size_t from = b->len;

    (void)f;
    if (fill(flaw->put, row, b, e) != 0) {
        return -1;
    }
    return quote_tail(b, from, e);
}

static int in_value_text(const struct gen_flaw *flaw, const struct gen_fact *f,
                         struct gen_row *row, struct buf *b, struct err *e)
{
    if (buf_puts(b, "{\"value\":", e) != 0 ||
        as_text(flaw, f, row, b, e) != 0) {
        return -1;
    }
    return buf_putc(b, '}', e);
}

static int as_base64(const struct gen_flaw *flaw, const struct gen_fact *f,
                     struct gen_row *row, struct buf *b, struct err *e)
{
    struct buf copy;
    int rc = -1;

    (void)flaw;
    (void)f;
    buf_init(&copy, 2 * sizeof(row->text));
    if (generator_compose(row, &copy, e) == 0 && buf_putc(b, '"', e) == 0 &&
        digest_base64(buf_slice(&copy), b, e) == 0 &&
        buf_putc(b, '"', e) == 0) {
        rc = 0;
    }
    buf_release(&copy);
    return rc;
}

/* A JSON value as Python's repr() would spell it, always in single quotes. */
static int put_python(struct buf *b, struct slice json, struct err *e)
{
    if (json.ptr[0] != '"') {
        return buf_append(b, json, e);
    }
    if (buf_putc(b, '\'', e) != 0) {
        return -1;
    }
    for (size_t i = 1; i + 1 < json.len; i++) {
        char c = json.ptr[i];
        bool escaped = c == '\\' && json.ptr[i + 1] == '"';

        if (escaped) {
            continue; /* the quote itself comes next */
        }
        if (c == '\\') {
            if (buf_append(b, (struct slice){json.ptr + i, 2}, e) != 0) {
                return -1;
            }
            i++;
            continue;
        }
        if ((c == '\'' && buf_putc(b, '\\', e) != 0) ||
            buf_putc(b, c, e) != 0) {
            return -1;
        }
    }
    return buf_putc(b, '\'', e);
}

static int as_python(const struct gen_flaw *flaw, const struct gen_fact *f,
                     struct gen_row *row, struct buf *b, struct err *e)
{
    size_t from = b->len;

    (void)f;
    if (buf_putc(b, '{', e) != 0) {
        return -1;
    }
    for (size_t i = 0; i < row->fields; i++) {
        const struct gen_field *x = &row->field[i];

        if (buf_putf(b, e, "%s'%s': ", i == 0 ? "" : ", ", x->key) != 0 ||
            put_python(b, (struct slice){row->text + x->start, x->len}, e) !=
                0) {
            return -1;
        }
    }
    if (buf_putc(b, '}', e) != 0) {
        return -1;
    }
    return flaw->json != 0 ? quote_tail(b, from, e) : 0;
}

static int cut_short(const struct gen_flaw *flaw, const struct gen_fact *f,
                     struct gen_row *row, struct buf *b, struct err *e)
{
    size_t from = b->len;

    (void)flaw;
    if (generator_compose(row, b, e) != 0) {
        return -1;
    }
    /* anywhere behind the key and before the last brace, not in a character */
    b->len = from + 20 + gen_pick(f->key, (uint32_t)(b->len - from) - 22);
    while ((b->ptr[b->len - 1] & 0x80) != 0) {
        b->len--;
    }
    return 0;
}

static int without_colon(const struct gen_flaw *flaw, const struct gen_fact *f,
                         struct gen_row *row, struct buf *b, struct err *e)
{
    size_t from = b->len;
    char *colon;

    (void)flaw;
    (void)f;
    if (generator_compose(row, b, e) != 0) {
        return -1;
    }
    colon = memchr(b->ptr + from, ':', b->len - from);
    assert(colon != NULL);
    *colon = ' ';
    return 0;
}

/* flaw->put: bytes put into the last text of the row. */
static int bad_bytes(const struct gen_flaw *flaw, const struct gen_fact *f,
                     struct gen_row *row, struct buf *b, struct err *e)
{
    (void)f;
    if (generator_compose(row, b, e) != 0) {
        return -1;
    }
    b->len -= 2; /* the quote and the brace */
    if (buf_puts(b, flaw->put, e) != 0) {
        return -1;
    }
    return buf_puts(b, "\"}", e);
}

static int repeated_key(const struct gen_flaw *flaw, const struct gen_fact *f,
                        struct gen_row *row, struct buf *b, struct err *e)
{
    size_t from;

    (void)f;
    if (buf_puts(b, flaw->put, e) != 0) {
        return -1;
    }
    from = b->len;
    if (generator_compose(row, b, e) != 0) {
        return -1;
    }
    b->ptr[from] = ','; /* the row's brace: the template has opened one */
    return 0;
}

static int huge_title(const struct gen_flaw *flaw, const struct gen_fact *f,
                      struct gen_row *row, struct buf *b, struct err *e)
{
    struct buf text;
    const char *put = NULL;
    int rc = -1;

    (void)f;
    buf_init(&text, HUGE_BYTES + 100);
    if (buf_putc(&text, '"', e) != 0) {
        goto out;
    }
    while (text.len < HUGE_BYTES) {
        if (buf_puts(&text, "very long title ", e) != 0) {
            goto out;
        }
    }
    if (buf_puts(&text, "end\"", e) != 0 || buf_text(&text, &put, e) != 0) {
        goto out;
    }
    rc = compose_with(row, flaw->column, put, b, e);
out:
    buf_release(&text);
    return rc;
}

/*
 * The column's time in another spelling: Y M D h m s stand for its parts, E
 * for epoch seconds and Z for a zone two hours east.
 */
static int respelt_time(const struct gen_flaw *flaw, const struct gen_fact *f,
                        struct gen_row *row, struct buf *b, struct err *e)
{
    int64_t s = flaw->table == GEN_GEO ? f->posted_s : f->person.joined_s;
    bool east = strchr(flaw->put, 'Z') != NULL;
    char text[64];
    struct gen_out o = {text, 0, sizeof(text) - 1};
    struct clock_civil c;

    clock_to_civil((s + (east ? 7200 : 0)) * 1000000, &c);
    for (const char *p = flaw->put; *p != '\0'; p++) {
        const char *at = strchr("YMDhms", *p);
        int part[] = {c.year, c.month, c.day, c.hour, c.minute, c.second};

        if (at != NULL) {
            int v = part[at - "YMDhms"];

            generator_puts(&o, v < 10 ? "0" : "");
            generator_put_i64(&o, v);
        } else if (*p == 'E') {
            generator_put_i64(&o, s);
        } else if (*p == 'Z') {
            generator_puts(&o, "+02:00");
        } else {
            generator_put(&o, p, 1);
        }
    }
    text[o.len] = '\0';
    return compose_with(row, flaw->column, text, b, e);
}

/* The key in another spelling: @ stands for its digits. */
static int respelt_key(const struct gen_flaw *flaw, const struct gen_fact *f,
                       struct gen_row *row, struct buf *b, struct err *e)
{
    char text[64];
    struct gen_out o = {text, 0, sizeof(text) - 1};

    for (const char *p = flaw->put; *p != '\0'; p++) {
        if (*p == '@') {
            generator_put_i64(&o, f->n);
        } else {
            generator_put(&o, p, 1);
        }
    }
    text[o.len] = '\0';
    return compose_with(row, row->field[0].key, text, b, e);
}

static int other_key(const struct gen_flaw *flaw, const struct gen_fact *f,
                     struct gen_row *row, struct buf *b, struct err *e)
{
    (void)f;
    row->field[0].key = flaw->put;
    return generator_compose(row, b, e);
}

static int bad_key(const struct gen_flaw *flaw, const struct gen_fact *f,
                   struct gen_row *row, struct buf *b, struct err *e)
{
    (void)f;
    return compose_with(row, row->field[0].key, flaw->put, b, e);
}

int generator_flawed(const struct gen_flaw *flaw, const struct gen_fact *f,
                     struct gen_row *row, struct buf *b, struct err *e)
{
    if (flaw->apply != NULL) {
        return flaw->apply(flaw, f, row, b, e);
    }
    return flaw->column != NULL
               ? compose_with(row, flaw->column, flaw->put, b, e)
               : fill(flaw->put, row, b, e);
}

#define ANY (-1)

/* Messages that hold the record all the same. */
#define WRAP(words, text)     {words, ANY, 1, GEN_SAME, NULL, text, NULL, 0, NULL}
#define TEXT(words, text, fn) {words, ANY, 1, GEN_SAME, NULL, text, NULL, 0, fn}
/* Messages that hold none. */
#define REJECT(words, is_json, why, text, fn) \
    {words, ANY, is_json, GEN_REJECT, NULL, text, why, 0, fn}
#define NOT_JSON "not JSON"
#define NOT_UTF8 "invalid UTF-8"
#define NO_KEY   "no key"
/* One column. */
#define NULLED(where, name, text) \
    {"a " name " that is none", where, 1, GEN_NULL, name, text, NULL, 0, NULL}
#define VALUE(where, name, text, v) \
    {"an odd " name, where, 1, GEN_VALUE, name, text, NULL, v, NULL}
#define TIME(where, name, text) \
    {"an odd " name, where, 1, GEN_SAME, name, text, NULL, 0, respelt_time}
#define TIMES(where, name)                                                    \
    TIME(where, name, "\"Y-M-DTh:m:s\""),                                     \
        TIME(where, name, "\"Y-M-DTh:m:s.000\""),                             \
        TIME(where, name, "\"Y-M-DTh:m:s.250000+0000\""),                     \
        TIME(where, name, "\"Y-M-D h:m:s.123456\""),                          \
        TIME(where, name, "\"Y-M-D h:m:sZ\""),                                \
        TIME(where, name, "\"M/D/Y, h:m:s\""),                                \
        TIME(where, name, "\"Y:M:D h:m:s\""), TIME(where, name, "\"Y-M-D\""), \
        TIME(where, name, "E"), TIME(where, name, "E000"),                    \
        NULLED(where, name, "\"2021-02-30 10:00:00\""),                       \
        NULLED(where, name, "\"0000-00-00\""),                                \
        NULLED(where, name, "\"2020-01-01 24:00:00\""),                       \
        NULLED(where, name, "\"2020-13-01 01:00:00\""),                       \
        NULLED(where, name, "\"yesterday\""),                                 \
        NULLED(where, name, "\"2020-05-05 05:05:05 Europe/Berlin\""),         \
        NULLED(where, name, "null"), NULLED(where, name, "true"),             \
        NULLED(where, name, NULL)

static const struct gen_flaw flaws[] = {
    WRAP("wrapped as produced", "{\"records\":[{\"value\":@}]}"),
    WRAP("wrapped in value", "{\"value\":@}"),
    WRAP("wrapped in data", "{\"data\":@}"),
    WRAP("wrapped in payload", "{\"payload\":@}"),
    WRAP("wrapped as a stream's record",
         "{\"StreamName\":\"streaming-pin\",\"Data\":@,"
         "\"PartitionKey\":\"partition-1\"}"),
    WRAP("dumped by a consumer", "{\"topic\":\"x\",\"key\":null,\"value\":@,"
                                 "\"partition\":0,\"offset\":17}"),
    WRAP("alone in an array", "[@]"),
    WRAP("an array in value", "{\"value\":[@]}"),
    {"twice in an array", ANY, 1, GEN_TWICE, NULL, "[@,@]", NULL, 0, NULL},
    {"twice as produced", ANY, 1, GEN_TWICE, NULL,
     "{\"records\":[{\"value\":@},{\"value\":@}]}", NULL, 0, NULL},
    {"beside an object without a key", ANY, 1, GEN_AND_REJECT, NULL,
     "[@,{\"note\":\"no key here\"}]", NO_KEY, 0, NULL},
    TEXT("JSON in a string", "@", as_text),
    TEXT("a produced body in a string", "{\"records\":[{\"value\":@}]}",
         as_text),
    TEXT("JSON in a string in value", "@", in_value_text),
    TEXT("base64 in a string", NULL, as_base64),
    TEXT("a Python dict in a string", NULL, as_python),
    {"a Python dict", ANY, 0, GEN_SAME, NULL, NULL, NULL, 0, as_python},
    REJECT("cut short", 0, NOT_JSON, NULL, cut_short),
    REJECT("without a colon", 0, NOT_JSON, NULL, without_colon),
    REJECT("words", 0, NOT_JSON, "hello, this is no record", NULL),
    REJECT("half a record", 0, NOT_JSON, "{\"value\":@", NULL),
    REJECT("a byte that never occurs", 0, NOT_UTF8, "\xFF", bad_bytes),
    REJECT("an overlong character", 0, NOT_UTF8, "\xC0\xAF", bad_bytes),
    REJECT("a lone surrogate", 0, NOT_UTF8, "\xED\xA0\x80", bad_bytes),
    REJECT("half a character", 0, NOT_UTF8, "\xE2\x82", bad_bytes),
    REJECT("null", 1, "no value", "null", NULL),
    REJECT("too many wrappers", 1, "nested too deep",
           "{\"value\":{\"value\":{\"value\":{\"value\":{\"value\":{\"value\":"
           "@}}}}}}",
           NULL),
    REJECT("without a key", 1, NO_KEY, NULL, bad_key),
    REJECT("a key of words", 1, NO_KEY, "\"seven\"", bad_key),
    REJECT("a key with a fraction", 1, NO_KEY, "12.5", bad_key),
    REJECT("a key out of range", 1, NO_KEY, "2147483648", bad_key),
    REJECT("a key that is null", 1, NO_KEY, "null", bad_key),
    REJECT("a key that is a list", 1, NO_KEY, "[1]", bad_key),
    TEXT("a key as text", "\"@\"", respelt_key),
    TEXT("a key with blanks", "\" +@ \"", respelt_key),
    TEXT("a key with a zero fraction", "@.0", respelt_key),
    TEXT("a key called idx", "idx", other_key),

    VALUE(GEN_PIN, "follower_count", "\"1.2k\"", 1200),
    VALUE(GEN_PIN, "follower_count", "\"3,456\"", 3456),
    VALUE(GEN_PIN, "follower_count", "\" 7k \"", 7000),
    VALUE(GEN_PIN, "follower_count", "\"1,234,567\"", 1234567),
    VALUE(GEN_PIN, "follower_count", "\"5K\"", 5000),
    VALUE(GEN_PIN, "follower_count", "\"2m\"", 2000000),
    VALUE(GEN_PIN, "follower_count", "\"1.5B\"", 1500000000),
    VALUE(GEN_PIN, "follower_count", "\"1.9999k\"", 1999),
    VALUE(GEN_PIN, "follower_count", "\"0.5\"", 0),
    VALUE(GEN_PIN, "follower_count", "12345", 12345),
    NULLED(GEN_PIN, "follower_count", "\"3B\""),
    NULLED(GEN_PIN, "follower_count", "\"-5\""),
    NULLED(GEN_PIN, "follower_count", "\"1,23\""),
    NULLED(GEN_PIN, "follower_count", "\"5 kk\""),
    NULLED(GEN_PIN, "follower_count", "\"k\""),
    NULLED(GEN_PIN, "follower_count", "\"0x10\""),
    NULLED(GEN_PIN, "follower_count", "12.5"),
    NULLED(GEN_PIN, "follower_count", "true"),
    NULLED(GEN_PIN, "follower_count", "null"),
    NULLED(GEN_PIN, "follower_count", "\"\""),
    NULLED(GEN_PIN, "follower_count", "\"2147483648\""),
    NULLED(GEN_PIN, "follower_count", NULL),
    {"a huge title", GEN_PIN, 1, GEN_VALUE, "title", NULL, NULL, 0, huge_title},
    VALUE(GEN_PIN, "title", "2022", 2022),
    NULLED(GEN_PIN, "title", "12.5"),
    NULLED(GEN_PIN, "title", "{\"a\":1}"),
    NULLED(GEN_PIN, "title", "\"a\\u0000b\""),
    NULLED(GEN_PIN, "title", "\" \\t \""),
    NULLED(GEN_PIN, "title", "\"  No Title Data Available \""),
    NULLED(GEN_PIN, "title", NULL),
    NULLED(GEN_PIN, "description", "false"),
    NULLED(GEN_PIN, "description", "\"\\n\""),
    NULLED(GEN_PIN, "tag_list", "\"No Tags Available\""),
    NULLED(GEN_PIN, "tag_list", "[\"a\",\"b\"]"),
    NULLED(GEN_PIN, "image_src", "\"Image src error\""),
    NULLED(GEN_PIN, "unique_id", "null"),
    NULLED(GEN_PIN, "is_image_or_video", "1.5"),
    NULLED(GEN_PIN, "poster_name", "null"),
    NULLED(GEN_PIN, "poster_name", NULL),
    VALUE(GEN_PIN, "poster_name", "967", 967),
    NULLED(GEN_PIN, "category", "null"),
    NULLED(GEN_PIN, "category", NULL),
    NULLED(GEN_PIN, "category", "true"),
    VALUE(GEN_PIN, "category", "7", 7),
    VALUE(GEN_PIN, "save_location", "\"Local save in/data/x\"", 0),
    NULLED(GEN_PIN, "save_location", "null"),
    {"a key twice", GEN_PIN, 1, GEN_SAME, NULL,
     "{\"category\":\"quotes\",\"follower_count\":\"1k\"", NULL, 0,
     repeated_key},

    TIMES(GEN_GEO, "timestamp"),
    NULLED(GEN_GEO, "latitude", "90.5"),
    NULLED(GEN_GEO, "latitude", "\"nan\""),
    NULLED(GEN_GEO, "latitude", "null"),
    NULLED(GEN_GEO, "latitude", NULL),
    VALUE(GEN_GEO, "latitude", "\"-12.5e0\"", 0),
    VALUE(GEN_GEO, "latitude", "-0.0", 0),
    VALUE(GEN_GEO, "latitude", "90", 0),
    NULLED(GEN_GEO, "longitude", "-180.001"),
    NULLED(GEN_GEO, "longitude", "\"east\""),
    NULLED(GEN_GEO, "longitude", "true"),
    VALUE(GEN_GEO, "longitude", "\" 7 \"", 0),
    NULLED(GEN_GEO, "country", "null"),
    NULLED(GEN_GEO, "country", "\"\""),
    NULLED(GEN_GEO, "country", NULL),
    VALUE(GEN_GEO, "country", "42", 42),

    TIMES(GEN_USER, "date_joined"),
    VALUE(GEN_USER, "age", "\" 33 \"", 33),
    VALUE(GEN_USER, "age", "27.0", 27),
    VALUE(GEN_USER, "age", "15", 15),
    VALUE(GEN_USER, "age", "0", 0),
    VALUE(GEN_USER, "age", "150", 150),
    NULLED(GEN_USER, "age", "151"),
    NULLED(GEN_USER, "age", "-1"),
    NULLED(GEN_USER, "age", "20.5"),
    NULLED(GEN_USER, "age", "\"20.0\""),
    NULLED(GEN_USER, "age", "\"twenty\""),
    NULLED(GEN_USER, "age", "2147483648"),
    NULLED(GEN_USER, "age", "null"),
    NULLED(GEN_USER, "age", NULL),
    NULLED(GEN_USER, "first_name", "null"),
    NULLED(GEN_USER, "first_name", "\" \""),
    NULLED(GEN_USER, "last_name", NULL),
    VALUE(GEN_USER, "last_name", "12", 0),
};

const struct gen_flaw *generator_flaw_at(size_t i)
{
    return i < ARRAY_LEN(flaws) ? &flaws[i] : NULL;
}

const struct gen_flaw *generator_flaw(const struct gen *g, enum gen_table table,
                                      int64_t n)
{
    uint64_t x;
    size_t i;

    if (g->bad == 0) {
        return NULL;
    }
    x = rand_mix(rand_mix(g->key ^ rand_mix((uint64_t)n)) + (uint64_t)table +
                 1);
    if (x >> 32 >= g->bad) {
        return NULL;
    }
    x = rand_mix(x);
    /* the next one that fits this table: the list has some for each */
    for (i = gen_pick(x, ARRAY_LEN(flaws));
         flaws[i].table != ANY && flaws[i].table != (int8_t)table;
         i = gen_pick(x, ARRAY_LEN(flaws))) {
        x = rand_mix(x);
    }
    return &flaws[i];
}

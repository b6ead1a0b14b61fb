#include "json/json.h"

#include <math.h>
#include <stdlib.h>

#include "core/fs.h"
#include "core/mem.h"
#include "core/rand.h"
#include "test.h"

enum {
    OUT_MAX = 1 << 20
};

static void parse(const char *text, int flags, struct json_doc *d)
{
    struct err e;

    *d = (struct json_doc){0};
    CHECK_OK(json_parse(d, slice_of(text), flags, NULL, &e), &e);
}

static void prints_as(const char *text, int flags, const char *want)
{
    struct json_doc d;
    struct buf b;
    struct err e;

    buf_init(&b, OUT_MAX);
    parse(text, flags, &d);
    CHECK_OK(json_print(&b, d.root, flags, &e), &e);
    CHECK_TEXT(buf_slice(&b), want);
    json_release(&d);
    buf_release(&b);
}

static void numbers_stay_as_posted(void)
{
    prints_as(" { \"a\" : 1.50 , \"b\":[1e5, -0, 12345678901234567890123] }", 0,
              "{\"a\":1.50,\"b\":[1e5,-0,12345678901234567890123]}");
}

static void parsed_numbers_lose_nothing(void)
{
    prints_as("[18446744073709551615,-9223372036854775808,"
              "18446744073709551616,-9223372036854775809,1e999]",
              JSON_NUMBERS,
              "[18446744073709551615,-9223372036854775808,"
              "18446744073709551616,-9223372036854775809,1e999]");
    prints_as("[1.50,1e3,-0.0,0.1,true,false,null,{},[]]", JSON_NUMBERS,
              "[1.5,1000,-0.0,0.1,true,false,null,{},[]]");
}

static void text_is_escaped(void)
{
    prints_as(
        "\"q\\\" b\\\\ /\\/ \\n\\r\\t\\b\\f \\u0000\\u001f\\u007f \\u00e9\"", 0,
        "\"q\\\" b\\\\ // \\n\\r\\t\\b\\f \\u0000\\u001F\x7f \xc3\xa9\"");
}

static void astral_characters_can_be_escaped(void)
{
    prints_as("[\"\\ud83d\\ude0d\"]", 0, "[\"\xF0\x9F\x98\x8D\"]");
    prints_as("[\"12345678 \xF0\x9F\x98\x8D\xe2\x82\xac 123456789 \xF0\x9F\xA4"
              "\x8D\"]",
              JSON_ESCAPE_ASTRAL,
              "[\"12345678 \\uD83D\\uDE0D\xe2\x82\xac 123456789 "
              "\\uD83E\\uDD0D\"]");
}

static void errors_say_where(void)
{
    struct json_doc d = {0};
    struct err e;

    CHECK(json_parse(&d, SLICE("{\"a\": 1,\n \"\xc3\xa9\": x}"), 0, NULL, &e) ==
          -1);
    CHECK_INT(e.code, ERR_MALFORMED);
    CHECK(strstr(e.msg, "line 2, column 7 (byte 16)") != NULL);
    CHECK(d.doc == NULL);
    CHECK(json_parse(&d, SLICE(""), 0, NULL, &e) == -1);
    CHECK(strstr(e.msg, "empty") != NULL);
    CHECK(json_parse(&d, SLICE("{} x"), 0, NULL, &e) == -1);
    CHECK(json_parse(&d, SLICE("\"\xff\""), 0, NULL, &e) == -1);
}

static void nesting(int depth, int flags, int want)
{
    struct json_doc d = {0};
    struct buf b;
    struct err e = {0};

    buf_init(&b, OUT_MAX);
    for (int i = 0; i < depth; i++) {
        CHECK_OK(buf_puts(&b, i % 2 ? "{\"a\":" : "[0,[],", &e), &e);
    }
    CHECK_OK(buf_puts(&b, "7", &e), &e);
    for (int i = depth; i-- > 0;) {
        CHECK_OK(buf_puts(&b, i % 2 ? "}" : "]", &e), &e);
    }
    CHECK_INT(json_parse(&d, buf_slice(&b), flags, NULL, &e), want);
    if (want < 0) {
        CHECK_INT(e.code, ERR_LIMIT);
    } else {
        struct buf out;

        buf_init(&out, OUT_MAX);
        CHECK_OK(json_print(&out, d.root, flags, &e), &e);
        CHECK(slice_eq(buf_slice(&out), buf_slice(&b)));
        buf_release(&out);
        json_release(&d);
    }
    buf_release(&b);
}

static void depth_is_limited(void)
{
    nesting(JSON_DEPTH_MAX, 0, 0);
    nesting(JSON_DEPTH_MAX + 1, 0, -1);
    nesting(100000, JSON_NUMBERS, -1);
}

static void a_prefix_can_be_read(void)
{
    struct json_doc d = {0};
    struct err e;
    struct slice s = SLICE(" {\"a\":1}{\"b\":2}[3] 4 ");
    int n = 0;

    while (slice_trim(s).len > 0) {
        CHECK_OK(json_parse(&d, s, JSON_PREFIX, NULL, &e), &e);
        s = slice_from(s, d.read);
        json_release(&d);
        n++;
    }
    CHECK_INT(n, 4);
}

static void double_survives(double v)
{
    struct buf b;
    struct err e;
    struct json_doc d = {0};
    double back;

    buf_init(&b, OUT_MAX);
    CHECK_OK(json_print_double(&b, v, &e), &e);
    CHECK_OK(json_parse(&d, buf_slice(&b), JSON_NUMBERS, NULL, &e), &e);
    back = yyjson_get_num(d.root);
    if (memcmp(&back, &v, sizeof(v)) != 0) {
        test_fail(__FILE__, __LINE__, "%a printed as %.*s", v,
                  SLICE_FMT(buf_slice(&b)));
    }
    json_release(&d);
    buf_release(&b);
}

static void doubles_read_back(void)
{
    static const double odd[] = {
        0.0,    -0.0,   0.1, -89.9787, 1e15, 1e21,    1e22,
        5e-324, 1e-7,   2.5, -3.0,     4e18, 1.7e308, 9007199254740993.0,
        1.8e19, -9.3e18};
    struct rand r;

    for (size_t i = 0; i < ARRAY_LEN(odd); i++) {
        double_survives(odd[i]);
    }
    rand_seed(&r, 7);
    for (int i = 0; i < 20000; i++) {
        uint64_t bits = rand_u64(&r);
        double v;

        memcpy(&v, &bits, sizeof(v));
        if (isfinite(v)) {
            double_survives(v);
        }
    }
}

static void double_prints(double v, const char *want)
{
    struct buf b;
    struct err e;

    buf_init(&b, OUT_MAX);
    CHECK_OK(json_print_double(&b, v, &e), &e);
    CHECK_TEXT(buf_slice(&b), want);
    buf_release(&b);
}

static void whole_numbers_have_no_fraction(void)
{
    struct buf b;
    struct err e;

    double_prints(12.0, "12");
    double_prints(-132000.0, "-132000");
    double_prints(0.0, "0");
    double_prints(-0.0, "-0.0");
    double_prints(9007199254740992.0, "9007199254740992");
    double_prints(1e300, "1e300");
    double_prints(-77.015, "-77.015");
    buf_init(&b, OUT_MAX);
    CHECK(json_print_double(&b, (double)INFINITY, &e) == -1);
    CHECK_INT(e.code, ERR_INVALID);
    buf_release(&b);
}

static void members_are_found(void)
{
    struct json_doc d;
    struct slice s;
    int64_t v = 0;

    parse("{\"a\":\"x\",\"n\":-5,\"a\":\"last\",\"big\":1e999}", JSON_NUMBERS,
          &d);
    CHECK(json_get_text(d.root, "a", &s));
    CHECK_TEXT(s, "last");
    CHECK(json_get_i64(d.root, "n", &v) && v == -5);
    CHECK(!json_get_i64(d.root, "big", &v) && !json_get_i64(d.root, "a", &v));
    CHECK(json_get(d.root, "aa") == NULL && json_get(NULL, "a") == NULL);
    json_release(&d);
    parse("{\"n\":-5,\"f\":1.5}", 0, &d);
    CHECK(json_get_i64(d.root, "n", &v) && v == -5);
    CHECK(!json_get_i64(d.root, "f", &v));
    json_release(&d);
}

static void printing_keeps_the_ceiling(void)
{
    struct json_doc d;
    struct buf b;
    struct err e;

    parse("[\"0123456789\",1,2,3]", 0, &d);
    buf_init(&b, 20);
    CHECK_OK(buf_puts(&b, "abc", &e), &e);
    CHECK(json_print(&b, d.root, 0, &e) == -1);
    CHECK_INT(e.code, ERR_LIMIT);
    CHECK_TEXT(buf_slice(&b), "abc");
    json_release(&d);
    buf_release(&b);
}

static void a_pool_is_used_again(void)
{
    struct json_pool p;
    struct json_doc d;
    struct err e;
    struct buf b;

    buf_init(&b, OUT_MAX);
    json_pool_init(&p, 4 << 20);
    for (int size = 1; size < 4000; size += 997) {
        buf_clear(&b);
        CHECK_OK(buf_puts(&b, "[0", &e), &e);
        for (int i = 0; i < size; i++) {
            CHECK_OK(buf_puts(&b, ",\"x\"", &e), &e);
        }
        CHECK_OK(buf_puts(&b, "]", &e), &e);
        d = (struct json_doc){0};
        CHECK_OK(json_parse(&d, buf_slice(&b), 0, &p.alc, &e), &e);
        CHECK_INT(yyjson_arr_size(d.root), size + 1);
        json_pool_reset(&p);
    }
    json_pool_release(&p);
    json_pool_init(&p, 1000);
    CHECK(json_parse(&d, buf_slice(&b), 0, &p.alc, &e) == -1);
    CHECK(p.hit_max);
    json_pool_release(&p);
    buf_release(&b);
}

static void kafka_connect_bytes(void)
{
    const char *shared = getenv("PINLINE_SHARED");
    char dir[FS_PATH_MAX];
    char path[FS_PATH_MAX];
    struct fs_names names = {0};
    struct err e;

    CHECK_OK(fs_join(dir, shared ? shared : "../shared",
                     "data/variants/14_s3_sink_object_reconstructed", &e),
             &e);
    if (!fs_is_folder(dir)) {
        printf("# skipped: no folder \"%s\"\n", dir);
        return;
    }
    CHECK_OK(fs_names(dir, &names, &e), &e);
    CHECK_INT(names.n, 9);
    for (size_t i = 0; i < names.n; i++) {
        struct json_doc d = {0};
        struct buf in;
        struct buf out;

        buf_init(&in, OUT_MAX);
        buf_init(&out, OUT_MAX);
        CHECK_OK(fs_join(path, dir, names.names[i], &e), &e);
        CHECK_OK(fs_read(path, &in, &e), &e);
        CHECK_OK(json_parse(&d, buf_slice(&in), 0, NULL, &e), &e);
        CHECK_OK(json_print(&out, d.root, JSON_ESCAPE_ASTRAL, &e), &e);
        CHECK_OK(buf_putc(&out, '\n', &e), &e);
        CHECK(slice_eq(buf_slice(&in), buf_slice(&out)));
        json_release(&d);
        buf_release(&in);
        buf_release(&out);
    }
    fs_names_release(&names);
}

/* What is read flat is what the parser reads; *ret: it was. */
static void same_as_parsed(struct json_flat *f, struct slice text, bool *ret)
{
    char *own = mem_text(text.ptr, text.len); /* nothing behind the end */
    struct slice in = {own, text.len};
    yyjson_val *v = f->vals;
    struct json_doc d;
    struct buf a, b;
    struct err e;

    CHECK(own != NULL);
    *ret = json_read_flat(in, f);
    if (*ret) {
        buf_init(&a, OUT_MAX);
        buf_init(&b, OUT_MAX);
        CHECK_OK(json_parse(&d, in, JSON_NUMBERS, NULL, &e), &e);
        CHECK(yyjson_equals(v, d.root));
        CHECK(unsafe_yyjson_get_next(v) == v + 1 + 2 * yyjson_obj_size(v));
        CHECK_OK(json_print(&a, v, 0, &e), &e);
        CHECK_OK(json_print(&b, d.root, 0, &e), &e);
        CHECK(slice_eq(buf_slice(&a), buf_slice(&b)));
        json_release(&d);
        buf_release(&a);
        buf_release(&b);
    }
    mem_free(own);
}

static void plain_objects_are_read_flat(void)
{
    static const char *const flat[] = {
        "{\"a\":1}",
        " { \"a\" :\t-12 ,\r\n \"\" : \"\" } ",
        "{\"a\":null,\"b\":true,\"c\":false,\"a\":0}",
        "{\"a\":999999999999999999,\"b\":-999999999999999999}",
        "{\"a\":0.5,\"b\":-84.593,\"c\":-0.0,\"d\":0.00000000000001}",
        "{\"a\":1234567890.12345,\"b\":99999999999999.9,\"c\":1.10}",
        "{\"0123456789abcde\":\"0123456789abcdef\","
        "\"b\":\"0123456789abcdefg and what comes behind two steps of it\"}",
        "{\"a\":\"caf\xc3\xa9 \xe2\x80\xa6 \xF0\x9F\x98\x8D\x7f, and on\"}",
    };
    struct json_flat f = {0};
    bool was;

    for (size_t i = 0; i < 2 * ARRAY_LEN(flat); i++) { /* and names met */
        same_as_parsed(&f, slice_of(flat[i / 2]), &was);
        CHECK(was);
    }
}

static void names_are_known_again(void)
{
    static const struct {
        const char *text;
        bool flat;
    } lines[] = {
        {"{\"index\":1,\"unique_id\":\"a\",\"title\":\"b\"}", true},
        {"{\"index\":2,\"unique_id\":\"c\",\"title\":null}", true},
        {"{\"index\":3,\"unique_id\":\"d\"}", true},
        {"{\"index\":4,\"unique_ie\":\"d\",\"title\":5}", true},
        {"{\"index\":5,\"title\":5,\"unique_id\":\"d\"}", true},
        {"{\"index\": 6, \"unique_id\" : 7, \"title\":5}", true},
        {"{\"index\": 6, \"unique_id\" : 7, \"title\":5}", true},
        {"{\"index\": 6, \"unique_id\" : 7, \"title\":5,}", false},
        {"{\"index\": 6, \"unique_id\" : 7, \"title\":", false},
        {"{\"index\": 6, \"unique_id\" : 7, \"title\"", false},
        {"{\"index\": 6, \"unique_id\" : 7, \"titl", false},
        {",\"unique_id\" : 7}", false},
        {"{\"a name of more bytes than are kept of what stands before a "
         "value\":1,\"index\":2}",
         true},
        {"{\"a name of more bytes than are kept of what stands before a "
         "value\":1,\"index\":2}",
         true},
        {"{\"a name of more bytes than are kept\":3}", true},
        {"{\"caf\xc3\xa9 with a name\":1}", true},
        {"{\"caf\xc3\xa9 with a name\":2}", true},
        {"{\"caf\xc3\x28 with a name\":3}", false},
        {"{\"caf\\u00e9 with a name\":4}", false},
        {"{\"caf\xc3\xa9 with a name\":5}", true},
        {"{\"caf\xc3\xa9 with a name\"", false},
        {"{\"caf\xc3\xa9 with a name\":", false},
    };
    struct json_flat f = {0};

    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        bool was;

        same_as_parsed(&f, slice_of(lines[i].text), &was);
        CHECK_INT(was, lines[i].flat);
    }
}

static void members_are_limited(void)
{
    for (int n = JSON_FLAT_MEMBERS - 1; n <= JSON_FLAT_MEMBERS + 1; n++) {
        struct json_flat f = {0};
        struct buf b;
        struct err e;
        bool was;

        buf_init(&b, OUT_MAX);
        for (int i = 0; i < n; i++) {
            CHECK_OK(
                buf_putf(&b, &e, "%c\"member_%d\":%d", i > 0 ? ',' : '{', i, i),
                &e);
        }
        CHECK_OK(buf_putc(&b, '}', &e), &e);
        for (int i = 0; i < 2; i++) {
            same_as_parsed(&f, buf_slice(&b), &was);
            CHECK_INT(was, n <= JSON_FLAT_MEMBERS);
        }
        buf_release(&b);
    }
}

static void the_rest_is_left_to_the_parser(void)
{
    static const char *const not_flat[] = {
        "",
        "{",
        "{}",
        "[1]",
        "1",
        "{\"a\":1",
        "{\"a\"",
        "{\"a\":",
        "{\"a\":1}}",
        "{\"a\":1,}",
        "{\"a\" 1}",
        "{a:1}",
        "{\"a\":[]}",
        "{\"a\":{}}",
        "{\"a\":\"x\\n\"}",
        "{\"a\":\"x\n\"}",
        "{\"a\":\"x}",
        "{\"a\":01}",
        "{\"a\":-}",
        "{\"a\":-0}",
        "{\"a\":+1}",
        "{\"a\":1.}",
        "{\"a\":.5}",
        "{\"a\":1e5}",
        "{\"a\":1.5e5}",
        "{\"a\":1234567890.123456}",
        "{\"a\":1234567890123456789}",
        "{\"a\":nul}",
        "{\"a\":nulls}",
        "{\"a\":NaN}",
        "{\"a\":\"\xff\"}",
        "{\"\xed\xa0\x80\":1}",
        "{\"a\":\"0123456789abcdef\xc3\"}",
    };
    struct json_flat f = {0};
    bool was;

    for (size_t i = 0; i < ARRAY_LEN(not_flat); i++) {
        same_as_parsed(&f, slice_of(not_flat[i]), &was);
        CHECK(!was);
    }
}

static void random_fractions_are_the_nearest_doubles(void)
{
    struct json_flat f = {0};
    struct rand r;
    size_t read = 0;

    rand_seed(&r, 7);
    for (int i = 0; i < 20000; i++) {
        char text[64];
        bool was;

        (void)snprintf(text, sizeof(text), "{\"a\":%s%llu.%0*llu}",
                       i % 2 != 0 ? "-" : "",
                       (unsigned long long)rand_below(&r, 100000000), 1 + i % 9,
                       (unsigned long long)rand_below(&r, 10));
        same_as_parsed(&f, slice_of(text), &was);
        read += was ? 1 : 0;
    }
    CHECK(read > 10000);
}

static void no_allocation_is_taken_for_granted(void)
{
    int rc = -1;

    for (unsigned n = 1; rc != 0 && n < 100; n++) {
        struct json_doc d = {0};
        struct buf b;
        struct err e = {0};

        buf_init(&b, OUT_MAX);
        mem_fail_after(n);
        rc = json_parse(&d, SLICE("{\"a\":[1,2.5,\"\\n\"]}"), JSON_NUMBERS,
                        NULL, &e);
        if (rc == 0) {
            rc = json_print(&b, d.root, 0, &e);
        }
        mem_fail_after(0);
        CHECK(rc == 0 || e.code == ERR_NOMEM);
        json_release(&d);
        buf_release(&b);
    }
    CHECK_INT(rc, 0);
}

static const struct test tests[] = {
    {"numbers stay as posted", numbers_stay_as_posted},
    {"parsed numbers lose nothing", parsed_numbers_lose_nothing},
    {"text is escaped", text_is_escaped},
    {"astral characters can be escaped", astral_characters_can_be_escaped},
    {"errors say where", errors_say_where},
    {"depth is limited", depth_is_limited},
    {"a prefix can be read", a_prefix_can_be_read},
    {"doubles read back", doubles_read_back},
    {"whole numbers have no fraction", whole_numbers_have_no_fraction},
    {"members are found", members_are_found},
    {"printing keeps the ceiling", printing_keeps_the_ceiling},
    {"a pool is used again", a_pool_is_used_again},
    {"Kafka Connect bytes are met", kafka_connect_bytes},
    {"plain objects are read flat", plain_objects_are_read_flat},
    {"names are known again", names_are_known_again},
    {"members are limited", members_are_limited},
    {"the rest is left to the parser", the_rest_is_left_to_the_parser},
    {"random fractions are the nearest doubles",
     random_fractions_are_the_nearest_doubles},
    {"no allocation is taken for granted", no_allocation_is_taken_for_granted},
};

int main(void)
{
    return test_main(tests, ARRAY_LEN(tests));
}

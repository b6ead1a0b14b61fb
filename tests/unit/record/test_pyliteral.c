#include "record/pyliteral.h"

#include "core/mem.h"
#include "test.h"
#include "json/json.h"

enum {
    OUT_MAX = 1 << 20
};

struct pair {
    const char *python;
    const char *json; /* NULL: refused */
};

static const struct pair pairs[] = {
    {"{}", "{}"},
    {" {'a': 1, \"b\": 'x'} \n", "{\"a\":1,\"b\":\"x\"}"},
    {"{'a': None, 'b': True, 'c': False,}",
     "{\"a\":null,\"b\":true,\"c\":false}"},
    {"[1, -2, 3.5, 1e5, -1.5E-3, 1., .5, 00.5, 0]",
     "[1,-2,3.5,1e5,-1.5E-3,1.0,0.5,0.5,0]"},
    {"[12345678901234567890123]", "[12345678901234567890123]"},
    {"(1, 'a')", "[1,\"a\"]"},
    {"((1),)", "[1]"},
    {"()", "[]"},
    {"({'a': 1})", "{\"a\":1}"},
    {"['it\\'s', \"say \\\"hi\\\"\", 'say \"hi\"']",
     "[\"it's\",\"say \\\"hi\\\"\",\"say \\\"hi\\\"\"]"},
    {"['\\n\\t\\\\\\a\\0\\101\\x41\\xe9\\u20ac\\U0001F60D']",
     "[\"\\u000A\\u0009\\\\\\u0007\\u0000AA\xc3\xa9\xe2\x82\xac"
     "\xf0\x9f\x98\x8d\"]"},
    {"['\\ud83d\\ude0d']", "[\"\xf0\x9f\x98\x8d\"]"},
    {"['\\d\\%']", "[\"\\\\d\\\\%\"]"},
    {"['a' \"b\" r'\\n' u'c']", "[\"ab\\\\nc\"]"},
    {"['''two\nlines ' '' ''']", "[\"two\\u000Alines ' '' \"]"},
    {"['one\\\nline']", "[\"oneline\"]"},
    {"['\xe2\x82\xac']", "[\"\xe2\x82\xac\"]"},
    {"{'a': [{'b': ()}]}", "{\"a\":[{\"b\":[]}]}"},
    {"", NULL},
    {"1", NULL},
    {"'text'", NULL},
    {"{'a'}", NULL},
    {"{1: 2}", NULL},
    {"{None: 2}", NULL},
    {"{'a': nan}", NULL},
    {"{'a': inf}", NULL},
    {"{'a': -inf}", NULL},
    {"{'a': Nonesuch}", NULL},
    {"{'a': b'x'}", NULL},
    {"{'a': f'x'}", NULL},
    {"{'a': 0x10}", NULL},
    {"{'a': 1_000}", NULL},
    {"{'a': 012}", NULL},
    {"{'a': 1j}", NULL},
    {"{'a': --1}", NULL},
    {"{'a': +1}", NULL},
    {"{'a': 1e}", NULL},
    {"{'a': .}", NULL},
    {"{'a': }", NULL},
    {"{'a': 1,,}", NULL},
    {"{,}", NULL},
    {"(,)", NULL},
    {"[1", NULL},
    {"[1 2]", NULL},
    {"[1]]", NULL},
    {"{'a': 1} {'b': 2}", NULL},
    {"['open]", NULL},
    {"['two\nlines']", NULL},
    {"['\\ud83d']", NULL},
    {"['\\ude0d']", NULL},
    {"['\\ud83dx']", NULL},
    {"['\\ud83d\\u0041']", NULL},
    {"['\\U00110000']", NULL},
    {"['\\x4']", NULL},
    {"['\\N{BULLET}']", NULL},
    {"[1 # one\n]", NULL},
    {"datetime.datetime(2020, 1, 1)", NULL},
    {"{'t': datetime.datetime(2020, 1, 1)}", NULL},
};

static void literals_become_json_or_are_refused(void)
{
    for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
        struct buf b;
        struct err e = {0};
        struct json_doc d = {0};
        int rc;

        buf_init(&b, OUT_MAX);
        rc = pyliteral_to_json(&b, slice_of(pairs[i].python), &e);
        if (pairs[i].json == NULL) {
            if (rc == 0) {
                test_fail(__FILE__, __LINE__, "took %s as %.*s",
                          pairs[i].python, SLICE_FMT(buf_slice(&b)));
            }
            CHECK_INT(b.len, 0);
        } else {
            CHECK_OK(rc, &e);
            CHECK_TEXT(buf_slice(&b), pairs[i].json);
            CHECK_OK(json_parse(&d, buf_slice(&b), 0, NULL, &e), &e);
            json_release(&d);
        }
        buf_release(&b);
    }
}

static void refusals_say_where(void)
{
    struct buf b;
    struct err e;

    buf_init(&b, OUT_MAX);
    CHECK(pyliteral_to_json(&b, SLICE("{'a': nan}"), &e) == -1);
    CHECK_INT(e.code, ERR_MALFORMED);
    CHECK(strstr(e.msg, "at byte 6: expected a value") != NULL);
    buf_release(&b);
}

static void depth_is_limited(void)
{
    char text[2 * PYLITERAL_DEPTH_MAX + 3];
    struct buf b;
    struct err e;

    buf_init(&b, OUT_MAX);
    for (int depth = PYLITERAL_DEPTH_MAX; depth <= PYLITERAL_DEPTH_MAX + 1;
         depth++) {
        size_t n = (size_t)depth;

        memset(text, '[', n);
        memset(text + n, ']', n);
        CHECK_INT(pyliteral_to_json(&b, (struct slice){text, 2 * n}, &e),
                  depth > PYLITERAL_DEPTH_MAX ? -1 : 0);
    }
    CHECK_INT(e.code, ERR_LIMIT);
    buf_release(&b);
}

static const struct test tests[] = {
    {"literals become JSON or are refused",
     literals_become_json_or_are_refused},
    {"refusals say where", refusals_say_where},
    {"depth is limited", depth_is_limited},
};

int main(void)
{
    return test_main(tests, ARRAY_LEN(tests));
}

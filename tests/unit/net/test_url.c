#include "net/url.h"

#include "test.h"

static void parts_are_taken_apart(void)
{
    struct url u;
    struct err e;

    CHECK_OK(
        url_parse(&u, SLICE("https://me@host.example:8443/a/b%20c?x=1&y"), &e),
        &e);
    CHECK_TEXT(u.scheme, "https");
    CHECK_TEXT(u.user, "me");
    CHECK_TEXT(u.host, "host.example");
    CHECK_TEXT(u.path, "/a/b%20c");
    CHECK_TEXT(u.query, "x=1&y");
    CHECK_INT(url_port(&u), 8443);
    CHECK_OK(url_parse(&u, SLICE("http://[::1]?"), &e), &e);
    CHECK(u.ipv6 && u.has_query && !u.has_port);
    CHECK_TEXT(u.host, "::1");
    CHECK_TEXT(u.query, "");
    CHECK_INT(url_port(&u), 80);
}

static void wrong_addresses_are_refused_in_words(void)
{
    static const struct {
        const char *text, *why;
    } cases[] = {
        {"ftp://h/", "it does not begin with http:// or https://"},
        {"http:/h/", "it does not begin with http:// or https://"},
        {"127.0.0.1:8082", "it does not begin with http:// or https://"},
        {"", "it does not begin with http:// or https://"},
        {"http://", "it has no host"},
        {"http://:80/", "it has no host"},
        {"http://h:0/", "the port is not a number from 1 to 65535"},
        {"http://h:65536/", "the port is not a number from 1 to 65535"},
        {"http://h:/", "the port is not a number from 1 to 65535"},
        {"http://[::1/", "a \"[\" without a \"]\""},
        {"http://[zz]/", "no IPv6 address between brackets"},
        {"http://a_b!/", "the host has characters that no host has"},
        {"http://@h/", "no user name before the \"@\""},
        {"http://h/a b", "it has a blank, a \"#\" or a character that must be "
                         "written as %XX"},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct url u = {.port = 7};
        char want[300];
        struct err e;

        CHECK(url_parse(&u, slice_of(cases[i].text), &e) != 0);
        CHECK(u.port == 7);
        (void)snprintf(want, sizeof(want), "cannot read address \"%s\": %s",
                       cases[i].text, cases[i].why);
        CHECK_TEXT(slice_of(e.msg), want);
    }
}

static void printing_gives_back_what_was_read(void)
{
    static const char *const texts[] = {
        "http://a",          "https://a.b:1/",  "http://[2001:db8::7]:65535/x?",
        "http://u%20x@h/?q", "http://h?a=b/c?", "http://1.2.3.4//x//",
    };
    struct buf b;
    struct err e;

    buf_init(&b, 1000);
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        struct url u;

        buf_clear(&b);
        CHECK_OK(url_parse(&u, slice_of(texts[i]), &e), &e);
        CHECK_OK(url_print(&u, &b, &e), &e);
        CHECK_TEXT(buf_slice(&b), texts[i]);
    }
    buf_release(&b);
}

static void every_byte_survives_percent_coding(void)
{
    char all[256];
    struct buf a;
    struct buf b;
    struct err e;

    for (size_t i = 0; i < sizeof(all); i++) {
        all[i] = (char)i;
    }
    buf_init(&a, 1000);
    buf_init(&b, 1000);
    CHECK_OK(url_escape(&a, (struct slice){all, sizeof(all)}, &e), &e);
    CHECK_OK(url_unescape(&b, buf_slice(&a), &e), &e);
    CHECK(slice_eq(buf_slice(&b), (struct slice){all, sizeof(all)}));
    buf_clear(&a);
    CHECK_OK(url_escape(&a, SLICE("a b/\xC3\xA9~"), &e), &e);
    CHECK_TEXT(buf_slice(&a), "a%20b%2F%C3%A9~");
    CHECK(url_unescape(&b, SLICE("50%"), &e) != 0);
    CHECK(url_unescape(&b, SLICE("%4"), &e) != 0);
    CHECK(url_unescape(&b, SLICE("%zz"), &e) != 0);
    CHECK_TEXT(slice_of(e.msg), "cannot decode \"%zz\": a % without two hex "
                                "digits at byte 0");
    buf_release(&a);
    buf_release(&b);
}

static const struct test tests[] = {
    {"parts are taken apart", parts_are_taken_apart},
    {"wrong addresses are refused in words",
     wrong_addresses_are_refused_in_words},
    {"printing gives back what was read", printing_gives_back_what_was_read},
    {"every byte survives percent coding", every_byte_survives_percent_coding},
};

int main(void)
{
    return test_main(tests, ARRAY_LEN(tests));
}

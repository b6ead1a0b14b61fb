#include "api/router.h"

#include "core/arena.h"
#include "test.h"

#define ROW(m, path, f, flag) \
    {.method = (m), .pattern = (path), .family = (f), .flags = (flag)}

static const struct route rows[] = {
    ROW(HTTP_GET, "/", FAMILY_KAFKA, 0),
    ROW(HTTP_GET, "/topics", FAMILY_KAFKA, 0),
    ROW(HTTP_POST, "/topics/{topic}", FAMILY_KAFKA, 0),
    ROW(HTTP_GET, "/topics/{topic}", FAMILY_KAFKA, 0),
    ROW(HTTP_GET, "/topics/{topic}/partitions/{partition}", FAMILY_KAFKA, 0),
    ROW(HTTP_POST, "/hidden", FAMILY_PLAIN, ROUTE_NOOP),
    ROW(HTTP_POST, "/{model}/", FAMILY_FASTAPI, 0),
};

static bool is_pin(const void *arg, struct slice name)
{
    (void)arg;
    return slice_is(name, "pin");
}

static const char *const strip[] = {"/test", "/dev", "/topics"};
static const struct router router = {.routes = rows,
                                     .n = ARRAY_LEN(rows),
                                     .without = ROUTE_NOOP,
                                     .strip = strip,
                                     .n_strip = ARRAY_LEN(strip),
                                     .is_model = is_pin};

static void table_of_paths(void)
{
    static const struct {
        enum http_method method;
        const char *path;
        enum router_result result;
        int row;           /* -1: any */
        const char *first; /* param */
    } cases[] = {
        {HTTP_GET, "/", ROUTER_FOUND, 0, NULL},
        {HTTP_HEAD, "/", ROUTER_FOUND, 0, NULL},
        {HTTP_POST, "/", ROUTER_METHOD, 0, NULL},
        {HTTP_GET, "", ROUTER_NOTFOUND, -1, NULL},
        {HTTP_GET, "topics", ROUTER_NOTFOUND, -1, NULL},
        {HTTP_GET, "*", ROUTER_NOTFOUND, -1, NULL},
        {HTTP_GET, "/topics", ROUTER_FOUND, 1, NULL},
        {HTTP_GET, "/topics/", ROUTER_FOUND, 1, NULL},
        {HTTP_GET, "//topics", ROUTER_NOTFOUND, -1, NULL},
        {HTTP_GET, "/Topics", ROUTER_NOTFOUND, -1, NULL},
        {HTTP_POST, "/topics/a.pin", ROUTER_FOUND, 2, "a.pin"},
        {HTTP_GET, "/topics/a%2Fb", ROUTER_FOUND, 3, "a/b"},
        {HTTP_GET, "/topics/a%2", ROUTER_BAD, -1, NULL},
        {HTTP_GET, "/topics/a%", ROUTER_BAD, -1, NULL},
        {HTTP_GET, "/topics/%g0", ROUTER_BAD, -1, NULL},
        {HTTP_PUT, "/topics/a", ROUTER_METHOD, -1, NULL},
        {HTTP_GET, "/topics/a/partitions/3", ROUTER_FOUND, 4, "a"},
        {HTTP_GET, "/topics/a/partitions", ROUTER_NOTFOUND, -1, NULL},
        {HTTP_POST, "/hidden", ROUTER_NOTFOUND, -1, NULL},
        {HTTP_POST, "/pin/", ROUTER_FOUND, 6, "pin"},
        {HTTP_POST, "/pin", ROUTER_REDIRECT, -1, NULL},
        {HTTP_GET, "/pin", ROUTER_NOTFOUND, -1, NULL},
        {HTTP_GET, "/pin/", ROUTER_METHOD, 6, NULL},
        {HTTP_POST, "/other/", ROUTER_NOTFOUND, -1, NULL},
        {HTTP_POST, "/test/pin/", ROUTER_FOUND, 6, "pin"},
        {HTTP_GET, "/dev/topics", ROUTER_FOUND, 1, NULL},
        {HTTP_GET, "/test", ROUTER_NOTFOUND, -1, NULL},
        {HTTP_GET, "/test/", ROUTER_FOUND, 0, NULL},
        {HTTP_GET, "/test/dev/topics", ROUTER_NOTFOUND, -1, NULL},
        {HTTP_POST, "/test/pin", ROUTER_REDIRECT, -1, NULL},
        {HTTP_GET, "/topics/topics", ROUTER_FOUND, 3, "topics"},
        {HTTP_GET, "/development/topics", ROUTER_NOTFOUND, -1, NULL},
        {HTTP_GET, "/a/b/c/d/e/f/g/h/i/j/k/l/m/n/o/p/q/r", ROUTER_NOTFOUND, -1,
         NULL},
    };
    struct arena a;

    arena_init(&a, 1 << 16);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct router_match m;
        enum router_result got = router_match(&router, cases[i].method,
                                              slice_of(cases[i].path), &a, &m);

        if (got != cases[i].result) {
            test_fail(__FILE__, __LINE__, "%s: result %d, want %d",
                      cases[i].path, (int)got, (int)cases[i].result);
        } else if (cases[i].row >= 0) {
            CHECK(m.route == &rows[cases[i].row]);
        }
        if (got == ROUTER_FOUND && cases[i].first != NULL) {
            CHECK_TEXT(m.params[0], cases[i].first);
        }
    }
    arena_release(&a);
}

static void allowed_methods_are_sorted(void)
{
    struct arena a;
    struct router_match m;
    char text[64];

    arena_init(&a, 1 << 16);
    CHECK(router_match(&router, HTTP_PUT, SLICE("/topics/x"), &a, &m) ==
          ROUTER_METHOD);
    router_allow(m.allowed, text);
    CHECK_TEXT(slice_of(text), "GET,HEAD,POST");
    router_allow(~0u, text);
    CHECK_TEXT(slice_of(text), "DELETE,GET,HEAD,OPTIONS,PATCH,POST,PUT");
    router_allow(0, text);
    CHECK_TEXT(slice_of(text), "");
    arena_release(&a);
}

static void queries_are_decoded(void)
{
    struct arena a;
    struct slice v;

    arena_init(&a, 1 << 16);
    CHECK(router_query(SLICE("a=1&topic=x%2ey+z&topic=2"), "topic", &a, &v));
    CHECK_TEXT(v, "x.y z");
    CHECK(router_query(SLICE("topic="), "topic", &a, &v));
    CHECK_INT(v.len, 0);
    CHECK(router_query(SLICE("topic"), "topic", &a, &v));
    CHECK_INT(v.len, 0);
    CHECK(!router_query(SLICE(""), "topic", &a, &v));
    CHECK(!router_query(SLICE("topics=1"), "topic", &a, &v));
    CHECK(!router_query(SLICE("topic=%4"), "topic", &a, &v));
    CHECK(router_query(SLICE("t%6Fpic=1"), "topic", &a, &v));
    arena_release(&a);
}

static void short_memory_is_no_match(void)
{
    struct arena a;
    struct router_match m;

    arena_init(&a, 4);
    CHECK(router_match(&router, HTTP_GET, SLICE("/topics/%41%41%41%41%41"), &a,
                       &m) == ROUTER_BAD);
    arena_release(&a);
}

int main(void)
{
    static const struct test tests[] = {
        {"paths find their routes", table_of_paths},
        {"allowed methods are sorted", allowed_methods_are_sorted},
        {"queries are decoded", queries_are_decoded},
        {"short memory is no match", short_memory_is_no_match},
    };

    return test_main(tests, ARRAY_LEN(tests));
}

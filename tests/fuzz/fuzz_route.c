/*
 * fuzz_route.c - paths and queries as clients send them.
 *
 * The first byte chooses the method, the rest is the target.  Property: a
 * route that is found takes the method; its params hold no '/' that was not
 * escaped, and are found again when they are escaped anew.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/api_int.h"
#include "fuzz.h"

enum {
    TARGET_MAX = 4096
};

static bool is_pin(const void *arg, struct slice name)
{
    (void)arg;
    return slice_is(name, "pin");
}

/* %XX of every byte. */
static struct slice escape(struct slice s, char *out)
{
    static const char digits[] = "0123456789abcdef";
    size_t n = 0;

    for (size_t i = 0; i < s.len; i++) {
        out[n++] = '%';
        out[n++] = digits[(unsigned char)s.ptr[i] >> 4];
        out[n++] = digits[(unsigned char)s.ptr[i] & 15];
    }
    return (struct slice){out, n};
}

static void check(const struct router_match *m, enum http_method method,
                  struct arena *a)
{
    char text[3 * TARGET_MAX];

    if (m->route == NULL ||
        (m->route->method != method &&
         !(m->route->method == HTTP_GET && method == HTTP_HEAD))) {
        abort();
    }
    for (size_t i = 0; i < m->n_params; i++) {
        struct slice again;

        if (!router_unescape(escape(m->params[i], text), false, a, &again) ||
            !slice_eq(again, m->params[i])) {
            abort();
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct router router = {
        .routes = api_routes, .n = api_n_routes, .is_model = is_pin};
    struct router_match m;
    struct arena a;
    struct slice query;
    struct slice path;
    struct slice value;
    enum http_method method;

    if (size < 1 || size > TARGET_MAX) {
        return 0;
    }
    method = (enum http_method)(data[0] % (HTTP_OTHER + 1));
    query = (struct slice){(const char *)data + 1, size - 1};
    (void)slice_cut(&query, '?', &path);
    arena_init(&a, 1 << 20);
    if (router_match(&router, method, path, &a, &m) == ROUTER_FOUND) {
        check(&m, method, &a);
    }
    (void)router_query(query, "topic", &a, &value);
    arena_release(&a);
    return 0;
}

#include "api/router.h"

#include <string.h>

enum {
    SEGMENTS_MAX = 16,
};

struct segments {
    struct slice part[SEGMENTS_MAX];
    size_t n;
    bool slash; /* at the end */
};

static int hex(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool router_unescape(struct slice s, bool plus, struct arena *a,
                     struct slice *ret)
{
    char *out;
    size_t n = 0;

    if (memchr(s.ptr, '%', s.len) == NULL &&
        (!plus || memchr(s.ptr, '+', s.len) == NULL)) {
        *ret = s;
        return true;
    }
    out = arena_alloc(a, s.len, NULL);
    if (out == NULL) {
        return false;
    }
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];

        if (c == '+' && plus) {
            c = ' ';
        } else if (c == '%') {
            int high = s.len - i > 2 ? hex(s.ptr[i + 1]) : -1;
            int low = s.len - i > 2 ? hex(s.ptr[i + 2]) : -1;

            if (high < 0 || low < 0) {
                return false;
            }
            c = (char)(high * 16 + low);
            i += 2;
        }
        out[n++] = c;
    }
    *ret = (struct slice){out, n};
    return true;
}

/* False when there are more than fit or the path does not begin with '/'. */
static bool split(struct slice path, struct segments *ret)
{
    struct slice head;
    bool more = true;

    *ret = (struct segments){.n = 0};
    if (path.len == 0 || path.ptr[0] != '/') {
        return false;
    }
    path = slice_from(path, 1);
    while (more) {
        more = slice_cut(&path, '/', &head);
        if (!more && head.len == 0) {
            ret->slash = true;
            break;
        }
        if (ret->n == SEGMENTS_MAX) {
            return false;
        }
        ret->part[ret->n++] = head;
    }
    return true;
}

static bool is_param(struct slice s)
{
    return s.len > 2 && s.ptr[0] == '{';
}

/* Whether the pattern fits the path; its params go to *m. */
static bool fits(const struct router *rt, const struct segments *pattern,
                 const struct segments *path, struct router_match *m)
{
    if (pattern->n != path->n) {
        return false;
    }
    m->n_params = 0;
    for (size_t i = 0; i < path->n; i++) {
        struct slice want = pattern->part[i];

        if (!is_param(want)) {
            if (!slice_eq(want, path->part[i])) {
                return false;
            }
            continue;
        }
        if (path->part[i].len == 0 || m->n_params == HTTP_PARAMS_MAX ||
            (slice_is(want, "{model}") &&
             (rt->is_model == NULL || !rt->is_model(rt->arg, path->part[i])))) {
            return false;
        }
        m->params[m->n_params++] = path->part[i];
    }
    return true;
}

/* Most rows can be told from their first letter. */
static bool may_fit(const char *pattern, const struct segments *path)
{
    char first =
        path->n > 0 && path->part[0].len > 0 ? path->part[0].ptr[0] : '\0';

    return pattern[1] == '{' || pattern[1] == first;
}

static bool same_method(enum http_method want, enum http_method got)
{
    return want == got || (want == HTTP_GET && got == HTTP_HEAD);
}

static enum router_result search(const struct router *rt,
                                 enum http_method method,
                                 const struct segments *path,
                                 struct router_match *ret)
{
    enum router_result found = ROUTER_NOTFOUND;

    for (size_t i = 0; i < rt->n; i++) {
        const struct route *row = &rt->routes[i];
        struct segments pattern;
        struct router_match m = {.route = row};

        if ((row->flags & rt->without) != 0 || !may_fit(row->pattern, path) ||
            !split(slice_of(row->pattern), &pattern) ||
            !fits(rt, &pattern, path, &m)) {
            continue;
        }
        if (pattern.slash && !path->slash && pattern.n > 0) {
            if (same_method(row->method, method)) {
                *ret = m;
                return ROUTER_REDIRECT;
            }
            continue;
        }
        m.allowed = ret->allowed | 1u << row->method;
        if (row->method == HTTP_GET) {
            m.allowed |= 1u << HTTP_HEAD;
        }
        *ret = m;
        if (same_method(row->method, method)) {
            return ROUTER_FOUND;
        }
        found = ROUTER_METHOD;
    }
    return found;
}

static enum router_result match(const struct router *rt,
                                enum http_method method, struct slice path,
                                struct arena *a, struct router_match *ret)
{
    struct segments s;

    *ret = (struct router_match){.route = NULL};
    if (!split(path, &s)) {
        return ROUTER_NOTFOUND;
    }
    for (size_t i = 0; i < s.n; i++) {
        if (!router_unescape(s.part[i], false, a, &s.part[i])) {
            return ROUTER_BAD;
        }
    }
    return search(rt, method, &s, ret);
}

/* A route that is there as it stands is not hidden by a prefix. */
enum router_result router_match(const struct router *rt,
                                enum http_method method, struct slice path,
                                struct arena *a, struct router_match *ret)
{
    enum router_result found = match(rt, method, path, a, ret);

    for (size_t i = 0; found == ROUTER_NOTFOUND && i < rt->n_strip; i++) {
        struct slice p = slice_of(rt->strip[i]);

        if (slice_starts(path, p) && path.len > p.len &&
            path.ptr[p.len] == '/') {
            found = match(rt, method, slice_from(path, p.len), a, ret);
        }
    }
    return found;
}

bool router_query(struct slice query, const char *name, struct arena *a,
                  struct slice *ret)
{
    bool more = query.len > 0;

    while (more) {
        struct slice pair;
        struct slice key;

        more = slice_cut(&query, '&', &pair);
        (void)slice_cut(&pair, '=', &key);
        if (router_unescape(key, true, a, &key) && slice_is(key, name)) {
            return router_unescape(pair, true, a, ret);
        }
    }
    return false;
}

void router_allow(unsigned allowed, char text[64])
{
    static const struct {
        enum http_method method;
        const char *name;
    } names[] = {
        {HTTP_DELETE, "DELETE"},   {HTTP_GET, "GET"},     {HTTP_HEAD, "HEAD"},
        {HTTP_OPTIONS, "OPTIONS"}, {HTTP_PATCH, "PATCH"}, {HTTP_POST, "POST"},
        {HTTP_PUT, "PUT"},
    };
    size_t n = 0;

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        size_t len = strlen(names[i].name);

        if ((allowed & 1u << names[i].method) != 0) {
            if (n > 0) {
                text[n++] = ',';
            }
            memcpy(text + n, names[i].name, len);
            n += len;
        }
    }
    text[n] = '\0';
}

/* Addresses: what was printed reads back to the same parts; what was escaped
 * is unescaped to the same bytes. */
#include "fuzz.h"
#include "net/url.h"

static void check_address(struct slice text)
{
    struct url u;
    struct url again;
    struct buf b;
    struct err e;

    if (url_parse(&u, text, &e) != 0) {
        return;
    }
    buf_init(&b, (size_t)2 * URL_MAX);
    require(url_print(&u, &b, &e) == 0);
    require(url_parse(&again, buf_slice(&b), &e) == 0);
    require(slice_eq(u.scheme, again.scheme) && slice_eq(u.user, again.user));
    require(slice_eq(u.host, again.host) && u.ipv6 == again.ipv6);
    require(u.has_port == again.has_port && url_port(&u) == url_port(&again));
    require(slice_eq(u.path, again.path) && slice_eq(u.query, again.query));
    require(u.has_query == again.has_query);
    buf_release(&b);
}

static void check_escape(struct slice text)
{
    struct buf a;
    struct buf b;
    struct err e;

    buf_init(&a, 3 * text.len + 1);
    buf_init(&b, 3 * text.len + 1);
    require(url_escape(&a, text, &e) == 0);
    require(url_unescape(&b, buf_slice(&a), &e) == 0);
    require(slice_eq(buf_slice(&b), text));
    buf_clear(&b);
    if (url_unescape(&b, text, &e) == 0) {
        require(b.len <= text.len);
    }
    buf_release(&a);
    buf_release(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice text = {(const char *)data, size};

    check_address(text);
    check_escape(text);
    return 0;
}

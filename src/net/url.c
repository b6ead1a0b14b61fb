#include "net/url.h"

#include <string.h>

#include "core/num.h"

static bool is_alpha(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_unreserved(char c)
{
    return is_alpha(c) || is_digit(c) || (c != '\0' && strchr("-._~", c));
}

static int hex_digit(char c)
{
    if (is_digit(c)) {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static int malformed(struct slice text, const char *why, struct err *e)
{
    return err_set(e, ERR_MALFORMED, "cannot read address \"%.*s\": %s",
                   text.len < 200 ? (int)text.len : 200, text.ptr, why);
}

static bool all_of(struct slice s, const char *more)
{
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];

        if (!is_unreserved(c) && (c == '\0' || strchr(more, c) == NULL)) {
            return false;
        }
    }
    return true;
}

/* Visible ASCII only: no blank, no control character, no fragment. */
static bool is_plain(struct slice s)
{
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] <= ' ' || s.ptr[i] > '~' || s.ptr[i] == '#') {
            return false;
        }
    }
    return true;
}

static size_t find(struct slice s, const char *stops)
{
    size_t i = 0;

    while (i < s.len && strchr(stops, s.ptr[i]) == NULL) {
        i++;
    }
    return i;
}

static int parse_host(struct url *u, struct slice *rest, struct slice text,
                      struct err *e)
{
    size_t n;

    if (rest->len > 0 && rest->ptr[0] == '[') {
        n = find(*rest, "]");
        if (n == rest->len) {
            return malformed(text, "a \"[\" without a \"]\"", e);
        }
        u->ipv6 = true;
        u->host = (struct slice){rest->ptr + 1, n - 1};
        *rest = slice_from(*rest, n + 1);
        for (size_t i = 0; i < u->host.len; i++) {
            char c = u->host.ptr[i];

            if (hex_digit(c) < 0 && c != ':' && c != '.') {
                return malformed(text, "no IPv6 address between brackets", e);
            }
        }
    } else {
        n = find(*rest, ":");
        u->host = (struct slice){rest->ptr, n};
        *rest = slice_from(*rest, n);
        if (!all_of(u->host, "")) {
            return malformed(text, "the host has characters that no host has",
                             e);
        }
    }
    return u->host.len > 0 ? 0 : malformed(text, "it has no host", e);
}

static int parse_authority(struct url *u, struct slice rest, struct slice text,
                           struct err *e)
{
    size_t at = find(rest, "@");
    uint64_t port = 0;

    if (at < rest.len) {
        u->user = (struct slice){rest.ptr, at};
        rest = slice_from(rest, at + 1);
        if (u->user.len == 0 || !all_of(u->user, "%!$&'()*+,;=")) {
            return malformed(text, "no user name before the \"@\"", e);
        }
    }
    if (parse_host(u, &rest, text, e) != 0) {
        return -1;
    }
    if (rest.len == 0) {
        return 0;
    }
    if (rest.ptr[0] != ':' || rest.len > 6 ||
        !num_u64(slice_from(rest, 1), &port) || port == 0 || port > 65535) {
        return malformed(text, "the port is not a number from 1 to 65535", e);
    }
    u->has_port = true;
    u->port = (uint16_t)port;
    return 0;
}

int url_parse(struct url *ret, struct slice text, struct err *e)
{
    struct url u = {.scheme = {"", 0}};
    struct slice rest = text;
    size_t n;

    if (text.len > URL_MAX) {
        return err_set(e, ERR_LIMIT,
                       "cannot read an address of %zu bytes: at most %d",
                       text.len, URL_MAX);
    }
    if (!is_plain(text)) {
        return malformed(text,
                         "it has a blank, a \"#\" or a character that"
                         " must be written as %XX",
                         e);
    }
    n = find(rest, ":");
    u.scheme = (struct slice){rest.ptr, n};
    rest = slice_from(rest, n);
    if ((!slice_is(u.scheme, "http") && !slice_is(u.scheme, "https")) ||
        !slice_starts(rest, SLICE("://"))) {
        return malformed(text, "it does not begin with http:// or https://", e);
    }
    rest = slice_from(rest, 3);
    n = find(rest, "/?");
    if (parse_authority(&u, (struct slice){rest.ptr, n}, text, e) != 0) {
        return -1;
    }
    rest = slice_from(rest, n);
    n = find(rest, "?");
    u.path = (struct slice){rest.ptr, n};
    if (n < rest.len) {
        u.has_query = true;
        u.query = slice_from(rest, n + 1);
    }
    *ret = u;
    return 0;
}

int url_print(const struct url *u, struct buf *b, struct err *e)
{
    if (buf_putf(b, e, "%.*s://", SLICE_FMT(u->scheme)) != 0 ||
        (u->user.len > 0 && buf_putf(b, e, "%.*s@", SLICE_FMT(u->user)) != 0) ||
        buf_putf(b, e, u->ipv6 ? "[%.*s]" : "%.*s", SLICE_FMT(u->host)) != 0) {
        return -1;
    }
    if (u->has_port && buf_putf(b, e, ":%u", (unsigned)u->port) != 0) {
        return -1;
    }
    if (buf_append(b, u->path, e) != 0) {
        return -1;
    }
    return u->has_query ? buf_putf(b, e, "?%.*s", SLICE_FMT(u->query)) : 0;
}

uint16_t url_port(const struct url *u)
{
    if (u->has_port) {
        return u->port;
    }
    return slice_is(u->scheme, "https") ? 443 : 80;
}

int url_escape(struct buf *b, struct slice text, struct err *e)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];

        if (is_unreserved(text.ptr[i]) ? buf_putc(b, text.ptr[i], e) != 0
                                       : buf_putf(b, e, "%%%02X", c) != 0) {
            return -1;
        }
    }
    return 0;
}

int url_unescape(struct buf *b, struct slice text, struct err *e)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];

        if (c == '%') {
            int high = i + 2 < text.len ? hex_digit(text.ptr[i + 1]) : -1;
            int low = i + 2 < text.len ? hex_digit(text.ptr[i + 2]) : -1;

            if (high < 0 || low < 0) {
                return err_set(e, ERR_MALFORMED,
                               "cannot decode \"%.*s\": a %% without two hex"
                               " digits at byte %zu",
                               text.len < 200 ? (int)text.len : 200, text.ptr,
                               i);
            }
            c = (char)(high * 16 + low);
            i += 2;
        }
        if (buf_putc(b, c, e) != 0) {
            return -1;
        }
    }
    return 0;
}

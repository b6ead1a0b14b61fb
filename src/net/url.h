/*
 * url.h - http and https addresses: taken apart, put together, percent coding.
 *
 * The grammar is small on purpose: scheme://[user@]host[:port][/path][?query],
 * no fragment.  The host is a name, an IPv4 address or an IPv6 address in
 * brackets.  url_print(url_parse(x)) parses to the same parts.
 */
#ifndef NET_URL_H
#define NET_URL_H

#include "core/buf.h"

struct url {
    struct slice scheme; /* "http", in lower case as written */
    struct slice user;   /* without @; empty: none */
    struct slice host;   /* IPv6 without brackets */
    bool ipv6;
    bool has_port;
    uint16_t port;
    struct slice path;  /* "" or begins with / */
    struct slice query; /* behind ?, not decoded */
    bool has_query;
};

enum {
    URL_MAX = 8192
};

/* The slices borrow from text.  ERR_MALFORMED says what and where. */
int url_parse(struct url *ret, struct slice text, struct err *e) MUST_USE;
int url_print(const struct url *u, struct buf *b, struct err *e) MUST_USE;
/* The port that is meant: has_port, else 443 for https, else 80. */
uint16_t url_port(const struct url *u);

/* Append with all but A-Z a-z 0-9 - . _ ~ as %XX. */
int url_escape(struct buf *b, struct slice text, struct err *e) MUST_USE;
/* Append decoded; ERR_MALFORMED at a % without two hex digits. */
int url_unescape(struct buf *b, struct slice text, struct err *e) MUST_USE;

#endif

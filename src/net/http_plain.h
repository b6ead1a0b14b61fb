/*
 * http_plain.h - the quick way for http:// and one server: our own sockets.
 *
 * libcurl costs about 30 microseconds a small request, which is what an
 * emulator that posts flat out spends most of its time on.  http_client.c
 * goes this way when it is told the one server that all requests go to, the
 * scheme is http, and no proxy is configured.  Same contract as
 * http_client.h; for its own use only.
 */
#ifndef NET_HTTP_PLAIN_H
#define NET_HTTP_PLAIN_H

#include "net/http_client.h"
#include "net/url.h"

struct http_plain; /* opaque */

/* conf->base is an http address; its host is looked up now. */
int http_plain_new(struct http_plain **ret, const struct http_client_conf *conf,
                   struct err *e) MUST_USE;
void http_plain_free(struct http_plain *p);
int http_plain_start(struct http_plain *p, const struct http_request *r,
                     struct err *e) MUST_USE;
size_t http_plain_busy(const struct http_plain *p);
void http_plain_wait(struct http_plain *p, int64_t wait_us,
                     struct http_answer *ret, bool *ret_any);

#endif

/*
 * http_head.h - the head of an HTTP/1.x answer, and chunked bodies.
 *
 * Pure functions over bytes that have come so far; nothing is kept.
 */
#ifndef NET_HTTP_HEAD_H
#define NET_HTTP_HEAD_H

#include "core/buf.h"

enum {
    HTTP_HEAD_MAX = 65536 /* bytes */
};

struct http_head {
    int status;     /* 100..599 */
    size_t len;     /* bytes, the empty line included */
    int64_t length; /* Content-Length; -1: none */
    bool chunked;
    bool keep; /* the connection may be used again */
};

/* 1: read, 0: more bytes are needed, -1: ERR_MALFORMED or ERR_LIMIT. */
int http_head_parse(struct slice bytes, struct http_head *ret,
                    struct err *e) MUST_USE;
/* The value of a header (any case) in a head that was read. */
bool http_head_find(struct slice head, const char *name, struct slice *ret);
/* Append the text of a chunked body to *b (emptied first).  1: whole, and
 * *ret_used bytes long; 0: more bytes are needed; -1 as above. */
int http_head_unchunk(struct slice bytes, struct buf *b, size_t *ret_used,
                      struct err *e) MUST_USE;

#endif

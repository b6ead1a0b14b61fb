/*
 * http_client.h - HTTP requests, many at once, on connections that are kept.
 *
 * On libcurl (loaded with the first client that needs it), or, for one http
 * server, on sockets of our own.  Every wait has a limit, TLS certificates and
 * names are verified, an answer has a ceiling in bytes.  Redirections are not
 * followed.  A client belongs to one thread.
 *
 *     http_client_start(c, &request, e);        up to conf.connections times
 *     http_client_wait(c, wait_us, &answer, &any, e);
 */
#ifndef NET_HTTP_CLIENT_H
#define NET_HTTP_CLIENT_H

#include "core/buf.h"

struct http_client; /* opaque */

struct http_client_conf {
    size_t connections;         /* requests at once; 0: 1; at most 1,024 */
    int64_t connect_timeout_us; /* 0: 10 s */
    int64_t timeout_us;         /* of one request in all; 0: 30 s */
    size_t answer_max;          /* bytes of an answer's body; 0: 8 MiB */
    const char *ca_file;        /* trusted certificates; NULL: the system's */
    const char *base; /* every request goes to this server; NULL: to any.
                       * Makes plain http much quicker */
};

enum {
    HTTP_CONNECTIONS_MAX = 1024,
    HTTP_HEADERS_MAX = 16
};

struct http_request {
    const char *method; /* "GET", "POST", ... */
    const char *url;    /* read before http_client_start() returns */
    const char *headers[HTTP_HEADERS_MAX]; /* "Name: value", NULL behind the
                                            * last; read at once too */
    struct slice body;                     /* borrowed until the answer came */
    void *user;                            /* comes back with the answer */
};

/* What became of a request; its texts are good until the next call. */
struct http_answer {
    void *user;
    int status; /* 100..599, or 0: none came, and err says why */
    struct slice body;
    bool reached; /* the request may have reached the far side */
    struct err err;
    void *handle;      /* for http_answer_header(): the request's, or */
    struct slice head; /* the bytes of the answer's head */
};

int http_client_new(struct http_client **ret,
                    const struct http_client_conf *conf,
                    struct err *e) MUST_USE;
/* Requests that are under way are given up.  NULL is fine. */
void http_client_free(struct http_client *c);

/* ERR_BUSY when as many requests as connections are under way. */
int http_client_start(struct http_client *c, const struct http_request *r,
                      struct err *e) MUST_USE;
size_t http_client_busy(const struct http_client *c);
/* Work until a request has ended, at most wait_us, or until a signal comes.
 * *ret_any is false when none has. */
int http_client_wait(struct http_client *c, int64_t wait_us,
                     struct http_answer *ret, bool *ret_any,
                     struct err *e) MUST_USE;
/* One request and its answer, while none is under way.  Fails when no answer
 * came; any status is an answer. */
int http_client_do(struct http_client *c, const struct http_request *r,
                   struct http_answer *ret, struct err *e) MUST_USE;

/* The value of a header of the answer (any case); false when it has none. */
bool http_answer_header(const struct http_answer *a, const char *name,
                        struct slice *ret);

#endif

/*
 * server.h - HTTP/1.1 over libmicrohttpd: an epoll pool that suspends.
 *
 * The server knows bytes, limits and deadlines; what a request means is the
 * business of `server_ops`, which are called from the pool's threads.  A
 * request that cannot be answered yet is suspended; from then on it belongs
 * to whoever will call server_wake(), from any thread, exactly once.
 */
#ifndef API_SERVER_H
#define API_SERVER_H

#include "core/arena.h"
#include "core/buf.h"

enum http_method {
    HTTP_GET,
    HTTP_HEAD,
    HTTP_POST,
    HTTP_PUT,
    HTTP_DELETE,
    HTTP_PATCH,
    HTTP_OPTIONS,
    HTTP_OTHER,
};

enum {
    HTTP_PARAMS_MAX = 4,
    HTTP_HEADERS_MAX = 8, /* of an answer, besides Content-Type */
};

struct http_answer {
    int status;       /* 0: none yet */
    const char *type; /* NULL: no Content-Type */
    struct buf body;
    struct {
        const char *name, *value; /* static or in the request's arena */
    } headers[HTTP_HEADERS_MAX];
    size_t n_headers;
    bool close; /* end the connection after it */
};

struct http_request {
    enum http_method method;
    struct slice target; /* as sent: path and query, not decoded */
    struct slice path, query;
    struct slice body; /* in handle() */
    struct arena arena;
    struct http_answer answer;
    size_t body_max; /* begin() may lower or raise it */

    /* the handlers' */
    const void *route;
    struct slice params[HTTP_PARAMS_MAX]; /* decoded */
    size_t n_params;
    struct slice principal;
    void *work;
    /* woken without an answer: builds it, or suspends once more, in a thread
     * of the pool */
    void (*resume)(struct http_request *r);
    /* suspended, the deadline passed: true when the request may be answered
     * now (nobody else will wake it) */
    bool (*expire)(struct http_request *r);
    /* the request is over: frees what `work` holds; may be NULL */
    void (*end)(struct http_request *r);
    bool receipt; /* `sent` shall be true only if the client took it all */
    bool sent;    /* in end(): all of the answer went out */

    struct server_conn *conn; /* the server's, as all below */
    struct http_request *next, *prev;
    int64_t deadline_us;
    struct buf upload;
    size_t held;  /* of the budget */
    int64_t seen; /* bytes of the body, also refused ones */
    int phase;
    bool wakes_others;
};

struct server_ops {
    /* The head is there; filling r->answer refuses the request. */
    void (*begin)(void *arg, struct http_request *r);
    /* The body is there: fill r->answer or server_suspend(). */
    void (*handle)(void *arg, struct http_request *r);
    /* 413 body too large, 429 budget spent, 503 stopping: fill r->answer. */
    void (*refuse)(void *arg, struct http_request *r, int status);
    /* The answer was sent, or never will be. */
    void (*end)(void *arg, struct http_request *r);
};

struct server_conf {
    const char *const *listen;
    size_t n_listen;
    char *tls_cert, *tls_key; /* PEM text, NULL: plain */
    size_t body_max, budget, header_max;
    unsigned connections;
    int64_t request_us, answer_us;
    bool allow_remote; /* other listeners than loopback */
    const struct server_ops *ops;
    void *arg;
};

struct server_stats {
    int64_t connections, requests, bodies; /* now, since start, bytes now */
    int64_t waiting;                       /* suspended now */
    int64_t cut;                           /* connections ended as too slow */
};

struct server;

int server_start(struct server **ret, const struct server_conf *conf,
                 struct err *e) MUST_USE;
/* Refuse what is new, answer what is under way, end. Within 10 s. */
void server_stop(struct server *s);
int server_port(const struct server *s, size_t i);
void server_stats(struct server *s, struct server_stats *ret);

/* A request header; empty and false when it was not sent. */
bool server_header(struct http_request *r, const char *name, struct slice *ret);
/* The client's address, "127.0.0.1" or "::1"; empty when it is not known. */
void server_client(struct http_request *r, char *text, size_t size);
/* Within handle() or resume(), with resume and expire set: false when the server is
 * stopping (then nothing happened, answer at once). */
bool server_suspend(struct http_request *r) MUST_USE;
void server_wake(struct http_request *r);

#endif

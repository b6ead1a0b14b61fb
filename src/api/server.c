#include "api/server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "api/server_int.h"
#include "core/clock.h"
#include "core/mem.h"
#include "core/num.h"

enum {
    ARENA_MAX = 1 << 20,
    DRAIN_MAX = 64 << 20, /* bytes read of a body that is refused */
    RECEIPT_US = 50000,   /* for a client that closed its side to take it all */
};

enum phase {
    PHASE_NEW,
    PHASE_READING,
    PHASE_READ,
    PHASE_WAITING,
    PHASE_ANSWERED,
};

/* ---- suspending ---- */

static void unlist(struct server *s, struct http_request *r)
{
    if (r->prev != NULL) {
        r->prev->next = r->next;
    } else {
        s->suspended = r->next;
    }
    if (r->next != NULL) {
        r->next->prev = r->prev;
    }
    r->next = NULL;
    r->prev = NULL;
}

bool server_suspend(struct http_request *r)
{
    struct server *s = r->conn->server;
    int64_t now = clock_mono_us();

    mutex_lock(&s->lock);
    if (atomic_load(&s->stopping)) {
        mutex_unlock(&s->lock);
        return false;
    }
    atomic_fetch_add(&s->waiting, 1);
    r->phase = PHASE_WAITING;
    r->deadline_us = now + s->conf.answer_us;
    r->prev = NULL;
    r->next = s->suspended;
    if (r->next != NULL) {
        r->next->prev = r;
    }
    s->suspended = r;
    s->mhd.suspend_connection(r->conn->mhd);
    mutex_unlock(&s->lock);
    return true;
}

/* waiting falls only after the resume: server_stop() relies on it, as ending
 * a daemon that has a suspended connection aborts the process. */
static void resume(struct server *s, struct http_request *r)
{
    s->mhd.resume_connection(r->conn->mhd);
    atomic_fetch_sub(&s->waiting, 1);
}

static void resume_all(struct server *s, struct http_request *list)
{
    struct http_request *next;

    for (; list != NULL; list = next) {
        next = list->next;
        list->next = NULL;
        resume(s, list);
    }
}

/*
 * A commit wakes many requests, and each resume wakes a thread of the pool:
 * so only the first is resumed at once, and the pool's thread that gets it
 * resumes those which came behind it meanwhile.
 */
void server_wake(struct http_request *r)
{
    struct server *s = r->conn->server;
    bool first;

    mutex_lock(&s->lock);
    unlist(s, r);
    first = !s->waking;
    s->waking = true;
    r->wakes_others = first;
    if (!first) {
        r->next = s->woken;
        s->woken = r;
    }
    mutex_unlock(&s->lock);
    if (first) {
        resume(s, r);
    }
}

/* In the pool, when r goes on or ends. */
static void wake_others(struct http_request *r)
{
    struct server *s = r->conn->server;
    struct http_request *list;

    if (r->wakes_others) {
        r->wakes_others = false;
        mutex_lock(&s->lock);
        list = s->woken;
        s->woken = NULL;
        s->waking = false;
        mutex_unlock(&s->lock);
        resume_all(s, list);
    }
}

/*
 * What is sent to a client that has closed its side seems to arrive: one that
 * only sends no more takes it all, one that is gone answers with a reset.
 */
static bool received(int fd)
{
    struct pollfd p = {.fd = fd};
    int64_t until;
    int left = 0;
    char c;
    ssize_t n = recv(fd, &c, 1, MSG_PEEK | MSG_DONTWAIT);

    if (n != 0) {
        return n > 0 || errno == EAGAIN || errno == EWOULDBLOCK;
    }
    until = clock_mono_us() + RECEIPT_US;
    do {
        if (poll(&p, 1, 0) != 0) {
            return false; /* only errors are asked for */
        }
        if (ioctl(fd, TIOCOUTQ, &left) != 0 || left == 0) {
            return true;
        }
        clock_sleep_us(1000);
    } while (clock_mono_us() < until);
    return false;
}

/* Requests past their deadline (all, when stopping) that their workers give
 * up are woken to say so. */
void server_expire(struct server *s, int64_t now)
{
    struct http_request *due = NULL;
    struct http_request *next;

    mutex_lock(&s->lock);
    for (struct http_request *r = s->suspended; r != NULL; r = next) {
        next = r->next;
        if (r->deadline_us <= now && r->expire(r)) {
            unlist(s, r);
            r->next = due;
            due = r;
        }
    }
    mutex_unlock(&s->lock);
    resume_all(s, due);
}

/* ---- one request ---- */

bool server_turn(struct server_conn *c, enum server_turn from,
                 enum server_turn to)
{
    int expected = (int)from;

    return atomic_compare_exchange_strong(&c->turn, &expected, (int)to);
}

void *server_on_uri(void *arg, const char *uri, struct MHD_Connection *mhd)
{
    struct server *s = arg;
    const union MHD_ConnectionInfo *info =
        s->mhd.get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    struct server_conn *conn = info == NULL ? NULL : info->socket_context;
    size_t len = strlen(uri);
    struct http_request *r = NULL;
    char *copy;

    if (conn == NULL || !server_turn(conn, TURN_NOBODY, TURN_READING)) {
        return NULL;
    }
    conn->mhd = mhd;
    atomic_store(&conn->due_us, clock_mono_us() + s->conf.request_us);
    r = mem_zero(1, sizeof(*r) + len + 1);
    if (r == NULL) {
        return NULL;
    }
    copy = (char *)(r + 1);
    memcpy(copy, uri, len);
    r->target = (struct slice){copy, len};
    r->query = r->target;
    (void)slice_cut(&r->query, '?', &r->path);
    r->conn = conn;
    r->body_max = s->conf.body_max;
    arena_init(&r->arena, ARENA_MAX);
    buf_init(&r->answer.body, SIZE_MAX);
    buf_init(&r->upload, SIZE_MAX);
    return r;
}

static enum http_method method_of(const char *text)
{
    static const char *const names[] = {
        [HTTP_GET] = MHD_HTTP_METHOD_GET,
        [HTTP_HEAD] = MHD_HTTP_METHOD_HEAD,
        [HTTP_POST] = MHD_HTTP_METHOD_POST,
        [HTTP_PUT] = MHD_HTTP_METHOD_PUT,
        [HTTP_DELETE] = MHD_HTTP_METHOD_DELETE,
        [HTTP_PATCH] = MHD_HTTP_METHOD_PATCH,
        [HTTP_OPTIONS] = MHD_HTTP_METHOD_OPTIONS,
    };

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (strcmp(text, names[i]) == 0) {
            return (enum http_method)i;
        }
    }
    return HTTP_OTHER;
}

bool server_header(struct http_request *r, const char *name, struct slice *ret)
{
    const char *value = NULL;
    size_t len = 0;

    if (r->conn == NULL ||
        r->conn->server->mhd.lookup_connection_value_n(
            r->conn->mhd, MHD_HEADER_KIND, name, strlen(name), &value, &len) !=
            MHD_YES ||
        value == NULL) {
        return false;
    }
    *ret = (struct slice){value, len};
    return true;
}

static void keep_client(struct server_conn *c)
{
    const union MHD_ConnectionInfo *info = c->server->mhd.get_connection_info(
        c->mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    struct sockaddr_in6 in6;
    struct sockaddr_in in;

    if (info == NULL || info->client_addr == NULL) {
        return;
    }
    if (info->client_addr->sa_family == AF_INET) {
        memcpy(&in, info->client_addr, sizeof(in));
        (void)inet_ntop(AF_INET, &in.sin_addr, c->client, sizeof(c->client));
    } else if (info->client_addr->sa_family == AF_INET6) {
        memcpy(&in6, info->client_addr, sizeof(in6));
        (void)inet_ntop(AF_INET6, &in6.sin6_addr, c->client, sizeof(c->client));
    }
}

void server_client(struct http_request *r, char *text, size_t size)
{
    struct server_conn *c = r->conn;

    if (c != NULL && c->client[0] == '\0') {
        keep_client(c);
    }
    (void)snprintf(text, size, "%s", c != NULL ? c->client : "");
}

static void refuse(struct http_request *r, int status)
{
    struct server *s = r->conn->server;

    buf_clear(&r->answer.body);
    s->conf.ops->refuse(s->conf.arg, r, status);
}

static enum MHD_Result send_answer(struct http_request *r)
{
    const struct mhd_api *mhd = &r->conn->server->mhd;
    struct http_answer *a = &r->answer;
    struct MHD_Response *m;
    enum MHD_Result ok = MHD_YES;

    (void)server_turn(r->conn, TURN_READING, TURN_HANDLED);
    if (atomic_load(&r->conn->turn) == TURN_CUT) {
        return MHD_NO;
    }
    m = mhd->create_response_from_buffer(a->body.len, a->body.ptr,
                                         MHD_RESPMEM_PERSISTENT);
    if (m == NULL) {
        return MHD_NO;
    }
    if (a->type != NULL) {
        ok = mhd->add_response_header(m, MHD_HTTP_HEADER_CONTENT_TYPE, a->type);
    }
    for (size_t i = 0; ok == MHD_YES && i < a->n_headers; i++) {
        ok = mhd->add_response_header(m, a->headers[i].name,
                                      a->headers[i].value);
    }
    if (ok == MHD_YES && a->close) {
        ok = mhd->add_response_header(m, MHD_HTTP_HEADER_CONNECTION, "close");
    }
    if (ok == MHD_YES) {
        r->phase = PHASE_ANSWERED;
        atomic_store(&r->conn->due_us,
                     clock_mono_us() + r->conn->server->conf.request_us);
        ok = mhd->queue_response(r->conn->mhd, (unsigned)a->status, m);
    }
    mhd->destroy_response(m);
    return ok;
}

/* A body that nobody will read is still taken off the wire, so that the
 * client gets to read its answer; one without measure is not. */
static enum MHD_Result begin(struct http_request *r, const char *method)
{
    struct server *s = r->conn->server;
    struct slice text;
    int64_t declared = 0;

    r->method = method_of(method);
    r->phase = PHASE_READING;
    atomic_fetch_add(&s->active, 1);
    atomic_fetch_add_explicit(&s->requests, 1, memory_order_relaxed);
    if (server_header(r, MHD_HTTP_HEADER_CONTENT_LENGTH, &text) &&
        !num_i64(text, &declared)) {
        declared = INT64_MAX;
    }
    if (atomic_load(&s->stopping)) {
        refuse(r, 503);
        r->answer.close = true;
        return MHD_YES;
    }
    s->conf.ops->begin(s->conf.arg, r);
    if (r->answer.status == 0 && (uint64_t)declared > r->body_max) {
        refuse(r, 413);
    }
    if (r->answer.status != 0 && declared > DRAIN_MAX) {
        r->answer.close = true;
        return send_answer(r);
    }
    return MHD_YES;
}

static void drop_body(struct http_request *r)
{
    atomic_fetch_sub(&r->conn->server->bodies, (long long)r->held);
    r->held = 0;
    buf_release(&r->upload);
    r->body = (struct slice){NULL, 0};
}

static void refuse_body(struct http_request *r, int status)
{
    drop_body(r);
    refuse(r, status);
}

/* Twice the bytes are charged: the body, and what handlers make of it. */
static enum MHD_Result take_body(struct http_request *r, const char *data,
                                 size_t n)
{
    struct server *s = r->conn->server;

    r->seen += (int64_t)n;
    if (r->answer.status != 0) {
        if (r->seen <= DRAIN_MAX) {
            return MHD_YES;
        }
        if (server_turn(r->conn, TURN_READING, TURN_CUT)) {
            server_tell(r->conn, r->answer.status,
                        r->answer.type != NULL ? r->answer.type : "text/plain",
                        buf_slice(&r->answer.body));
        }
        return MHD_NO;
    }
    if (n > r->body_max - r->upload.len) {
        refuse_body(r, 413);
        return MHD_YES;
    }
    r->held += 2 * n;
    if (atomic_fetch_add(&s->bodies, (long long)(2 * n)) + (long long)(2 * n) >
            (long long)s->conf.budget ||
        buf_append(&r->upload, (struct slice){data, n}, NULL) != 0) {
        refuse_body(r, 429);
    }
    return MHD_YES;
}

static enum MHD_Result handle(struct http_request *r)
{
    struct server *s = r->conn->server;

    if (r->answer.status == 0) {
        if (!server_turn(r->conn, TURN_READING, TURN_HANDLED)) {
            return MHD_NO;
        }
        atomic_store(&r->conn->due_us, 0);
        r->body = buf_slice(&r->upload);
        s->conf.ops->handle(s->conf.arg, r);
    }
    if (r->phase == PHASE_WAITING) {
        return MHD_YES; /* it may be another thread's by now */
    }
    return send_answer(r);
}

/* libmicrohttpd fixes its parameters */
/* NOLINTNEXTLINE(readability-function-size) */
enum MHD_Result server_on_request(void *arg, struct MHD_Connection *mhd,
                                  const char *url, const char *method,
                                  const char *version, const char *data,
                                  size_t *n, void **state)
{
    struct http_request *r = *state;
    enum MHD_Result ok;

    (void)arg;
    (void)mhd;
    (void)url;
    (void)version;
    if (r == NULL) {
        return MHD_NO;
    }
    switch ((enum phase)r->phase) {
    case PHASE_NEW:
        return begin(r, method);
    case PHASE_READING:
        if (*n > 0) {
            ok = take_body(r, data, *n);
            *n = 0;
            return ok;
        }
        /* libmicrohttpd reads on from what is suspended in the same turn, and
         * drops a client that closed its side; so it is handled in the next */
        r->phase = PHASE_READ;
        return MHD_YES;
    case PHASE_READ:
        return handle(r);
    case PHASE_WAITING:
        wake_others(r);
        r->phase = PHASE_READING;
        if (r->answer.status == 0) {
            r->resume(r);
        }
        return r->phase == PHASE_WAITING ? MHD_YES : send_answer(r);
    case PHASE_ANSWERED:
        break;
    }
    return MHD_YES;
}

void server_on_end(void *arg, struct MHD_Connection *mhd, void **state,
                   enum MHD_RequestTerminationCode why)
{
    struct http_request *r = *state;
    struct server *s = arg;

    (void)mhd;
    if (r == NULL) {
        return;
    }
    *state = NULL;
    wake_others(r);
    drop_body(r);
    r->sent = r->phase == PHASE_ANSWERED &&
              why == MHD_REQUEST_TERMINATED_COMPLETED_OK &&
              (!r->receipt || received(r->conn->fd));
    atomic_store(&r->conn->due_us, clock_mono_us() + s->conf.request_us);
    if (!server_turn(r->conn, TURN_HANDLED, TURN_NOBODY)) {
        (void)server_turn(r->conn, TURN_READING, TURN_NOBODY);
    }
    s->conf.ops->end(s->conf.arg, r);
    if (r->phase != PHASE_NEW) {
        atomic_fetch_sub(&s->active, 1);
    }
    buf_release(&r->answer.body);
    arena_release(&r->arena);
    mem_free(r);
}

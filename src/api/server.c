#include "api/server.h"

#include <microhttpd.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "api/listen.h"
#include "core/clock.h"
#include "core/mem.h"
#include "core/num.h"
#include "core/thread.h"

enum {
    POOL_THREADS = 2,
    LISTENERS_MAX = 16,
    ARENA_MAX = 1 << 20,
    DRAIN_MAX = 64 << 20, /* bytes read of a body that is refused */
    TICK_US = 250000,
    STOP_UPLOADS_US = 2000000, /* for bodies that are still coming in */
    STOP_WAITING_US = 6000000, /* for the broker; then they are refused */
};

enum phase {
    PHASE_NEW,
    PHASE_READING,
    PHASE_WAITING,
    PHASE_ANSWERED,
};

struct server_conn {
    struct server *server;
    struct MHD_Connection *mhd;
    struct server_conn *next, *prev;
    int fd;
    atomic_llong due_us; /* cut it then; 0: not now */
};

struct server {
    struct server_conf conf;
    struct MHD_Daemon *daemons[LISTENERS_MAX];
    struct listener listeners[LISTENERS_MAX];
    size_t n;
    char log[256]; /* what libmicrohttpd said last, while starting */
    bool started;

    atomic_bool stopping;
    atomic_llong active;  /* requests between begin() and end() */
    atomic_llong waiting; /* suspended */
    atomic_llong bodies;  /* bytes held */
    atomic_llong requests, connections, cut;

    struct mutex lock; /* the two lists */
    struct cond tick;
    struct server_conn *conns;
    struct http_request *suspended;
    struct thread reaper;
    bool reaper_stop;
};

/* ---- one request ---- */

static void *on_uri(void *arg, const char *uri, struct MHD_Connection *mhd)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    struct server *s = arg;
    struct server_conn *conn = info == NULL ? NULL : info->socket_context;
    size_t len = strlen(uri);
    struct http_request *r = NULL;
    char *copy;

    if (conn == NULL) {
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
        MHD_lookup_connection_value_n(r->conn->mhd, MHD_HEADER_KIND, name,
                                      strlen(name), &value, &len) != MHD_YES ||
        value == NULL) {
        return false;
    }
    *ret = (struct slice){value, len};
    return true;
}

static void refuse(struct http_request *r, int status)
{
    struct server *s = r->conn->server;

    r->answer.n_headers = 0;
    buf_clear(&r->answer.body);
    s->conf.ops->refuse(s->conf.arg, r, status);
}

static enum MHD_Result send_answer(struct http_request *r)
{
    struct http_answer *a = &r->answer;
    static char nothing[1];
    struct MHD_Response *m;
    enum MHD_Result ok = MHD_YES;

    m = MHD_create_response_from_buffer(
        a->body.len, a->body.len == 0 ? nothing : a->body.ptr,
        MHD_RESPMEM_PERSISTENT);
    if (m == NULL) {
        return MHD_NO;
    }
    if (a->type != NULL) {
        ok = MHD_add_response_header(m, MHD_HTTP_HEADER_CONTENT_TYPE, a->type);
    }
    for (size_t i = 0; ok == MHD_YES && i < a->n_headers; i++) {
        ok =
            MHD_add_response_header(m, a->headers[i].name, a->headers[i].value);
    }
    if (ok == MHD_YES && a->close) {
        ok = MHD_add_response_header(m, MHD_HTTP_HEADER_CONNECTION, "close");
    }
    if (ok == MHD_YES) {
        r->phase = PHASE_ANSWERED;
        atomic_store(&r->conn->due_us,
                     clock_mono_us() + r->conn->server->conf.request_us);
        ok = MHD_queue_response(r->conn->mhd, (unsigned)a->status, m);
    }
    MHD_destroy_response(m);
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
        return r->seen > DRAIN_MAX ? MHD_NO : MHD_YES;
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
        atomic_store(&r->conn->due_us, 0);
        r->body = buf_slice(&r->upload);
        s->conf.ops->handle(s->conf.arg, r);
    }
    if (r->phase == PHASE_WAITING) {
        return MHD_YES; /* it may be another thread's by now */
    }
    return send_answer(r);
}

static enum MHD_Result on_request(void *arg, struct MHD_Connection *mhd,
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
        return handle(r);
    case PHASE_WAITING:
        if (r->answer.status == 0) {
            r->resume(r);
        }
        return send_answer(r);
    case PHASE_ANSWERED:
        break;
    }
    return MHD_YES;
}

static void on_end(void *arg, struct MHD_Connection *mhd, void **state,
                   enum MHD_RequestTerminationCode why)
{
    struct http_request *r = *state;
    struct server *s = arg;

    (void)mhd;
    (void)why;
    if (r == NULL) {
        return;
    }
    *state = NULL;
    drop_body(r);
    atomic_store(&r->conn->due_us, clock_mono_us() + s->conf.request_us);
    s->conf.ops->end(s->conf.arg, r);
    if (r->phase != PHASE_NEW) {
        atomic_fetch_sub(&s->active, 1);
    }
    buf_release(&r->answer.body);
    arena_release(&r->arena);
    mem_free(r);
}

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
    MHD_suspend_connection(r->conn->mhd);
    mutex_unlock(&s->lock);
    return true;
}

/* waiting falls only after the resume: server_stop() relies on it, as ending
 * a daemon that has a suspended connection aborts the process. */
static void resume(struct server *s, struct http_request *r)
{
    MHD_resume_connection(r->conn->mhd);
    atomic_fetch_sub(&s->waiting, 1);
}

void server_wake(struct http_request *r)
{
    struct server *s = r->conn->server;

    mutex_lock(&s->lock);
    unlist(s, r);
    mutex_unlock(&s->lock);
    resume(s, r);
}

/* Requests past their deadline (all, when stopping) that their workers give
 * up are woken to say so. */
static void expire(struct server *s, int64_t now)
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
    for (; due != NULL; due = next) {
        next = due->next;
        due->next = NULL;
        resume(s, due);
    }
}

/* ---- connections ---- */

static void on_connection(void *arg, struct MHD_Connection *mhd, void **ctx,
                          enum MHD_ConnectionNotificationCode what)
{
    const union MHD_ConnectionInfo *info;
    struct server *s = arg;
    struct server_conn *c = *ctx;

    if (what == MHD_CONNECTION_NOTIFY_STARTED) {
        info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD);
        c = mem_zero(1, sizeof(*c));
        if (c == NULL || info == NULL) {
            mem_free(c);
            return; /* on_uri() will refuse it */
        }
        c->server = s;
        c->mhd = mhd;
        c->fd = info->connect_fd;
        atomic_store(&c->due_us, clock_mono_us() + s->conf.request_us);
        *ctx = c;
        mutex_lock(&s->lock);
        c->next = s->conns;
        if (c->next != NULL) {
            c->next->prev = c;
        }
        s->conns = c;
        mutex_unlock(&s->lock);
        atomic_fetch_add(&s->connections, 1);
    } else if (c != NULL) {
        mutex_lock(&s->lock);
        if (c->prev != NULL) {
            c->prev->next = c->next;
        } else {
            s->conns = c->next;
        }
        if (c->next != NULL) {
            c->next->prev = c->prev;
        }
        mutex_unlock(&s->lock);
        atomic_fetch_sub(&s->connections, 1);
        mem_free(c);
        *ctx = NULL;
    }
}

/* A byte now and then keeps a connection alive for ever, so a request has a
 * time in which all of it must come; the descriptor is still its own, as its
 * end is told under the lock. */
static void cut_slow(struct server *s, int64_t now)
{
    mutex_lock(&s->lock);
    for (struct server_conn *c = s->conns; c != NULL; c = c->next) {
        int64_t due = atomic_load(&c->due_us);

        if (due != 0 && due <= now) {
            atomic_store(&c->due_us, 0);
            atomic_fetch_add(&s->cut, 1);
            (void)shutdown(c->fd, SHUT_RDWR);
        }
    }
    mutex_unlock(&s->lock);
}

static void reap(void *arg)
{
    struct server *s = arg;

    mutex_lock(&s->lock);
    while (!s->reaper_stop) {
        int64_t now = clock_mono_us();

        (void)cond_wait_until(&s->tick, &s->lock, now + TICK_US);
        mutex_unlock(&s->lock);
        now = clock_mono_us();
        cut_slow(s, now);
        expire(s, now);
        mutex_lock(&s->lock);
    }
    mutex_unlock(&s->lock);
}

/* ---- start and stop ---- */

static void on_log(void *arg, const char *fmt, va_list ap) PRINTF_LIKE(2, 0);

static void on_log(void *arg, const char *fmt, va_list ap)
{
    struct server *s = arg;

    if (!s->started) {
        (void)vsnprintf(s->log, sizeof(s->log), fmt, ap);
        s->log[strcspn(s->log, "\n")] = '\0';
    }
}

static int start_daemon(struct server *s, size_t i, struct err *e)
{
    const struct server_conf *c = &s->conf;
    unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME |
                     MHD_USE_TURBO | MHD_USE_ERROR_LOG;
    struct MHD_OptionItem tls[] = {
        {MHD_OPTION_HTTPS_MEM_KEY, 0, NULL},
        {MHD_OPTION_HTTPS_MEM_CERT, 0, NULL},
        {MHD_OPTION_END, 0, NULL},
    };

    if (c->tls_cert != NULL) {
        flags |= MHD_USE_TLS;
        tls[0].ptr_value = c->tls_key;
        tls[1].ptr_value = c->tls_cert;
    } else {
        tls[0].option = MHD_OPTION_END;
    }
    s->daemons[i] = MHD_start_daemon(
        flags, 0, NULL, NULL, on_request, s, MHD_OPTION_EXTERNAL_LOGGER, on_log,
        s, MHD_OPTION_LISTEN_SOCKET, s->listeners[i].fd,
        MHD_OPTION_THREAD_POOL_SIZE, (unsigned)POOL_THREADS,
        MHD_OPTION_CONNECTION_LIMIT, c->connections,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, c->header_max,
        MHD_OPTION_URI_LOG_CALLBACK, on_uri, s, MHD_OPTION_NOTIFY_COMPLETED,
        on_end, s, MHD_OPTION_NOTIFY_CONNECTION, on_connection, s,
        MHD_OPTION_ARRAY, tls, MHD_OPTION_END);
    if (s->daemons[i] == NULL) {
        return err_set(e, ERR_INVALID, "could not start the HTTP server: %s",
                       s->log[0] == '\0' ? "no reason was given" : s->log);
    }
    return 0;
}

static int open_listeners(struct server *s, struct err *e)
{
    if (s->conf.n_listen > LISTENERS_MAX) {
        return err_set(e, ERR_LIMIT, "cannot listen on more than %d addresses",
                       LISTENERS_MAX);
    }
    for (size_t i = 0; i < s->conf.n_listen; i++) {
        if (listen_open(&s->listeners[i], s->conf.listen[i], e) != 0) {
            return -1;
        }
        s->n = i + 1;
        if (!s->listeners[i].loopback && !s->conf.allow_remote) {
            return err_set(
                e, ERR_DENIED,
                "cannot listen on \"%s\": others could reach it and no token "
                "is set; give --token-file, or say --insecure",
                s->conf.listen[i]);
        }
    }
    return 0;
}

int server_start(struct server **ret, const struct server_conf *conf,
                 struct err *e)
{
    struct server *s = mem_zero(1, sizeof(*s));

    if (s == NULL) {
        return err_nomem(e, sizeof(*s));
    }
    s->conf = *conf;
    mutex_init(&s->lock);
    cond_init(&s->tick);
    if (open_listeners(s, e) != 0 ||
        thread_start(&s->reaper, "http-reaper", reap, s, e) != 0) {
        goto fail;
    }
    for (size_t i = 0; i < s->n; i++) {
        if (start_daemon(s, i, e) != 0) {
            goto fail;
        }
    }
    s->started = true;
    *ret = s;
    return 0;
fail:
    server_stop(s);
    return -1;
}

/* Until what() is over or us have passed. */
static bool over(struct server *s, atomic_llong *what, int64_t us)
{
    int64_t until = clock_mono_us() + us;

    (void)s;
    while (atomic_load(what) > 0) {
        if (clock_mono_us() >= until) {
            return false;
        }
        clock_sleep_us(2000);
    }
    return true;
}

static void drain(struct server *s)
{
    (void)over(s, &s->waiting, STOP_WAITING_US);
    while (atomic_load(&s->waiting) > 0) {
        expire(s, INT64_MAX);
        clock_sleep_us(2000);
    }
    (void)over(s, &s->active, STOP_UPLOADS_US);
}

void server_stop(struct server *s)
{
    if (s == NULL) {
        return;
    }
    mutex_lock(&s->lock);
    atomic_store(&s->stopping, true);
    mutex_unlock(&s->lock);
    for (size_t i = 0; i < s->n; i++) {
        if (s->daemons[i] != NULL) {
            (void)MHD_quiesce_daemon(s->daemons[i]);
        }
    }
    drain(s);
    for (size_t i = 0; i < s->n; i++) {
        if (s->daemons[i] != NULL) {
            MHD_stop_daemon(s->daemons[i]);
        }
        (void)close(s->listeners[i].fd);
    }
    mutex_lock(&s->lock);
    s->reaper_stop = true;
    cond_signal(&s->tick);
    mutex_unlock(&s->lock);
    thread_join(&s->reaper);
    cond_release(&s->tick);
    mutex_release(&s->lock);
    mem_free(s);
}

int server_port(const struct server *s, size_t i)
{
    return i < s->n ? s->listeners[i].port : 0;
}

void server_stats(struct server *s, struct server_stats *ret)
{
    *ret = (struct server_stats){
        .connections = atomic_load(&s->connections),
        .requests = atomic_load(&s->requests),
        .bodies = atomic_load(&s->bodies),
        .waiting = atomic_load(&s->waiting),
        .cut = atomic_load(&s->cut),
    };
}

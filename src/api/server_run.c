#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "api/server_int.h"
#include "core/clock.h"
#include "core/mem.h"

enum {
    POOL_THREADS = 2,
    TICK_US = 250000,
    STOP_WAITING_US = 6000000, /* for the broker; then they are refused */
    STOP_UPLOADS_US = 2000000, /* for bodies that are still coming in */
};

static int load_mhd(struct mhd_api *mhd, struct err *e)
{
    static const struct dynlib_symbol symbols[] = {
#define XX(name) {"MHD_" #name, offsetof(struct mhd_api, name)},
        MHD_API_MAP(XX)
#undef XX
    };
    static const char *const files[] = {"libmicrohttpd.so.12",
                                        "libmicrohttpd.so", NULL};

    return dynlib_load(&mhd->lib, files, symbols, ARRAY_LEN(symbols), mhd,
                       "install the package libmicrohttpd12", e);
}

/* ---- connections ---- */

static void on_connection(void *arg, struct MHD_Connection *mhd, void **ctx,
                          enum MHD_ConnectionNotificationCode what)
{
    const union MHD_ConnectionInfo *info;
    struct server *s = arg;
    struct server_conn *c = *ctx;

    if (what == MHD_CONNECTION_NOTIFY_STARTED) {
        info =
            s->mhd.get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD);
        c = mem_zero(1, sizeof(*c));
        if (c == NULL || info == NULL) {
            mem_free(c);
            return; /* server_on_uri() will refuse it */
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

void server_tell(struct server_conn *c, int status, const char *type,
                 struct slice body)
{
    char head[200];
    int n = snprintf(head, sizeof(head),
                     "HTTP/1.1 %d \r\nContent-Type: %s\r\nConnection: close"
                     "\r\nContent-Length: %zu\r\n\r\n",
                     status, type, body.len);

    if (c->server->conf.tls_cert == NULL && n > 0 && n < (int)sizeof(head) &&
        send(c->fd, head, (size_t)n, MSG_DONTWAIT | MSG_NOSIGNAL) == n) {
        (void)send(c->fd, body.ptr, body.len, MSG_DONTWAIT | MSG_NOSIGNAL);
    }
}

static void tell_late(struct server_conn *c)
{
    char body[160];
    int n = snprintf(body, sizeof(body),
                     "{\"error_code\":408,\"message\":\"the request did not "
                     "come in within %lld ms\"}",
                     (long long)(c->server->conf.request_us / 1000));

    server_tell(c, 408, "application/json", (struct slice){body, (size_t)n});
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
            if (server_turn(c, TURN_READING, TURN_CUT)) {
                tell_late(c);
            }
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
        server_expire(s, now);
        mutex_lock(&s->lock);
    }
    mutex_unlock(&s->lock);
}

/* ---- start and stop ---- */

static void on_log(void *arg, const char *fmt, va_list ap) PRINTF_LIKE(2, 0);

static void on_log(void *arg, const char *fmt, va_list ap)
{
    struct server *s = arg;

    mutex_lock(&s->said);
    if (!s->started) {
        (void)vsnprintf(s->log, sizeof(s->log), fmt, ap);
        s->log[strcspn(s->log, "\n")] = '\0';
    }
    mutex_unlock(&s->said);
}

/* Who comes while we stop is not let in.  MHD_quiesce_daemon() would be for
 * that, but 0.9.75 ends the process when a thread of the pool sees it halfway:
 * both take the listening socket out of the same epoll set. */
static enum MHD_Result let_in(void *arg, const struct sockaddr *from,
                              socklen_t len)
{
    struct server *s = arg;

    (void)from;
    (void)len;
    return atomic_load(&s->stopping) ? MHD_NO : MHD_YES;
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
    s->daemons[i] = s->mhd.start_daemon(
        flags, 0, let_in, s, server_on_request, s, MHD_OPTION_EXTERNAL_LOGGER,
        on_log, s, MHD_OPTION_LISTEN_SOCKET, s->listeners[i].fd,
        MHD_OPTION_THREAD_POOL_SIZE, (unsigned)POOL_THREADS,
        MHD_OPTION_CONNECTION_LIMIT, c->connections,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, c->header_max,
        MHD_OPTION_URI_LOG_CALLBACK, server_on_uri, s,
        MHD_OPTION_NOTIFY_COMPLETED, server_on_end, s,
        MHD_OPTION_NOTIFY_CONNECTION, on_connection, s, MHD_OPTION_ARRAY, tls,
        MHD_OPTION_END);
    if (s->daemons[i] == NULL) {
        mutex_lock(&s->said);
        err_set(e, ERR_INVALID, "could not start the HTTP server: %s",
                s->log[0] == '\0' ? "no reason was given" : s->log);
        mutex_unlock(&s->said);
        return -1;
    }
    return 0;
}

static int open_listeners(struct server *s, struct err *e)
{
    if (s->conf.n_listen > SERVER_LISTENERS_MAX) {
        return err_set(e, ERR_LIMIT, "cannot listen on more than %d addresses",
                       SERVER_LISTENERS_MAX);
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
    mutex_init(&s->said);
    cond_init(&s->tick);
    if (load_mhd(&s->mhd, e) != 0 || open_listeners(s, e) != 0 ||
        thread_start(&s->reaper, "http-reaper", reap, s, e) != 0) {
        goto fail;
    }
    *ret = s; /* requests may come before this returns, and ask for it */
    for (size_t i = 0; i < s->n; i++) {
        if (start_daemon(s, i, e) != 0) {
            *ret = NULL;
            goto fail;
        }
    }
    mutex_lock(&s->said);
    s->started = true;
    mutex_unlock(&s->said);
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
        server_expire(s, INT64_MAX);
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
    drain(s);
    for (size_t i = 0; i < s->n; i++) {
        if (s->daemons[i] != NULL) {
            s->mhd.stop_daemon(s->daemons[i]); /* and closes what it has */
        } else {
            (void)close(s->listeners[i].fd);
        }
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

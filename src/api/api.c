#include "api/api.h"

#include <string.h>

#include "api/api_int.h"
#include "api/statement.h"
#include "core/clock.h"
#include "core/fs.h"
#include "core/mem.h"
#include "core/secret.h"
#include "core/text.h"

enum {
    PEM_MAX = 1 << 20,
};

/* ---- what every request passes ---- */

/* The origin to allow, when the request names one that is. */
static bool cors_origin(const struct api *a, struct http_request *r,
                        struct slice *ret, bool *ret_named)
{
    *ret_named = server_header(r, "Origin", ret);
    for (size_t i = 0; *ret_named && i < a->conf.n_cors; i++) {
        if (slice_is(*ret, a->conf.cors[i]) ||
            strcmp(a->conf.cors[i], "*") == 0) {
            return true;
        }
    }
    return false;
}

/* "http://127.0.0.1:8082" of a page that this server sent itself. */
static bool same_origin(struct http_request *r, struct slice origin)
{
    struct slice host;

    return server_header(r, "Host", &host) && origin.len > host.len + 3 &&
           slice_ends(origin, host) &&
           memcmp(origin.ptr + origin.len - host.len - 3, "://", 3) == 0;
}

static void preflight(struct http_request *r, bool tell, unsigned methods)
{
    char text[64];

    if (tell) {
        answer_header(r, "Access-Control-Allow-Methods",
                      SLICE("DELETE,GET,HEAD,OPTIONS,PATCH,POST,PUT"));
        answer_header(r, "Access-Control-Allow-Headers",
                      SLICE("Accept,Authorization,Content-Type,"
                            "Idempotency-Key,Shard-Iterator,X-Amz-Date,"
                            "X-Amz-Security-Token,X-Amz-Target"));
        answer_header(r, "Access-Control-Max-Age", SLICE("600"));
    }
    router_allow(methods | 1u << HTTP_OPTIONS, text);
    answer_header(r, "Allow", slice_of(text));
    (void)answer_begin(r, 200, NULL);
}

/* 307 to the path with a slash, as FastAPI does. */
static void redirect(struct http_request *r, bool tls)
{
    struct slice host = SLICE("localhost");
    const char *url;

    (void)server_header(r, "Host", &host);
    url = arena_printf(&r->arena, NULL, "%s://%.*s%.*s/%s%.*s",
                       tls ? "https" : "http", SLICE_FMT(host),
                       SLICE_FMT(r->path), r->query.len > 0 ? "?" : "",
                       SLICE_FMT(r->query));
    (void)answer_begin(r, 307, NULL);
    if (url != NULL) {
        answer_header(r, "Location", slice_of(url));
    }
}

/* What there is no route for speaks the words of the client's contract. */
static enum family guess(struct http_request *r)
{
    struct slice type;

    return server_header(r, "Content-Type", &type) && media_is_json(type) &&
                   memchr(type.ptr, 'v', type.len) == NULL
               ? FAMILY_FASTAPI
               : FAMILY_KAFKA;
}

static void no_route(struct http_request *r, enum router_result found,
                     const struct router_match *m)
{
    char text[64];

    if (found == ROUTER_METHOD) {
        router_allow(m->allowed, text);
        answer_header(r, "Allow", slice_of(text));
        answer_status(r, m->route != NULL ? m->route->family : guess(r), 405);
    } else if (found == ROUTER_BAD) {
        answer_error(r, guess(r), 400, 400, "the path has a broken %%-escape");
    } else {
        answer_status(r, guess(r), 404);
    }
}

static void unauthorized(struct http_request *r, enum family f)
{
    answer_header(r, "WWW-Authenticate", SLICE("Bearer"));
    if (f == FAMILY_FASTAPI) {
        answer_error(r, f, 401, 40101, "Not authenticated");
    } else {
        answer_error(r, f, 401, 40101,
                     "Authentication failed: send Authorization: Bearer TOKEN");
    }
}

static bool token_ok(struct api *a, struct http_request *r,
                     const struct route *route)
{
    unsigned open = ROUTE_OPEN | (a->keys.n > 0 ? ROUTE_SIGNED : 0u) |
                    (a->conf.open_metrics ? ROUTE_METRICS : 0u);
    struct slice header;

    return a->auth.n == 0 || (route != NULL && (route->flags & open) != 0) ||
           (server_header(r, "Authorization", &header) &&
            auth_check(&a->auth, header, &r->principal));
}

/* Without a token a page of a foreign name must not reach us. */
static bool host_ok(struct api *a, struct http_request *r)
{
    struct slice host;

    return a->auth.n > 0 || a->conf.insecure ||
           !server_header(r, "Host", &host) || auth_host_is_loopback(host);
}

static void check(struct api *a, struct http_request *r,
                  const struct router_match *m, enum router_result found)
{
    enum family f = m->route != NULL ? m->route->family : guess(r);
    struct slice origin;
    bool named;
    bool allowed = cors_origin(a, r, &origin, &named);

    if (allowed) {
        answer_header(r, "Access-Control-Allow-Origin", origin);
        answer_header(r, "Vary", SLICE("Origin"));
    }
    if (!host_ok(a, r)) {
        answer_error(r, f, 403, 40301,
                     "the Host header does not name this machine; without a "
                     "token only 127.0.0.1 and localhost are served");
    } else if (r->method == HTTP_OPTIONS) {
        preflight(r, allowed || !named, m->allowed);
    } else if (!token_ok(a, r, m->route)) {
        unauthorized(r, f);
    } else if (named && !allowed && r->method != HTTP_GET &&
               r->method != HTTP_HEAD && !same_origin(r, origin)) {
        answer_error(r, f, 403, 40301,
                     "pages of this origin are not allowed to post; allow it "
                     "with --cors");
    } else if (found == ROUTER_REDIRECT) {
        redirect(r, a->conf.tls_cert != NULL);
    } else if (found != ROUTER_FOUND) {
        no_route(r, found, m);
    }
}

static void on_begin(void *arg, struct http_request *r)
{
    struct api *a = arg;
    struct router_match m;
    enum router_result found =
        router_match(&a->router, r->method, r->path, &r->arena, &m);

    r->route = m.route;
    r->n_params = m.n_params;
    memcpy(r->params, m.params, sizeof(r->params));
    check(a, r, &m, found);
}

static void on_handle(void *arg, struct http_request *r)
{
    const struct route *route = r->route;
    struct api *a = arg;

    if ((route->flags & ROUTE_SLOW) != 0) {
        slow_do(a->slow, r, route->handle, NULL);
    } else {
        route->handle(a, r);
    }
}

static void on_refuse(void *arg, struct http_request *r, int status)
{
    const struct route *route = r->route;
    enum family f = route != NULL ? route->family : guess(r);
    struct api *a = arg;

    if (status == 413) {
        answer_error(r, f, 413, 413, "body is larger than %lld bytes",
                     (long long)a->conf.body_max);
    } else if (status == 429) {
        answer_header(r, "Retry-After", SLICE("1"));
        answer_error(r, f, 429, 42901,
                     "the server holds as many bodies as it may; try again");
    } else {
        answer_header(r, "Retry-After", SLICE("1"));
        answer_error(r, f, status, 50302,
                     "the server is stopping; nothing was stored");
    }
}

static void on_end(void *arg, struct http_request *r)
{
    struct api *a = arg;
    int hundred = r->answer.status / 100;

    if (hundred > 0 && hundred < (int)ARRAY_LEN(a->answers)) {
        atomic_fetch_add_explicit(&a->answers[hundred], 1,
                                  memory_order_relaxed);
    }
    if (r->end != NULL) {
        r->end(r);
    }
}

/* ---- start and stop ---- */

static bool is_model(const void *arg, struct slice name)
{
    const struct api *a = arg;

    for (size_t i = 0; i < a->conf.n_models; i++) {
        if (slice_is(name, a->conf.models[i].name)) {
            return true;
        }
    }
    return false;
}

static void set(int64_t *v, int64_t standard)
{
    if (*v <= 0) {
        *v = standard;
    }
}

static void set_defaults(struct api *a)
{
    static const char *const listen[] = {"127.0.0.1:8082"};
    struct api_conf *c = &a->conf;

    set(&c->body_max, 8 << 20);
    set(&c->budget, 256 << 20);
    set(&c->records_max, 100000);
    set(&c->connections, 4096);
    set(&c->header_max, 16 << 10);
    set(&c->request_us, 60000000);
    set(&c->answer_us, 60000000);
    set(&c->consumers_max, 1024);
    set(&c->consumers_idle_us, 300000000);
    set(&c->prefetch_bytes, 256 << 10);
    if (c->n_listen == 0) {
        c->listen = listen;
        c->n_listen = ARRAY_LEN(listen);
    }
    if (c->models == NULL) {
        c->models = api_models(&c->n_models);
    }
    a->router = (struct router){.routes = api_routes,
                                .n = api_n_routes,
                                .without = c->noop_route ? 0 : ROUTE_NOOP,
                                .strip = c->strip,
                                .n_strip = c->n_strip,
                                .is_model = is_model,
                                .arg = a};
}

static int read_pem(const char *path, bool key, struct buf *b, struct err *e)
{
    const char *text;

    if ((key ? secret_read(path, b, e) : fs_read(path, b, e)) != 0 ||
        buf_text(b, &text, e) != 0) {
        return err_wrap(e, "TLS %s", key ? "key" : "certificate");
    }
    if (strstr(text, "-----BEGIN ") == NULL) {
        return err_set(e, ERR_INVALID, "cannot use \"%s\": not a PEM file",
                       path);
    }
    return 0;
}

static int start_server(struct api *a, struct err *e)
{
    static const struct server_ops ops = {on_begin, on_handle, on_refuse,
                                          on_end};
    const struct api_conf *c = &a->conf;
    struct server_conf s = {.listen = c->listen,
                            .n_listen = c->n_listen,
                            .body_max = (size_t)c->body_max,
                            .budget = (size_t)c->budget,
                            .header_max = (size_t)c->header_max,
                            .connections = (unsigned)c->connections,
                            .request_us = c->request_us,
                            .answer_us = c->answer_us,
                            .allow_remote = c->insecure || a->auth.n > 0,
                            .ops = &ops,
                            .arg = a};
    struct buf cert;
    struct buf key;
    int rc = 0;

    buf_init(&cert, PEM_MAX);
    buf_init(&key, SECRET_FILE_MAX);
    if ((c->tls_cert == NULL) != (c->tls_key == NULL)) {
        rc = err_set(e, ERR_INVALID, "TLS wants both a certificate and a key");
    } else if (c->tls_cert != NULL) {
        rc = read_pem(c->tls_cert, false, &cert, e) != 0 ||
                     read_pem(c->tls_key, true, &key, e) != 0
                 ? -1
                 : 0;
        s.tls_cert = cert.ptr;
        s.tls_key = key.ptr;
    }
    rc = rc != 0 ? rc : server_start(&a->server, &s, e);
    if (key.ptr != NULL) {
        secret_wipe(key.ptr, key.len);
    }
    buf_release(&key);
    buf_release(&cert);
    return rc;
}

static int check_strip(const struct api_conf *c, struct err *e)
{
    for (size_t i = 0; i < c->n_strip; i++) {
        struct slice p = slice_of(c->strip[i]);

        if (p.len < 2 || p.ptr[0] != '/' || slice_ends(p, SLICE("/"))) {
            return err_set(e, ERR_INVALID,
                           "cannot strip the prefix \"%.60s\": want a path "
                           "such as /test",
                           c->strip[i]);
        }
    }
    return 0;
}

int api_start(struct api **ret, const struct api_conf *conf, struct broker *b,
              struct err *e)
{
    struct api *a = mem_zero(1, sizeof(*a));

    if (a == NULL) {
        return err_nomem(e, sizeof(*a));
    }
    a->conf = *conf;
    a->broker = b;
    a->started_us = clock_wall_us();
    atomic_init(&a->holders, 1);
    mutex_init(&a->lock);
    mutex_init(&a->tags);
    set_defaults(a);
    if (check_strip(conf, e) != 0 ||
        (conf->token_file != NULL &&
         auth_load(&a->auth, conf->token_file, e) != 0) ||
        (conf->aws_keys_file != NULL &&
         aws_keys_load(&a->keys, conf->aws_keys_file, e) != 0) ||
        topics_make(a, e) != 0 || statements_new(&a->statements, e) != 0 ||
        consumers_start(&a->consumers, a, e) != 0 ||
        slow_start(&a->slow, a, e) != 0 || start_server(a, e) != 0) {
        api_stop(a);
        return -1;
    }
    *ret = a;
    return 0;
}

void api_stop(struct api *a)
{
    if (a == NULL) {
        return;
    }
    consumers_stop(a->consumers);
    statements_stop(a->statements);
    server_stop(a->server);
    a->server = NULL;
    api_tell(a);
    consumers_free(a->consumers);
    slow_free(a->slow);
    statements_free(a->statements);
    a->statements = NULL;
    api_release(a);
}

void api_release(struct api *a)
{
    if (atomic_fetch_sub(&a->holders, 1) == 1) {
        topics_release(a);
        aws_keys_release(&a->keys);
        mutex_release(&a->tags);
        mutex_release(&a->lock);
        mem_free(a);
    }
}

int api_port(const struct api *a, size_t i)
{
    return server_port(a->server, i);
}

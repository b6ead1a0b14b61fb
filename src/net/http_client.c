#include "net/http_client.h"

#define CURL_DISABLE_TYPECHECK /* its macros cannot check pointers' calls */
#include <curl/curl.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/dynlib.h"
#include "core/mem.h"
#include "net/http_head.h"
#include "net/http_plain.h"

/* libcurl drags in some thirty libraries: loaded with the first client */
#define CURL_API_MAP(XX)    \
    XX(easy_cleanup)        \
    XX(easy_getinfo)        \
    XX(easy_header)         \
    XX(easy_init)           \
    XX(easy_setopt)         \
    XX(easy_strerror)       \
    XX(global_cleanup)      \
    XX(global_init)         \
    XX(multi_add_handle)    \
    XX(multi_assign)        \
    XX(multi_cleanup)       \
    XX(multi_info_read)     \
    XX(multi_init)          \
    XX(multi_remove_handle) \
    XX(multi_setopt)        \
    XX(multi_socket_action) \
    XX(slist_append)        \
    XX(slist_free_all)

struct curl_api {
    struct dynlib lib;
#define XX(name) __typeof__(&curl_##name) name;
    CURL_API_MAP(XX)
#undef XX
};

static const struct dynlib_symbol curl_symbols[] = {
#define XX(name) {"curl_" #name, offsetof(struct curl_api, name)},
    CURL_API_MAP(XX)
#undef XX
};

struct slot {
    CURL *easy;
    const struct curl_api *curl;
    struct curl_slist *headers;
    struct buf body;
    bool too_large;
    bool sent; /* this request has been sent before */
    void *user;
    struct slot *next; /* in the free or the done list */
    CURLcode result;
    char why[CURL_ERROR_SIZE];
};

struct http_client {
    struct http_plain *plain; /* then nothing of libcurl is used */
    struct curl_api curl;
    CURLM *multi;
    int epoll;
    int64_t timer_us; /* when libcurl wants to be called; -1: no time */
    size_t nslots;
    size_t busy;
    struct slot *slots;
    struct slot *free;
    struct slot *done;
    struct slot *held; /* whose answer the caller is looking at */
    int64_t timeout_us;
};

/* libcurl fixes the types of its callbacks */
/* NOLINTBEGIN(readability-non-const-parameter) */
static size_t take_body(char *bytes, size_t size, size_t n, void *user)
{
    struct slot *s = user;
    struct err e;

    (void)size; /* always 1 */
    if (buf_append(&s->body, (struct slice){bytes, n}, &e) != 0) {
        s->too_large = e.code == ERR_LIMIT;
        return 0; /* not n: libcurl ends the request */
    }
    return n;
}

/*
 * libcurl sends a request again by itself when a kept connection turns out
 * to be closed.  Whether to do that is for the caller to say, who may not
 * want to post twice.
 */
static int about_to_send(void *user, char *to_ip, char *from_ip, int to_port,
                         int from_port)
{
    struct slot *s = user;
    bool again = s->sent;

    (void)to_ip;
    (void)from_ip;
    (void)to_port;
    (void)from_port;
    s->sent = true;
    return again ? CURL_PREREQFUNC_ABORT : CURL_PREREQFUNC_OK;
}

/* NOLINTEND(readability-non-const-parameter) */

static int socket_wanted(CURL *easy, curl_socket_t fd, int what, void *user,
                         void *known)
{
    struct http_client *c = user;
    struct epoll_event event = {.data.fd = fd};

    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        (void)epoll_ctl(c->epoll, EPOLL_CTL_DEL, fd, NULL);
        return 0;
    }
    event.events = what == CURL_POLL_IN    ? EPOLLIN
                   : what == CURL_POLL_OUT ? EPOLLOUT
                                           : EPOLLIN | EPOLLOUT;
    if (known != NULL && epoll_ctl(c->epoll, EPOLL_CTL_MOD, fd, &event) == 0) {
        return 0;
    }
    if (epoll_ctl(c->epoll, EPOLL_CTL_ADD, fd, &event) != 0 &&
        (errno != EEXIST ||
         epoll_ctl(c->epoll, EPOLL_CTL_MOD, fd, &event) != 0)) {
        return -1;
    }
    (void)c->curl.multi_assign(c->multi, fd, c);
    return 0;
}

static int timer_wanted(CURLM *multi, long wait_ms, void *user)
{
    struct http_client *c = user;

    (void)multi;
    c->timer_us = wait_ms < 0 ? -1 : clock_mono_us() + wait_ms * 1000;
    return 0;
}

static bool set_up_slot(struct slot *s, const struct http_client_conf *conf,
                        int64_t timeout_us)
{
    int64_t connect_us =
        conf->connect_timeout_us > 0 ? conf->connect_timeout_us : 10000000;
    CURL *easy = s->curl->easy_init();

    s->easy = easy;
    buf_init(&s->body,
             conf->answer_max > 0 ? conf->answer_max : (size_t)8 << 20);
    return easy != NULL &&
           s->curl->easy_setopt(easy, CURLOPT_PRIVATE, s) == CURLE_OK &&
           s->curl->easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body) ==
               CURLE_OK &&
           s->curl->easy_setopt(easy, CURLOPT_WRITEDATA, s) == CURLE_OK &&
           s->curl->easy_setopt(easy, CURLOPT_ERRORBUFFER, s->why) ==
               CURLE_OK &&
           s->curl->easy_setopt(easy, CURLOPT_PREREQFUNCTION, about_to_send) ==
               CURLE_OK &&
           s->curl->easy_setopt(easy, CURLOPT_PREREQDATA, s) == CURLE_OK &&
           s->curl->easy_setopt(easy, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
           s->curl->easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https") ==
               CURLE_OK &&
           s->curl->easy_setopt(easy, CURLOPT_HTTP_VERSION,
                                (long)CURL_HTTP_VERSION_1_1) == CURLE_OK &&
           s->curl->easy_setopt(easy, CURLOPT_TCP_NODELAY, 1L) == CURLE_OK &&
           s->curl->easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L) == CURLE_OK &&
           s->curl->easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS,
                                (long)(connect_us / 1000)) == CURLE_OK &&
           s->curl->easy_setopt(easy, CURLOPT_TIMEOUT_MS,
                                (long)(timeout_us / 1000)) == CURLE_OK &&
           (conf->ca_file == NULL ||
            s->curl->easy_setopt(easy, CURLOPT_CAINFO, conf->ca_file) ==
                CURLE_OK);
}

static bool set_up_multi(struct http_client *c)
{
    c->multi = c->curl.multi_init();
    return c->multi != NULL &&
           c->curl.multi_setopt(c->multi, CURLMOPT_SOCKETFUNCTION,
                                socket_wanted) == CURLM_OK &&
           c->curl.multi_setopt(c->multi, CURLMOPT_SOCKETDATA, c) == CURLM_OK &&
           c->curl.multi_setopt(c->multi, CURLMOPT_TIMERFUNCTION,
                                timer_wanted) == CURLM_OK &&
           c->curl.multi_setopt(c->multi, CURLMOPT_TIMERDATA, c) == CURLM_OK &&
           c->curl.multi_setopt(c->multi, CURLMOPT_MAXCONNECTS,
                                (long)c->nslots) == CURLM_OK;
}

/* One http server, no user in its address, and no proxy on the way. */
static bool may_be_plain(const struct http_client_conf *conf)
{
    static const char *const proxies[] = {"http_proxy", "all_proxy",
                                          "ALL_PROXY"};
    struct url u;

    for (size_t i = 0; i < ARRAY_LEN(proxies); i++) {
        const char *proxy = getenv(proxies[i]);

        if (proxy != NULL && *proxy != '\0') {
            return false;
        }
    }
    return conf->base != NULL &&
           url_parse(&u, slice_of(conf->base), NULL) == 0 &&
           slice_is(u.scheme, "http") && u.user.len == 0;
}

static int new_plain(struct http_client **ret,
                     const struct http_client_conf *conf, struct err *e)
{
    struct http_client *c = mem_zero(1, sizeof(*c));

    if (c == NULL) {
        return err_nomem(e, sizeof(*c));
    }
    if (http_plain_new(&c->plain, conf, e) != 0) {
        mem_free(c);
        return -1;
    }
    c->timeout_us = conf->timeout_us > 0 ? conf->timeout_us : 30000000;
    *ret = c;
    return 0;
}

static int start_curl(struct curl_api *curl, struct err *e)
{
    static const char *const files[] = {"libcurl.so.4", "libcurl.so", NULL};

    if (dynlib_load(&curl->lib, files, curl_symbols, ARRAY_LEN(curl_symbols),
                    curl, "install the package libcurl4", e) != 0) {
        return -1;
    }
    if (curl->global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        dynlib_close(&curl->lib);
        return err_set(e, ERR_UNAVAILABLE, "could not start libcurl");
    }
    return 0;
}

int http_client_new(struct http_client **ret,
                    const struct http_client_conf *conf, struct err *e)
{
    struct http_client *c;
    size_t n = conf->connections > 0 ? conf->connections : 1;

    assert(n <= HTTP_CONNECTIONS_MAX);
    if (may_be_plain(conf)) {
        return new_plain(ret, conf, e);
    }
    c = mem_zero(1, sizeof(*c));
    if (c == NULL) {
        return err_nomem(e, sizeof(*c));
    }
    if (start_curl(&c->curl, e) != 0) {
        mem_free(c);
        return -1;
    }
    c->timer_us = -1;
    c->nslots = n;
    c->timeout_us = conf->timeout_us > 0 ? conf->timeout_us : 30000000;
    c->epoll = epoll_create1(EPOLL_CLOEXEC);
    c->slots = mem_zero(n, sizeof(*c->slots));
    if (c->epoll < 0 || c->slots == NULL || !set_up_multi(c)) {
        goto fail;
    }
    for (size_t i = n; i > 0; i--) {
        struct slot *s = &c->slots[i - 1];

        s->curl = &c->curl;
        if (!set_up_slot(s, conf, c->timeout_us)) {
            goto fail;
        }
        s->next = c->free;
        c->free = s;
    }
    *ret = c;
    return 0;
fail:
    http_client_free(c);
    return err_set(e, ERR_NOMEM, "could not set up %zu HTTP connections", n);
}

void http_client_free(struct http_client *c)
{
    if (c == NULL) {
        return;
    }
    if (c->plain != NULL) {
        http_plain_free(c->plain);
        mem_free(c);
        return;
    }
    for (size_t i = 0; c->slots != NULL && i < c->nslots; i++) {
        struct slot *s = &c->slots[i];

        if (s->easy != NULL) {
            (void)c->curl.multi_remove_handle(c->multi, s->easy);
            c->curl.easy_cleanup(s->easy);
            c->curl.slist_free_all(s->headers);
        }
        buf_release(&s->body);
    }
    (void)c->curl.multi_cleanup(c->multi);
    if (c->epoll >= 0) {
        (void)close(c->epoll);
    }
    mem_free(c->slots);
    c->curl.global_cleanup();
    dynlib_close(&c->curl.lib);
    mem_free(c);
}

size_t http_client_busy(const struct http_client *c)
{
    return c->plain != NULL ? http_plain_busy(c->plain) : c->busy;
}

static void give_back(struct http_client *c)
{
    if (c->held != NULL) {
        c->held->next = c->free;
        c->free = c->held;
        c->held = NULL;
    }
}

static bool set_headers(struct slot *s, const struct http_request *r)
{
    /* libcurl would wait for "100 Continue" before it sends a large body */
    struct curl_slist *list = s->curl->slist_append(NULL, "Expect:");

    s->curl->slist_free_all(s->headers);
    s->headers = list;
    for (size_t i = 0;
         list != NULL && i < HTTP_HEADERS_MAX && r->headers[i] != NULL; i++) {
        list = s->curl->slist_append(s->headers, r->headers[i]);
    }
    return list != NULL && s->curl->easy_setopt(s->easy, CURLOPT_HTTPHEADER,
                                                s->headers) == CURLE_OK;
}

static bool set_request(struct slot *s, const struct http_request *r)
{
    CURL *easy = s->easy;
    bool head = strcmp(r->method, "HEAD") == 0;
    bool plain = r->body.len == 0 && (head || strcmp(r->method, "GET") == 0);

    return s->curl->easy_setopt(easy, CURLOPT_URL, r->url) == CURLE_OK &&
           s->curl->easy_setopt(easy, CURLOPT_HTTPGET, 1L) == CURLE_OK &&
           (!head ||
            s->curl->easy_setopt(easy, CURLOPT_NOBODY, 1L) == CURLE_OK) &&
           (plain ||
            (s->curl->easy_setopt(easy, CURLOPT_POST, 1L) == CURLE_OK &&
             s->curl->easy_setopt(easy, CURLOPT_POSTFIELDS,
                                  r->body.len > 0 ? r->body.ptr : "") ==
                 CURLE_OK &&
             s->curl->easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE,
                                  (curl_off_t)r->body.len) == CURLE_OK)) &&
           s->curl->easy_setopt(easy, CURLOPT_CUSTOMREQUEST,
                                plain || strcmp(r->method, "POST") == 0
                                    ? NULL
                                    : r->method) == CURLE_OK &&
           set_headers(s, r);
}

int http_client_start(struct http_client *c, const struct http_request *r,
                      struct err *e)
{
    struct slot *s;

    if (c->plain != NULL) {
        return http_plain_start(c->plain, r, e);
    }
    give_back(c);
    s = c->free;
    if (s == NULL) {
        return err_set(e, ERR_BUSY, "all %zu connections are in use",
                       c->nslots);
    }
    buf_clear(&s->body);
    s->too_large = false;
    s->sent = false;
    s->why[0] = '\0';
    s->user = r->user;
    if (!set_request(s, r) ||
        c->curl.multi_add_handle(c->multi, s->easy) != CURLM_OK) {
        return err_set(e, ERR_NOMEM, "could not set up a request to \"%s\"",
                       r->url);
    }
    c->free = s->next;
    c->busy++;
    return 0;
}

static void collect(struct http_client *c)
{
    CURLMsg *m;
    int left;

    while ((m = c->curl.multi_info_read(c->multi, &left)) != NULL) {
        char *private = NULL;
        struct slot *s;

        if (m->msg != CURLMSG_DONE) {
            continue;
        }
        (void)c->curl.easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &private);
        s = (struct slot *)(void *)private;
        s->result = m->data.result;
        (void)c->curl.multi_remove_handle(c->multi, s->easy);
        s->next = c->done;
        c->done = s;
        c->busy--;
    }
}

static enum err_code code_of(const struct slot *s)
{
    if (s->too_large) {
        return ERR_LIMIT;
    }
    /* every other code is one of the far side's or the network's faults */
    switch ((int)s->result) {
    case CURLE_OUT_OF_MEMORY:
        return ERR_NOMEM;
    case CURLE_OPERATION_TIMEDOUT:
        return ERR_TIMEOUT;
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
        return ERR_INVALID;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
        return ERR_DENIED;
    default:
        return ERR_CONNECT;
    }
}

static void report(struct http_client *c, struct slot *s,
                   struct http_answer *ret)
{
    long status = 0;
    char *url = NULL;

    memset(ret, 0, sizeof(*ret));
    c->held = s;
    ret->user = s->user;
    ret->handle = s;
    (void)c->curl.easy_getinfo(s->easy, CURLINFO_RESPONSE_CODE, &status);
    (void)c->curl.easy_getinfo(s->easy, CURLINFO_EFFECTIVE_URL, &url);
    ret->reached = s->sent;
    ret->body = buf_slice(&s->body);
    if (s->result == CURLE_OK) {
        ret->status = (int)status;
        return;
    }
    (void)err_set(&ret->err, code_of(s),
                  "could not get an answer from \"%s\": %s",
                  url != NULL ? url : "",
                  s->too_large        ? "it is larger than allowed"
                  : s->why[0] != '\0' ? s->why
                                      : c->curl.easy_strerror(s->result));
}

/* One wait and what it brought; false when a signal ended the wait. */
static bool step(struct http_client *c, int64_t until_us)
{
    struct epoll_event events[128];
    int64_t now = clock_mono_us();
    int64_t wake =
        c->timer_us >= 0 && c->timer_us < until_us ? c->timer_us : until_us;
    int64_t wait_ms = wake > now ? (wake - now + 999) / 1000 : 0;
    int running = 0;
    int n = epoll_wait(c->epoll, events, (int)ARRAY_LEN(events),
                       wait_ms > 60000 ? 60000 : (int)wait_ms);
    bool interrupted = n < 0 && errno == EINTR;

    for (int i = 0; i < n; i++) {
        uint32_t got = events[i].events;
        int what = ((got & EPOLLIN) != 0 ? CURL_CSELECT_IN : 0) |
                   ((got & EPOLLOUT) != 0 ? CURL_CSELECT_OUT : 0) |
                   ((got & (EPOLLERR | EPOLLHUP)) != 0 ? CURL_CSELECT_ERR : 0);

        (void)c->curl.multi_socket_action(c->multi, events[i].data.fd, what,
                                          &running);
    }
    if (c->timer_us >= 0 && clock_mono_us() >= c->timer_us) {
        c->timer_us = -1;
        (void)c->curl.multi_socket_action(c->multi, CURL_SOCKET_TIMEOUT, 0,
                                          &running);
    }
    collect(c);
    return !interrupted;
}

int http_client_wait(struct http_client *c, int64_t wait_us,
                     struct http_answer *ret, bool *ret_any, struct err *e)
{
    int64_t until = clock_mono_us() + wait_us;

    (void)e; /* what goes wrong goes wrong with a request */
    if (c->plain != NULL) {
        http_plain_wait(c->plain, wait_us, ret, ret_any);
        return 0;
    }
    give_back(c);
    while (c->done == NULL && c->busy > 0) {
        if (!step(c, until) || clock_mono_us() >= until) {
            break;
        }
    }
    *ret_any = c->done != NULL;
    if (c->done != NULL) {
        struct slot *s = c->done;

        c->done = s->next;
        report(c, s, ret);
    }
    return 0;
}

int http_client_do(struct http_client *c, const struct http_request *r,
                   struct http_answer *ret, struct err *e)
{
    struct http_answer a;
    bool any = false;

    assert(http_client_busy(c) == 0);
    if (http_client_start(c, r, e) != 0) {
        return -1;
    }
    while (!any) {
        if (http_client_wait(c, c->timeout_us, &a, &any, e) != 0) {
            return -1;
        }
    }
    if (a.status == 0) {
        if (e != NULL) {
            *e = a.err;
        }
        return -1;
    }
    *ret = a;
    return 0;
}

bool http_answer_header(const struct http_answer *a, const char *name,
                        struct slice *ret)
{
    const struct slot *s = a->handle;
    struct curl_header *h = NULL;

    if (a->head.len > 0) {
        return http_head_find(a->head, name, ret);
    }
    if (s->curl->easy_header(s->easy, name, 0, CURLH_HEADER, -1, &h) !=
        CURLHE_OK) {
        return false;
    }
    *ret = slice_of(h->value);
    return true;
}

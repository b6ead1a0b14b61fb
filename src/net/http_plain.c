#include "net/http_plain.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/mem.h"
#include "net/http_head.h"

enum {
    ADDRESSES_MAX = 4,
    READ_BYTES = 4096,
    READ_MORE_BYTES = 65536, /* of an answer whose head has come */
    EVENTS = 128,
    SCAN_US = 50000 /* how often time-outs are looked for */
};

enum state {
    CLOSED,
    IDLE,
    CONNECTING,
    SENDING,
    READING,
    DONE
};

struct conn {
    int fd;
    enum state state;
    size_t address; /* tried now */
    struct buf out; /* request line and headers */
    struct slice body;
    size_t sent;
    struct buf in;
    struct buf text; /* of a chunked body */
    bool reached;
    bool head_only; /* the answer to HEAD has no body */
    int64_t connect_by_us, due_us;
    struct http_head head;
    struct http_answer answer;
    struct conn *next;
};

struct http_plain {
    int epoll;
    struct sockaddr_storage address[ADDRESSES_MAX];
    socklen_t address_len[ADDRESSES_MAX];
    size_t naddresses;
    char base[512];      /* "http://host:port" */
    char authority[300]; /* for the Host header */
    size_t prefix;       /* bytes of conf->base's scheme and authority */
    struct conn *conns;
    size_t nconns, busy;
    struct conn *free, *done, *held;
    int64_t connect_us, timeout_us, scan_us;
};

static int look_up(struct http_plain *p, const struct url *u, struct err *e)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *list = NULL;
    char host[256];
    char port[8];
    int rc;

    (void)snprintf(host, sizeof(host), "%.*s", SLICE_FMT(u->host));
    (void)snprintf(port, sizeof(port), "%u", (unsigned)url_port(u));
    rc = getaddrinfo(host, port, &hints, &list);
    if (rc != 0) {
        return err_set(e, ERR_CONNECT, "could not find host \"%s\": %s", host,
                       gai_strerror(rc));
    }
    for (struct addrinfo *a = list; a != NULL; a = a->ai_next) {
        if (p->naddresses < ADDRESSES_MAX &&
            a->ai_addrlen <= sizeof(p->address[0])) {
            memcpy(&p->address[p->naddresses], a->ai_addr, a->ai_addrlen);
            p->address_len[p->naddresses++] = a->ai_addrlen;
        }
    }
    freeaddrinfo(list);
    return 0;
}

int http_plain_new(struct http_plain **ret, const struct http_client_conf *conf,
                   struct err *e)
{
    size_t answer_max =
        conf->answer_max > 0 ? conf->answer_max : (size_t)8 << 20;
    struct http_plain *p = mem_zero(1, sizeof(*p));
    struct url u;

    if (p == NULL) {
        return err_nomem(e, sizeof(*p));
    }
    p->epoll = epoll_create1(EPOLL_CLOEXEC);
    p->nconns = conf->connections > 0 ? conf->connections : 1;
    p->conns = mem_zero(p->nconns, sizeof(*p->conns));
    if (p->conns == NULL || p->epoll < 0) {
        (void)err_nomem(e, p->nconns * sizeof(*p->conns));
        goto fail;
    }
    for (size_t i = 0; i < p->nconns; i++) {
        struct conn *c = &p->conns[i];

        c->fd = -1;
        buf_init(&c->out, HTTP_HEAD_MAX + URL_MAX);
        buf_init(&c->in, HTTP_HEAD_MAX + answer_max + READ_MORE_BYTES);
        buf_init(&c->text, answer_max);
        c->next = p->free;
        p->free = c;
    }
    p->connect_us =
        conf->connect_timeout_us > 0 ? conf->connect_timeout_us : 10000000;
    p->timeout_us = conf->timeout_us > 0 ? conf->timeout_us : 30000000;
    if (url_parse(&u, slice_of(conf->base), e) != 0 || look_up(p, &u, e) != 0) {
        goto fail;
    }
    p->prefix = (size_t)(u.path.ptr - conf->base);
    (void)snprintf(p->base, sizeof(p->base), "%.*s", (int)p->prefix,
                   conf->base);
    (void)snprintf(p->authority, sizeof(p->authority), "%s",
                   p->base + strlen("http://"));
    *ret = p;
    return 0;
fail:
    http_plain_free(p);
    return -1;
}

static void hang_up(struct conn *c)
{
    if (c->fd >= 0) {
        (void)close(c->fd); /* leaves the epoll set by itself */
        c->fd = -1;
    }
    c->state = CLOSED;
}

void http_plain_free(struct http_plain *p)
{
    if (p == NULL) {
        return;
    }
    for (size_t i = 0; p->conns != NULL && i < p->nconns; i++) {
        hang_up(&p->conns[i]);
        buf_release(&p->conns[i].out);
        buf_release(&p->conns[i].in);
        buf_release(&p->conns[i].text);
    }
    mem_free(p->conns);
    if (p->epoll >= 0) {
        (void)close(p->epoll);
    }
    mem_free(p);
}

size_t http_plain_busy(const struct http_plain *p)
{
    return p->busy;
}

static void finish(struct http_plain *p, struct conn *c)
{
    c->answer.reached = c->reached;
    c->next = p->done;
    p->done = c;
    p->busy--;
}

static void fail(struct http_plain *p, struct conn *c, enum err_code code,
                 const char *why)
{
    hang_up(c);
    (void)err_set(&c->answer.err, code,
                  "could not get an answer from \"%s\": %s", p->base, why);
    finish(p, c);
}

/* Connect to the address tried now; false when none is left. */
static bool connect_next(struct http_plain *p, struct conn *c)
{
    for (; c->address < p->naddresses; c->address++) {
        const struct sockaddr_storage *a = &p->address[c->address];
        struct epoll_event event = {
            .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
            .data.ptr = c,
        };
        int on = 1;

        c->fd = socket(a->ss_family, SOCK_STREAM, 0);
        if (c->fd < 0) {
            continue;
        }
        (void)fcntl(c->fd, F_SETFD, FD_CLOEXEC);
        (void)fcntl(c->fd, F_SETFL, O_NONBLOCK);
        (void)setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
        if (epoll_ctl(p->epoll, EPOLL_CTL_ADD, c->fd, &event) == 0 &&
            (connect(c->fd, (const struct sockaddr *)a,
                     p->address_len[c->address]) == 0 ||
             errno == EINPROGRESS)) {
            c->state = CONNECTING;
            return true;
        }
        hang_up(c);
    }
    return false;
}

static void send_more(struct http_plain *p, struct conn *c)
{
    size_t total = c->out.len + c->body.len;

    c->state = SENDING;
    while (c->sent < total) {
        struct iovec io[2];
        struct msghdr m = {.msg_iov = io};
        size_t skip = c->sent > c->out.len ? c->sent - c->out.len : 0;
        ssize_t n;

        if (c->sent < c->out.len) {
            io[m.msg_iovlen++] =
                (struct iovec){c->out.ptr + c->sent, c->out.len - c->sent};
        }
        if (skip < c->body.len) {
            /* iovec has no const, sendmsg() only reads */
            union {
                const char *from;
                void *base;
            } body = {c->body.ptr + skip};

            io[m.msg_iovlen++] = (struct iovec){body.base, c->body.len - skip};
        }
        n = sendmsg(c->fd, &m, MSG_NOSIGNAL);
        if (n < 0) {
            if (errno != EAGAIN && errno != EINTR) {
                fail(p, c, ERR_CONNECT, strerror(errno));
            }
            return;
        }
        c->reached = true;
        c->sent += (size_t)n;
    }
    c->state = READING;
}

static void connected(struct http_plain *p, struct conn *c)
{
    socklen_t size = sizeof(int);
    int fault = 0;

    (void)getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &fault, &size);
    if (fault == 0) {
        send_more(p, c);
        return;
    }
    hang_up(c);
    c->address++;
    if (!connect_next(p, c)) {
        fail(p, c, ERR_CONNECT, strerror(fault));
    }
}

/* The body of the answer, when it is whole: 1; 0 more, -1. */
static int take_body(struct conn *c, bool ended, size_t *ret_used,
                     struct err *e)
{
    struct slice rest = slice_from(buf_slice(&c->in), c->head.len);

    *ret_used = rest.len;
    if (c->head_only || c->head.status == 204 || c->head.status == 304) {
        *ret_used = 0;
        c->answer.body = (struct slice){rest.ptr, 0};
        return 1;
    }
    if (c->head.chunked) {
        int rc = http_head_unchunk(rest, &c->text, ret_used, e);

        c->answer.body = buf_slice(&c->text);
        return rc;
    }
    if (c->head.length < 0) {
        c->head.keep = false;
        c->answer.body = rest;
        return ended ? 1 : 0;
    }
    if ((uint64_t)c->head.length > c->text.max) {
        return err_set(e, ERR_LIMIT, "it is larger than allowed");
    }
    if (rest.len < (size_t)c->head.length) {
        return 0;
    }
    *ret_used = (size_t)c->head.length;
    c->answer.body = (struct slice){rest.ptr, *ret_used};
    return 1;
}

/* Whether what has come is the answer; false: it is over either way. */
static bool wants_more(struct http_plain *p, struct conn *c, bool ended)
{
    struct err e;
    size_t used = 0;
    int rc = 1;

    while (c->head.len == 0 && rc == 1) {
        rc = http_head_parse(buf_slice(&c->in), &c->head, &e);
        if (rc == 1 && c->head.status < 200) { /* "100 Continue" */
            size_t len = c->head.len;

            memmove(c->in.ptr, c->in.ptr + len, c->in.len - len);
            c->in.len -= len;
            c->head.len = 0;
        }
    }
    if (rc == 1) {
        rc = take_body(c, ended, &used, &e);
    }
    if (rc < 0) {
        fail(p, c, e.code == ERR_LIMIT ? ERR_LIMIT : ERR_CONNECT, e.msg);
        return false;
    }
    if (rc == 0) {
        if (ended) {
            fail(p, c, ERR_CONNECT, "the connection was closed");
        }
        return !ended;
    }
    c->answer.status = c->head.status;
    c->answer.head = (struct slice){c->in.ptr, c->head.len};
    if (ended || !c->head.keep || c->state == SENDING ||
        c->head.len + used < c->in.len) {
        hang_up(c);
    } else {
        c->state = DONE;
    }
    finish(p, c);
    return false;
}

static void read_more(struct http_plain *p, struct conn *c, bool closing)
{
    bool ended = false;

    for (;;) {
        size_t most = c->head.len > 0 ? READ_MORE_BYTES : READ_BYTES;
        struct err e;
        ssize_t n;

        if (buf_reserve(&c->in, most, &e) != 0) {
            fail(p, c, e.code,
                 e.code == ERR_LIMIT ? "it is larger than allowed" : e.msg);
            return;
        }
        n = recv(c->fd, c->in.ptr + c->in.len, most, 0);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0 && errno != EAGAIN) {
            fail(p, c, ERR_CONNECT, strerror(errno));
            return;
        }
        ended = n == 0;
        c->in.len += n > 0 ? (size_t)n : 0;
        if (n <= 0 || ((size_t)n < most && !closing)) {
            break;
        }
    }
    if (c->in.len > 0 || ended) {
        (void)wants_more(p, c, ended);
    }
}

static void handle(struct http_plain *p, struct conn *c, uint32_t events)
{
    bool closing = (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;

    if (c->state == IDLE) {
        if (closing || (events & EPOLLIN) != 0) {
            hang_up(c); /* nothing was asked: it can only be the end */
        }
        return;
    }
    if (c->state == CONNECTING && (events & (EPOLLOUT | EPOLLERR)) != 0) {
        connected(p, c);
    } else if (c->state == SENDING && (events & EPOLLOUT) != 0) {
        send_more(p, c);
    }
    if ((c->state == READING || c->state == SENDING) &&
        (closing || (events & EPOLLIN) != 0)) {
        read_more(p, c, closing);
    }
}

static void look_for_timeouts(struct http_plain *p, int64_t now)
{
    for (size_t i = 0; i < p->nconns; i++) {
        struct conn *c = &p->conns[i];

        if (c->state != CONNECTING && c->state != SENDING &&
            c->state != READING) {
            continue;
        }
        if (now >= c->due_us ||
            (c->state == CONNECTING && now >= c->connect_by_us)) {
            fail(p, c, ERR_TIMEOUT, "it took too long");
        }
    }
    p->scan_us = now + SCAN_US;
}

static void give_back(struct http_plain *p)
{
    struct conn *c = p->held;

    if (c != NULL) {
        c->state = c->state == DONE ? IDLE : c->state;
        c->next = p->free;
        p->free = c;
        p->held = NULL;
    }
}

static int put_head(struct http_plain *p, struct conn *c,
                    const struct http_request *r, struct err *e)
{
    const char *target = r->url + p->prefix;

    if (strncmp(r->url, p->base, p->prefix) != 0) {
        return err_set(e, ERR_INVALID, "\"%s\" is not at \"%s\"", r->url,
                       p->base);
    }
    buf_clear(&c->out);
    if (buf_putf(&c->out, e, "%s %s%s HTTP/1.1\r\nHost: %s\r\n", r->method,
                 *target == '/' ? "" : "/", target, p->authority) != 0) {
        return -1;
    }
    for (size_t i = 0; i < HTTP_HEADERS_MAX && r->headers[i] != NULL; i++) {
        if (buf_puts(&c->out, r->headers[i], e) != 0 ||
            buf_puts(&c->out, "\r\n", e) != 0) {
            return -1;
        }
    }
    if (r->body.len == 0 &&
        (strcmp(r->method, "GET") == 0 || strcmp(r->method, "HEAD") == 0)) {
        return buf_puts(&c->out, "\r\n", e);
    }
    return buf_putf(&c->out, e, "Content-Length: %zu\r\n\r\n", r->body.len);
}

/* Whether the far side has closed a connection that was kept. */
static bool is_gone(const struct conn *c)
{
    char byte;

    return recv(c->fd, &byte, 1, MSG_PEEK) >= 0 || errno != EAGAIN;
}

int http_plain_start(struct http_plain *p, const struct http_request *r,
                     struct err *e)
{
    int64_t now = clock_mono_us();
    struct conn *c;

    give_back(p);
    c = p->free;
    if (c == NULL) {
        return err_set(e, ERR_BUSY, "all %zu connections are in use",
                       p->nconns);
    }
    if (put_head(p, c, r, e) != 0) {
        return -1;
    }
    p->free = c->next;
    p->busy++;
    c->body = r->body;
    c->sent = 0;
    c->address = 0;
    c->reached = false;
    c->head_only = strcmp(r->method, "HEAD") == 0;
    c->head.len = 0;
    buf_clear(&c->in);
    memset(&c->answer, 0, sizeof(c->answer));
    c->answer.user = r->user;
    c->connect_by_us = now + p->connect_us;
    c->due_us = now + p->timeout_us;
    if (c->state == IDLE && is_gone(c)) {
        hang_up(c);
    }
    if (c->state == IDLE) {
        send_more(p, c);
    } else if (!connect_next(p, c)) {
        fail(p, c, ERR_CONNECT, strerror(errno));
    }
    return 0;
}

/* One wait and what it brought; false when a signal ended the wait. */
static bool step(struct http_plain *p, int64_t until_us)
{
    struct epoll_event events[EVENTS];
    int64_t now = clock_mono_us();
    int64_t wake = until_us < p->scan_us ? until_us : p->scan_us;
    int n = epoll_wait(p->epoll, events, EVENTS,
                       wake > now ? (int)((wake - now + 999) / 1000) : 0);
    bool interrupted = n < 0 && errno == EINTR;

    for (int i = 0; i < n; i++) {
        handle(p, events[i].data.ptr, events[i].events);
    }
    now = clock_mono_us();
    if (now >= p->scan_us) {
        look_for_timeouts(p, now);
    }
    return !interrupted;
}

void http_plain_wait(struct http_plain *p, int64_t wait_us,
                     struct http_answer *ret, bool *ret_any)
{
    int64_t until = clock_mono_us() + wait_us;

    give_back(p);
    while (p->done == NULL && p->busy > 0) {
        if (!step(p, until) || clock_mono_us() >= until) {
            break;
        }
    }
    *ret_any = p->done != NULL;
    if (p->done != NULL) {
        struct conn *c = p->done;

        p->done = c->next;
        p->held = c;
        *ret = c->answer;
    }
}

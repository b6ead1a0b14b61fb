#include "net/http_client.h"

#include <arpa/inet.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/mem.h"
#include "core/thread.h"

#include "test.h"

/* Whether clients are told their one server, and so use our own sockets. */
static bool told;

/* A server of one connection at a time that does as the path says. */
struct server {
    int fd;
    int port;
    struct thread thread;
    atomic_bool stop;
    atomic_int connections;
    atomic_int requests;
};

static void answer(int fd, const char *request)
{
    char text[512];
    const char *body = strstr(request, "\r\n\r\n") + 4;

    if (strncmp(request, "POST /echo", 10) == 0) {
        (void)snprintf(text, sizeof(text),
                       "HTTP/1.1 200 OK\r\nX-Kind: echo\r\n"
                       "Content-Length: %zu\r\n\r\n%.100s",
                       strlen(body), body);
    } else if (strncmp(request, "GET /large", 10) == 0) {
        (void)snprintf(text, sizeof(text),
                       "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n%0100d",
                       7);
    } else if (strncmp(request, "PUT /busy", 9) == 0) {
        (void)snprintf(text, sizeof(text),
                       "HTTP/1.1 429 Slow Down\r\nRetry-After: 3\r\n"
                       "Content-Length: 0\r\n\r\n");
    } else if (strncmp(request, "HEAD /object", 12) == 0) {
        (void)snprintf(text, sizeof(text),
                       "HTTP/1.1 200 OK\r\nX-Kind: head\r\n"
                       "Content-Length: 1000000\r\n\r\n");
    } else if (strncmp(request, "GET /chunked", 12) == 0) {
        (void)snprintf(text, sizeof(text),
                       "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n"
                       "Transfer-Encoding: chunked\r\n\r\n"
                       "5;x=y\r\nhello\r\n2\r\n, \r\n5\r\nworld\r\n0\r\n\r\n");
    } else if (strncmp(request, "GET /until-closed", 17) == 0) {
        (void)snprintf(text, sizeof(text), "HTTP/1.0 200 OK\r\n\r\nall of it");
    } else {
        return; /* no answer */
    }
    (void)send(fd, text, strlen(text), MSG_NOSIGNAL);
}

static bool whole(const char *request)
{
    const char *end = strstr(request, "\r\n\r\n");
    const char *length = strstr(request, "Content-Length: ");

    if (end == NULL) {
        return false;
    }
    if (length == NULL) {
        return true;
    }
    return strlen(end + 4) >= (size_t)(length[16] - '0');
}

static void talk(struct server *s, int fd)
{
    char request[4096];
    size_t n = 0;

    for (;;) {
        ssize_t got = recv(fd, request + n, sizeof(request) - 1 - n, 0);

        if (got <= 0) {
            return;
        }
        n += (size_t)got;
        request[n] = '\0';
        if (whole(request)) {
            (void)atomic_fetch_add(&s->requests, 1);
            if (strncmp(request, "POST /drop", 10) == 0) {
                return;
            }
            answer(fd, request);
            if (strncmp(request, "GET /until-closed", 17) == 0) {
                return;
            }
            n = 0;
        }
    }
}

static void serve(void *arg)
{
    struct server *s = arg;

    while (!atomic_load(&s->stop)) {
        int fd = accept(s->fd, NULL, NULL);

        if (fd < 0) {
            break;
        }
        (void)atomic_fetch_add(&s->connections, 1);
        if (!atomic_load(&s->stop)) {
            talk(s, fd);
        }
        (void)close(fd);
    }
}

static void start(struct server *s)
{
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(at);
    struct err e;

    memset(s, 0, sizeof(*s));
    s->fd = socket(AF_INET, SOCK_STREAM, 0);
    CHECK(bind(s->fd, (struct sockaddr *)&at, size) == 0);
    CHECK(listen(s->fd, 8) == 0);
    CHECK(getsockname(s->fd, (struct sockaddr *)&at, &size) == 0);
    s->port = ntohs(at.sin_port);
    CHECK_OK(thread_start(&s->thread, "server", serve, s, &e), &e);
}

static void stop(struct server *s)
{
    atomic_store(&s->stop, true);
    (void)shutdown(s->fd, SHUT_RDWR);
    thread_join(&s->thread);
    (void)close(s->fd);
}

static struct http_request request(const struct server *s, char url[64],
                                   const char *method, const char *path)
{
    (void)snprintf(url, 64, "http://127.0.0.1:%d%s", s->port, path);
    return (struct http_request){.method = method, .url = url};
}

static struct http_client *client(const struct server *s,
                                  struct http_client_conf conf)
{
    struct http_client *c = NULL;
    char base[64];
    struct err e;

    (void)snprintf(base, sizeof(base), "http://127.0.0.1:%d", s->port);
    conf.base = told ? base : NULL;
    CHECK_OK(http_client_new(&c, &conf, &e), &e);
    return c;
}

static void answers_come_back_on_one_connection(void)
{
    struct http_client_conf conf = {.connections = 1};
    struct http_client *c;
    struct server s;
    char url[64];
    struct err e;

    start(&s);
    c = client(&s, conf);
    for (int i = 0; i < 5; i++) {
        struct http_request r = request(&s, url, "POST", "/echo");
        struct http_answer a;
        struct slice kind;

        r.body = SLICE("hello");
        r.headers[0] = "Content-Type: text/plain";
        r.user = &s;
        CHECK_OK(http_client_do(c, &r, &a, &e), &e);
        CHECK_INT(a.status, 200);
        CHECK_TEXT(a.body, "hello");
        CHECK(a.user == &s);
        CHECK(http_answer_header(&a, "x-kind", &kind));
        CHECK_TEXT(kind, "echo");
        CHECK(!http_answer_header(&a, "x-none", &kind));
    }
    CHECK_INT(atomic_load(&s.connections), 1);
    http_client_free(c);
    stop(&s);
}

static void any_status_is_an_answer(void)
{
    struct http_client_conf conf = {.connections = 1};
    struct http_client *c;
    struct http_answer a;
    struct slice wait;
    struct server s;
    char url[64];
    struct err e;
    struct http_request r;

    start(&s);
    c = client(&s, conf);
    r = request(&s, url, "PUT", "/busy");
    CHECK_OK(http_client_do(c, &r, &a, &e), &e);
    CHECK_INT(a.status, 429);
    CHECK(http_answer_header(&a, "Retry-After", &wait));
    CHECK_TEXT(wait, "3");
    http_client_free(c);
    stop(&s);
}

static void bodies_end_in_three_ways(void)
{
    struct slice length;
    struct http_client_conf conf = {.connections = 1};
    struct http_client *c;
    struct http_answer a;
    struct server s;
    char url[64];
    struct err e;
    struct http_request r;

    start(&s);
    c = client(&s, conf);
    r = request(&s, url, "GET", "/chunked");
    CHECK_OK(http_client_do(c, &r, &a, &e), &e);
    CHECK_INT(a.status, 200);
    CHECK_TEXT(a.body, "hello, world");
    r = request(&s, url, "GET", "/until-closed");
    CHECK_OK(http_client_do(c, &r, &a, &e), &e);
    CHECK_TEXT(a.body, "all of it");
    r = request(&s, url, "HEAD", "/object");
    CHECK_OK(http_client_do(c, &r, &a, &e), &e);
    CHECK_INT(a.status, 200);
    CHECK_TEXT(a.body, "");
    CHECK(http_answer_header(&a, "content-length", &length));
    CHECK_TEXT(length, "1000000");
    r = request(&s, url, "PUT", "/busy");
    CHECK_OK(http_client_do(c, &r, &a, &e), &e);
    CHECK_TEXT(a.body, "");
    http_client_free(c);
    stop(&s);
}

static void limits_end_a_request(void)
{
    struct http_client_conf conf = {
        .connections = 1, .timeout_us = 60000000, .answer_max = 99};
    struct http_client *c;
    struct http_answer a = {.status = -1};
    int64_t before;
    struct server s;
    char url[64];
    struct err e;
    struct http_request r;

    start(&s);
    c = client(&s, conf);
    r = request(&s, url, "GET", "/large");
    CHECK(http_client_do(c, &r, &a, &e) != 0 && e.code == ERR_LIMIT);
    CHECK(a.status == -1);
    http_client_free(c);
    conf.timeout_us = 200000;
    c = client(&s, conf);
    r = request(&s, url, "GET", "/never");
    before = clock_mono_us();
    CHECK(http_client_do(c, &r, &a, &e) != 0 && e.code == ERR_TIMEOUT);
    CHECK(clock_mono_us() - before < 3000000);
    http_client_free(c);
    stop(&s);
}

static void a_lost_answer_is_told_from_a_request_not_sent(void)
{
    struct http_client_conf conf = {.connections = 2};
    struct http_client *c;
    struct http_answer a;
    struct server s;
    char url[64];
    bool any = false;
    struct err e;
    struct http_request r;

    start(&s);
    c = client(&s, conf);
    r = request(&s, url, "POST", "/drop");
    r.body = SLICE("x");
    CHECK_OK(http_client_start(c, &r, &e), &e);
    while (!any) {
        CHECK_OK(http_client_wait(c, 100000, &a, &any, &e), &e);
    }
    CHECK(a.status == 0 && a.reached && a.err.code == ERR_CONNECT);
    stop(&s);
    CHECK_OK(http_client_start(c, &r, &e), &e);
    any = false;
    while (!any) {
        CHECK_OK(http_client_wait(c, 100000, &a, &any, &e), &e);
    }
    CHECK(a.status == 0 && !a.reached && a.err.code == ERR_CONNECT);
    http_client_free(c);
}

static void there_are_no_more_requests_than_connections(void)
{
    struct http_client_conf conf = {.connections = 2, .timeout_us = 100000};
    struct http_client *c;
    struct server s;
    char url[64];
    struct err e;
    struct http_request r;

    start(&s);
    c = client(&s, conf);
    r = request(&s, url, "GET", "/never");
    CHECK_OK(http_client_start(c, &r, &e), &e);
    CHECK_OK(http_client_start(c, &r, &e), &e);
    CHECK(http_client_start(c, &r, &e) != 0 && e.code == ERR_BUSY);
    CHECK_INT(http_client_busy(c), 2);
    http_client_free(c); /* gives up what is under way */
    stop(&s);
}

static void a_failed_allocation_leaves_nothing_behind(void)
{
    struct http_client_conf conf = {.connections = 3};
    unsigned n = 0;
    int rc = -1;

    conf.base = told ? "http://127.0.0.1:1" : NULL;
    while (rc != 0 && n < 100) {
        struct http_client *c = NULL;
        struct err e = {0};

        mem_fail_after(++n);
        rc = http_client_new(&c, &conf, &e);
        mem_fail_after(0);
        CHECK(rc == 0 || (e.code == ERR_NOMEM && c == NULL));
        http_client_free(c);
    }
    CHECK(rc == 0);
}

static void all(void)
{
    static void (*const every[])(void) = {
        answers_come_back_on_one_connection,
        any_status_is_an_answer,
        bodies_end_in_three_ways,
        limits_end_a_request,
        a_lost_answer_is_told_from_a_request_not_sent,
        there_are_no_more_requests_than_connections,
        a_failed_allocation_leaves_nothing_behind,
    };

    told = true;
    for (size_t i = 0; i < ARRAY_LEN(every); i++) {
        every[i]();
    }
    told = false;
}

static const struct test tests[] = {
    {"answers come back on one connection",
     answers_come_back_on_one_connection},
    {"any status is an answer", any_status_is_an_answer},
    {"bodies end in three ways", bodies_end_in_three_ways},
    {"limits end a request", limits_end_a_request},
    {"a lost answer is told from a request not sent",
     a_lost_answer_is_told_from_a_request_not_sent},
    {"there are no more requests than connections",
     there_are_no_more_requests_than_connections},
    {"a failed allocation leaves nothing behind",
     a_failed_allocation_leaves_nothing_behind},
    {"all of it also on our own sockets", all},
};

int main(void)
{
    return test_main(tests, ARRAY_LEN(tests));
}

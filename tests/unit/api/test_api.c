#include "api/api.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/mem.h"
#include "core/thread.h"
#include "fake_broker.h"
#include "test.h"

enum {
    PATIENCE_US = 60000000, /* what is waited for comes much sooner */
    STOPS = 40
};

static const char *const loopback[] = {"127.0.0.1:0"};
static const struct api_topic topics[] = {{"pin", 1}, {"geo", 2}};
static const struct api_conf plain = {
    .listen = loopback, .n_listen = 1, .topics = topics, .n_topics = 2};

static int dial(int port)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)port)};
    struct timeval wait = {.tv_sec = 15};
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
    if (connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0) {
        (void)close(fd);
        return -1;
    }
    return fd;
}

static void say(int fd, const char *text)
{
    CHECK(send(fd, text, strlen(text), MSG_NOSIGNAL) == (ssize_t)strlen(text));
}

static void post(int fd, const char *topic, const char *body)
{
    char text[1024];

    (void)snprintf(text, sizeof(text),
                   "POST /topics/%s HTTP/1.1\r\nHost: localhost\r\n"
                   "Content-Type: application/vnd.kafka.json.v2+json\r\n"
                   "Content-Length: %zu\r\n\r\n%s",
                   topic, strlen(body), body);
    say(fd, text);
}

/* What comes until the end or until `until` was seen. */
static void hear(int fd, char *text, size_t max, const char *until)
{
    size_t n = 0;

    text[0] = '\0';
    while (n + 1 < max && (until == NULL || strstr(text, until) == NULL)) {
        ssize_t got = recv(fd, text + n, max - n - 1, 0);

        if (got <= 0) {
            break;
        }
        n += (size_t)got;
        text[n] = '\0';
    }
}

struct world {
    struct broker *b;
    struct api *a;
};

static void start(struct world *w, const struct api_conf *c)
{
    struct err e;

    w->b = fake_broker_new();
    w->a = NULL;
    CHECK_OK(api_start(&w->a, c, w->b, &e), &e);
}

static void stop(struct world *w)
{
    api_stop(w->a);
    fake_broker_free(w->b);
}

static void received_counts_what_is_stored(void)
{
    struct api_received got;
    struct world w;
    char text[2048];
    int fd;

    start(&w, &plain);
    fd = dial(api_port(w.a, 0));
    post(fd, "pin", "{\"records\":[{\"value\":1},{\"value\":2}]}");
    hear(fd, text, sizeof(text), "value_schema_id\":null}");
    post(fd, "pin",
         "{\"records\":[{\"value\":1},{\"value\":2,"
         "\"partition\":7}]}");
    hear(fd, text, sizeof(text), "value_schema_id\":null}");
    CHECK(api_received(w.a, "pin", &got));
    CHECK_INT(got.since, 3);
    CHECK_INT(got.base, 0);
    CHECK_INT(got.refused, 1);
    CHECK(!api_received(w.a, "nope", &got));
    (void)close(fd);
    stop(&w);
}

static void a_second_api_begins_at_what_is_held(void)
{
    struct api_received got;
    struct err e;
    struct world w;
    char text[2048];
    int fd;

    start(&w, &plain);
    fd = dial(api_port(w.a, 0));
    post(fd, "pin", "{\"records\":[{\"value\":1},{\"value\":2}]}");
    hear(fd, text, sizeof(text), "value_schema_id\":null}");
    (void)close(fd);
    api_stop(w.a);
    CHECK_OK(api_start(&w.a, &plain, w.b, &e), &e);
    CHECK(api_received(w.a, "pin", &got));
    CHECK_INT(got.since, 0);
    CHECK_INT(got.base, 2);
    stop(&w);
}

static void letting_go(void *arg)
{
    clock_sleep_us(300000);
    fake_let_go(arg);
}

static void stopping(void *arg)
{
    api_stop(arg);
}

static void until_held(struct broker *b)
{
    int64_t until = clock_mono_us() + PATIENCE_US;

    while (fake_broker_waiting(b) == 0 && clock_mono_us() < until) {
        clock_sleep_us(1000);
    }
    CHECK_INT(fake_broker_waiting(b), 1);
}

static void stopping_answers_what_waits(void)
{
    struct fake_conf hold = {.hold = true};
    struct thread t = {.running = false};
    struct world w;
    struct err e;
    char text[2048];
    int64_t began;
    int fd;

    start(&w, &plain);
    fake_broker_set(w.b, &hold);
    fd = dial(api_port(w.a, 0));
    post(fd, "pin", "{\"records\":[{\"value\":1}]}");
    until_held(w.b);
    CHECK_OK(thread_start(&t, "let-go", letting_go, w.b, &e), &e);
    began = clock_mono_us();
    api_stop(w.a);
    CHECK(clock_mono_us() - began < 3000000);
    hear(fd, text, sizeof(text), NULL);
    CHECK(strstr(text, "HTTP/1.1 200") == text);
    CHECK(strstr(text, "\"offset\":0") != NULL);
    thread_join(&t);
    (void)close(fd);
    fake_broker_free(w.b);
}

static void stopping_refuses_what_cannot_be_answered(void)
{
    struct fake_conf hold = {.hold = true};
    struct world w;
    char text[2048];
    int64_t began;
    int fd;

    start(&w, &plain);
    fake_broker_set(w.b, &hold);
    fd = dial(api_port(w.a, 0));
    post(fd, "pin", "{\"records\":[{\"value\":1}]}");
    until_held(w.b);
    began = clock_mono_us();
    api_stop(w.a);
    CHECK(clock_mono_us() - began < 10000000);
    hear(fd, text, sizeof(text), NULL);
    CHECK(strstr(text, "HTTP/1.1 500") == text);
    CHECK(strstr(text, "50003") != NULL);
    (void)close(fd);
    fake_broker_free(w.b); /* its late answer frees the work */
}

struct knock {
    int port;
    atomic_bool over;
};

static void knocking(void *arg)
{
    static const char get[] = "GET /topics HTTP/1.1\r\nHost: localhost\r\n\r\n";
    struct knock *k = arg;

    while (!atomic_load(&k->over)) {
        int fd = dial(k->port);

        if (fd >= 0) {
            (void)send(fd, get, sizeof(get) - 1, MSG_NOSIGNAL);
            (void)close(fd);
        }
    }
}

/* The library has a way to let nobody in, which ended the process here: once in
 * 1,600 stops. */
static void stopping_amid_those_who_come(void)
{
    for (int i = 0; i < STOPS; i++) {
        struct thread t[2] = {{.running = false}, {.running = false}};
        struct knock k = {.over = false};
        struct world w;
        struct err e;

        start(&w, &plain);
        k.port = api_port(w.a, 0);
        for (size_t j = 0; j < ARRAY_LEN(t); j++) {
            CHECK_OK(thread_start(&t[j], "knock", knocking, &k, &e), &e);
        }
        clock_sleep_us(1000 + i * 10);
        stop(&w);
        atomic_store(&k.over, true);
        for (size_t j = 0; j < ARRAY_LEN(t); j++) {
            thread_join(&t[j]);
        }
    }
}

static void stopping_lets_nobody_in(void)
{
    struct fake_conf hold = {.hold = true};
    struct thread t = {.running = false};
    struct world w;
    struct err e;
    char text[64];
    int port;
    int first;
    int late = -1;

    start(&w, &plain);
    port = api_port(w.a, 0);
    fake_broker_set(w.b, &hold);
    first = dial(port);
    post(first, "pin", "{\"records\":[{\"value\":1}]}");
    until_held(w.b);
    CHECK_OK(thread_start(&t, "stop", stopping, w.a, &e), &e);
    clock_sleep_us(100000);
    late = dial(port);
    if (late >= 0) { /* the kernel took it, nobody reads it */
        (void)send(late, "GET / HTTP/1.1\r\n\r\n", 18, MSG_NOSIGNAL);
        hear(late, text, sizeof(text), NULL);
        CHECK(text[0] == '\0');
        (void)close(late);
    }
    CHECK_INT(fake_broker_waiting(w.b), 1); /* that was told before the end */
    fake_let_go(w.b);
    thread_join(&t);
    (void)close(first);
    fake_broker_free(w.b);
}

static void a_client_that_left_is_no_harm(void)
{
    struct fake_conf late = {.delay_us = 200000};
    struct slice value = SLICE("");
    struct world w;
    int64_t until;
    int fd;

    start(&w, &plain);
    fake_broker_set(w.b, &late);
    fd = dial(api_port(w.a, 0));
    post(fd, "pin", "{\"records\":[{\"value\":1}]}");
    clock_sleep_us(50000);
    (void)close(fd);
    until = clock_mono_us() + PATIENCE_US;
    while (!fake_broker_value(w.b, "pin", 0, 0, &value) &&
           clock_mono_us() < until) {
        clock_sleep_us(1000);
    }
    CHECK_TEXT(value, "1");
    stop(&w);
}

/* shutdown(SHUT_WR) behind the request, as `nc -N` does. */
static void a_client_that_only_stops_sending_is_answered(void)
{
    struct fake_conf late = {.delay_us = 200000};
    struct world w;
    char text[2048];

    start(&w, &plain);
    fake_broker_set(w.b, &late);
    for (int after_us = 0; after_us <= 100000; after_us += 100000) {
        int fd = dial(api_port(w.a, 0));

        post(fd, "pin", "{\"records\":[{\"value\":1}]}");
        clock_sleep_us(after_us);
        CHECK_INT(shutdown(fd, SHUT_WR), 0);
        hear(fd, text, sizeof(text), NULL);
        CHECK(strstr(text, "HTTP/1.1 200") == text);
        CHECK(strstr(text, "value_schema_id\":null}") != NULL);
        (void)close(fd);
    }
    stop(&w);
}

static void drips_are_cut(void)
{
    struct api_conf c = plain;
    struct world w;
    char text[512];
    int64_t began;
    int head;
    int body;

    c.request_us = 600000;
    start(&w, &c);
    head = dial(api_port(w.a, 0));
    body = dial(api_port(w.a, 0));
    say(body, "POST /topics/pin HTTP/1.1\r\nHost: localhost\r\nContent-Type: "
              "application/vnd.kafka.json.v2+json\r\nContent-Length: 100\r\n"
              "\r\n{");
    began = clock_mono_us();
    for (int i = 0; i < 20 && clock_mono_us() - began < 4000000; i++) {
        (void)send(head, "GET / HTTP/1.1\r\nHost: localhost\r\n" + i, 1,
                   MSG_NOSIGNAL);
        (void)send(body, " ", 1, MSG_NOSIGNAL);
        clock_sleep_us(100000);
    }
    hear(head, text, sizeof(text), NULL);
    hear(body, text, sizeof(text), NULL);
    CHECK(strstr(text, "HTTP/1.1 408") == text);
    CHECK(strstr(text, "{\"error_code\":408,\"message\":") != NULL);
    CHECK(clock_mono_us() - began < 4000000);
    (void)close(head);
    (void)close(body);
    stop(&w);
}

static void idle_connections_leave_room(void)
{
    enum {
        IDLE = 300
    };
    static int idle[IDLE];
    struct world w;
    char text[2048];
    int fd;

    start(&w, &plain);
    for (int i = 0; i < IDLE; i++) {
        idle[i] = dial(api_port(w.a, 0));
        CHECK(idle[i] >= 0);
    }
    fd = dial(api_port(w.a, 0));
    post(fd, "pin", "{\"records\":[{\"value\":1}]}");
    hear(fd, text, sizeof(text), "value_schema_id\":null}");
    CHECK(strstr(text, "HTTP/1.1 200") == text);
    (void)close(fd);
    for (int i = 0; i < IDLE; i++) {
        (void)close(idle[i]);
    }
    stop(&w);
}

static void bad_settings_are_refused(void)
{
    static const char *const open[] = {"0.0.0.0:0"};
    static const char *const nowhere[] = {"127.0.0.1"};
    static const struct api_topic dots[] = {{"..", 1}};
    static const struct {
        struct api_conf conf;
        const char *words;
    } cases[] = {
        {{.listen = open, .n_listen = 1}, "others could reach it and no token"},
        {{.listen = nowhere, .n_listen = 1}, "not an address"},
        {{.listen = loopback, .n_listen = 1, .topics = dots, .n_topics = 1},
         "no topic name"},
        {{.listen = loopback, .n_listen = 1, .tls_cert = "x"}, "both"},
        {{.listen = loopback, .n_listen = 1, .tls_cert = "x", .tls_key = "y"},
         "\"x\""},
        {{.listen = loopback, .n_listen = 1, .token_file = "/nowhere/t"},
         "\"/nowhere/t\""},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct broker *b = fake_broker_new();
        struct api *a = NULL;
        struct err e = {.code = ERR_NONE};

        CHECK(api_start(&a, &cases[i].conf, b, &e) != 0);
        CHECK(a == NULL);
        if (strstr(e.msg, cases[i].words) == NULL) {
            test_fail(__FILE__, __LINE__, "words: %s", e.msg);
        }
        api_stop(a);
        fake_broker_free(b);
    }
}

static void starting_survives_any_failed_allocation(void)
{
    struct broker *b = fake_broker_new();
    unsigned n = 0;
    int rc = -1;

    while (rc != 0) {
        struct api *a = NULL;
        struct err e = {.code = ERR_NONE};

        mem_fail_after(++n);
        rc = api_start(&a, &plain, b, &e);
        mem_fail_after(0);
        CHECK(rc == 0 || e.code == ERR_NOMEM);
        api_stop(a);
    }
    CHECK(n > 3);
    fake_broker_free(b);
}

/* Any allocation of a request may fail: the client hears 4xx, 5xx or nothing,
 * and the server goes on. */
static void requests_survive_any_failed_allocation(void)
{
    struct world w;
    char text[4096];
    int good = 0;

    start(&w, &plain);
    for (unsigned n = 1; n < 80; n++) {
        int fd = dial(api_port(w.a, 0));

        mem_fail_after(n);
        post(fd, n % 2 == 0 ? "pin" : "geo",
             "{\"records\":[{\"key\":\"k\",\"value\":{\"a\":[1]}}]}");
        hear(fd, text, sizeof(text), "}");
        mem_fail_after(0);
        good += strstr(text, "HTTP/1.1 200") == text ? 1 : 0;
        (void)close(fd);
    }
    CHECK(good > 10);
    CHECK(good < 79);
    stop(&w);
}

/* More questions than the server has threads, of a broker that takes its time
 * until it is let go: what needs none of its answers is answered meanwhile. */
static void what_asks_the_broker_holds_up_nobody(void)
{
    enum {
        ASKING = 6
    };
    struct fake_conf slow = {.ask_us = PATIENCE_US};
    struct world w;
    char text[4096];
    int asking[ASKING];
    int64_t began;
    int nope;
    int fd;

    start(&w, &plain);
    fake_broker_set(w.b, &slow);
    began = clock_mono_us();
    for (int i = 0; i < ASKING; i++) {
        asking[i] = dial(api_port(w.a, 0));
        say(asking[i], "GET /topics HTTP/1.1\r\nHost: localhost\r\n\r\n");
    }
    nope = dial(api_port(w.a, 0));
    post(nope, "nope", "{\"records\":[{\"value\":1}]}");
    fd = dial(api_port(w.a, 0));
    say(fd, "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n");
    hear(fd, text, sizeof(text), "}");
    CHECK(strstr(text, "HTTP/1.1 200") == text);
    post(fd, "pin", "{\"records\":[{\"value\":1}]}");
    hear(fd, text, sizeof(text), "value_schema_id\":null}");
    CHECK(strstr(text, "\"offset\":0") != NULL);
    CHECK(clock_mono_us() - began < PATIENCE_US); /* none was answered yet */
    fake_let_go(w.b);
    (void)close(fd);
    for (int i = 0; i < ASKING; i++) {
        hear(asking[i], text, sizeof(text), "]");
        CHECK(strstr(text, "[\"geo\",\"pin\"]") != NULL ||
              strstr(text, "[\"pin\",\"geo\"]") != NULL);
        (void)close(asking[i]);
    }
    hear(nope, text, sizeof(text), "}");
    CHECK(strstr(text, "HTTP/1.1 404") == text);
    (void)close(nope);
    stop(&w);
}

int main(void)
{
    static const struct test tests[] = {
        {"received counts what is stored", received_counts_what_is_stored},
        {"a second api begins at what is held",
         a_second_api_begins_at_what_is_held},
        {"stopping answers what waits", stopping_answers_what_waits},
        {"stopping refuses what cannot be answered",
         stopping_refuses_what_cannot_be_answered},
        {"stopping lets nobody in", stopping_lets_nobody_in},
        {"stopping amid those who come", stopping_amid_those_who_come},
        {"a client that left is no harm", a_client_that_left_is_no_harm},
        {"a client that only stops sending is answered",
         a_client_that_only_stops_sending_is_answered},
        {"what asks the broker holds up nobody",
         what_asks_the_broker_holds_up_nobody},
        {"drips are cut", drips_are_cut},
        {"idle connections leave room", idle_connections_leave_room},
        {"bad settings are refused", bad_settings_are_refused},
        {"requests survive any failed allocation",
         requests_survive_any_failed_allocation},
        {"starting survives any failed allocation",
         starting_survives_any_failed_allocation},
    };

    return test_main(tests, ARRAY_LEN(tests));
}
